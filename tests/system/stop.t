# SPDX-License-Identifier: MIT
# TERM and INT: active connections get timeouts.drain to end; a second signal cuts them.
use strict;
use warnings;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

for my $signal (qw(TERM INT)) {
    my $daemon = start(options => ['--verbose']);
    my $peer = connect_to($daemon->{port});
    syswrite $peer, substr $GREETING, 0, 8;
    $daemon->wait_log(qr/Socket connects/);
    $daemon->tell($signal);
    $daemon->wait_log(qr/stopping/);
    ok wait_for(sub { (run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0] == 1 }), "$signal: nothing listens any more";
    syswrite $peer, substr $GREETING, 8;
    is join(' ', read_to_end($peer)), "$REPLY eof", 'but a connection that began is carried to its end';
    close $peer;
    is $daemon->wait_end, 0, 'and then the daemon ends with status 0';
}

my $daemon = start(config => 'timeouts: { drain = 0.2; exchange = 600.0; };', options => ['--verbose']);
my $peer = connect_to($daemon->{port});
syswrite $peer, 'Hi th';
$daemon->wait_log(qr/Socket connects/);
$daemon->tell('TERM');
is join(' ', read_to_end($peer)), ' eof', 'what has not ended after timeouts.drain is cut';
is $daemon->wait_end, 0, 'with status 0';
like $daemon->{log}, qr/ outcome=slow peer=\S+ local=\S+ octets=[05] /, 'and counts as slow';

$daemon = start(config => 'timeouts: { drain = 600.0; exchange = 600.0; };', options => ['--verbose']);
$peer = connect_to($daemon->{port});
$daemon->wait_log(qr/Socket connects/);
my $lingerer = connect_to($daemon->{port});
syswrite $lingerer, $GREETING;
$daemon->wait_log(qr/ outcome=ok /);
$daemon->tell('TERM');
$daemon->wait_log(qr/stopping/);
$daemon->tell('TERM');
is $daemon->wait_end, 0, 'a second TERM ends everything at once';
is join(' ', read_to_end($lingerer)), "$REPLY eof", 'a peer that had the reply keeps it';

$daemon = start(config => 'limits: { connections = 1; };', options => ['--verbose']);
my $first = connect_to($daemon->{port});
$daemon->wait_log(qr/Socket connects/);
my $second = connect_to($daemon->{port});
syswrite $second, $GREETING;
ok $daemon->wait_log(qr/warning limits\.connections reached; new connections wait in the queue; .* count=1$/), 'at limits.connections it says so';
syswrite $first, $GREETING;
is join(' ', read_to_end($first)), "$REPLY eof", 'the first is answered';
is join(' ', read_to_end($second)), "$REPLY eof", 'and then the one that waited';
is $daemon->stop, 0, 'ends';

done_testing;
