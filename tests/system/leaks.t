# SPDX-License-Identifier: MIT
# valgrind finds no leak and no error after a thousand exchanges and a TERM.
use strict;
use warnings;
use Sixteen;
use Test::More;

plan skip_all => 'valgrind is not installed' if !have('valgrind');
plan skip_all => 'a sanitizer watches this build already'
    if is_sanitized();
plan skip_all => "valgrind cannot read what this compiler wrote: " . (split /\n/, $_)[0]
    for grep { $_ ne '' } (run('valgrind', '--quiet', $SIXTEEND, '--version'))[2];

my $report = scratch() . '/valgrind';
my $daemon = start(
    config => 'log: { level = "notice"; };',
    under  => ['valgrind', '--quiet', '--leak-check=full', '--show-leak-kinds=all',
        '--errors-for-leak-kinds=all', '--error-exitcode=99', "--log-file=$report"]);
my $right = 0;
for (1 .. 1000) {
    my $peer = connect_to($daemon->{port});
    syswrite $peer, $_ % 3 == 0 ? "$GREETING\n" : $GREETING;
    $right++ if join(' ', read_to_end($peer)) eq "$REPLY eof";
}
is $right, 1000, 'a thousand exchanges';
my $held = connect_to($daemon->{port});
is $daemon->stop, 0, 'TERM, and no leak of any kind and no error';
is read_file($report), '', 'valgrind has nothing to say';
done_testing;
