# SPDX-License-Identifier: MIT
# sixteen --misbehave: each kind has its effect on sixteend, as its log shows, and sixteen judges
# the server's reaction.
use strict;
use warnings;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

my $daemon = start(config => "log: { level = \"debug\"; };\ntimeouts: { exchange = 0.5; };");
my $named = "Client has been assigned socket name 127.0.0.1:N\n";
my $said  = "${named}The server said 'Farewell, client'\n";

sub misbehave {
    my ($kind, @more) = @_;
    my ($status, $out, $err) = run($SIXTEEN, '--misbehave', $kind, @more, '127.0.0.1', $daemon->{port});
    $_ =~ s/127\.0\.0\.1:\d+/127.0.0.1:N/g for $out, $err;
    return "$status|$out|$err";
}
sub logged {
    my $line = $daemon->wait_log(qr/ outcome=(?:ok|excess|short|slow|reset|probe|mismatch) peer=/);
    return $line =~ / outcome=(\w+) peer=\S+ local=\S+ octets=(\d+)(?: message="(.*)")? us=/ ? "$1 $2 " . ($3 // '') : $line;
}

is misbehave('drip:0.01'), "0|$said|", 'a drip that is quick enough gets the reply';
is logged(), 'ok 16 Hi there, server', 'and is whole in the log';
my $begun = time;
# A client that the scheduler held up can send an octet after the close, and that resets the connection.
like misbehave('drip:0.2'),
    qr/\A1\|\Q$named\E\|sixteen: receive from 127\.0\.0\.1:N: (?:the server closed the connection without a reply; a limit, an access list or strict mode can be the reason|Connection reset by peer)\n\z/,
    'one that is too slow is cut off at the deadline';
cmp_ok time - $begun, '<', 2, 'and sixteen does not go on dripping';
like logged(), qr/\Aslow [23] Hi/, 'as slow';
is misbehave('short'), "0|${named}The server closed the connection without a reply\n|", 'a short message gets no reply';
is logged(), 'short 5 Hi th', 'it is short';
is misbehave('excess'), "0|$said|", 'more than the message gets the whole reply';
is logged(), 'excess 17 Hi there, server', 'it is excess';
is misbehave('silent'), "0|${named}The server closed the connection without a reply\n|", 'silence is closed';
is logged(), 'slow 0 ', 'it is slow';
is misbehave('reset'), "0|$named|", 'a reset expects nothing';
is logged(), 'reset 5 Hi th', 'it is reset';
is misbehave('half-close'), "0|$said|", 'an early end of file gets the reply';
is logged(), 'ok 16 Hi there, server', 'it is ok';
like misbehave('silent', '-W', 0.2), qr/\A1\|.*\|sixteen: receive from 127\.0\.0\.1:N: timed out after 0\.2 s with 0 of 16 octets received\n\z/s,
    'a server that has more patience than sixteen is not right';
logged();
like misbehave('short', '-c', 2, '-i', 0), qr/\A0\|(?:outcome=ok peer=\S+ local=\S+ seq=\d octets=0 us=\d+ connect=\d+ send=\d+ end=\d+ rtt=\d+ retrans=\d+\n){2}--- .*\n2 sent, 2 right, /, 'repeated';
$daemon->stop;

# A server that replies to anything.
my ($listener, $port) = listen_somewhere();
for my $kind ('short', 'silent') {
    my $server = spawn(sub {
        my $socket = $listener->accept;
        syswrite $socket, $REPLY;
        sysread $socket, my $message, 16 for 1 .. 2;
        select undef, undef, undef, 60;
    });
    my ($status, $out, $err) = run($SIXTEEN, '--misbehave', $kind, '127.0.0.1', $port);
    finish($server);
    is "$status|$err", "1|sixteen: receive from 127.0.0.1:$port: unexpected reply: no complete message was sent\n", "$kind: a reply is wrong";
}

my @wrong = (['nonsense', 'unknown kind; use drip, short, excess, silent, reset or half-close'], ['drip:', 'drip takes a number'], ['drip:x', 'drip takes a number'], ['dripping', 'drip takes']);
for my $case (@wrong) {
    my ($status, $out, $err) = run($SIXTEEN, '--misbehave', $case->[0]);
    like "$status|$out|$err", qr/\A2\|\|sixteen: --misbehave $case->[0]: $case->[1].*\n\z/, "--misbehave $case->[0]: refused";
}
done_testing;
