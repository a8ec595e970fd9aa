# SPDX-License-Identifier: MIT
# A stop loses nothing: a peer that is connected then gets its reply, whether it has a worker, waits
# in the kernel's queue or is in the last step of its handshake.
use strict;
use warnings;
use IO::Socket::IP;
use Sixteen;
use Socket qw(AF_INET6 SOCK_STREAM IPPROTO_TCP pack_sockaddr_in pack_sockaddr_in6 inet_aton inet_pton sockaddr_family);
use Test::More;

# Exchanges one after the other until a connection is refused or the parent says stop. It
# prints how many went well, and how each other one ended that was connected.
sub load {
    my ($port, $writer) = @_;
    my ($well, @lost) = 0;
    local $SIG{TERM} = sub {
        syswrite $writer, "$well @lost\n";
        POSIX::_exit(0);
    };
    while (my $peer = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port)) {
        syswrite $peer, $GREETING;
        my ($reply, $end) = read_to_end($peer);
        if ($reply eq $REPLY && $end eq 'eof') { $well++ }
        else                                   { push @lost, "$end:" . length $reply }
    }
    kill 'TERM', $$;
    sleep 60;
}

# Return whether the port is free to listen at.
sub is_free {
    my ($port) = @_;
    return IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port, Listen => 5, ReuseAddr => 1);
}

my $stops = is_sanitized() || $ENV{QUICK} ? 10 : 50;
my ($served, @lost, %status) = 0;
for my $stop (1 .. $stops) {
    my $daemon = start(config => 'log: { level = "notice"; };');
    pipe my $reader, my $writer or die "pipe: $!";
    my @clients = map { spawn(sub { load($daemon->{port}, $writer) }) } 1 .. 8;
    close $writer;
    select undef, undef, undef, 0.02 + rand 0.05;    # any moment will do
    $status{ $daemon->stop }++;
    finish($_) for @clients;
    while (my $line = <$reader>) {
        my ($well, @ends) = split ' ', $line;
        $served += $well;
        push @lost, @ends;
    }
}
is_deeply \%status, { 0 => $stops }, "$stops stops under load";
cmp_ok $served, '>', $stops, "$served exchanges went well";
is "@lost", '', 'and none was lost';

# While it is stopped the kernel queues far more than limits.connections.
my $daemon = start(config => 'limits: { connections = 4; per_source = 0; }; log: { level = "notice"; };');
ok freeze($daemon->{pid}), 'it is stopped';
my @queued = map { connect_to($daemon->{port}) } 1 .. 300;
syswrite $_, $GREETING for @queued;
$daemon->tell('TERM');
kill 'CONT', $daemon->{pid};
is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @queued), 300, 'TERM: the queue is served first, past limits.connections too';
close $_ for @queued;
is $daemon->wait_end, 0, 'ends';

# A peer whose handshake is under way: in this mode the kernel keeps the last segment of it
# back until there is data to send with it, for at most 0.2 s.
sub connect_halfway {
    my ($port, $host) = @_;
    my $address = $host =~ /:/ ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $host)) : pack_sockaddr_in($port, inet_aton($host));
    socket my $peer, sockaddr_family($address), SOCK_STREAM, 0 or die "socket: $!";
    setsockopt $peer, IPPROTO_TCP, 12, 0 or die "TCP_QUICKACK: $!";
    connect $peer, $address or die "connect: $!";
    return $peer;
}

# The daemon gives them 0.1 s, which on a busy machine may be over before we had a turn.
for my $listen ('127.0.0.1', '[::1]') {
    my $best = 0;
    my $host = $listen =~ tr/[]//dr;
    for my $round (1 .. 20) {
        last if $best == 10;
        $daemon = start(listen => ["$listen:0"]);
        my @peers = map { connect_halfway($daemon->{port}, $host) } 1 .. 10;
        $daemon->tell('TERM');
        $daemon->wait_log(qr/No longer listening/);
        {
            local $SIG{PIPE} = 'IGNORE';
            syswrite $_, $GREETING for @peers;
        }
        my $well = grep { (read_to_end($_))[0] eq $REPLY } @peers;
        $best = $well if $well > $best;
        undef @peers;
        $daemon->wait_end;
    }
    is $best, 10, "$listen: whose handshake ends after TERM is served";
}

# No slot becomes free before the drain times out.
$daemon = start(config => 'limits: { connections = 1; }; timeouts: { drain = 0.3; exchange = 600.0; };', options => ['--verbose']);
my $holder = connect_to($daemon->{port});
$daemon->wait_log(qr/Socket connects/);
my $waiting = connect_to($daemon->{port});
syswrite $waiting, $GREETING;
$daemon->tell('TERM');
is join(' ', read_to_end($holder)), ' eof', 'after timeouts.drain a peer that still has a slot is cut';
is +(read_to_end($waiting))[1], 'reset', 'and one that still waits for a slot is reset';
is $daemon->wait_end, 0, 'with status 0';

$daemon = start(config => 'timeouts: { exchange = 600.0; };', options => ['--verbose']);
my $last = connect_to($daemon->{port});
$daemon->wait_log(qr/Socket connects/);
ok !is_free($daemon->{port}), 'while it serves, no other process can have its port';
$daemon->tell('TERM');
ok $daemon->wait_log(qr/No longer listening at 127\.0\.0\.1:$daemon->{port}$/), 'TERM: it says that it stops listening';
ok wait_for(sub { is_free($daemon->{port}) }), 'and the port is free while a connection still goes on';
syswrite $last, $GREETING;
is join(' ', read_to_end($last)), "$REPLY eof", 'which is carried to its end';
close $last;
is $daemon->wait_end, 0, 'ends';
done_testing;
