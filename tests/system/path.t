# SPDX-License-Identifier: MIT
# sixteen --path: which hop the way to a server ends at, over three routers. They and the server are
# networks of the test. A firewall drops, or rejects in every way; a router is silent, or rations its
# ICMP; the server refuses, or is silent; routers pass packets in a loop.
use strict;
use warnings;
use JSON::PP;
use POSIX qw(SIGINT);
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'QUICK is set' if $ENV{QUICK};
has_more_tries();
own_network();
$ENV{PATH} .= ':/usr/sbin:/sbin';    # for nft(8), where an ordinary user's path has neither
plan skip_all => 'nftables is not installed' if !have('nft');
must(qw(ip link set lo up));
plan skip_all => 'the kernel has no nftables' if (run(qw(nft add table inet probe)))[0] != 0;
plan skip_all => 'this host has no IPv6' if read_file('/proc/net/if_inet6') eq '';

# Network 0 is the test's, 1 to 3 are the routers, 4 is the server's. Link N leads from N - 1 to N:
# 10.0.N.1 and fd00:N::1 are its near end, 10.0.N.2 and fd00:N::2 its far end.
my $HOST = 4;
my @networks = ([$$], map { [other_network()] } 1 .. $HOST);
sub at {
    my ($network) = @_;
    my (undef, @there) = @{ $networks[$network] };
    return @there;
}
sub set { must(at($_[0]), 'sh', '-ec', $_[1]) }
for my $link (1 .. $HOST) {
    must(at($link - 1), qw(ip link add), "down$link", qw(type veth peer name), "up$link", 'netns', $networks[$link][0]);
    for (["down$link", $link - 1, 1], ["up$link", $link, 2]) {
        my ($device, $network, $end) = @$_;
        set($network, "ip address add 10.0.$link.$end/24 dev $device; ip address add fd00:$link\::$end/64 dev $device nodad; ip link set $device up");
    }
    set($link, 'ip link set lo up; cd /proc/sys/net; for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >$f; done;'
        . ' for f in ipv4/icmp_ratelimit ipv6/icmp/ratelimit; do echo 0 >$f; done');
}
for my $network (0 .. $HOST - 1) {
    my $next = $network + 1;
    set($network, "ip route add default via 10.0.$next.2; ip -6 route add default via fd00:$next\::2");
}
for my $network (2 .. $HOST) {
    set($network, "ip route add 10.0.$_.0/24 via 10.0.$network.1; ip -6 route add fd00:$_\::/64 via fd00:$network\::1") for 1 .. $network - 1;
}
for my $network (0 .. $HOST) {
    wait_for(sub { (run(at($network), qw(ip -6 address show tentative)))[1] eq '' });
}

my %servers = (4 => '10.0.4.2', 6 => 'fd00:4::2');
my $daemon = start(under => [at($HOST)], listen => ['10.0.4.2:1060', '[fd00:4::2]:1060']);
for my $server (values %servers) {    # every neighbour is known then
    wait_for(sub { (run($SIXTEEN, $server))[0] == 0 });
}
my ($status, $out, $err);

# The address at a hop, and the line of one that let its packets expire.
sub address { my ($family, $hop) = @_; return $family == 4 ? "10.0.$hop.2" : "fd00:$hop\::2" }
sub endpoint { my ($family, $port) = @_; return $family == 4 ? "10.0.4.2:$port" : "[fd00:4::2]:$port" }
sub expired {
    my ($family, @hops) = @_;
    return map { " $_  " . address($family, $_) . '  N ms' } @hops;
}

# Run it: the status, the lines without what differs each time, then standard error. An exchange is
# reduced to its outcome.
sub trace {
    my ($status, $out, $err) = run($SIXTEEN, '--path', @_);
    $out =~ s/\d+\.\d{3} ms/N ms/g;
    $out =~ s/^outcome=(\w+) .*/$1/mg;
    return join "\n", $status, $out =~ s/^path to .*\n//r . $err;
}
sub is_trace {
    my ($arguments, $name, @lines) = @_;
    return is trace(@$arguments), join("\n", @lines) . "\n", $name;
}

# A firewall in a network, at a hook of netfilter, while the code runs.
sub with_rules {
    my ($network, $hook, $rules, $code) = @_;
    must(at($network), 'nft', "table inet $hook { chain test { type filter hook $hook priority 0; $rules; }; }");
    $code->();
    return must(at($network), qw(nft delete table inet), $hook);
}

# ---- All well, and what the host does ----

