# SPDX-License-Identifier: MIT
# System calls that the C library makes itself, out of reach of the shim, in malloc(3),
# pthread_create(3), getaddrinfo(3), getpwnam(3), fopen(3) and syslog(3). strace makes each of them
# fail in turn, once and for good, from the first in main() to the end.
use strict;
use warnings;
use Faults;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'needs strace' if !have('strace');
plan skip_all => 'QUICK is set' if $ENV{QUICK};
plan skip_all => 'a sanitizer makes calls of its own' if is_sanitized();
plan skip_all => 'what counts coverage makes calls of its own' if read_file($SIXTEEND) =~ /__gcov_/;
my @strace = ('strace', '-D', '--follow-forks', '--quiet=all',
    '--signal=none', '--interruptible=waiting');
plan skip_all => 'may not trace' if (run(@strace, '--output', '/dev/null', 'true'))[0] != 0;

my %ERRORS = (
    bind => [qw(ENOMEM)],
    brk => [0],    # it reports a failure by an end below the requested one
    clone => [qw(EAGAIN ENOMEM)],
    clone3 => [qw(EAGAIN ENOMEM ENOSYS)],
    connect => [qw(ENOENT ECONNREFUSED)],
    getsockname => [qw(ENOBUFS)],
    lseek => [qw(ESPIPE)],
    madvise => [qw(ENOMEM)],
    mmap => [qw(ENOMEM)],
    mprotect => [qw(ENOMEM)],
    newfstatat => [qw(ENOENT EIO)],
    open => [qw(ENOENT EACCES EMFILE)],
    openat => [qw(ENOENT EACCES EMFILE)],
    read => [qw(EIO)],
    recvmsg => [qw(ENOMEM)],
    sendto => [qw(ECONNREFUSED)],
    socket => [qw(EMFILE EAFNOSUPPORT)],
);
# Other names on 32-bit systems.
my %ALSO = (_llseek => 'lseek', mmap2 => 'mmap', fstatat64 => 'newfstatat', statx => 'newfstatat', send => 'sendto');
$ERRORS{$_} = $ERRORS{ $ALSO{$_} } for keys %ALSO;
my $MANY = 6;    # of one call; those after it are more of the same

my ($user) = own_user();
my $trace;
my $scenario = {
    config => "daemon: { user = \"$user\"; }; log: { to = \"syslog\"; };",
    arguments => [qw(--foreground --config conf --verbose --listen localhost:0 --listen 127.0.0.1:0)],
};

# Run a daemon with this injection; return what is wrong.
sub live {
    my (@inject) = @_;
    $trace = scratch() . '/trace';
    my $daemon = begin({ %$scenario, under => [@strace, '--output', $trace, @inject] });
    my $state = see_up($daemon);
    my @wrong;
    if ($state eq 'up') {
        converse($daemon);
        lift_tracer($daemon) if @inject > 1;
        push @wrong, "the next client is not served at port $_" for grep { !is_served($_) } @{ $daemon->{ports} };
        stop_at_once($daemon);
    }
    push @wrong, 'hangs' if $state eq 'hangs' || see_end($daemon) eq 'hangs';
    1 while $daemon->take_in(time + 5);    # strace holds the other end, too, until its file is complete
    push @wrong, Faults::judge_end($daemon, $daemon->{log}, $state eq 'up' ? 0 : (69, 71, 78)) if !@wrong;
    push @wrong, 'nothing reports it' if $state eq 'ended' && $daemon->{log} !~ /\S/;
    return (@wrong, @wrong ? Faults::tail($daemon->{log}) : ());
}

# Detach strace from the daemon, which ends the fault.
sub lift_tracer {
    my ($daemon) = @_;
    my ($tracer) = read_file("/proc/$daemon->{served_by}/status") =~ /^TracerPid:\s+(\d+)/m;
    return if !$tracer;
    kill 'TERM', $tracer;
    wait_for(sub { read_file("/proc/$daemon->{served_by}/status") !~ /^TracerPid:\s+[1-9]/m });
    return;
}

# C libraries and processors differ in which of these calls there are.
my $set = '--trace=' . join ',', map { "?$_" } sort keys %ERRORS;
is join(' ', live($set)), '', 'without a fault';

# How often each thread makes each call. What comes before main() opens /dev/null is the loader's.
my (%skip, %count, $started);
for (split /\n/, read_file($trace)) {
    my ($thread, $call) = /^(\d+) +(\w+)\(/ or next;
    $count{$thread}{$call}++;
    $started = 1 if m{"/dev/null"};
    $skip{$call}++ if !$started;
}

# libconfig 1.5 does not check whether it gets memory. Where malloc(3) maps memory first, a single
# failure is enough: that of a call, the last one, which follows when the file has been read.
my $of_libconfig = c_library()->{heap} ? qr/(?!)/
    : qr{\A(?:(?!.*/conf").*\n)*(\d+) +open.*/conf", O_RDONLY.*\n(?:\g1 +mmap\(.*\n)*\g1 +mmap\(.*\(INJECTED\)\n\z};
my $total = 0;
for my $call (sort keys %ERRORS) {
    my $first = ($skip{$call} // 0) + 1;
    my ($most) = sort { $b <=> $a } map { $_->{$call} // () } values %count;
    next if !$most;
    $most = $first + $MANY - 1 if $most >= $first + $MANY;
    for my $error (@{ $ERRORS{$call} }) {
        for my $when (map { ($_, "$_+") } $first .. $most) {
            my $fault = $error ? "error=$error" : 'retval=0';
            my @wrong = live($set, "--inject=$call:$fault:when=$when");
            ok !@wrong || read_file($trace) =~ $of_libconfig, "$call $fault, call $when" or diag join "\n", @wrong;
            $total++ if read_file($trace) =~ /\(INJECTED\)/;
        }
    }
}
note "$total fault points";
cmp_ok $total, '>', 50, 'calls did fail';
done_testing;
