# SPDX-License-Identifier: MIT
# limits.connections, limits.when_full and limits.per_source: which peers are served, wait or are
# refused; and the log says so once a second.
use strict;
use warnings;
use Sixteen;
use Test::More;

# A peer that stays connected, from this address.
sub hold {
    my ($daemon, $from, $host) = @_;
    my $peer = connect_to($daemon->{port}, $host, $from);
    $daemon->wait_log(qr/Socket connects/);
    return $peer;
}

# Refused at once: with a reset if what it sent was not read.
sub is_refused {
    my ($peer) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my ($data, $end) = read_to_end($peer);
    return $data eq '' && $end =~ /^(?:eof|reset)$/;
}

my $daemon = start(config => 'limits: { connections = 3; when_full = "refuse"; }; timeouts: { exchange = 600.0; };', options => ['--verbose']);
my @held = map { hold($daemon, '127.0.0.1') } 1 .. 3;
my @refused = map { connect_to($daemon->{port}) } 1 .. 20;
is scalar(grep { is_refused($_) } @refused), 20, 'refuse: past limits.connections peers are closed at once';
ok wait_for(sub {
    $daemon->take_rest;
    return 20 == (() = $daemon->{log} =~ /notice outcome=limited peer=127\.0\.0\.1:\d+ local=\S+ octets=0 us=\d+$/mg);
}), 'with the outcome limited';
$daemon->wait_log(qr/warning limits\.connections reached/);
my $warned = () = $daemon->{log} =~ /warning limits\.connections reached; new connections are refused; 127\.0\.0\.1\/32 holds the most, 3; raise limits\.connections or lower limits\.per_source count=\d+$/mg;
cmp_ok $warned, '>=', 1, 'a warning says so';
cmp_ok $warned, '<=', 3, 'but not for each';
is scalar(grep { answer_of($_) eq "$REPLY eof" } @held), 3, 'the peers with a slot are answered';
undef @held;
undef @refused;
is scalar(grep { (run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0] == 0 } 1 .. 20), 20, 'and then there is room again';
is $daemon->stop, 0, 'ends';
my $counted = 0;
$counted += $1 while $daemon->{log} =~ /limits\.connections reached; .* count=(\d+)$/mg;
is $counted, 20, 'the warnings count each of them';

# Of many that hold connections, the warning names the one that holds the most.
$daemon = start(config => 'limits: { connections = 12; }; timeouts: { exchange = 600.0; };', options => ['--verbose']);
@held = map { hold($daemon, "127.0.0.$_") } 2 .. 6, (9) x 4, 7, 8, 2;
my $waits = connect_to($daemon->{port});
ok $daemon->wait_log(qr/warning limits\.connections reached; new connections wait in the queue; 127\.0\.0\.9\/32 holds the most, 4; raise limits\.connections or lower limits\.per_source count=1$/),
    'wait: a warning names the source that holds the most';
undef @held;
is answer_of($waits), "$REPLY eof", 'and who waits is served in the end';
is $daemon->stop, 0, 'ends';

# One client that comes again at once is never in its own way.
for my $limits ('connections = 1; when_full = "refuse";', 'per_source = 1;') {
    $daemon = start(config => "limits: { $limits };");
    my $well = grep {
        my $peer = connect_to($daemon->{port});
        answer_of($peer) eq "$REPLY eof";
    } 1 .. 300;
    is $well, 300, "$limits a client that comes again as soon as it has its reply is always answered";
    is $daemon->stop, 0, 'ends';
}

$daemon = start(config => 'limits: { per_source = 2; }; timeouts: { exchange = 600.0; };', options => ['--verbose']);
@held = map { hold($daemon, '127.0.0.1') } 1 .. 2;
@refused = map { connect_to($daemon->{port}) } 1 .. 5;
is scalar(grep { is_refused($_) } @refused), 5, 'per_source: the third of an address is closed at once';
ok $daemon->wait_log(qr/warning limits\.per_source reached; new connections from some sources are refused; 127\.0\.0\.1\/32 holds the most, 2; raise limits\.per_source if many clients share an address count=\d+$/),
    'with a warning that names it, and the key to turn';
