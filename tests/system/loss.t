# SPDX-License-Identifier: MIT
# The network loses the segment with the reply and the FIN, and the peer has sent octets and a FIN
# that the daemon has not read yet. poll(2) then reports POLLHUP, but a close with unread octets would
# reset the connection and discard the reply. The daemon must read to end of file first, and close
# then: the kernel sends the segment again, and the peer gets the reply.
use strict;
use warnings;
use Sixteen;
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY SHUT_WR);
use Test::More;

my $PEERS  = 20;
my $ROUNDS = 3;
my $ADDRESS = '10.9.1.1';

own_network();
$ENV{PATH} .= ':/usr/sbin:/sbin';    # for tc(8), where an ordinary user's path has neither
must('ip', 'link', 'set', 'lo', 'up');
plan skip_all => 'tc(8) or the kernel has no blackhole qdisc'
    if !have('tc') || (run(qw(tc qdisc add dev lo root blackhole)))[0] != 0;
must(qw(tc qdisc del dev lo root));

my ($holder, @there) = other_network();
my ($mac, $its_mac) = ('02:00:00:00:00:01', '02:00:00:00:00:02');
must(qw(ip link add near address), $mac, qw(type veth peer name far address), $its_mac, 'netns', $holder);
must(qw(ip address add 10.9.1.254/24 dev near));
must(qw(ip link set near up));
must(@there, 'sh', '-ec', "ip address add $ADDRESS/24 dev far; ip link set lo up; ip link set far up");

# Where the replies to ARP are lost, too, an entry that grows old would stop what the peers send.
must(qw(ip neighbour replace), $ADDRESS, 'lladdr', $its_mac, qw(dev near nud permanent));
must(@there, qw(ip neighbour replace 10.9.1.254 lladdr), $mac, qw(dev far nud permanent));

my $daemon = start(under => \@there, listen => ["$ADDRESS:0"],
    config => 'timeouts: { exchange = 600.0; linger = 600.0; };', options => ['--verbose']);

# Between these two the network loses all that the daemon sends, and delivers what peers send.
sub begin_loss { return must(@there, qw(tc qdisc add dev far root blackhole)) }
sub end_loss   { return must(@there, qw(tc qdisc del dev far root)) }

sub connect_peers {
    my @peers = map { connect_to($daemon->{port}, $ADDRESS) } 1 .. $PEERS;
    setsockopt $_, IPPROTO_TCP, TCP_NODELAY, 1 for @peers;
    $daemon->wait_log(qr/Socket connects/) for @peers;
    return @peers;
}

# The daemon's ends of these connections, a text for each: the state, how many octets the peer has not
# acknowledged, how many the daemon has not read, and whether the socket is still open. A FIN counts
# as an octet: proc(5).
sub ends_of {
    my %wanted = map { $_->sockport => 1 } @_;
    my %states = ('08' => 'CLOSE_WAIT', '09' => 'LAST_ACK', '0B' => 'CLOSING');
    my @ends;
    for (split /\n/, read_file("/proc/$daemon->{pid}/net/tcp")) {
        my ($port, $state, $sent, $unread, $inode) =
            /^ *\d+: \S+ \w+:(\w+) (\w+) (\w+):(\w+) \S+ \S+ +\d+ +\d+ (\d+) / or next;
        next if !$wanted{ hex $port };
        push @ends, join ' ', $states{$state} // $state, hex $sent, hex $unread, $inode ? 'open' : 'closed';
    }
    return @ends;
}

# How often each of these texts is there.
sub tally {
    my %count;
    $count{$_}++ for @_;
    return join '; ', map { "$count{$_} x $_" } sort keys %count;
}

sub all_become {
    my ($end, $name, @peers) = @_;
    wait_for(sub { tally(ends_of(@peers)) eq "$PEERS x $end" });
    return is tally(ends_of(@peers)), "$PEERS x $end", $name;
}

# The daemon closes the sockets during the loss, and the replies arrive after it.
sub reply_survives {
    my ($state, $name, @peers) = @_;
    wait_for(sub { !grep { /open/ } ends_of(@peers) });
    is tally(ends_of(@peers)), "$PEERS x $state 17 0 closed", "$name: read to end of file and closed, with reply and FIN still to be sent again";
    is_deeply [IO::Select->new(@peers)->can_read(0)], [], 'they have not reached any peer';
    end_loss();
    is tally(map { join ', then ', read_to_end($_) } @peers), "$PEERS x $REPLY, then eof", 'every peer gets the reply and end of file';
    return;
}

# Make an exchange that takes longer than 0.1 s from the accept on. Returns its line.
sub exchange_late {
    my ($peer) = @_;
    $daemon->wait_log(qr/Socket connects/);
    select undef, undef, undef, 0.2;
    $peer->blocking(1);
    syswrite $peer, $GREETING;
    is +(read_to_end($peer))[0], $REPLY, 'a late peer gets the reply';
    return $daemon->wait_log(qr/ outcome=ok .*/);
}

for my $round (1 .. $ROUNDS) {
    # All that the peers send has arrived before the daemon replies.
    my @peers = connect_peers();
    freeze($daemon->{pid});
    begin_loss();
    for my $peer (@peers) {
        syswrite $peer, $GREETING . 'x' x 24;
        shutdown $peer, SHUT_WR;
    }
    all_become('CLOSE_WAIT 0 41 open', "round $round: the peers send 40 octets and half-close early", @peers);
    $daemon->tell('CONT');
    $daemon->wait_log(qr/ outcome=excess /) for @peers;
    reply_survives('LAST_ACK', 'octets before the reply', @peers);

    # The excess octets arrive after the reply was sent, in a segment of their own, and then the FIN.
    @peers = connect_peers();
    begin_loss();
    syswrite $_, $GREETING for @peers;
    $daemon->wait_log(qr/ outcome=ok /) for @peers;
    freeze($daemon->{pid});
    syswrite $_, 'x' x 24 for @peers;
    shutdown $_, SHUT_WR for @peers;
    all_become('CLOSING 17 25 open', 'the peers send 24 octets more after the reply, and half-close', @peers);
    $daemon->tell('CONT');
    reply_survives('CLOSING', 'octets after the reply', @peers);
    last if !Test::More->builder->is_passing;    # each failure can take a minute
}

# The network loses the daemon's half of the handshake, which the kernel sends again after a second.
begin_loss();
my $peer = IO::Socket::INET->new(PeerAddr => $ADDRESS, PeerPort => $daemon->{port}, Blocking => 0);
ok wait_for(sub { grep { /^03 / } ends_of($peer) }), 'a handshake begins';
end_loss();
my $line = exchange_late($peer);
like $line, qr/ outcome=ok .* us=\d+ retrans=[1-9]\d*$/, 'the line of a slow exchange says that segments were sent again';
$line = exchange_late(connect_to($daemon->{port}, $ADDRESS));
like $line, qr/ outcome=ok .* us=\d+$/, 'and nothing if none was';
is $daemon->stop, 0, 'ends';
done_testing;
