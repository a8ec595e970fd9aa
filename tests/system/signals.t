# SPDX-License-Identifier: MIT
# SIGUSR2, which interrupts acceptors, is harmless when others send it, at any rate, and hides no
# other signal.
use strict;
use warnings;
use Sixteen;
use Test::More;

# A process that sends it to the daemon as fast as it can.
sub storm {
    my ($pid) = @_;
    return spawn(sub { 1 while kill 'USR2', $pid });
}

my $config = 'log: { level = "notice"; };';
my $daemon = start(listen => ['127.0.0.1:0', '[::1]:0'], config => $config);
my @addresses = (['127.0.0.1', $daemon->{ports}[0]], ['::1', $daemon->{ports}[1]]);
kill 'USR2', $daemon->{pid} for 1 .. 1000;
is +(run($SIXTEEN, @$_))[0], 0, 'after a thousand of them it serves' for @addresses;

my @storms = map { storm($daemon->{pid}) } 1 .. 2;
my $load = begin_load(2, @addresses);
for my $round (1 .. 10) {
    like $daemon->reload("$config # $round"), qr/ reloaded /, 'during a storm of them HUP is acted upon';
    $daemon->tell('USR1');
    ok $daemon->wait_log(qr/ listener \[::1\]/), 'and USR1';
}
my ($exchanges, @wrong) = end_load($load);
is "@wrong", '', "and none of $exchanges exchanges fails";
cmp_ok $exchanges, '>=', 20, 'which go on';
$daemon->tell('USR1');
like $daemon->wait_log(qr/ accept errors /), qr/ none=0$/, 'an interrupted accept4(2) is no error';
my $held = connect_to($daemon->{port});
syswrite $held, 'Hi there';
ok wait_for(sub { everything_is_read($daemon->{port}, $held) }), 'a peer that has begun';
$daemon->tell('TERM');
ok $daemon->wait_log(qr/ stopping$/), 'TERM is acted upon';
syswrite $held, ', server';
is join(' ', read_to_end($held)), "$REPLY eof", 'as always';
close $held;
is $daemon->wait_end, 0, 'ends';
finish($_) for @storms;

# From the moment that it is ready.
for my $round (1 .. 5) {
    $daemon = start(config => $config);
    my $storm = storm($daemon->{pid});
    is $daemon->stop, 0, 'a stop at once';
    finish($storm);
}
done_testing;