($status, $out, $err) = run($SIXTEEN, '--path', '10.0.4.2');
like $out, qr/\Apath to 10\.0\.4\.2:1060 \(10\.0\.4\.2\), at most 30 hops\n(?: \d  \S+  \d+\.\d{3} ms(?:  connected)?\n){4}outcome=ok peer=10\.0\.1\.1:\d+ local=10\.0\.4\.2:1060 seq=1 octets=16 us=\d+ connect=\d+ send=\d+ first=\d+ last=\d+ end=\d+ rtt=\d+ retrans=\d+\nverdict: /,
    'the address, the hops with their times, the exchange with its phases, the verdict';

my ($silent, $reader) = spawn_to_read(at($HOST), $^X, '-MIO::Socket::IP', '-we',
    '$| = 1; my @sockets = map { IO::Socket::IP->new(LocalHost => $_, LocalPort => 1061, Listen => 99) or die $@ } @ARGV; print "listens\n"; sleep', values %servers);
is scalar(<$reader>), "listens\n", 'a server that does not answer';
for my $family (4, 6) {
    my $server = $servers{$family};
    is_trace([$server], "IPv$family: all well", 0, expired($family, 1 .. 3), " 4  $server  N ms  connected", 'ok',
        "verdict: all well: @{[endpoint($family, 1060)]} is at hop 4");
    is_trace([$server, 1], 'nothing listens', 1, expired($family, 1 .. 3), " 4  $server  N ms  refused", 'refused',
        'verdict: refused at hop 4, by the host or by a firewall before it; their resets look the same');
    is_trace([$server, 1061, '-W', 1], 'a server that is silent', 1, expired($family, 1 .. 3), " 4  $server  N ms  connected", 'slow',
        'verdict: connected at hop 4, but the message is not answered: timed out after 1 s with 0 of 16 octets received');
    is_trace([$server, 1061, '--connect'], 'which is right with --connect', 0, expired($family, 1 .. 3), " 4  $server  N ms  connected", 'ok',
        "verdict: all well: @{[endpoint($family, 1061)]} is at hop 4");
    is_trace([$server, '--expect', 'sixteen octets !'], 'another reply', 1, expired($family, 1 .. 3), " 4  $server  N ms  connected", 'mismatch',
        'verdict: connected at hop 4, but the reply is wrong: unexpected reply');
}
finish($silent);
is_trace(['127.0.0.1', 1], 'on this host', 1, ' 1  127.0.0.1  N ms  refused', 'refused',
    'verdict: refused at hop 1, by the host or by a firewall before it; their resets look the same');
my ($link_local) = (run(at(1), qw(ip -6 -o address show dev up1 scope link)))[1] =~ m{ (fe80:\S+)/};
is_trace(["$link_local%down1", 1], 'a link-local address', 1, " 1  $link_local%down1  N ms  refused", 'refused',
    'verdict: refused at hop 1, by the host or by a firewall before it; their resets look the same');
is_trace(['-q', '10.0.4.2'], '--quiet: nothing if all is well', 0);
is_trace(['-q', '10.0.4.2', 1], 'otherwise the exchange and the verdict', 1, 'refused',
    'verdict: refused at hop 4, by the host or by a firewall before it; their resets look the same');
is_trace(['-b', '10.0.1.99', '10.0.4.2'], 'a source that this host does not have', 2, ' 1  *  Cannot assign requested address', 'failed',
    'verdict: failed on this host: Cannot assign requested address');
like trace('no-such-name.invalid'), qr/\A1\nsixteen: resolve no-such-name\.invalid port 1060: .*\n\z/, 'a name without an address has no path';
SKIP: {
    my @plain = ('setpriv', '--securebits', '+noroot', '--inh-caps', '-all', '--bounding-set', '-all');
    skip 'needs setpriv', 1 if (run(@plain, 'true'))[0] != 0;
    ($status, $out) = run(@plain, 'sh', '-c', 'grep CapEff: /proc/self/status; exec "$@"', 'sh', $SIXTEEN, '--path', '10.0.4.2');
    like "$status$out", qr/\A0CapEff:\s+0+\npath .*verdict: all well: /s, 'no privilege is needed';
}

# ---- The address, and the source ----

