# SPDX-License-Identifier: MIT
# Reloads add and remove listeners while clients come to all of them: each connection that is made
# gets its reply, and a listener that stays is not touched. An address that overlaps an open one
# takes its place without a gap.
use strict;
use warnings;
use Fcntl qw(F_GETFL);
use Sixteen;
use Socket ();
use Test::More;

my $RELOADS = is_sanitized() || $ENV{QUICK} ? 10 : 40;
my $SWAPS = $RELOADS / 2 - 1;

# Addresses that are this test's own, so that their ports can be the same each time.
my @mine = map { sprintf '127.%d.%d.%d', 80 + $_, $$ >> 8 & 255, $$ & 255 } 0 .. 4;
my $port = 1060;

# Exchanges with these hosts in turn, until the pipe is closed: how many went well, and how others
# ended that were connected. Whether one can be connected is no question.
sub come_and_go {
    my ($until, $writer, @hosts) = @_;
    my ($well, @lost) = 0;
    for (my $i = 0; !IO::Select->new($until)->can_read(0); $i++) {
        my $peer = IO::Socket::IP->new(PeerHost => $hosts[$i % @hosts], PeerPort => $port, Timeout => 5);
        if (!$peer) {
            select undef, undef, undef, 0.001;
            next;
        }
        local $SIG{PIPE} = 'IGNORE';
        syswrite $peer, $GREETING;
        my $got = join ' ', read_to_end($peer);
        if ($got eq "$REPLY eof") { $well++ }
        else                      { push @lost, "'$got'" }
    }
    syswrite $writer, "$well @lost\n";
    POSIX::_exit(0);
}

sub configuration {
    return 'log: { level = "notice"; }; timeouts: { idle_worker = 0.05; }; listen = [ ' . join(', ', map { "\"$_:$port\"" } @_) . ' ];';
}

sub threads {
    my ($running) = @_;
    return scalar(() = glob "/proc/$running->{pid}/task/*");
}

my @stay = @mine[0, 1];
my @others = @mine[2 .. 4];
my $daemon = start(listen => [], config => configuration(@mine));
my $threads = threads($daemon);
SKIP: {
    skip 'a sanitizer has threads of its own', 1 if is_sanitized();
    is $threads, @mine + 2, 'an acceptor for each listener';
}
my $descriptors = () = glob "/proc/$daemon->{pid}/fd/*";
pipe my $until, my $holder or die "pipe: $!";
pipe my $reader, my $writer or die "pipe: $!";
my @clients = map { spawn(sub { close $holder; come_and_go($until, $writer, @others) }) } 1 .. 3;
close $writer;
my $load = begin_load(2, map { [$_, $port] } @stay);

# Each set of the others in turn. A reload can come while the listener that the last one removed is
# still there.
my (@refused, %seen);
for my $round (1 .. $RELOADS) {
    my $set = $round * 3 % 8;
    my @now = map { $set >> $_ & 1 ? $others[$_] : () } 0 .. 2;
    my $line = $daemon->reload(configuration(@stay, @now));
    push @refused, $line if $line !~ / reloaded /;
    $seen{$set} = 1;
    if ($round % 2) {
        ok wait_for(sub { listening() == @stay + @now }), "round $round: what is removed is closed in the end" or last;
    }
}
is_deeply \@refused, [], "$RELOADS reloads";
is keys %seen, 8, 'of every kind';
my ($exchanges, @wrong) = end_load($load);
is "@wrong", '', "not one of $exchanges exchanges fails where a listener stays";
close $holder;
my ($served, @lost) = 0;
while (my $line = <$reader>) {
    my ($well, @ends) = split ' ', $line, 2;
    $served += $well;
    push @lost, grep { /\S/ } @ends;
}
for (@clients) { waitpid $_, 0 }
is "@lost", '', "nor one of $served where listeners come and go";
cmp_ok $served, '>', 20, 'of which there are some';
like $daemon->reload(configuration(@mine)), qr/ reloaded /, 'the first configuration again';
ok wait_for(sub { threads($daemon) == $threads }), 'has as many threads';
ok wait_for(sub { $descriptors == (() = glob "/proc/$daemon->{pid}/fd/*") }), 'and descriptors';
is +(run($SIXTEEN, $_, $port))[0], 0, "and serves at $_" for @mine;
is $daemon->stop, 0, 'ends';
like $daemon->{log}, qr/ outcomes ok=${\($exchanges + $served + @mine)} /, 'and has counted each exchange';

