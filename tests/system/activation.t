# SPDX-License-Identifier: MIT
# Sockets that a service manager holds and passes on, as in sd_listen_fds(3): here the
# manager is the test, and at the end systemd-socket-activate.
use strict;
use warnings;
use Fcntl qw(F_GETFL O_NONBLOCK);
use IO::Socket::UNIX;
use Sixteen;
use Socket qw(SOCK_DGRAM SOCK_STREAM SOL_SOCKET SO_ACCEPTCONN SOMAXCONN);
use Test::More;
use Time::HiRes qw(time);

my $RESTARTS = 20;

# A listening socket, and its port.
sub hold {
    my ($host, %more) = @_;
    my $socket = IO::Socket::IP->new(LocalHost => $host, LocalPort => 0, Listen => SOMAXCONN, %more)
        or die "listen at $host: $@";
    return ($socket, $socket->sockport);
}

# A daemon that gets these sockets.
sub activated {
    my ($sockets, %more) = @_;
    return start(listen => [], before => sub { pass_sockets(@$sockets) }, %more);
}

sub exchange {
    my ($host, $port) = @_;
    my ($status, $out, $err) = run($SIXTEEN, $host, $port);
    return "$status$err";
}

my ($four, $port4) = hold('127.0.0.1');
my ($six, $port6) = hold('::1', V6Only => 1);
my ($both, $port) = hold('::', V6Only => 0);

# An address that another process uses, so that opening it fails.
my ($taken, $taken_port) = listen_somewhere();
my $daemon = activated([$four, $six], listen => ["127.0.0.1:$taken_port"]);
is_deeply [$daemon->{log} =~ /Listening at (\S+)\n/g], ["127.0.0.1:$port4", "[::1]:$port6"], 'sockets that are passed stand in for listen';
my $differ = qr/ warning listen names 127\.0\.0\.1:$taken_port, but has no effect: the service manager passed 127\.0\.0\.1:$port4, \[::1\]:$port6; change the socket unit, or remove listen\n/;
like $daemon->{log}, $differ, 'with a warning that names both';
is exchange('127.0.0.1', $port4), '0', 'IPv4 is served';
like $daemon->wait_log(qr/ outcome=ok /), qr/ peer=127\.0\.0\.1:\d+ local=127\.0\.0\.1:$port4 /, 'as the log says';
is exchange('::1', $port6), '0', 'IPv6 too';
like $daemon->wait_log(qr/ outcome=ok /), qr/ peer=\[::1\]:\d+ local=\[::1\]:$port6 /, 'as the log says';
like $daemon->reload("listen = [ \"127.0.0.1:$taken_port\" ];\nlimits: { backlog = 7; };"), qr/ reloaded /, 'a reload leaves them alone';
is exchange('127.0.0.1', $port4), '0', 'and they serve';
is $daemon->stop, 0, 'ends';

$daemon = activated([$both], config => 'limits: { per_source = 1; };', options => ['--verbose']);
my $first = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port, LocalHost => '127.0.0.2');
$daemon->wait_log(qr/Socket connects/);
is exchange('127.0.0.1', $port), '0', 'IPv4 on a dual-stack socket is served';
like $daemon->wait_log(qr/ outcome=ok /), qr/ peer=127\.0\.0\.1:\d+ local=127\.0\.0\.1:$port /, 'and has its IPv4 address, as a source of its own';
is exchange('::1', $port), '0', 'IPv6 too';
like $daemon->wait_log(qr/ outcome=ok /), qr/ peer=\[::1\]:\d+ local=\[::1\]:$port /, 'and has its IPv6 address';
syswrite $first, $GREETING;
like $daemon->wait_log(qr/ outcome=ok /), qr/ peer=127\.0\.0\.2:\d+ /, 'another IPv4 address is another source';
close $first;
is $daemon->stop, 0, 'ends';

# A `listen` that says the same needs no warning, and so does none; another one does, at each reload.
my $dual = "*:$port";
for my $case ([$four, "127.0.0.1:$port4", 0], [$four, "localhost:$port4", 1], [$four, "127.0.0.1:0", 1], [$four, "a.example:$port4", 1],
    [$four, "127.0.0.1:$port4\", \"[::1]:$port4", 1], [$six, "[::1]:$port6", 0], [$six, "*:$port6", 1], [$both, $dual, 0], [$both, "[::]:$port", 0],
    [$both, "0.0.0.0:$port", 1]) {
    my ($socket, $listen, $differs) = @$case;
    $daemon = activated([$socket], config => "listen = [ \"$listen\" ];");
    is scalar(() = $daemon->{log} =~ / warning listen names /g), $differs, "$listen: " . ($differs ? 'another' : 'the same');
    like $daemon->reload("listen = [ \"$listen\" ]; # again"), qr/ reloaded /, 'a reload';
    is scalar(() = $daemon->{log} =~ / warning listen names /g), 2 * $differs, 'says the same';
    like $daemon->reload('strict = false;'), qr/ reloaded /, 'without listen';
    is scalar(() = $daemon->{log} =~ / warning listen names /g), 2 * $differs, 'there is nothing to say';
    is $daemon->stop, 0, 'ends';
}