my $other = hold($daemon, '127.0.0.2');
is answer_of($other), "$REPLY eof", 'another address is served';
is answer_of($held[0]), "$REPLY eof", 'so are the peers with a slot';
my $again = hold($daemon, '127.0.0.1');
is answer_of($again), "$REPLY eof", 'and each that ended makes room for the next';
undef @held;
undef @refused;
is $daemon->stop, 0, 'ends';
like $daemon->{log}, qr/outcomes ok=3 excess=0 mismatch=0 short=0 probe=1 slow=0 reset=0 denied=0 limited=5 malformed=0 failed=0$/m, 'all are counted';

# Those that came without a limit count when there is one.
$daemon = start(config => 'limits: { per_source = 0; }; timeouts: { exchange = 600.0; };', options => ['--verbose']);
@held = map { hold($daemon, '127.0.0.1') } 1 .. 2;
like $daemon->reload('limits: { per_source = 2; }; timeouts: { exchange = 600.0; };'), qr/ reloaded /, 'per_source: no limit, and then two';
ok is_refused(connect_to($daemon->{port})), 'which are there already';
is answer_of(hold($daemon, '127.0.0.2')), "$REPLY eof", 'from this address only';
undef @held;
is $daemon->stop, 0, 'ends';

# By default one address cannot take all slots.
$daemon = start(config => 'timeouts: { exchange = 600.0; };', options => ['--verbose']);
@held = map { hold($daemon, '127.0.0.1') } 1 .. 256;
ok is_refused(connect_to($daemon->{port})), 'default: connection 257 of an address is closed at once';
is answer_of(hold($daemon, '127.0.0.2')), "$REPLY eof", 'while another address is served';
is scalar(grep { answer_of($_) eq "$REPLY eof" } @held), 256, 'and so are the 256';
undef @held;
is $daemon->stop, 0, 'ends';

SKIP: {
    # Two addresses of one /64 on loopback take a network namespace.
    my @prefix = ('unshare', '--net', ($> == 0 ? () : '--map-root-user'));
    skip 'needs a network namespace and ip(8)', 5
        if !have('ip') || (run(@prefix, 'sh', '-c', 'ip link set lo up && ip address add 2001:db8::1/128 dev lo'))[0] != 0;
    my $script = 'ip link set lo up; for a in 2001:db8::1 2001:db8::2 2001:db8:0:1::1; do ip address add $a/128 dev lo nodad; done; exec "$@"';
    $daemon = start(under => [@prefix, 'sh', '-c', $script, 'sh'], listen => ['[::1]:0'],
        config => 'limits: { per_source = 1; }; timeouts: { exchange = 600.0; };', options => ['--verbose']);
    my $inside = sub {
        my ($from, $hold) = @_;
        return ('nsenter', '--target', $daemon->{pid}, '--net', ($> == 0 ? () : ('--user', '--preserve-credentials')),
            'perl', '-MIO::Socket::IP', '-e', <<'END', $from, $daemon->{port}, $hold);
my ($from, $port, $hold) = @ARGV;
my $peer = IO::Socket::IP->new(PeerHost => '::1', PeerPort => $port, LocalHost => $from) or exit 2;
sleep $hold;
$SIG{PIPE} = 'IGNORE';
syswrite $peer, 'Hi there, server';
my $got = sysread $peer, my $reply, 16;
exit(defined $got && $reply eq 'Farewell, client' ? 0 : 1);
END
    };
    my $holder = spawn(sub { exec $inside->('2001:db8::1', 60) });
    ok $daemon->wait_log(qr/Socket connects \[::1\]:\d+ and \[2001:db8::1\]/), 'IPv6: one peer is held';
    is +(run($inside->('2001:db8::2', 0)))[0], 1, 'another address of the same /64 is refused';
    is +(run($inside->('2001:db8:0:1::1', 0)))[0], 0, 'one of another /64 is served';
    finish($holder);
    $daemon->wait_log(qr/outcome=probe peer=\[2001:db8::1\]/);
    is +(run($inside->('2001:db8::2', 0)))[0], 0, 'the slot that became free is for all of the /64';
    is $daemon->stop, 0, 'ends';
}
done_testing;
