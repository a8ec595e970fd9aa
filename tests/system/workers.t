# SPDX-License-Identifier: MIT
# The workers: a thread for each connection, idle until the next, ended after timeouts.idle_worker;
# and what the daemon asks of the kernel for them.
use strict;
use warnings;
use Sixteen;
use Test::More;

# The threads of a sanitizer would be counted too.
my $extra = is_sanitized() ? 1 : 0;

sub threads {
    my ($daemon) = @_;
    my @tasks = glob "/proc/$daemon->{pid}/task/*";
    return @tasks - $extra;
}

sub limit_of {
    my ($daemon) = @_;
    return (read_file("/proc/$daemon->{pid}/limits") =~ /^Max open files\s+(\d+)\s+(\d+)/m);
}

# The policy of each thread: proc(5), field 41 of stat. 0 is SCHED_OTHER, 3 SCHED_BATCH.
sub policies {
    my ($daemon) = @_;
    my %seen;
    for (glob "/proc/$daemon->{pid}/task/*/stat") {
        my @field = split ' ', read_file($_) =~ s/.*\) //sr;
        $seen{ $field[38] } = 1;
    }
    return join ' ', sort keys %seen;
}

sub exchange {
    my ($daemon) = @_;
    my ($status, $out, $err) = run($SIXTEEN, '127.0.0.1', $daemon->{port});
    return "$status$err";
}

my $daemon = start(config => 'limits: { connections = 300; }; timeouts: { exchange = 600.0; };');
my $at_start = threads($daemon);
is $at_start, 3, 'at the start there are the main loop, an acceptor and the log writer' if !$extra;
is exchange($daemon), '0', 'an exchange' for 1 .. 5;
cmp_ok threads($daemon), '<=', $at_start + 2, 'one after the other need no more than one worker, or two';

my @silent = map { connect_to($daemon->{port}) } 1 .. 250;
ok wait_for(sub { threads($daemon) >= $at_start + 250 }), 'peers that say nothing have a thread each';
is exchange($daemon), '0', 'and hold up no other' for 1 .. 5;
syswrite $_, 'Hi there' for @silent;
is exchange($daemon), '0', 'nor do those that stop in the middle' for 1 .. 5;
syswrite $_, ', server' for @silent;
is scalar(grep { (read_to_end($_))[0] eq $REPLY } @silent), 250, 'each of them gets its reply in the end';
close $_ for @silent;
my @quick = map { connect_to($daemon->{port}) } 1 .. 250;
syswrite $_, $GREETING for @quick;
is scalar(grep { (read_to_end($_))[0] eq $REPLY } @quick), 250, 'as many again are answered';
cmp_ok threads($daemon), '<=', $at_start + 260, 'by the threads that are there';
is policies($daemon), '3', 'every thread is under SCHED_BATCH';
my ($soft) = limit_of($daemon);
cmp_ok $soft, '>=', 2 * 300, 'there are descriptors for limits.connections twice over';
is $daemon->stop, 0, 'ends';

$daemon = start(config => 'timeouts: { idle_worker = 0.05; exchange = 600.0; };');
my @peers = map { connect_to($daemon->{port}) } 1 .. 100;
ok wait_for(sub { threads($daemon) >= $at_start + 100 }), 'a hundred threads';
my $patient = pop @peers;
undef @peers;
ok wait_for(sub { threads($daemon) == $at_start + 1 }), 'end when they were idle for timeouts.idle_worker, but not one that has a peer';
syswrite $patient, $GREETING;
is +(read_to_end($patient))[0], $REPLY, 'which it answers';
ok wait_for(sub { threads($daemon) == $at_start }), 'and then ends too';
is exchange($daemon), '0', 'the next client gets a new one';
is $daemon->stop, 0, 'ends';

# An acceptor for each listener.
my @addresses = map { "127.0.0.$_:0" } 1 .. 5;
sub listening { return 'listen = [ ' . join(', ', map { "\"$_\"" } @_) . ' ]; timeouts: { exchange = 600.0; idle_worker = 600.0; };' }
$daemon = start(listen => [], config => listening(@addresses), options => ['--verbose']);
is threads($daemon), $at_start + 4, 'five listeners have an acceptor each';
my %before = map { $_ => 1 } glob "/proc/$daemon->{pid}/task/*";
$daemon->reload(listening(@addresses[1 .. 4]));
ok wait_for(sub { threads($daemon) == $at_start + 3 }), 'that of one which a reload removes ends';
is scalar(grep { !$before{$_} } glob "/proc/$daemon->{pid}/task/*"), 0, 'and the others stay';
$daemon->reload(listening(@addresses));
is threads($daemon), $at_start + 4, 'one that comes again has one again';
$daemon->{port} = $daemon->{log} =~ /.*Listening at 127\.0\.0\.1:(\d+)\n/s ? $1 : 0;
is exchange($daemon), '0', 'which accepts';

# Idle workers end at once when a reload gives them no more time.
@peers = map { connect_to($daemon->{port}) } 1 .. 50;
ok wait_for(sub { threads($daemon) >= $at_start + 4 + 50 }), 'fifty workers';
undef @peers;
is scalar(() = $daemon->wait_log(qr/ outcome=probe /)), 1, 'that are idle' for 1 .. 50;
cmp_ok threads($daemon), '>=', $at_start + 4 + 50, 'stay for timeouts.idle_worker';
$daemon->reload(listening(@addresses) =~ s/idle_worker = 600.0/idle_worker = 0.05/r);
ok wait_for(sub { threads($daemon) == $at_start + 4 }), 'and end when a reload shortens it';
is $daemon->stop, 0, 'ends';

$daemon = start(under => ['sh', '-c', 'ulimit -Sn 100; exec "$@"', 'sh'], config => 'limits: { connections = 200; };');
($soft) = limit_of($daemon);
cmp_ok $soft, '>=', 400, 'a soft limit on descriptors that is too low is raised';
unlike $daemon->{log}, qr/descriptors/, 'without a warning';
is $daemon->stop, 0, 'ends';

SKIP: {
    my @without_root = $> != 0 ? () : ('setpriv', '--bounding-set=-sys_resource');
    skip 'no setpriv', 6 if $> == 0 && !have('setpriv');
    $daemon = start(under => ['sh', '-c', 'ulimit -n 100; exec "$@"', 'sh', @without_root], config => 'limits: { connections = 200; };');
    is join(' ', limit_of($daemon)), '100 100', 'a hard limit that is too low stays';
    like $daemon->{log}, qr/warning limits\.connections = 200 can need \d+ descriptors but the hard limit is 100; /, 'with a warning';

    # Lingering sockets are closed when new ones need their descriptors.
    my @lingering;
    for (1 .. 300) {
        my $peer = connect_to($daemon->{port});
        syswrite $peer, $GREETING;
        push @lingering, $peer if (read_to_end($peer))[0] eq $REPLY;
    }
    is scalar(@lingering), 300, 'peers that never close keep no peer out though descriptors are few';
    is exchange($daemon), '0', 'nor the next client';
    unlike $daemon->{log} . $daemon->take_rest, qr/cannot accept/, 'and accepting never pauses';
    undef @lingering;
    is $daemon->stop, 0, 'ends';
}

SKIP: {
    skip 'no chrt', 2 if !have('chrt');
    $daemon = start(under => ['chrt', '--idle', '0']);
    is policies($daemon), '5', 'a policy that it was started under is kept';
    is $daemon->stop, 0, 'ends';
}
done_testing;
