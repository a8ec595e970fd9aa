# SPDX-License-Identifier: MIT
# Two formatters accept the manual pages without a warning.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $directory = scratch();
for my $name (qw(sixteend.8 sixteen.conf.5 sixteen.1 sixteen.7)) {
    my $text = read_file("$ENV{BUILD_DIR}/man/$name");
    unlike $text, qr/\@\w+\@/, "$name: every path is put in";
    # A long prefix makes lines that cannot be broken; that is not the page's fault.
    my $page = write_file("$directory/$name", $text =~ s{/\S+(?=/sixteen\.conf|/sixteend\.pid)}{/etc}gr);
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
