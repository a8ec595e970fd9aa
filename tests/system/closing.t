# SPDX-License-Identifier: MIT
# The close never loses the reply: whatever a peer sends beyond its sixteen octets,
# it reads the reply and then end of file, not a reset.
use strict;
use warnings;
use Sixteen;
use POSIX ();
use Socket qw(SHUT_WR);
use Test::More;

my $daemon = start(config => 'timeouts: { linger = 30.0; };');

sub answers {
    my ($socket, $name) = @_;
    my ($reply, $end) = read_to_end($socket);
    is "$reply, then $end", "$REPLY, then eof", $name;
    return;
}

for my $round (1 .. 20) {
    my $peer = connect_to($daemon->{port});
    syswrite $peer, "$GREETING\n";
    answers($peer, "17 octets at once, round $round");
}
like $daemon->wait_log(qr/ outcome=excess /), qr/ info outcome=excess peer=\S+ local=\S+ octets=17 message="Hi there, server" us=\d+$/,
    'they are logged as excess';

for my $round (1 .. 20) {
    my $peer = connect_to($daemon->{port});
    syswrite $peer, $GREETING;
    $daemon->wait_log(qr/ outcome=ok /);    # so the reply is sent
    syswrite $peer, "\n";
    answers($peer, "the 17th octet comes after the reply was sent, round $round");
}

for my $octets (65536, 4_000_000) {
    my $peer = connect_to($daemon->{port});
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my ($left, $ok) = ($octets, 1);
        while ($left > 0) {
            my $sent = syswrite $peer, 'x' x ($left < 65536 ? $left : 65536);
            $ok = 0, last if !defined $sent;
            $left -= $sent;
        }
        shutdown $peer, SHUT_WR;
        POSIX::_exit($ok ? 0 : 1);
    }
    waitpid $pid, 0;
    is $?, 0, "a peer sends all of $octets octets before it reads";
    answers($peer, 'and then gets the reply');
}

my $peer = connect_to($daemon->{port});
syswrite $peer, $GREETING;
shutdown $peer, SHUT_WR;
answers($peer, 'a peer that half-closes early is a normal peer');

$peer = connect_to($daemon->{port});
syswrite $peer, $GREETING;
answers($peer, 'reply and end of file come while the peer stays open');
is $daemon->stop, 0, 'and a stop waits for no more than the drain';

# Peers that never close are closed for, and don't stand in anyone's way.
$daemon = start(config => 'timeouts: { linger = 0.05; }; limits: { connections = 4; };');
my @held = map { my $p = connect_to($daemon->{port}); syswrite $p, $GREETING; $p } 1 .. 12;
answers($_, 'one of twelve that never close, with room for four') for @held;
($peer) = connect_to($daemon->{port});
syswrite $peer, $GREETING;
answers($peer, 'a quick one among them');
ok wait_for(sub { open_sockets($daemon->{pid}) == 1 }), 'after timeouts.linger only the listener is open';
is $daemon->stop, 0, 'ends';

sub open_sockets {
    my ($pid) = @_;
    return scalar grep { (readlink $_ // '') =~ /^socket:/ } glob "/proc/$pid/fd/*";
}

done_testing;