set(0, 'ip address add 10.0.1.9/24 dev down1');
($status, $out) = run($SIXTEEN, '--path', '-b', '10.0.1.9', '10.0.4.2');
like "$status$out", qr/\A0.* 4  10\.0\.4\.2  \S+ ms  connected\noutcome=ok peer=10\.0\.1\.9:/s, '--bind';
SKIP: {
    my @prefix = with_hosts("fd00:4::2 two.test\n10.0.4.2 two.test\n") or skip 'needs a mount namespace', 2;
    for (['-6', 'fd00:4::2', '[fd00:4::2]:1060'], ['-4', '10.0.4.2', '10.0.4.2:1060']) {
        my ($option, $address, $endpoint) = @$_;
        ($status, $out, $err) = run(@prefix, $SIXTEEN, '--path', $option, 'two.test');
        like "$status$err$out", qr/\A0path to two\.test:1060 \(\Q$address\E\), .* local=\Q$endpoint\E .*verdict: all well: \Q$endpoint\E is at hop 4\n\z/s, "$option of a name";
    }
}

# ---- A firewall ----

my %kinds = (
    4 => {
        'net-unreachable' => 'network unreachable',
        'host-unreachable' => 'host unreachable',
        'prot-unreachable' => 'protocol unreachable',
        'port-unreachable' => 'port unreachable',
        'net-prohibited' => 'network administratively prohibited',
        'host-prohibited' => 'host administratively prohibited',
        'admin-prohibited' => 'administratively prohibited',
    },
    6 => {
        'no-route' => 'no route to the destination',
        'admin-prohibited' => 'administratively prohibited',
        'addr-unreachable' => 'address unreachable',
        'port-unreachable' => 'port unreachable',
        'policy-fail' => 'source address failed the ingress or egress policy',
        'reject-route' => 'reject route to the destination',
    },
);
for my $family (4, 6) {
    my $server = $servers{$family};
    my $icmp = $family == 4 ? 'icmp' : 'icmpv6';
    my $router = address($family, 2);
    my $trace_until = sub {
        my ($name, @lines) = @_;
        my $lines = trace('-W', 0.5, $server);
        $lines =~ s/^(?:refused|unreachable|slow|reset)\n//m;    # by the kernel's time, an exchange ends at the ICMP or not
        return is $lines, join("\n", @lines) . "\n", $name;
    };
    for my $kind (sort keys %{ $kinds{$family} }) {
        my $word = $kinds{$family}{$kind};
        with_rules(2, 'forward', "tcp dport 1060 reject with $icmp type $kind", sub {
            $trace_until->("IPv$family: a router rejects it, $kind", 1, expired($family, 1, 2), " 3  $router  N ms  rejected: $word",
                "verdict: hop 2 ($router) rejects it: $word");
        });
    }
    with_rules(2, 'forward', 'meta l4proto tcp reject with tcp reset', sub {
        $trace_until->('with a reset', 1, expired($family, 1, 2), " 3  $server  N ms  refused",
            'verdict: refused at hop 3, by the host or by a firewall before it; their resets look the same');
    });
    with_rules($HOST, 'input', "tcp dport 1060 reject with $icmp type port-unreachable", sub {
        $trace_until->('the host rejects it', 1, expired($family, 1 .. 3), " 4  $server  N ms  rejected: port unreachable",
            "verdict: hop 4 ($server), the host, rejects it: port unreachable");
    });
    with_rules(0, 'output', "tcp dport 1060 reject with $icmp type admin-prohibited", sub {
        my $own = $family == 4 ? '10.0.1.1' : 'fd00:1::1';
        $trace_until->('this host rejects it', 1, " 1  $own  N ms  rejected: administratively prohibited",
            "verdict: this host ($own) rejects it: administratively prohibited");
    });
    with_rules(2, 'forward', 'tcp dport 1060 drop', sub {
        $trace_until->('a router drops it', 1, expired($family, 1, 2), ' 3-12  *', "verdict: no SYN gets past hop 2 ($router): nothing after it answers");
    });
    with_rules(2, 'prerouting', 'tcp dport 1060 drop', sub {
        my $before = address($family, 1);
        $trace_until->('before it looks at the hop limit', 1, expired($family, 1), ' 2-11  *', "verdict: no SYN gets past hop 1 ($before): nothing after it answers");
    });
}
with_rules(0, 'output', 'tcp dport 1060 drop', sub {
    is_trace(['-W', 0.2, '10.0.4.2'], 'this host drops it', 1, ' 1-10  *', 'slow', 'verdict: no SYN gets past this host (10.0.1.1): nothing after it answers');
});