# A socket that listens there, if it can.
sub occupy {
    my ($host, $occupied) = @_;
    return IO::Socket::IP->new(LocalHost => $host, LocalPort => $occupied, Listen => 1, ReuseAddr => 1, V6Only => 1);
}

# A port outside the range of which the kernel chooses, that nothing uses at any address.
my ($shared) = grep { occupy('0.0.0.0', $_) && occupy('::', $_) } map { 20000 + ($$ + $_) % 10000 } 0 .. 50;
my $has_ipv6 = defined occupy('::1', 0);
$port = $shared // 0;

sub served { return (run($SIXTEEN, '-W', 2, $_[0], $port))[0] == 0 }

# The listeners in its report.
sub reported {
    my ($of) = @_;
    my $from = length $of->{log};
    $of->tell('USR1');
    $of->wait_log(qr/ notice accept errors /);
    wait_for(sub { $of->take_rest; substr($of->{log}, $from) =~ /notice listener/ });
    return join ' ', sort map { s/^\Q$mine[0]\E/one/r =~ s/^\Q$mine[1]\E/two/r } substr($of->{log}, $from) =~ / listener (\S+):$port queued=/g;
}

SKIP: {
    skip 'needs IPv6', 1 if !$has_ipv6;
    skip 'needs a port that is free at every address', 1 if !defined $shared;
    # As another user than the one who opened the first sockets.
    my $user = $> == 0 ? 'daemon: { user = "nobody"; }; ' : '';
    my $narrow = $user . configuration($mine[0]);
    my $wide = $user . configuration('*');
    $daemon = start(listen => [], config => $narrow);
    chmod 0755, $daemon->{file} =~ s{/[^/]+$}{}r; # that user reads it again
    my $load = begin_load(2, [$mine[0], $port]);
    my (@refused, @unserved, @unclosed);
    for my $round (1 .. $SWAPS) {
        for ($wide, $round % 5 ? $narrow : $user . configuration(@mine[0, 2])) {
            my $line = $daemon->reload($_);
            push @refused, $line if $line !~ / reloaded /;
            if ($_ eq $wide) { push @unserved, grep { !served($_) } $mine[1], '::1' }
            # Every other time the wide one is still there when it is wanted again.
            elsif ($round % 2) { push @unclosed, $round if !wait_for(sub { !IO::Socket::IP->new(PeerHost => $mine[1], PeerPort => $port) }) }
        }
    }
    is_deeply \@refused, [], 'from one address to all and back, again and again';
    is_deeply \@unserved, [], 'all are served';
    is_deeply \@unclosed, [], 'and then no longer';
    my ($exchanges, @wrong) = end_load($load);
    is "@wrong", '', "of $exchanges exchanges meanwhile none fails";
    # A handshake that the kernel drops is tried again after a second.
    cmp_ok $load->{slowest}, '<', 0.9, sprintf 'and none waits: the slowest takes %.3f s', $load->{slowest};
    ok wait_for(sub { reported($daemon) eq 'one' }), 'the report has the one address';
    like $daemon->reload($wide), qr/ reloaded /, 'all again';
    is reported($daemon), '0.0.0.0 [::] one', 'the report has the narrow one beside them';
    ok !defined occupy($_, $port), "nothing else can listen at $_" for '0.0.0.0', '127.0.0.1', '::', '::1';
    like $daemon->reload($user . configuration(@mine[1, 2])), qr/ reloaded /, 'two other addresses';
    ok wait_for(sub { !served($mine[0]) }), 'the one that was beside them is closed with them';
    ok served($_), "$_ is served" for @mine[1, 2];

    # All or nothing.
    my $other;
    ok wait_for(sub { $other = occupy('::', $port) }), 'another process takes the port of one family';
    $load = begin_load(2, [$mine[1], $port]);
    for (1 .. $SWAPS) {
        my $line = $daemon->reload($wide);
        push @refused, $line if $line !~ / reload refused/;
    }
    is_deeply \@refused, [], 'refused while another process uses one of the families';
    like $daemon->{log}, qr/ err cannot listen at \[::\]:$port: Address already in use; another process uses it/, 'with the reason';
    ($exchanges, @wrong) = end_load($load);
    is "@wrong", '', "which not one of $exchanges exchanges notices";
    ok !defined occupy('0.0.0.0', $port), 'and the port is not shared';
    close $other;
    like $daemon->reload($wide), qr/ reloaded /, 'afterwards it is taken';
    ok served('::1'), 'and served';
    is $daemon->stop, 0, 'ends';
}

