# SPDX-License-Identifier: MIT
# Every error of accept(2): one that concerns a single connection is counted and skipped, a
# shortage makes the daemon pause, and so does any error that comes again and again; only a bug of
# the daemon ends it. strace injects the errors, also into accept(2): a C library can call that if
# accept4(2) fails with ENOSYS or EINVAL.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $trace = scratch() . '/trace';
my @strace = ('strace', '--follow-forks', "--output=$trace", '--trace=?accept,?accept4,poll', '--inject');
my $accept = '?accept,?accept4';
plan skip_all => 'strace cannot trace here' if (run(@strace, "$accept:error=EPERM", 'true'))[0] != 0;
plan skip_all => 'strace stops the threads of a sanitizer' if is_sanitized();

sub pid_of {
    my ($daemon) = @_;
    return $daemon->{log} =~ /ready, process (\d+)/ ? $1 : 0;
}

for my $error (qw(ECONNABORTED EPROTO EPERM ENETDOWN ENETUNREACH EHOSTDOWN EHOSTUNREACH ENONET ENOPROTOOPT ETIMEDOUT)) {
    my $daemon = start(under => [@strace, "$accept:error=$error:when=1..3"]);
    is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, "$error: the next connection is served";
    kill 'TERM', pid_of($daemon);
    is $daemon->wait_end, 0, 'ends';
    like $daemon->{log}, qr/notice accept errors $error=3$/m, 'it was counted each time';
    unlike $daemon->{log}, qr/cannot accept/, 'and is no reason to pause';
}

# A signal is no error.
my $interrupted = start(under => [@strace, "$accept:error=EINTR:when=1..3"]);
is +(run($SIXTEEN, '127.0.0.1', $interrupted->{port}))[0], 0, 'EINTR: the next connection is served';
kill 'TERM', pid_of($interrupted);
is $interrupted->wait_end, 0, 'ends';
like $interrupted->{log}, qr/notice accept errors none=0$/m, 'it was not counted';
unlike $interrupted->{log}, qr/cannot accept/, 'and is no reason to pause';

for my $error (qw(EMFILE ENFILE ENOBUFS ENOMEM EOPNOTSUPP EIO)) {
    my $daemon = start(under => [@strace, "$accept:error=$error:when=1..3"]);
    is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, "$error: the connection is served after a pause";
    kill 'TERM', pid_of($daemon);
    is $daemon->wait_end, 0, 'ends';
    my $name = $error eq 'EIO' ? 'other' : $error;
    # A shortage of descriptors that meets no connection is none: poll(2) then says that none is queued.
    my ($acceptor) = read_file($trace) =~ /^(\d+) +accept4\(/m;
    my $calls = join '', grep { /^$acceptor / } split /^/, read_file($trace);
    $calls =~ s/ <unfinished \.\.\.>\n\d+ +<\.\.\. \w+ resumed>//g;
    my $met = 3 - (() = $calls =~ /\(INJECTED\)\n\d+ +poll\(\[\{fd=\d+, events=POLLIN\}\], 1, 0\) += 0 /g);
    cmp_ok $met, $error =~ /FILE/ ? '>=' : '==', $error =~ /FILE/ ? 1 : 3, "$met connections met it";
    like $daemon->{log}, qr/notice accept errors $name=$met$/m, 'it was counted each time';
    like $daemon->{log}, qr/warning cannot accept connections, pausing: [A-Z][\w\/ ]+ count=[1-3]$/m, 'and warned of';
    my $count = 0;
    $count += $1 while $daemon->{log} =~ /cannot accept connections, pausing: .* count=(\d+)$/mg;
    # If the main loop comes late, a socket lingers, and it closes that one instead of a warning.
    cmp_ok $count, $error =~ /FILE/ ? '<=' : '==', $met, 'in all as often as it happened';
}

for my $error (qw(EBADF EINVAL ENOTSOCK EFAULT)) {
    my $daemon = start(under => [@strace, "$accept:error=$error:when=1+"]);
    is $daemon->wait_end, 71, "$error: a bug of ours ends the daemon";
    like $daemon->{log}, qr/crit cannot accept connections: /, 'which says why';
}

# An error that never ends, whatever it says: a container's filter can answer each call so.
sub calls { return scalar(() = read_file($trace) =~ / (?:accept4?|poll)\(/g) }

for (['EPERM', 'Operation not permitted'], ['ENOSYS', 'Function not implemented'], ['ECONNABORTED', 'Software caused connection abort'],
    ['EINTR', 'Interrupted system call'], ['EAGAIN', 'Resource temporarily unavailable']) {
    my ($error, $text) = @$_;
    my $daemon = start(under => [@strace, "$accept:error=$error"], config => 'timeouts: { drain = 600.0; };');
    my $peer = connect_to($daemon->{port});
    ok $daemon->wait_log(qr/warning cannot accept connections, pausing: $text count=\d+$/), "$error for good: the log says so";
    my $before = calls();
    sleep 1;
    cmp_ok calls() - $before, '<', 50, 'and it is tried a few times a second';
    kill 'TERM', pid_of($daemon);
    is $daemon->wait_end, 0, 'a stop does not wait for what it cannot accept';
}

# The seconds of processor time that its threads have had. Ticks, as times(2) counts them, miss
# what runs between two of them.
sub processor_time {
    my ($daemon) = @_;
    my $ns = 0;
    $ns += (split ' ', read_file($_))[0] for glob "/proc/$daemon->{pid}/task/*/schedstat";
    return $ns / 1e9;
}

# Without a single descriptor even poll(2) fails: "EINVAL The nfds value exceeds the RLIMIT_NOFILE value."
my $none = start();
is +(run('prlimit', '--pid', $none->{pid}, '--nofile=0:'))[0], 0, 'with no descriptor at all';
connect_to($none->{port});
my $idle = processor_time($none);
sleep 1;
cmp_ok processor_time($none) - $idle, '<', 0.05, 'it does not try in a loop';
is +(run('prlimit', '--pid', $none->{pid}, '--nofile=64:'))[0], 0, 'and with some';
is +(run($SIXTEEN, '127.0.0.1', $none->{port}))[0], 0, 'serves';
is $none->stop, 0, 'ends';

# A lasting shortage: the daemon pauses, and recovers by itself.
my $daemon = start();
is +(run('prlimit', '--pid', $daemon->{pid}, '--nofile=16'))[0], 0, 'with 16 descriptors';
my @peers = map { connect_to($daemon->{port}) } 1 .. 20;
ok $daemon->wait_log(qr/warning cannot accept connections, pausing: Too many open files/), 'out of descriptors it pauses';

my $before = processor_time($daemon);
sleep 2;
my $used = (processor_time($daemon) - $before) / 2;
cmp_ok $before, '>', 0, 'the kernel counts its time';
cmp_ok $used, '<', 0.05, sprintf 'and takes %.1f %% of a processor meanwhile', 100 * $used;
syswrite $_, $GREETING for @peers;
is scalar(grep { (read_to_end($_))[0] eq $REPLY } @peers), 20, 'every peer is served in the end';
undef @peers;
is $daemon->stop, 0, 'ends';
like $daemon->{log}, qr/accept errors EMFILE=[1-9]\d*$/m, 'and the cause was counted';
done_testing;