# The last router asks for the host, in vain, for 3 seconds.
like trace('-W', 20, '10.0.4.77'), qr/^ 4  10\.0\.3\.2  N ms  rejected: host unreachable\n.*^verdict: hop 3 \(10\.0\.3\.2\) rejects it: host unreachable$/ms, 'no host has the address';
like trace('-W', 20, '10.0.1.77'), qr/^ 1  10\.0\.1\.1  N ms  rejected: host unreachable\n.*^verdict: this host \(10\.0\.1\.1\) rejects it: host unreachable$/ms, 'nor a neighbour';
must(qw(ip route add unreachable 10.8.0.0/16));
is_trace(['10.8.0.1'], 'this host has no route', 1, ' 1  *  No route to host', 'unreachable', 'verdict: this host rejects it: No route to host');

# ---- Routers that are silent ----

for my $family (4, 6) {
    my $server = $servers{$family};
    my $expiry = $family == 4 ? 'icmp type time-exceeded' : 'icmpv6 type time-exceeded';
    with_rules(2, 'output', "$expiry drop", sub {
        is_trace(['-W', 0.5, $server], "IPv$family: a router in the middle is silent", 0, expired($family, 1), ' 2  *', expired($family, 3), " 4  $server  N ms  connected", 'ok',
            "verdict: all well: @{[endpoint($family, 1060)]} is at hop 4");
    });
    SKIP: {
        skip 'the kernel has no numgen', 1 if (run('nft', 'add chain inet probe test; add rule inet probe test numgen inc mod 3 != 2 drop'))[0] != 0;
        with_rules(2, 'output', "$expiry numgen inc mod 3 != 2 drop", sub {
            ($status, $out) = run($SIXTEEN, '--path', '--json', $server);
            my ($hop) = grep { $_->{type} eq 'hop' && $_->{hop} == 2 } map { decode_json($_) } split /\n/, $out;
            is "$status $hop->{address} $hop->{asked}", '0 ' . address($family, 2) . ' 3', 'one that rations its ICMP is asked again';
        });
    }
}
with_rules(2, 'output', 'icmp type time-exceeded drop', sub {
    with_rules(2, 'forward', 'tcp dport 1060 reject with icmp type host-unreachable', sub {
        like trace('-W', 0.5, '10.0.4.2'), qr/^ 2  \*\n 3  10\.0\.2\.2  N ms  rejected: host unreachable\n.*^verdict: hop 3 \(10\.0\.2\.2\), or the silent one before it, rejects it: host unreachable$/ms,
            'one that rejects, but is silent otherwise';
    });
});

with_rules(1, 'output', 'icmp type time-exceeded drop', sub {
    with_rules(2, 'forward', 'tcp dport 1060 reject with icmp type host-unreachable', sub {
        like trace('-W', 0.5, '10.0.4.2'), qr/^ 1  \*\n.*^verdict: hop 2 \(10\.0\.2\.2\) rejects it: host unreachable$/ms, 'one that rejects, and is known';
    });
});

# What has a hop limit is lost, and the exchange is not.
with_rules(2, 'forward', 'ip ttl < 40 tcp dport {1, 1060} drop', sub {
    is_trace(['-W', 0.5, '10.0.4.2'], 'hops that are all silent', 0, expired(4, 1, 2), ' 3-12  *', 'ok',
        'verdict: all well, but no handshake with a hop limit reached 10.0.4.2:1060');
    is_trace(['-W', 0.5, '10.0.4.2', 1], 'and a refusal after them', 1, expired(4, 1, 2), ' 3-12  *', 'refused',
        'verdict: refused somewhere after hop 2 (10.0.2.2), by the host or by a firewall before it; their resets look the same');
});
with_rules(2, 'forward', 'ip ttl > 40 tcp dport 1060 drop', sub {
    is_trace(['-W', 1, '10.0.4.2'], 'the reverse', 1, expired(4, 1 .. 3), ' 4  10.0.4.2  N ms  connected', 'slow',
        'verdict: a handshake at hop 4 connected, but that of the exchange did not: timed out after 1 s');
});

set(2, 'ip route add 10.7.0.0/16 via 10.0.2.1');
like trace('-W', 1, '10.7.0.1'), qr/\A1\n(?:[ \d]\d  \S+  N ms\n){30}unreachable\nverdict: the host is not within 30 hops; if their addresses repeat, routers pass packets in a loop\n\z/, 'routers pass packets in a loop';

# ---- The run itself ----