# What is not a listening TCP socket.
my $directory = scratch();
my $unix = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "$directory/socket", Listen => 1) or die "$directory/socket: $!";
my $datagram = IO::Socket::IP->new(Type => SOCK_DGRAM, LocalHost => '127.0.0.1', LocalPort => 0) or die "datagram: $@";
my $connected = connect_to($taken_port);
open my $file, '<', write_file("$directory/file", 'text') or die "$directory/file: $!";
my $is_none = 'descriptor 4 of LISTEN_FDS is not a listening TCP socket; a socket unit needs ListenStream= with an IP address, and Accept=no';
for my $wrong (['a datagram socket', $datagram, $is_none], ['an AF_UNIX socket', $unix, $is_none], ['a connected socket', $connected, $is_none],
    ['a file', $file, $is_none], ['a closed descriptor', undef, 'LISTEN_FDS: descriptor 4: Bad file descriptor']) {
    my ($what, $handle, $said) = @$wrong;
    my $refused = launch(listen => [], before => sub { pass_sockets($four, $handle) });
    is $refused->wait_end, 78, "$what is refused: status 78";
    like $refused->{log}, qr/ crit \Q$said\E\n/m, 'with the reason';
}
my ($in_background, $out, $err) = run('perl', '-e', 'open STDIN, "<", "/dev/null"; require POSIX; POSIX::dup2(0, 3); $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$; exec @ARGV', $SIXTEEND, '--daemon', '--config', '/dev/null', '--listen', '127.0.0.1:0');
is $in_background, 78, 'sockets for a start into the background are refused: status 78';
$err =~ s/^sixteend: no syslog daemon reads .*\n//;    # if this host has none
is $err, "sixteend: LISTEN_FDS passes sockets, but a daemon in the background cannot take them over; use --foreground\n", 'with the reason';
for my $number ('two', '-1', '1x', '99999999999') {
    my $refused = launch(listen => [], before => sub { pass_sockets($four); $ENV{LISTEN_FDS} = $number });
    is $refused->wait_end, 78, "LISTEN_FDS=$number is refused: status 78";
    like $refused->{log}, qr/ crit LISTEN_FDS is not a number of sockets\n/m, 'with the reason';
}
for my $other ('1', '', undef) {
    my $name = defined $other ? "LISTEN_PID=$other" : 'no LISTEN_PID';
    $daemon = start(before => sub { pass_sockets($four); delete $ENV{LISTEN_PID}; $ENV{LISTEN_PID} = $other if defined $other });
    is scalar(() = $daemon->{log} =~ /Listening at/g), 1, "$name: the sockets are another's";
    isnt $daemon->{port}, $port4, 'and the daemon listens by itself';
    is $daemon->stop, 0, 'ends';
}

# The queue belongs to the socket, not to the daemon.
my @queued = map { connect_to($port4) } 1 .. 3;
syswrite $_, $GREETING for @queued;
$daemon = activated([$four]);
is join(' ', map { (read_to_end($_))[0] } @queued), join(' ', ($REPLY) x 3), 'peers that came before the daemon are served';
close $_ for @queued;
is $daemon->stop, 0, 'ends';

$daemon = activated([$four], config => 'limits: { connections = 1; }; timeouts: { exchange = 600.0; };', options => ['--verbose']);
my $held = connect_to($port4);
$daemon->wait_log(qr/Socket connects/);
@queued = map { connect_to($port4) } 1 .. 3;
syswrite $_, $GREETING for @queued;
ok $daemon->wait_log(qr/limits\.connections reached/), 'without a free slot one peer is accepted and waits';
$daemon->tell('TERM');
ok $daemon->wait_log(qr/ stopping/), 'a daemon that gets a TERM';
my $next = activated([$four]);
is join(' ', map { (read_to_end($_))[0] } @queued[1, 2]), join(' ', ($REPLY) x 2), 'leaves the queue to the next one';
syswrite $held, $GREETING;
is join(' ', read_to_end($held)), "$REPLY eof", 'and serves its active connection';
is join(' ', read_to_end($queued[0])), "$REPLY eof", 'and the one that waited';
close $_ for $held, @queued;
is $daemon->wait_end, 0, 'the first ends';
is $next->stop, 0, 'and the next';

