# SPDX-License-Identifier: MIT
# access.proxies: from a trusted proxy a PROXY header is mandatory and names the peer; from any
# other peer it is a message. Each malformed header has a reason in the log, and the next client is
# served.
use strict;
use warnings;
use Sixteen;
use Socket qw(AF_INET AF_INET6 IPPROTO_TCP SHUT_WR inet_pton);
use Test::More;
use Time::HiRes qw(time);

my $PROXY = '127.0.0.2';    # the trusted proxy

sub v1 { return "PROXY $_[0]\r\n" }

# Version 2: command, family and protocol, addresses, what follows them.
sub v2 {
    my ($command, $family, $block, $rest_of_it) = @_;
    my $rest = ($block // '') . ($rest_of_it // '');
    return "\r\n\r\n\0\r\nQUIT\n" . pack('CCn', 0x20 | $command, $family, length $rest) . $rest;
}

sub v2_addresses {
    my ($family, $source, $destination, @ports) = @_;
    return inet_pton($family, $source) . inet_pton($family, $destination) . pack 'nn', @ports;
}

sub connect_from {
    my ($daemon, $from) = @_;
    return connect_to($daemon->{port}, undef, $from);
}

# What comes back for these octets, and the line that the log has of it.
sub say_as {
    my ($daemon, $from, $octets, $ended) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $peer = connect_from($daemon, $from);
    syswrite $peer, $octets;
    shutdown $peer, SHUT_WR if $ended;
    my ($data) = read_to_end($peer);
    return ($data, $daemon->wait_log(qr/ (?:info|notice|debug) outcome=[a-z]+ peer=/) =~ s/^\S+ \S+ //r =~ s/ us=\d+//r);
}

my $config = "access: { deny = [ \"192.0.2.66\", \"2001:db8:66::/48\" ]; proxies = [ \"$PROXY\" ]; };\n";
my $daemon = start(config => $config, options => ['--verbose']);
my $local = "127.0.0.1:$daemon->{port}";
my $v4 = v2_addresses(AF_INET, '192.0.2.7', '192.0.2.2', 4660, 1060);
my $v6 = v2_addresses(AF_INET6, '2001:db8::7', '2001:db8::2', 4660, 1060);
my $via = qr/via=\Q$PROXY\E:\d+/;
my $asked = qr/octets=16 message="Hi there, server"/;
my $itself = qr/peer=\Q$PROXY\E:\d+ local=\Q$local\E $asked$/;
my @right = (
    ['TCP over IPv4, version 1', v1('TCP4 192.0.2.7 192.0.2.2 4660 1060'), qr/peer=192\.0\.2\.7:4660 local=192\.0\.2\.2:1060 $via $asked$/],
    ['TCP over IPv6, version 1', v1('TCP6 2001:db8::7 2001:db8::2 4660 1060'), qr/peer=\[2001:db8::7\]:4660 local=\[2001:db8::2\]:1060 $via $asked$/],
    ['UNKNOWN', v1('UNKNOWN'), $itself],
    ['UNKNOWN with addresses', v1('UNKNOWN ::1 ::1 1 1'), $itself],
    ['TCP over IPv4, version 2', v2(1, 0x11, $v4), qr/peer=192\.0\.2\.7:4660 local=192\.0\.2\.2:1060 $via $asked$/],
    ['TCP over IPv6, version 2', v2(1, 0x21, $v6), qr/peer=\[2001:db8::7\]:4660 local=\[2001:db8::2\]:1060 $via $asked$/],
    ['a mapped address', v2(1, 0x21, v2_addresses(AF_INET6, '::ffff:192.0.2.7', '::ffff:192.0.2.2', 1, 2)), qr/peer=192\.0\.2\.7:1 local=192\.0\.2\.2:2 $via/],
    ['TLVs after the addresses', v2(1, 0x11, $v4, pack('Cn/a', 4, 'x' x 4000)), qr/peer=192\.0\.2\.7:4660 /],
    ['LOCAL', v2(0, 0), $itself],
    ['LOCAL with addresses', v2(0, 0x11, $v4), $itself],
    ['UDP', v2(1, 0x12, $v4), $itself],
    ['a Unix socket', v2(1, 0x31, 'x' x 216), $itself],
    ['an unspecified family', v2(1, 0), $itself],
);
for (@right) {
    my ($name, $header, $expected) = @$_;
    my ($data, $line) = say_as($daemon, $PROXY, $header . $GREETING);
    is $data, $REPLY, "$name: answered";
    like $line, qr/^outcome=ok $expected/, 'the line has its addresses';
    my $peer = connect_from($daemon, $PROXY);
    $peer->sockopt(6, 1);
    for my $octet (split //, $header . $GREETING) {
        syswrite $peer, $octet;
        select undef, undef, undef, 0.0005 if length $header < 100;
    }
    is +(read_to_end($peer))[0], $REPLY, 'and so it is in parts';
    $daemon->wait_log(qr/ outcome=ok /);
}

my @wrong = (
    ['no header', $GREETING, qr/header="Hi there, server" reason="there is no PROXY header"/],
    ['a request of HTTP', "GET / HTTP/1.0\r\n\r\n", qr/looks=http header="GET \/ HTTP\/1\.0\\u000d\\u000a" reason="there is no PROXY header"/],
    ['another protocol', v1('SCTP4 192.0.2.7 192.0.2.2 1 2'), qr/reason="the protocol is not TCP4, TCP6 or UNKNOWN"/],
    ['missing words', v1('TCP4 192.0.2.7 192.0.2.2 1'), qr/header="PROXY TCP4 192\.0\.2\.7 192\.0\.2\.2 1" reason="the destination port is missing"/],
    ['a name', v1('TCP4 localhost 192.0.2.2 1 2'), qr/header="PROXY TCP4 localhost 192\.0\.2\.2 1 2" reason="the source address is not an IPv4 or IPv6 address as a number"/],
    ['a port too large', v1('TCP4 192.0.2.7 192.0.2.2 65536 2'), qr/reason="the source port is not a number from 0 to 65535"/],
    ['the source of the other family', v1('TCP6 192.0.2.7 2001:db8::2 1 2'), qr/header="PROXY TCP6 192\.0\.2\.7 2001:db8::2 1 2" reason="the protocol is TCP6, but the source address is IPv4"/],
    ['the destination of the other family', v1('TCP6 2001:db8::7 192.0.2.2 1 2'), qr/header="PROXY TCP6 2001:db8::7 192\.0\.2\.2 1 2" reason="the protocol is TCP6, but the destination address is IPv4"/],
    ['both of the other family', v1('TCP4 2001:db8::7 2001:db8::2 1 2'), qr/reason="the protocol is TCP4, but the source address is IPv6"/],
    ['LF alone', "PROXY TCP4 192.0.2.7 192.0.2.2 1 2\n", qr/reason="the line does not end in CR LF"/],
    ['a line without end', 'PROXY ' . 'x' x 200, qr/reason="the line does not end within 107 octets"/],
    ['octets that would forge a line', "PROXY TCP4 \e[31m\noutcome=ok peer=", qr/header="PROXY TCP4 \\u001b\[31m\\u000a" reason="the line does not end in CR LF"/],
    ['version 3', "\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c$v4", qr/header="\\u000d\\u000a\\u000d\\u000a\\u0000\\u000d\\u000aQUIT\\u000a1" reason="the version is not 2"/],
    ['another command', v2(2, 0x11, $v4), qr/reason="the command is neither LOCAL nor PROXY"/],
    ['another family', v2(1, 0x41, $v4), qr/reason="the address family or protocol is unknown"/],
    ['missing addresses', v2(1, 0x21, $v4), qr/reason="the header is too short for its addresses"/],
    ['a length beyond measure', v2(1, 0x11, $v4, 'x' x 65000), qr/reason="the header is longer than 4096 octets"/],
    ['the end in the middle', substr(v1('TCP4 192.0.2.7 192.0.2.2 1 2'), 0, 20), qr/header="PROXY TCP4 192\.0\.2\.7" reason="the connection ended inside the header"/, 1],
    ['the end in the middle of version 2', substr(v2(1, 0x11, $v4), 0, 20), qr/reason="the connection ended inside the header"/, 1],
);
for (@wrong) {
    my ($name, $octets, $reason, $ended) = @$_;
    my ($data, $line) = say_as($daemon, $PROXY, $octets, $ended);
    is $data, '', "$name: not an octet comes back";
    like $line, qr/^outcome=malformed peer=\Q$PROXY\E:\d+ local=\Q$local\E octets=0 (?:header=".+" )?$reason$/, 'the reason is logged';
    is +(say_as($daemon, $PROXY, v1('TCP4 192.0.2.7 192.0.2.2 1 2') . $GREETING))[0], $REPLY, 'and the next is served';
}

# From elsewhere it is never looked for.
for my $header (v1('TCP4 192.0.2.7 192.0.2.2 4660 1060'), v2(1, 0x11, $v4)) {
    my ($data, $line) = say_as($daemon, '127.0.0.3', $header . $GREETING);
    is $data, $REPLY, 'a header from a peer that is no trusted proxy is a message';
    like $line, qr/^outcome=excess peer=127\.0\.0\.3:\d+ local=\Q$local\E octets=17 message="(?:PROXY TCP4 192\.0|\\u000d.*)" looks=proxy$/, 'and claims nothing';
}

# What a balancer's own checks do.
like +(say_as($daemon, $PROXY, '', 1))[1], qr/^outcome=probe peer=\Q$PROXY\E/, 'nothing at all is a probe';
like +(say_as($daemon, $PROXY, v2(0, 0), 1))[1], qr/^outcome=probe peer=\Q$PROXY\E/, 'and so is a header alone';

# The access lists and limits.per_source apply to the address in the header.
for my $denied ('TCP4 192.0.2.66 192.0.2.2 1 2', 'TCP6 2001:db8:66::1 ::1 1 2', 'TCP6 ::ffff:192.0.2.66 ::1 1 2') {
    my ($data, $line) = say_as($daemon, $PROXY, v1($denied) . $GREETING);
    is $data, '', "$denied: not answered";
    like $line, qr/^outcome=denied peer=\S+ local=\S+ $via octets=0$/, 'denied, by the address that it carries';
}
$config =~ s/deny = /allow = [ "192.0.2.0\/24" ]; deny = /;
like $daemon->reload("$config limits: { per_source = 1; }; timeouts: { exchange = 60.0; };"), qr/reloaded/, 'reloaded';
is +(say_as($daemon, $PROXY, v1('TCP4 192.0.2.7 192.0.2.2 1 2') . $GREETING))[0], $REPLY, 'a proxy itself need not be in access.allow if the header has an address';
like +(say_as($daemon, $PROXY, v1('UNKNOWN') . $GREETING))[1], qr/^outcome=denied peer=\Q$PROXY\E/, 'but for itself';
my $held = connect_from($daemon, $PROXY);
syswrite $held, v1('TCP4 192.0.2.8 192.0.2.2 1 2');
$daemon->wait_log(qr/The proxy \Q$PROXY\E:\d+ speaks for 192\.0\.2\.8:1/);
my ($data, $line) = say_as($daemon, $PROXY, v1('TCP4 192.0.2.8 192.0.2.2 3 2') . $GREETING);
is $data, '', 'the second of an address is refused';
like $line, qr/^outcome=limited peer=192\.0\.2\.8:3 local=192\.0\.2\.2:2 $via octets=0/, 'limited, by the address that it carries';
is +(say_as($daemon, $PROXY, v1('TCP4 192.0.2.9 192.0.2.2 1 2') . $GREETING))[0], $REPLY, 'another address is served by way of the same proxy';
syswrite $held, $GREETING;
is +(read_to_end($held))[0], $REPLY, 'and so is the peer that waited';
$daemon->wait_log(qr/ outcome=ok /);

# The header's time is the exchange's.
like $daemon->reload($config . 'timeouts: { exchange = 0.3; };'), qr/reloaded/, 'a short deadline';
my $slow = connect_from($daemon, $PROXY);
my $begun = time;
syswrite $slow, substr v1('TCP4 192.0.2.7 192.0.2.2 1 2'), 0, 10;
is +(read_to_end($slow))[0], '', 'a header that does not come to its end is not waited for';
cmp_ok time - $begun, '>=', 0.29, 'beyond timeouts.exchange';
$daemon->wait_log(qr/ outcome=slow peer=\Q$PROXY\E:\d+ local=\Q$local\E octets=0 us=\d+ header="PROXY TCP4"$/);
$slow = connect_from($daemon, $PROXY);
my $dripped = 0;
{
    local $SIG{PIPE} = 'IGNORE';
    for my $octet (split //, v1('TCP4 192.0.2.7 192.0.2.2 1 2') . $GREETING) {
        defined syswrite $slow, $octet or last;
        $dripped++;
        select undef, undef, undef, 0.03;
    }
}
$daemon->wait_log(qr/ outcome=slow peer=/);
cmp_ok $dripped, '<', 40, 'nor one that drips in';

like $daemon->reload($config . 'timeouts: { drain = 0.1; };'), qr/reloaded/, 'a short drain';
$held = connect_from($daemon, $PROXY);
syswrite $held, substr v1('TCP4 192.0.2.7 192.0.2.2 1 2'), 0, 10;
$daemon->wait_log(qr/Socket connects/);
is $daemon->stop, 0, 'ends';
like $daemon->{log} =~ s/.* stopping$//msr, qr/ outcome=slow peer=\Q$PROXY\E:\d+ local=\Q$local\E octets=0 us=\d+ header=".+"$/m, 'a header that the stop cuts is slow, and not malformed';

# A worker refuses, and the main loop, which nothing else wakes, warns.
$daemon = start(config => "access: { proxies = [ \"$PROXY\" ]; }; limits: { per_source = 1; }; timeouts: { exchange = 600.0; idle_worker = 600.0; };", options => ['--verbose']);
my @peers = map { connect_from($daemon, $PROXY) } 1 .. 3;
$daemon->wait_log(qr/Socket connects/) for @peers;
for my $peer (@peers) {
    syswrite $peer, v1('TCP4 192.0.2.8 192.0.2.2 1 2');
    $daemon->wait_log(qr/The proxy \S+ speaks for 192\.0\.2\.8:1$/);
}
ok wait_for(sub {
    my $counted = 0;
    $daemon->take_rest;
    $counted += $_ for $daemon->{log} =~ /warning limits\.per_source reached; new connections from some sources are refused; .* count=(\d+)$/mg;
    return $counted == 2;
}), 'each of those whose headers came late is warned of';
syswrite $peers[0], $GREETING;
is +(read_to_end($peers[0]))[0], $REPLY, 'the peer that waited is served';
is $daemon->stop, 0, 'ends';

# sixteen writes the header, too.
$daemon = start(config => "access: { deny = [ \"192.0.2.66\" ]; proxies = [ \"$PROXY\" ]; };");
my @ask = ($SIXTEEN, '--bind', $PROXY, '127.0.0.1', $daemon->{port}, '--proxy');
for my $case (
    ['v1', '192.0.2.1:40000', '192.0.2.2:1060'], ['v2', '192.0.2.1:40000', '192.0.2.2:1060'],
    ['v1', '[2001:db8::1]:1', '[2001:db8::2]:65535'], ['v2', '[2001:db8::1]:1', '[2001:db8::2]:65535']) {
    my ($version, $source, $destination) = @$case;
    my ($status, $out, $err) = run(@ask, @$case);
    is "$status$err", '0', "sixteen --proxy $version $source $destination";
    like $daemon->wait_log(qr/ outcome=ok /), qr/ outcome=ok peer=\Q$source\E local=\Q$destination\E via=\Q$PROXY\E:\d+ /, 'the log has both';
}
# In each mode the header and the message are one segment, as the other end's kernel counts them:
# tcp(7), TCP_INFO, of which an old one says less.
my ($TCP_INFO, $SEGMENTS_WITH_DATA) = (11, 152);
for my $mode ([], ['-c', 1], ['-P', 1, '-c', 1]) {
    my ($listener, $port) = listen_somewhere();
    my $client = spawn(sub { open STDOUT, '>', '/dev/null'; exec $SIXTEEN, @$mode, '127.0.0.1', $port, '--proxy', 'v2', '192.0.2.1:1', '192.0.2.2:2' });
    my $peer = $listener->accept;
    my $octets = '';
    1 while length $octets < 44 && sysread $peer, $octets, 4096, length $octets;
    my $info = getsockopt $peer, IPPROTO_TCP, $TCP_INFO;
    SKIP: {
        skip 'this kernel does not count them', 1 if length $info < $SEGMENTS_WITH_DATA + 4;
        is unpack('L', substr $info, $SEGMENTS_WITH_DATA, 4), 1, "sixteen --proxy @$mode sends one segment";
    }
    like $octets, qr/\Q$GREETING\E\z/, 'with the header and the message';
    syswrite $peer, $REPLY;
    close $peer;
    waitpid $client, 0;
    is $?, 0, 'and takes the reply';
}

my ($status, $out, $err) = run(@ask, 'v1', '192.0.2.66:1', '192.0.2.2:1060', '-c', 2, '-i', 0);
like "$status$err$out", qr/\A1(?:outcome=(?:short|reset) .*\n){2}--- /, 'one that is denied gets no reply';
like $daemon->wait_log(qr/ outcome=denied /), qr/ outcome=denied peer=192\.0\.2\.66:1 /, 'as the log says';
for my $case (
    [['v3', 'a', 'b'], 'the first argument of --proxy must be v1 or v2, not v3'],
    [['v1', '192.0.2.1:1'], '--proxy requires three arguments: v1 or v2, SRC and DST; see sixteen --help'],
    [['v1', '192.0.2.1', '192.0.2.2:1'], '--proxy 192.0.2.1: no port; write HOST:PORT'],
    [['v1', 'localhost:1', '192.0.2.2:1'], '--proxy localhost:1: not a numeric address with a port, like 192.0.2.1:1060'],
    [['v1', '*:1', '*:2'], '--proxy *:1: not a numeric address with a port, like 192.0.2.1:1060'],
    [['v1', '192.0.2.1:1', '[::1]:1'], '--proxy requires two addresses of the same family']) {
    ($status, $out, $err) = run(@ask, @{ $case->[0] });
    like "$status$out$err", qr/\A2sixteen: \Q$case->[1]\E.*\n\z/, "--proxy @{ $case->[0] }: refused";
}
is $daemon->stop, 0, 'ends';
done_testing;