with_rules(2, 'forward', 'tcp dport 1060 drop', sub {
    my ($pid, $handle) = spawn_to_read($SIXTEEN, '--path', '-W', 600, '10.0.4.2');
    my $text = '';
    wait_for(sub { sysread $handle, $text, 4096, length $text; return $text =~ /^ 2  10\.0\.2\.2 /m });
    my $begun = time;
    signal_asleep(SIGINT, $pid);
    1 while sysread $handle, $text, 4096, length $text;
    waitpid $pid, 0;
    is $? & 127, SIGINT, 'a hop is shown as soon as it is known; Ctrl-C ends the rest';
    cmp_ok time - $begun, '<', 30, 'at once';
    like $text, qr/ 2  10\.0\.2\.2  \S+ ms\nverdict: interrupted\n\z/, 'with what is known';
});

SKIP: {
    skip 'needs strace', 1 if !have('strace');
    skip 'a sanitizer cannot be traced', 1 if is_sanitized();
    my @strace = ('strace', '--output', '/dev/null', '--follow-forks', '--trace', 'recvmsg', '--inject', 'recvmsg:error=EAGAIN');
    skip 'may not trace', 1 if (run(@strace, 'true'))[0] != 0;
    ($status, $out, $err) = run(@strace, $SIXTEEN, '--path', '10.0.4.2');
    like "$status$err$out", qr/\A2path .*\n 1  \*  an ICMP message from an unknown sender\noutcome=ok .*\nverdict: this kernel does not name the router that answers; --path requires Linux 5\.8\n\z/,
        'a kernel that does not pass ICMP on';
}

# ---- JSON ----

sub objects {
    my ($status, $out, $err) = run($SIXTEEN, '--path', '--json', @_);
    is $err, '', 'JSON: nothing on standard error';
    return ($status, map { decode_json($_) } split /\n/, $out);
}
my ($result, @objects) = objects('fd00:4::2');
is join(' ', $result, map { $_->{type} } @objects), '0 hop hop hop hop exchange summary path', 'an object for each hop, the exchange and the path';
my @hops = grep { $_->{type} eq 'hop' } @objects;
ok !(grep { $_->{us} !~ /^\d+(?:\.\d+)?\z/ } @hops), 'each hop has a time';
delete $_->{us} for @hops;
is_deeply \@hops, [
    (map { { type => 'hop', hop => $_, address => "fd00:$_\::2", asked => 1, answer => 'expired', icmp_type => 3, icmp_code => 0, error => undef } } 1 .. 3),
    { type => 'hop', hop => 4, address => 'fd00:4::2', asked => 1, answer => 'connected', icmp_type => undef, icmp_code => undef, error => undef },
], 'and what it answered';
is_deeply $objects[-1], { type => 'path', target => '[fd00:4::2]:1060', host => 'fd00:4::2', local => '[fd00:4::2]:1060', verdict => 'ok', hop => 4, address => 'fd00:4::2',
    text => 'all well: [fd00:4::2]:1060 is at hop 4' }, 'the path has a verdict';
($result, @objects) = objects('10.0.4.2', 1);
is join(' ', map { $objects[3]{$_} // 'null' } qw(hop address answer icmp_type error)), '4 10.0.4.2 refused null Connection refused', 'a refusal is not ICMP';
is "$result $objects[-1]{verdict} $objects[-1]{hop}", '1 refused 4', 'its verdict';
for my $case (
    ['reject with icmp type admin-prohibited', 'expired expired rejected', { verdict => 'rejected', hop => 2, address => '10.0.2.2', text => 'hop 2 (10.0.2.2) rejects it: administratively prohibited' }],
    ['drop', join(' ', ('expired') x 2, ('silent') x 10), { verdict => 'silent', hop => 2, address => '10.0.2.2', text => 'no SYN gets past hop 2 (10.0.2.2): nothing after it answers' }],
) {
    my ($rule, $answers, $verdict) = @$case;
    with_rules(2, 'forward', "tcp dport 1060 $rule", sub {
        ($result, @objects) = objects('-W', 0.5, '10.0.4.2');
        is join(' ', map { $_->{answer} } grep { $_->{type} eq 'hop' } @objects), $answers, "$rule: the answers";
        is_deeply $objects[-1], { type => 'path', target => '10.0.4.2:1060', host => '10.0.4.2', local => '10.0.4.2:1060', %$verdict }, 'the verdict';
    });
}

is $daemon->stop, 0, 'ends';
like $daemon->{log}, qr/ outcomes ok=[1-9]\d* excess=0 mismatch=0 short=0 probe=[1-9]\d* .* reset=0 /, 'to the server, a handshake with a hop is a probe';
done_testing;
