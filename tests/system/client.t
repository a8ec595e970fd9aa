# SPDX-License-Identifier: MIT
# sixteen against faulty servers: each failure with phase, address and reason.
use strict;
use warnings;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

# Run sixteen against a server of ours that does what the code says with the socket.
sub against {
    my ($serve, @options) = @_;
    my ($listener, $port) = listen_somewhere();
    my $server = spawn(sub {
        my $socket = $listener->accept;
        sysread $socket, my $message, 16;
        $serve->($socket, $message);
        sysread $socket, $message, 1 if $socket->opened;    # until the client closes
    });
    my ($status, $out, $err) = run($SIXTEEN, @options, '127.0.0.1', $port);
    finish($server);
    $err =~ s/127\.0\.0\.1:$port/SERVER/g;
    $out =~ s/127\.0\.0\.1:\d+/CLIENT/g;
    return "$status|$out|$err";
}
my $named = "Client has been assigned socket name CLIENT\n";
my $said = "${named}The server said 'Farewell, client'\n";

is against(sub { syswrite $_[0], $REPLY; shutdown $_[0], 1 }), "0|$said|", 'a right reply';
is against(sub { syswrite $_[0], $_ for split //, $REPLY; shutdown $_[0], 1 }), "0|$said|", 'octet by octet';
is against(sub { syswrite $_[0], $_[1]; shutdown $_[0], 1 }, '--message', 'sixteen octets !', '--expect', 'sixteen octets !'),
    "0|${named}The server said 'sixteen octets !'\n|", 'a message and a reply of our own';
is against(sub { syswrite $_[0], "Farewell, Client"; shutdown $_[0], 1 }),
    "1|${named}The server said 'Farewell, Client'\n|sixteen: receive from SERVER: unexpected reply 'Farewell, Client', expected 'Farewell, client'\n",
    'a reply that differs';
is against(sub { syswrite $_[0], "\e[2J\x00\xff0123456789"; shutdown $_[0], 1 }) =~ /unexpected reply (\S+), expected/ && $1,
    "'\\x1b[2J\\x00\\xff0123456789'", 'octets are quoted for the terminal';
is against(sub { shutdown $_[0], 1 }),
    "1|$named|sixteen: receive from SERVER: the server closed the connection without a reply; a limit, an access list or strict mode can be the reason\n", 'end of file at once';
for my $count (1, 5, 15) {
    is against(sub { syswrite $_[0], substr $REPLY, 0, $count; shutdown $_[0], 1 }),
        "1|$named|sixteen: receive from SERVER: the server closed the connection after $count of 16 octets\n",
        "end of file after $count octets";
}
is against(sub { syswrite $_[0], "$REPLY\n"; shutdown $_[0], 1 }),
    "1|$said|sixteen: close by SERVER: reply longer than 16 octets\n", 'a reply of 17 octets';
is against(sub { reset_connection($_[0]) }),
    "1|$named|sixteen: receive from SERVER: Connection reset by peer\n", 'a reset';
is against(sub { }, '-W', '0.2'),
    "1|$named|sixteen: receive from SERVER: timed out after 0.2 s with 0 of 16 octets received\n", 'a silent server';
is against(sub { syswrite $_[0], 'Fare' }, '-W', '0.2'),
    "1|$named|sixteen: receive from SERVER: timed out after 0.2 s with 4 of 16 octets received\n", 'half a reply and silence';
is against(sub { syswrite $_[0], $REPLY }, '-W', '0.2'),
    "0|$said|sixteen: close by SERVER: correct reply, but no end of file within 0.2 s\n",
    'a right reply without end of file is right, with a remark';

is against(sub { syswrite $_[0], $REPLY; shutdown $_[0], 1 }, '-q'), '0||', '--quiet: a right reply is reported by the status alone';
is against(sub { syswrite $_[0], 'Fare'; shutdown $_[0], 1 }, '-q'), "1||sixteen: receive from SERVER: the server closed the connection after 4 of 16 octets\n", 'and a wrong one by its reason';

# A port that this test keeps, of both families, and where nothing listens.
my ($port, @kept);
do {
    @kept = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Proto => 'tcp') or die "socket: $!";
    $port = $kept[0]->sockport;
    push @kept, IO::Socket::IP->new(LocalHost => '::1', LocalPort => $port, Proto => 'tcp', V6Only => 1) // ();
} while (@kept == 1 && $!{EADDRINUSE});
my ($status, $out, $err);
for my $host ('127.0.0.1', '[::1]', '[::ffff:127.0.0.1]') {
    ($status, $out, $err) = run($SIXTEEN, "$host:$port");
    my $shown = $host =~ s/\[::ffff:(.*)\]/$1/r;
    like "$status|$out|$err", qr/\A1\|\|sixteen: connect to \Q$shown\E:$port: Connection refused\n\z/, "nothing listens at $host";
}
($status, $out, $err) = run($SIXTEEN, 'no-such-host.invalid');
like "$status|$out|$err", qr/\A1\|\|sixteen: resolve no-such-host\.invalid port 1060: \S.*\n\z/, 'an unknown name';

# A mistake of the caller says nothing about the server.
my @mistakes = (
    [qr/127\.0\.0\.1 is not an IPv6 address, but -6 or --bind requires one/, '-6', '127.0.0.1'],
    [qr/::1 is not an IPv4 address, but -4 or --bind requires one/, '-4', '::1'],
    [qr/127\.0\.0\.1 is not an IPv6 address, but -6 or --bind requires one/, '-b', '::1', '127.0.0.1'],
    [qr/fe80::1: a link-local address needs an interface, like fe80::1%eth0; this host has .*\blo\b.*/, 'fe80::1'],
    [qr/fe80::1%nosuch: this host has no interface nosuch; it has .*\blo\b.*/, '[fe80::1%nosuch]:1060'],
    [qr/fe80::1%4294967295: this host has no interface 4294967295; it has .*\blo\b.*/, 'fe80::1%4294967295'],
    [qr/fe80::1%4294967297: this host has no interface 4294967297; it has .*\blo\b.*/, 'fe80::1%4294967297'],
    [qr/unknown service nosuch; \/etc\/services lists those of this host/, '127.0.0.1:nosuch'],
    [qr/unknown service nosuch; .*/, '-p', 'nosuch', 'no-such-host.invalid'],
);
for my $case (@mistakes) {
    my ($words, @arguments) = @$case;
    ($status, $out, $err) = run($SIXTEEN, @arguments);
    like "$status|$out|$err", qr/\A2\|\|sixteen: $words\n\z/, "@arguments: misuse";
    ($status, $out, $err) = run($SIXTEEN, '--plugin', @arguments);
    like "$status|$out|$err", qr/\A3\|SIXTEEN UNKNOWN - $words \| time=U;.*\n\|\z/, 'which is UNKNOWN to the monitoring';
}

# ---- --connect: the connection is all that is asked for, of a service that is no sixteend ----

my ($service, $service_port) = listen_somewhere();
my $service_pid = spawn(sub { my $first; while (my $socket = $service->accept) { syswrite $socket, "220 mail.example ESMTP\r\n"; $first //= $socket } });
my $there = "127.0.0.1:$service_port";
($status, $out, $err) = run($SIXTEEN, '--connect', $there);
like "$status|$out|$err", qr/\A0\|Client has been assigned socket name 127\.0\.0\.1:\d+\nConnected to \Q$there\E\n\|\z/, '--connect: a service that says something else is right';
($status, $out, $err) = run($SIXTEEN, '--connect', '-q', $there);
is "$status|$out|$err", '0||', 'quietly, too';
my $line = qr/outcome=ok peer=127\.0\.0\.1:\d+ local=\Q$there\E seq=\d octets=0 us=(\d+) connect=\g{-1} rtt=\d+ retrans=0\n/;
($status, $out, $err) = run($SIXTEEN, '--connect', '-c', 2, '-i', 0, $there);
like "$status|$out|$err", qr/\A0\|$line$line--- \Q$there\E statistics ---\n2 tried, 2 connected, 0% lost, time \d+ ms\nmin.*\np50.*\nconnect p50\/p99 = [\d.]+\/[\d.]+ ms\n\|\z/, 'a line for each connection, with its time, and a summary of connections';
($status, $out, $err) = run($SIXTEEN, '--connect', '--all', $there);
like "$status|$out|$err", qr/\A0\|$line\|\z/, 'with --all a line, too';
($status, $out, $err) = run($SIXTEEN, '--connect', '--json', $there);
like "$status|$out|$err", qr/\A0\|\{.*"outcome":"ok","right":true,"phase":"connect","error":null,"octets":0,"reply":null,.*"connect_us":([\d.]+),"send_us":null,"first_us":null,"last_us":null,"end_us":null,"us":\1[,}].*\n\{.*"sent":1,"right":1,.*\n\|\z/,
    'as JSON';
($status, $out, $err) = run($SIXTEEN, '--connect', '-P', 3, '-c', 200, $there);
like "$status|$err|$out", qr{\A0\|\|--- .*\n200 tried, 200 connected, 0% lost, time \d+ ms, [\d.]+ connected/s\n}, 'under load';
($status, $out, $err) = run($SIXTEEN, '--connect', '--rate', 500, '-c', 50, $there);
like "$status|$err|$out", qr{\A0\|\|--- .*\n50 tried, 50 connected, 0% lost, }, 'at a rate';
finish($service_pid);
close $service;
($status, $out, $err) = run($SIXTEEN, '--connect', '-c', 2, '-i', 0, '-q', $there);
is "$status|$err|" . $out =~ s/time \d+ ms/time N ms/r, "1||--- $there statistics ---\n2 tried, 0 connected, 100% lost, time N ms\nerrors: 2 refused in connect: Connection refused\n", 'and refusals are not';
{
    my $daemon = start(options => ['--verbose']);
    for my $mode ([], ['-P', 2, '-c', 20]) {
        ($status, $out, $err) = run($SIXTEEN, '--connect', '-q', @$mode, '127.0.0.1', $daemon->{port});
        is "$status|$err", '0|', "a sixteend, @$mode";
        like $daemon->wait_log(qr/ outcome=/), qr/ outcome=probe .* octets=0 /, 'which gets no octet' for 1 .. ($mode->[3] // 1);
    }
    $daemon->stop;
}

my ($full, $full_port) = full_listener();
my $begun = time;
($status, $out, $err) = run($SIXTEEN, '-W', '0.3', '127.0.0.1', $full_port);
like "$status|$out|$err", qr/\A1\|\|sixteen: connect to 127\.0\.0\.1:$full_port: timed out after 0\.3 s\n\z/, 'a handshake that never ends';
cmp_ok time - $begun, '>=', 0.3, 'and not before its time';
($status, $out, $err) = run($SIXTEEN, '--connect', '-W', '0.1', '127.0.0.1', $full_port);
like "$status|$out|$err", qr/\A1\|\|sixteen: connect to 127\.0\.0\.1:$full_port: timed out after 0\.1 s\n\z/, 'which is no connection';

SKIP: {
    my @isolated = $> == 0 ? ('unshare', '--net') : ('unshare', '--net', '--map-root-user');
    skip 'needs a network namespace', 1 if (run(@isolated, 'true'))[0] != 0;
    ($status, $out, $err) = run(@isolated, $SIXTEEN, '192.0.2.1');
    is "$status|$out|$err", "1||sixteen: connect to 192.0.2.1:1060: Network is unreachable\n", 'no route';
}
SKIP: {
    my @prefix = with_hosts("::1 two.test\n127.0.0.1 two.test\n") or skip 'needs a mount namespace', 4;
    my $daemon = start(listen => ['127.0.0.1:0']);
    ($status, $out, $err) = run(@prefix, $SIXTEEN, 'two.test', $daemon->{port});
    is $status, 0, 'a name whose first address refuses and whose second answers';
    is $err, "sixteen: connect to [::1]:$daemon->{port}: Connection refused\n", 'the failure of the first is reported';
    like $out, qr/\AClient has been assigned socket name 127\.0\.0\.1:\d+\nThe server said/, 'and the second too';
    $daemon->stop;
    ($status, $out, $err) = run(@prefix, $SIXTEEN, 'two.test', $port);
    is "$status$err",
        "1sixteen: connect to [::1]:$port: Connection refused\nsixteen: connect to 127.0.0.1:$port: Connection refused\n",
        'a name of which no address answers: each is reported';
}
SKIP: {
    my @strace = ('strace', '--follow-forks', '--output=/dev/null', '--trace=all', '--inject');
    skip 'a sanitizer cannot look for leaks while strace looks', 15 if is_sanitized();
    skip 'strace cannot trace here', 15 if (run(@strace, 'accept4:error=EPERM', 'true'))[0] != 0;
    my $daemon = start();
    my $to = "127.0.0.1:$daemon->{port}";
    for my $fault (
        ['socket:error=EMFILE:when=1+', 2, "connect to $to: Too many open files", 'no descriptor is free'],
        ['epoll_ctl:error=ENOMEM:when=3', 2, "receive from $to: Cannot allocate memory", 'the socket cannot be waited for'],
        ['sendto,?send:error=EPIPE', 1, "send to $to: Broken pipe", 'the peer closes before the message is sent'],
        ['recvfrom,?recv:error=ECONNRESET', 1, "receive from $to: Connection reset by peer", 'it resets before the reply'],
    ) {
        my ($injection, $expected, $words, $what) = @$fault;
        ($status, $out, $err) = run(@strace, $injection, $SIXTEEN, '127.0.0.1', $daemon->{port});
        is "$status|$err", "$expected|sixteen: $words\n", $what;
    }
    for my $fault (
        ['eventfd2:error=EMFILE', 'resolve 127.0.0.1', 'Too many open files', 'there is no descriptor'],
        ['timerfd_create:error=EMFILE:when=2', 'connect to 127.0.0.1', 'Too many open files', 'a load gets no descriptor', '-P', '1'],
        ['shutdown:error=ENOBUFS', 'send to 127.0.0.1', 'No buffer space available', 'the half-close fails', '--misbehave', 'half-close'],
        ['setsockopt:error=ENOBUFS', 'send to 127.0.0.1', 'No buffer space available', 'the reset cannot be asked for', '--misbehave', 'reset'],
    ) {
        my ($injection, $phase, $words, $what, @options) = @$fault;
        ($status, $out, $err) = run(@strace, $injection, $SIXTEEN, @options, '127.0.0.1', $daemon->{port});
        like "$status|$err", qr/\A[12]\|sixteen: $phase.*: $words\n\z/, $what;
    }
    ($status, $out, $err) = run(@strace, '?clone3,clone:error=EAGAIN', $SIXTEEN, 'localhost', $daemon->{port});
    is "$status|$err", "2|sixteen: resolve localhost port $daemon->{port}: Resource temporarily unavailable\n", 'no thread can be started, for a name';
    ($status, $out, $err) = run(@strace, '?clone3,clone:error=EAGAIN', $SIXTEEN, '127.0.0.1', $daemon->{port});
    is "$status|$err", '0|', 'an address needs none';
    ($status, $out, $err) = run(@strace, 'socket:error=EMFILE', $SIXTEEN, 'no-such-host.invalid');
    # glibc's resolver does not say so.
    like "$status|$err", qr/\A(?:1\|sixteen: resolve no-such-host\.invalid port 1060: Temporary failure in name resolution|2\|sixteen: resolve no-such-host\.invalid port 1060: Too many open files)\n\z/,
        'the resolver gets no descriptor';
    for my $format ([], ['--json']) {
        ($status, $out, $err) = run(@strace, 'getsockopt:error=ENOPROTOOPT', $SIXTEEN, '-c', 1, @$format, '127.0.0.1', $daemon->{port});
        like "$status|$err|$out", @$format
            ? qr/\A0\|\|.*"rtt_us":null,"retransmissions":null,"syn_retransmissions":null,"mss":null\}\n.*"retransmissions":null,"retransmissions_in":null,"syn_retransmissions":null,"syn_retransmissions_in":null,"errors"/
            : qr/\A0\|\|outcome=ok (?!.*(?:rtt|retrans)=)/, "a kernel that does not know what TCP sent again: @$format";
    }
    # strace holds up the end, too, and says so.
    my @slow = ('strace', '--follow-forks', '--output=/dev/null', '--trace-path=/etc/hosts', '--inject=?open,openat:delay_enter=2000000', $SIXTEEN);
    ($status, $out, $err) = run(@slow, '-w', 0.2, 'localhost', $daemon->{port});
    like "$status|$out|$err", qr/\A1\|\|sixteen: resolve localhost port $daemon->{port}: timed out after 0\.\d+ s\n/, '--deadline bounds a resolver that hangs';
    ($status, $out, $err) = run(@slow, '--plugin', '-w', 0.2, 'localhost', $daemon->{port});
    like "$status|$out", qr/\A2\|SIXTEEN CRITICAL - resolve localhost port $daemon->{port}: timed out after 0\.\d+ s \| time=U;;;0;10 max=U;;;0;10 lost=100%;;;0;100\n\z/, 'for a plugin, too';
    $daemon->stop;
}

# The three standard descriptors are closed: only the message goes to the server.
{
    my ($listening, $its_port) = listen_somewhere();
    my $pid = spawn(sub { exec 'sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', $SIXTEEN, '-c', 3, '-i', 0, '127.0.0.1', $its_port });
    my $received = '';
    for (1 .. 3) {
        my $socket = $listening->accept;
        sysread $socket, $received, 16, length $received;
        syswrite $socket, substr $REPLY, 0, 3;
        shutdown $socket, 1;
        $received .= (read_to_end($socket))[0] . "\n";
    }
    waitpid $pid, 0;
    is $received, "$GREETING\n" x 3, 'with closed standard descriptors, nothing but the message goes to the server';
    is $? >> 8, 1, 'and the status says how it went';
}

# Output that cannot be written, at a full disk, a limit of size, or a pipe that nobody reads.
my $file = scratch() . '/out';
my @often = ($SIXTEEN, '-c', 1000000, '-i', 0, '127.0.0.1', $port);
my $elsewhere = 'GCOV_PREFIX=' . scratch() . ' GCOV_ERROR_FILE=/dev/null';  # the counters of coverage
for my $case (
    ['"$@" >/dev/full', 'No space left on device', 'a full disk'],
    ["ulimit -f 1; $elsewhere \"\$@\" >$file", 'File too large', 'a limit of the size of files'],
    ['trap "" PIPE; { "$@"; echo $? >&2; } | true', 'Broken pipe', 'a pipe without a reader, where SIGPIPE is ignored']) {
    my ($script, $reason, $what) = @$case;
    for my $format ([], ['--json']) {
        ($status, $out, $err) = run('sh', '-c', $script, 'sh', @often, @$format);
        $status = $1 if $err =~ s/^(\d+)\n//m;
        is "$status|$err", "2|sixteen: cannot write to standard output: $reason\n", "$what ends it @$format";
    }
}
my ($quick, $quick_port) = listen_somewhere();
my $replies = spawn(sub { while (my $socket = $quick->accept) { syswrite $socket, $REPLY; shutdown $socket, 1; read_to_end($socket) } });
for my $format ([], ['--json'], ['--plugin']) {
    ($status, $out, $err) = run('sh', '-c', '"$@" >/dev/full', 'sh', $SIXTEEN, @$format, '127.0.0.1', $quick_port);
    is "$status|$err", (@$format && $format->[0] eq '--plugin' ? 3 : 2) . "|sixteen: cannot write to standard output: No space left on device\n", "so does a single exchange: @$format";
}
finish($replies);
($status, $out, $err) = run('sh', '-c', '{ "$@"; echo $? >&2; } | head -n 1', 'sh', $SIXTEEN, '-i', 0, '127.0.0.1', $port);
like "$out$err", qr/\Aoutcome=refused .*\n141\n\z/, 'a reader that has enough ends it quietly, by SIGPIPE';
done_testing;