# Root without a right to give files away, as in a container: it warns, and cannot change its user
# either, since that user does not exist there.
SKIP: {
    my @prefix = qw(unshare --user --map-root-user);
    skip 'needs a user namespace', 2 if (run(@prefix, 'true'))[0] != 0;
    my $lost = launch(under => \@prefix, config => 'daemon: { user = "nobody"; };');
    is $lost->wait_end, 71, 'a user that the namespace does not have';
    like $lost->{log}, qr/ warning cannot give the listener at 127\.0\.0\.1:\d+ to daemon\.user; a reload cannot replace it with one that overlaps it: Invalid argument$/m,
        'cannot be given the listeners';
}

# One port for both families, if the kernel chooses it. It chooses even ones as long as there are
# any, and here another process, which lives as long as the daemon, has those of one family.
SKIP: {
    my @prefix = ('unshare', '--net', $> == 0 ? () : '--map-root-user');
    skip 'needs a network namespace and IPv6', 3 if !$has_ipv6 || (run(@prefix, 'true'))[0] != 0;
    my $few = 'echo "61000 61099" > /proc/sys/net/ipv4/ip_local_port_range; exec "$@"';
    my $hold = 'use IO::Socket::IP; my $daemon = $$; my @held = map { IO::Socket::IP->new(LocalHost => "::", LocalPort => 61000 + 2 * $_, Listen => 1, ReuseAddr => 1, V6Only => 1) or die } 0 .. 49; '
        . 'if (fork) { exec @ARGV } close STDERR; close STDOUT; select undef, undef, undef, 0.1 while getppid == $daemon;';
    my $one = start(under => [@prefix, 'sh', '-c', $few, 'sh', $^X, '-e', $hold], listen => ['*:0']);
    my @ports = @{ $one->{ports} };
    is scalar(@ports), 2, '*:0 is two listeners';
    is $ports[0], $ports[1], 'at one port';
    is $one->stop, 0, 'ends';
}

# Passed MPTCP sockets (ListenStream= with SocketProtocol=mptcp), with clients of both protocols.
sub mptcp {
    socket my $made, Socket::AF_INET, Socket::SOCK_STREAM, 262 or return;
    return $made;
}

SKIP: {
    my $passed = mptcp();
    skip 'the kernel has no MPTCP', 12 if !$passed;
    bind $passed, Socket::pack_sockaddr_in(0, Socket::INADDR_LOOPBACK) or die "bind: $!";
    listen $passed, 7 or die "listen: $!";
    my $at = getsockname $passed;
    my $flags = fcntl $passed, F_GETFL, 0;
    $daemon = start(listen => [], before => sub { pass_sockets($passed) }, config => 'timeouts: { exchange = 0.5; };');
    for (1 .. 3) {
        my $peer = mptcp();
        connect $peer, $at or die "connect: $!";
        syswrite $peer, $GREETING . ('x' x ($_ - 1));
        is join(' ', read_to_end($peer)), "$REPLY eof", 'MPTCP: a client that sends ' . (15 + $_) . ' octets gets the reply';
    }
    is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'and so does one of TCP';
    my $silent = mptcp();
    connect $silent, $at or die "connect: $!";
    ok $daemon->wait_log(qr/outcome=slow/), 'a silent one is cut after its time';
    is join(' ', read_to_end($silent)), ' eof', 'and gets nothing';
    $daemon->tell('USR1');
    ok $daemon->wait_log(qr/ listener 127\.0\.0\.1:$daemon->{port} queued=0 limit=7$/), 'the queue is reported';
    is $daemon->stop, 0, 'it ends';
    ok +(connect(my $queued = mptcp(), $at)), 'the socket still takes connections';
    is fcntl($passed, F_GETFL, 0), $flags, 'and is as its owner made it';
    $daemon = start(listen => [], before => sub { pass_sockets($passed) });
    syswrite $queued, $GREETING;
    is join(' ', read_to_end($queued)), "$REPLY eof", 'which the next daemon serves';
    is $daemon->stop, 0, 'it ends';
}

# How many listening sockets it has, by the inodes: proc(5).
sub listening {
    my %own = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]$/ ? ($1 => 1) : () } glob "/proc/$daemon->{pid}/fd/*";
    return scalar grep { my @field = split; @field > 9 && $field[3] eq '0A' && $own{ $field[9] } } split /\n/, read_file('/proc/net/tcp');
}
done_testing;
