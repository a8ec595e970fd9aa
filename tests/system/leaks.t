# SPDX-License-Identifier: MIT
# valgrind finds no leak and no error after a thousand exchanges and a TERM.
use strict;
use warnings;
use Sixteen;
use Test::More;

plan skip_all => $_ for grep { $_ ne '' } why_no_valgrind();

my $report = scratch() . '/valgrind';
my $daemon = start(
    config => 'log: { level = "notice"; };',
    under  => [valgrind($report)]);
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
