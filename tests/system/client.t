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

my ($listener, $port) = listen_somewhere();
close $listener;
my ($status, $out, $err) = run($SIXTEEN, '127.0.0.1', $port);
is "$status|$out|$err", "1||sixteen: connect to 127.0.0.1:$port: Connection refused\n", 'nothing listens';
($status, $out, $err) = run($SIXTEEN, '::1', $port);
is "$status|$out|$err", "1||sixteen: connect to [::1]:$port: Connection refused\n", 'over IPv6 too';
($status, $out, $err) = run($SIXTEEN, 'no-such-host.invalid');
like "$status|$out|$err", qr/\A1\|\|sixteen: resolve no-such-host\.invalid port 1060: \S.*\n\z/, 'an unknown name';
($status, $out, $err) = run($SIXTEEN, '-6', '127.0.0.1');
like "$status|$out|$err", qr/\A1\|\|sixteen: resolve 127\.0\.0\.1 port 1060 \(IPv6 only\): \S.*\n\z/, 'an address of the other family';

my ($full, $full_port) = full_listener();
my $begun = time;
($status, $out, $err) = run($SIXTEEN, '-W', '0.3', '127.0.0.1', $full_port);
is "$status|$out|$err", "1||sixteen: connect to 127.0.0.1:$full_port: timed out after 0.3 s\n", 'a handshake that never ends';
cmp_ok time - $begun, '>=', 0.3, 'and not before its time';

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
    is "$status$out$err",
        "1sixteen: connect to [::1]:$port: Connection refused\nsixteen: connect to 127.0.0.1:$port: Connection refused\n",
        'a name of which no address answers: each is reported';
}
SKIP: {
    my @strace = ('strace', '--follow-forks', '--output=/dev/null', '--trace=all', '--inject');
    skip 'a sanitizer cannot look for leaks while strace looks', 13 if is_sanitized();
    skip 'strace cannot trace here', 13 if (run(@strace, 'accept4:error=EPERM', 'true'))[0] != 0;
    my $daemon = start();
    my $to = "127.0.0.1:$daemon->{port}";
    for my $fault (
        ['socket:error=EMFILE:when=1+', 2, "connect to $to: Too many open files", 'no descriptor is free'],
        ['ppoll:error=ENOMEM', 2, "connect to $to: Cannot allocate memory", 'the handshake cannot be waited for'],
        ['getsockname:error=ENOBUFS:when=1+', 1, "connect to $to: No buffer space available", 'the socket cannot be asked its name'],
        ['sendto:error=EPIPE', 1, "send to $to: Broken pipe", 'the peer closes before the message is sent'],
        ['recvfrom:error=ECONNRESET', 1, "receive from $to: Connection reset by peer", 'it resets before the reply'],
        ['recvfrom:error=ECONNRESET:when=2', 1, "close by $to: Connection reset by peer", 'it resets after the reply'],
    ) {
        my ($injection, $expected, $words, $what) = @$fault;
        ($status, $out, $err) = run(@strace, $injection, $SIXTEEN, '127.0.0.1', $daemon->{port});
        is "$status|$err", "$expected|sixteen: $words\n", $what;
    }
    for my $fault (
        ['eventfd2:error=EMFILE', 'connect to 127.0.0.1', 'Too many open files', 'a load gets no descriptor', '-P', '1'],
        ['clone3:error=EAGAIN', 'resolve 127.0.0.1', 'Resource temporarily unavailable', 'no thread can be started'],
        ['shutdown:error=ENOBUFS', 'send to 127.0.0.1', 'No buffer space available', 'the half-close fails', '--misbehave', 'half-close'],
        ['setsockopt:error=ENOBUFS:when=2', 'send to 127.0.0.1', 'No buffer space available', 'the reset cannot be asked for', '--misbehave', 'reset'],
    ) {
        my ($injection, $phase, $words, $what, @options) = @$fault;
        ($status, $out, $err) = run(@strace, $injection, $SIXTEEN, @options, '127.0.0.1', $daemon->{port});
        like "$status|$err", qr/\A[12]\|sixteen: $phase.*: $words\n\z/, $what;
    }
    ($status, $out, $err) = run(@strace, 'socket:error=EMFILE', $SIXTEEN, 'no-such-host.invalid');
    is "$status|$err", "1|sixteen: resolve no-such-host.invalid port 1060: Temporary failure in name resolution\n", 'nor does the resolver, which does not say so';
    # strace holds up the end, too, and says so.
    my @slow = ('strace', '--follow-forks', '--output=/dev/null', '--trace-path=/etc/hosts', '--inject=openat:delay_enter=2000000', $SIXTEEN);
    ($status, $out, $err) = run(@slow, '-w', 0.2, 'localhost', $daemon->{port});
    like "$status|$out|$err", qr/\A1\|\|sixteen: resolve localhost port $daemon->{port}: timed out after 0\.2 s\n/, '--deadline bounds a resolver that hangs';
    ($status, $out, $err) = run(@slow, '--plugin', '-w', 0.2, 'localhost', $daemon->{port});
    like "$status|$out", qr/\A2\|SIXTEEN CRITICAL - resolve localhost port $daemon->{port}: timed out after 0\.2 s \| time=U;;;0;10 lost=100%;;;0;100\n\z/, 'for a plugin, too';
    $daemon->stop;
}
done_testing;
