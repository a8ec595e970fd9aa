# SPDX-License-Identifier: MIT
# Every outcome that a peer can bring about, in the log as sixteend(8) specifies it,
# and the next peer served after each.
use strict;
use warnings;
use Sixteen;
use Socket qw(SHUT_WR);
use Test::More;
use Time::HiRes qw(time);

sub next_is_served {
    my ($daemon, $after) = @_;
    my ($status) = run($SIXTEEN, '127.0.0.1', $daemon->{port});
    is $status, 0, "after $after the next client is served";
    $daemon->wait_log(qr/ outcome=ok /);
    return;
}

my $daemon = start(config => 'log: { level = "debug"; };');

for my $count (1 .. 15) {
    my $peer = connect_to($daemon->{port});
    syswrite $peer, substr $GREETING, 0, $count;
    shutdown $peer, SHUT_WR;
    my ($reply, $end) = read_to_end($peer);
    is "$reply$end", 'eof', "end of file after $count octets: no reply, end of file";
    ok $daemon->wait_log(qr/ debug socket closed $count bytes into a 16-byte message peer=/), 'in the words of the first program';
    my $said = substr $GREETING, 0, $count;
    like $daemon->wait_log(qr/ outcome=short /), qr/ notice outcome=short peer=127\.0\.0\.1:\d+ local=\S+ octets=$count message="$said" us=\d+$/,
        'logged as short';
}
next_is_served($daemon, 'short');

close connect_to($daemon->{port});
like $daemon->wait_log(qr/ outcome=probe /), qr/ debug outcome=probe peer=\S+ local=\S+ octets=0 us=\d+$/,
    'a health check that connects and closes is a probe';
reset_connection(connect_to($daemon->{port}));
like $daemon->wait_log(qr/ outcome=probe /), qr/ debug outcome=probe peer=127\.0\.0\.1:\d+ /,
    'so is one that resets, and its address is known';
next_is_served($daemon, 'probe');

my $peer = connect_to($daemon->{port});
syswrite $peer, 'Hi th';
wait_for(sub { everything_is_read($daemon->{port}, $peer) });
reset_connection($peer);
like $daemon->wait_log(qr/ outcome=reset | outcome=probe /), qr/ notice outcome=reset peer=\S+ local=\S+ octets=5 message="Hi th" us=\d+$/,
    'a reset in the middle' ;
next_is_served($daemon, 'reset');

$peer = connect_to($daemon->{port});
syswrite $peer, "\x00\x1b'\\\xff\n0123456789";
is join(' ', read_to_end($peer)), "$REPLY eof", 'any sixteen octets are answered';
like $daemon->wait_log(qr/ outcome=ok /), qr/ message="\\u0000\\u001b'\\\\\\u00ff\\u000a0123456789" /, 'and quoted in the log';

# Messages for another kind of server are named, whatever becomes of them. The first is what OpenSSL sends.
my @meant_for_others = (
    ['tls', "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" . 'x' x 506, 'excess'],
    ['http', "GET / HTTP/1.0\r\n", 'ok'], ['http', "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 'excess'], ['http', 'HEAD ', 'short'],
    ['ssh', "SSH-2.0-OpenSSH_9.2p1\r\n", 'excess'], ['ssh', "SSH-", 'short'],
    ['proxy', "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 'excess'], ['proxy', "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 'ok'], ['proxy', "PROXY ", 'short'],
);
for my $case (@meant_for_others) {
    my ($looks, $octets, $outcome) = @$case;
    $peer = connect_to($daemon->{port});
    syswrite $peer, $octets;
    shutdown $peer, SHUT_WR;
    read_to_end($peer);
    like $daemon->wait_log(qr/ outcome=/), qr/ outcome=$outcome peer=\S+ local=\S+ octets=\d+ message=".+" us=\d+ looks=$looks$/, "$outcome, and looks like $looks";
}
is $daemon->stop, 0, 'ends';

$daemon = start(config => 'timeouts: { exchange = 0.3; };');
$peer = connect_to($daemon->{port});
my $begun = time;
is join(' ', read_to_end($peer)), ' eof', 'a silent peer is closed';
cmp_ok time - $begun, '>=', 0.25, 'not before timeouts.exchange';
like $daemon->wait_log(qr/ outcome=slow /), qr/ notice outcome=slow peer=\S+ local=\S+ octets=0 us=(?:3|[4-9]|\d\d)\d{5}$/, 'as slow';

$peer = connect_to($daemon->{port});
$begun = time;
my $drips = 0;
for my $octet (split //, $GREETING) {
    last if IO::Select->new($peer)->can_read(0.1);
    syswrite $peer, $octet;
    $drips++;
}
cmp_ok $drips, '<', 8, 'a peer that drips is cut at the absolute deadline, not later';
like $daemon->wait_log(qr/ outcome=slow /), qr/ notice outcome=slow peer=\S+ local=\S+ octets=[1-7] message="H/, 'as slow';
next_is_served($daemon, 'slow');
is $daemon->stop, 0, 'ends';

$daemon = start(config => 'strict = true;');
$peer = connect_to($daemon->{port});
syswrite $peer, 'Hi there, Server';
is join(' ', read_to_end($peer)), ' eof', 'strict: another message gets no reply';
like $daemon->wait_log(qr/ outcome=mismatch /), qr/ notice outcome=mismatch peer=\S+ local=\S+ octets=16 message="Hi there, Server" us=\d+$/,
    'and is a mismatch';
next_is_served($daemon, 'mismatch');
$peer = connect_to($daemon->{port});
syswrite $peer, "GET / HTTP/1.1\r\n";
read_to_end($peer);
like $daemon->wait_log(qr/ outcome=mismatch /), qr/ us=\d+ looks=http$/, 'one that looks like a request is named, too';
is $daemon->stop, 0, 'ends';

done_testing;
