# SPDX-License-Identifier: MIT
# The manual pages please two formatters without a word of complaint.
use strict;
use warnings;
use Sixteen;
use Test::More;

my @pages = map { "$ENV{BUILD_DIR}/man/$_" } qw(sixteend.8 sixteen.conf.5 sixteen.1 sixteen.7);
for my $page (@pages) {
    unlike read_file($page), qr/\@\w+\@/, "$page: every path is put in";
    SKIP: {
        skip 'mandoc is not installed', 1 if !have('mandoc');
        my ($status, $out, $err) = run('mandoc', '-Tlint', '-Wwarning', $page);
        is "$status$out$err", '0', 'no warning from mandoc';
    }
    SKIP: {
        skip 'groff is not installed', 1 if !have('groff') || !-e '/usr/share/groff/current/tmac/mdoc.tmac';
        my ($status, $out, $err) = run('groff', '-mdoc', '-ww', '-z', '-Tutf8', $page);
        is "$status$out$err", '0', 'no warning from groff';
    }
}
done_testing;
