# SPDX-License-Identifier: MIT
# Out of descriptors or threads: the daemon says so, pauses, and recovers by itself; a flood of
# connections does not delay a stop.
use strict;
use warnings;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

my ($status, $out, $err, @lingering);

# Peers whose connections end as `short`: no socket lingers, so only the end of the pause can wake
# the daemon.
my $daemon = start();
is +(run('prlimit', '--pid', $daemon->{pid}, '--nofile=16'))[0], 0, 'with 16 descriptors';
for my $round (1 .. 3) {
    my @peers = map { connect_to($daemon->{port}) } 1 .. 20;
    ok $daemon->wait_log(qr/warning cannot accept connections, pausing: Too many open files/), "round $round: out of descriptors it says so";
    syswrite $_, 'Hi th' for @peers;
    undef @peers;
    ($status, $out, $err) = run($SIXTEEN, '127.0.0.1', $daemon->{port});
    is "$status$err", '0', 'and serves the next client';
}
cmp_ok scalar(() = $daemon->{log} =~ /cannot accept/g), '<=', 10, 'it says so once a second at most';
is $daemon->stop, 0, 'ends';

# No descriptor, and no peer that needs one: that is no failure of accept(2).
sub report {
    $daemon->tell('USR1');
    return $daemon->wait_log(qr/notice accept errors /);
}

# The lowest number that is free is the last. A blocked accept4(2) has it already, once it has been
# interrupted: it can have begun while the main loop had a file open.
sub no_more_descriptors {
    my $free = 0;
    $free++ while -l "/proc/$daemon->{pid}/fd/$free";
    return +(run('prlimit', '--pid', $daemon->{pid}, "--nofile=" . ($free + 1)))[0];
}

# Wait until the acceptor has met the shortage: signals that interrupt it make it look again.
sub look_again {
    for (1 .. 20) {
        $daemon->tell('USR2');
        report();
    }
    return;
}

$daemon = start(config => 'timeouts: { exchange = 600.0; linger = 600.0; };', options => ['--verbose']);
look_again();
is no_more_descriptors(), 0, 'with not one more descriptor';
my $first = connect_to($daemon->{port});
ok $daemon->wait_log(qr/Socket connects/), 'one peer gets that which accept4 had reserved';
look_again();
like report(), qr/ none=0$/, 'while no other comes, nothing is counted';
unlike $daemon->{log}, qr/cannot accept/, 'and nothing is warned of';
my $second = connect_to($daemon->{port});
ok $daemon->wait_log(qr/warning cannot accept connections, pausing: Too many open files count=\d+$/), 'when one comes, it is warned of';
like report(), qr/ EMFILE=[1-9]\d*$/, 'and counted';
syswrite $second, $GREETING;
reset_connection($first);
is join(' ', read_to_end($second)), "$REPLY eof", 'and the peer is served once a descriptor is free';

# Its socket lingers now, and is given up for the next.
$daemon->wait_log(qr/ outcome=ok /);
my ($counted) = report() =~ / EMFILE=(\d+)$/;
sub warned {
    my $failures = 0;
    $failures += $_ for $daemon->{log} =~ /cannot accept .* count=(\d+)$/mg;
    return $failures;
}
ok wait_for(sub { report(); return warned() >= $counted }), 'each failure is warned of, the last ones within a second';
my $warned = () = $daemon->{log} =~ /cannot accept/g;
look_again();
for my $round (1 .. 5) {
    my $next = connect_to($daemon->{port});
    syswrite $next, $GREETING;
    is join(' ', read_to_end($next)), "$REPLY eof", 'another takes the place of a lingering socket';
    push @lingering, $next;
}
my ($since) = report() =~ / EMFILE=(\d+)$/;
is scalar(() = $daemon->{log} =~ /cannot accept/g), $warned, 'which is not warned of';
cmp_ok $since, '>', $counted, 'but counted';
undef @lingering;
close $second;
is $daemon->stop, 0, 'ends';

# The kernel counts processes for ordinary users only.
SKIP: {
    skip 'a sanitizer has a thread of its own', 8 if is_sanitized();
    my $config = $> == 0 ? 'daemon: { user = "nobody"; };' : '';
    my @as_it = $> == 0 ? ('setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups') : ();
    $daemon = start(config => $config);
    is +(run(@as_it, 'prlimit', '--pid', $daemon->{pid}, '--nproc=1:'))[0], 0, 'with no more threads to be had';
    my @crowd = map { connect_to($daemon->{port}) } 1 .. 20;
    my $begun = time;
    my $refused = pop @crowd;
    like $daemon->wait_log(qr/ outcome=failed /), qr/ err outcome=failed peer=127\.0\.0\.1:\d+ local=127\.0\.0\.1:\d+ octets=0 us=\d+ error="Resource temporarily unavailable"$/,
        'a connection that gets no thread is a failed connection';
    ok $daemon->wait_log(qr/ warning cannot start a worker, so the connection fails: Resource temporarily unavailable; raise TasksMax= of the unit, or the limit on processes of the user or the container count=\d+$/),
        'and a warning says what to do';
    is +(read_to_end($refused))[0], '', 'and is closed';
    cmp_ok time - $begun, '>=', 0.5, 'one a pause, and pauses that double to 0.1 s';
    my ($hard) = read_file("/proc/$daemon->{pid}/limits") =~ /^Max processes\s+\S+\s+(\S+)/m;
    is +(run(@as_it, 'prlimit', '--pid', $daemon->{pid}, "--nproc=$hard:"))[0], 0, 'with threads to be had again';
    ($status, $out, $err) = run($SIXTEEN, '127.0.0.1', $daemon->{port});
    is "$status$err", '0', 'it serves the next client';
    is $daemon->stop, 0, 'ends';
}

# As many connections as processes of ours can make, for as long as it listens.
$daemon = start(config => 'limits: { per_source = 0; }; log: { level = "notice"; };');
my @flood = map {
    spawn(sub {
        while (my $peer = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $daemon->{port})) {
            reset_connection($peer);
        }
    })
} 1 .. 32;
ok wait_for(sub { read_file("/proc/$daemon->{pid}/stat") =~ /\) \S+(?: \S+){10} [1-9]/ }), 'a flood keeps it busy';
$daemon->tell('TERM');
ok $daemon->wait_log(qr/ stopping/), 'TERM is handled at once';
is $daemon->wait_end, 0, 'and ends it';
finish($_) for @flood;
done_testing;
