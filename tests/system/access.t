# SPDX-License-Identifier: MIT
# access.allow and access.deny: which peers are served, over IPv4, IPv6 and an IPv6 socket that
# takes both; what a denied peer sees, and that the next one is served.
use strict;
use warnings;
use IO::Socket::IP;
use Sixteen;
use Socket qw(AF_INET6 IPV6_V6ONLY IPPROTO_IPV6 SOCK_STREAM);
use Test::More;

# What a peer from that address gets: the reply, or nothing.
sub verdict {
    my ($port, $from, $host) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $peer = connect_to($port, $host, $from);
    syswrite $peer, $GREETING;
    my ($data, $end) = read_to_end($peer);
    return $data eq $REPLY && $end eq 'eof' ? 'ok' : $data eq '' && $end =~ /^(?:eof|reset)$/ ? 'denied' : "'$data' $end";
}

sub access_lists {
    my ($allow, $deny) = @_;
    return 'access: { ' . join(' ', map { "$_->[0] = [ " . join(', ', map { "\"$_\"" } @{ $_->[1] }) . ' ];' } [allow => $allow], [deny => $deny]) . ' };';
}

my @cases = (
    # allow, deny, and which peer gets what
    [[], [], { '127.0.0.1' => 'ok' }],
    [['127.0.0.1'], [], { '127.0.0.1' => 'ok', '127.0.0.2' => 'denied' }],
    [['127.0.0.0/30'], [], { '127.0.0.3' => 'ok', '127.0.0.4' => 'denied' }],
    [[], ['127.0.0.2'], { '127.0.0.1' => 'ok', '127.0.0.2' => 'denied' }],
    [['127.0.0.0/8'], ['127.0.0.0/8'], { '127.0.0.1' => 'denied' }],
    [['127.0.0.0/8', '127.0.1.1'], ['127.0.1.0/24'], { '127.0.0.1' => 'ok', '127.0.1.2' => 'denied', '127.0.1.1' => 'ok' }],
    [['::/0'], [], { '127.0.0.1' => 'denied' }],
    [['::ffff:127.0.0.0/104'], [], { '127.0.0.1' => 'ok' }],
);
my $daemon = start(config => access_lists(@{ $cases[0] }[0, 1]));
for my $case (@cases) {
    my ($allow, $deny, $expected) = @$case;
    like $daemon->reload(access_lists($allow, $deny)), qr/reloaded/, "allow [@$allow], deny [@$deny]";
    is verdict($daemon->{port}, $_), $expected->{$_}, "$_: $expected->{$_}" for sort keys %$expected;
}
like $daemon->reload(access_lists(['127.0.0.1'], ['127.0.0.1/8'])), qr/refused/, 'lists that are wrong change nothing';
like $daemon->{log}, qr/err \S+:1: access\.deny '127\.0\.0\.1\/8': bits are set after the prefix length; the network is 127\.0\.0\.0\/8$/m, 'and are reported';
is verdict($daemon->{port}, '127.0.0.1'), 'ok', 'as before';
is $daemon->stop, 0, 'ends';
like $daemon->{log}, qr/ notice outcome=denied peer=127\.0\.1\.2:\d+ local=127\.0\.0\.1:\d+ octets=0 us=\d+$/m, 'a denied peer has a line';
unlike $daemon->{log}, qr/outcome=denied peer=127\.0\.1\.2.*Hi there/, 'and not one octet is read';

# A thousand prefixes, which nothing has in common.
my @many = map { sprintf '10.%d.%d.0/24', $_ / 250, $_ % 250 } 1 .. 1000;
$daemon = start(config => access_lists(['127.0.0.0/8', @many], [map { my ($a) = /^(10\.\d+\.\d+)/; "$a.7" } @many]));
is verdict($daemon->{port}, '127.0.0.1'), 'ok', 'with a thousand prefixes in each list the right one is found';
is $daemon->stop, 0, 'ends';

# An IPv6 socket that takes IPv4 too, as a service manager may pass it, and IPv6.
SKIP: {
    my $both = IO::Socket::IP->new(Family => AF_INET6, Type => SOCK_STREAM, LocalHost => '::', LocalPort => 0, Listen => 5, V6Only => 0)
        or skip 'this host has no IPv6', 6;
    $daemon = start(before => sub { pass_sockets($both) }, config => access_lists(['127.0.0.0/8', '::1'], ['127.0.0.2', '::/0']));
    my $port = $both->sockport;
    is verdict($port, '127.0.0.1', '127.0.0.1'), 'ok', 'IPv4 by way of an IPv6 socket is judged as IPv4: let in';
    is verdict($port, '127.0.0.2', '127.0.0.1'), 'denied', 'and kept out';
    is verdict($port, '::1', '::1'), 'ok', 'IPv6 is judged as IPv6';
    like $daemon->reload(access_lists([], ['::/0'])), qr/reloaded/, 'no IPv6';
    is verdict($port, '::1', '::1'), 'denied', 'is none';
    is verdict($port, '127.0.0.2', '127.0.0.1'), 'ok', 'and says nothing of IPv4';
    is $daemon->stop, 0, 'ends';
    like $daemon->{log}, qr/ outcome=denied peer=127\.0\.0\.2:\d+ /, 'the line has the IPv4 address';
}

# A denied peer takes no slot.
$daemon = start(config => 'limits: { connections = 1; when_full = "refuse"; per_source = 1; }; ' . access_lists([], ['127.0.0.2']));
is scalar(grep { verdict($daemon->{port}, '127.0.0.2') eq 'denied' } 1 .. 100), 100, 'a hundred denied peers';
is verdict($daemon->{port}, '127.0.0.1'), 'ok', 'and an allowed one is served';
is $daemon->stop, 0, 'ends';
like $daemon->{log}, qr/ outcomes ok=1 .* denied=100 limited=0 /, 'all are counted';
done_testing;