# Whether it blocks is its owner's choice.
for my $blocking (1, 0) {
    my ($socket, $to) = hold('127.0.0.1');
    $socket->blocking($blocking);
    my $name = $blocking ? 'a blocking socket' : 'a non-blocking socket';
    my $flags = fcntl $socket, F_GETFL, 0;
    is $flags & O_NONBLOCK ? 0 : 1, $blocking, $name;
    $daemon = activated([$socket]);
    is exchange('127.0.0.1', $to), '0', 'serves' for 1 .. 3;
    is fcntl($socket, F_GETFL, 0), $flags, 'and stays what it was';
    my @early = map { connect_to($to) } 1 .. 20;
    syswrite $_, $GREETING for @early;
    is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @early), 20, 'many at once are served';
    undef @early;
    my $before = processor_time($daemon);
    my $idle_since = time;
    wait_for(sub { time - $idle_since > 0.5 });
    cmp_ok processor_time($daemon) - $before, '<', 0.1, 'without a peer it takes no processor time';
    is $daemon->stop, 0, 'ends';
    is fcntl($socket, F_GETFL, 0), $flags, 'and leaves it what it was';
    is unpack('l', getsockopt $socket, SOL_SOCKET, SO_ACCEPTCONN), 1, 'which listens still';
    my @between = map { connect_to($to) } 1 .. 3;
    syswrite $_, $GREETING for @between;
    $daemon = activated([$socket]);
    is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @between), 3, 'peers that come meanwhile are the next one\'s';
    undef @between;
    is $daemon->stop, 0, 'ends';
}

# The seconds of processor time that its threads have had.
sub processor_time {
    my ($running) = @_;
    my $ns = 0;
    $ns += (split ' ', read_file($_))[0] // 0 for glob "/proc/$running->{pid}/task/*/schedstat";
    return $ns / 1e9;
}

# Restarts, as a manager does them: the next one is started when the last one has ended.
my $load = begin_load(4, ['127.0.0.1', $port4], ['::1', $port6]);
my $accepted = 0;
my @statuses;
for (1 .. $RESTARTS) {
    $daemon = activated([$four, $six], config => 'log: { level = "notice"; };');
    my ($host, $to) = $_ % 2 ? ('127.0.0.1', $port4) : ('::1', $port6);
    exchange($host, $to) eq '0' or diag "not served by daemon $_";
    push @statuses, $daemon->stop;
    $accepted += $1 if $daemon->{log} =~ / outcomes ok=(\d+) excess=0 mismatch=0 short=0 probe=0 slow=0 reset=0 denied=0 limited=0 malformed=0 failed=0\n/;
}
$daemon = activated([$four, $six], config => 'log: { level = "notice"; };');
my ($exchanges, @wrong) = end_load($load);
push @statuses, $daemon->stop;
$accepted += $1 if $daemon->{log} =~ / outcomes ok=(\d+) /;
is_deeply \@statuses, [(0) x ($RESTARTS + 1)], "$RESTARTS restarts under load";
is "@wrong", '', 'and not one exchange failed';
cmp_ok $exchanges, '>=', $RESTARTS, "of $exchanges";
is $accepted, $exchanges + $RESTARTS, 'as the daemons counted too';

# Time runs from the accept: not from the handshake, which is long ago, nor for ever.
my $silent = connect_to($port4);
my $connected_at = time;
wait_for(sub { time - $connected_at > 0.7 });
$daemon = activated([$four], config => 'timeouts: { exchange = 0.5; };');
is join(' ', read_to_end($silent)), ' eof', 'a peer that came before the daemon and stays silent is cut';
my ($us) = $daemon->wait_log(qr/ outcome=slow /) =~ / octets=0 us=(\d+)$/;
cmp_ok $us, '>=', 500_000, 'not before timeouts.exchange';
cmp_ok $us, '<', 5_000_000, 'nor long after it';
is $daemon->stop, 0, 'ends';

SKIP: {
    skip 'systemd-socket-activate is not installed', 7 if !have('systemd-socket-activate');
    my ($activator, $free);
    # It takes no port 0: another may have this one by then, and it says so and ends.
    for (1 .. 10) {
        (my $probe, $free) = listen_somewhere();
        close $probe;
        $activator = launch(listen => [], config => 'timeouts: { exchange = 0.5; };',
            under => ['systemd-socket-activate', '--listen', "127.0.0.1:$free"]);
        last if $activator->wait_log(qr/^Listening on |^Failed to listen/) =~ /Listening/;
        $activator->wait_end;
    }
    $silent = connect_to($free);
    ok $activator->wait_log(qr/ ready, process $activator->{pid}$/), 'systemd-socket-activate starts it for the first peer';
    like $activator->{log}, qr/ notice Listening at 127\.0\.0\.1:$free\n/, 'on its socket';
    is join(' ', read_to_end($silent)), ' eof', 'which is cut if it stays silent';
    ($us) = $activator->wait_log(qr/ outcome=slow /) =~ / octets=0 us=(\d+)$/;
    cmp_ok $us, '>=', 500_000, 'not before timeouts.exchange';
    cmp_ok $us, '<', 5_000_000, 'nor long after it';
    is exchange('127.0.0.1', $free), '0', 'the next peer is served';
    is $activator->stop, 0, 'ends';
}
done_testing;
