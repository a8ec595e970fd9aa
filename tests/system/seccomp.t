# SPDX-License-Identifier: MIT
# Built --with-seccomp: all threads are under the filter, serve, reload and look names up; any system
# call that no running daemon makes is told in the log and ends it with SIGSYS. Preloaded, violate.so
# makes such calls when a peer says so.
use strict;
use warnings;
use POSIX ();
use Sixteen;
use Test::More;

my $violate = ($ENV{BUILD_DIR} // '.') . '/tests/system/violate.so';
plan skip_all => 'built without --with-seccomp' if !is_filtered();
my @violate = ('env', "LD_PRELOAD=$violate");

# A peer that takes the daemon over, to do this.
sub take_over {
    my ($port, $what) = @_;
    my $peer = connect_to($port);
    syswrite $peer, sprintf '%-16s', "do $what";
    return (read_to_end($peer))[0];
}

# Take it over for what is to end it: how it ended.
sub end_of {
    my ($daemon, $what) = @_;
    $daemon->tell('KILL') if take_over($daemon->{port}, $what) eq $REPLY;    # it goes on
    return $daemon->wait_end;
}

my $daemon = start(under => \@violate, listen => [], config => 'listen = [ "127.0.0.1:0" ];');
like $daemon->{log}, qr/ notice system calls that a running daemon does not make are refused\n/, 'it says so';
is take_over($daemon->{port}, 'nothing'), $REPLY, 'it serves';
my @tasks = map { read_file("$_/status") } glob "/proc/$daemon->{pid}/task/*";
is scalar(grep { /^NoNewPrivs:\s+1$/m && /^Seccomp:\s+2$/m } @tasks), 3, 'its three threads are under the filter';
my ($user) = $> == 0 ? 'nobody' : scalar getpwuid $>;
like $daemon->reload("listen = [ \"127.0.0.1:0\", \"localhost:0\" ]; daemon: { user = \"$user\"; }; log: { to = \"stderr\"; };"),
    qr/ notice reloaded /, 'a reload may look up names of hosts and users';
is take_over($daemon->{port}, 'nothing'), $REPLY, 'and it serves';
is $daemon->stop, 0, 'ends';

my %call = (fork => qr/clone3?|v?fork/, mmap => qr/mmap2?/, setuid => qr/setuid(?:32)?/, sigaction => qr/rt_sigaction/);
for my $what (qw(execve fork mmap mprotect setuid socket ioctl kill ptrace sigaction)) {
    $daemon = start(under => \@violate);
    is end_of($daemon, $what), -POSIX::SIGSYS(), "$what ends it with SIGSYS";
    is ${^CHILD_ERROR_NATIVE} & 0x80, 0, '... without a core';
    my $call = $call{$what} // $what;
    like $daemon->{log}, qr/^sixteend: system call \d+ \($call\) is refused: a break-in or a defect\. This is the end$/m, '... and is told';
}
$daemon = start(under => \@violate);
is end_of($daemon, 'unknown'), -POSIX::SIGSYS(), 'a call that nobody knows ends it too';
like $daemon->{log}, qr/^sixteend: system call 9999 is refused/m, '... and is told';

# What somebody else sends is no violation.
$daemon = start();
$daemon->tell('SYS');
is $daemon->wait_end, -POSIX::SIGSYS(), 'SIGSYS by kill(2) ends it';
unlike $daemon->{log}, qr/is refused:/, '... but says nothing of a system call';

SKIP: {
    my ($log, $path, @prefix) = own_syslog();
    skip 'needs a mount namespace', 3 if !@prefix;
    my ($status, $out, $err, $pid, $port) = start_in_background([@prefix, @violate]);
    is $status, 0, 'in the background';
    take_over($port, 'execve');
    like next_datagram($log, qr/system call \d/), qr/^<26>sixteend\[$pid\]: system call \d+ \(execve\) is refused: /, 'syslog(3) is told, as critical';
    ok wait_for(sub { is_gone($pid) }), 'and that is its end';
}

SKIP: {
    my @strace = ('strace', '--quiet=all', '--output', '/dev/null', '--inject=seccomp:error=EINVAL');
    skip 'needs strace', 2 if !have('strace') || (run(@strace, 'true'))[0] != 0;
    $daemon = launch(under => \@strace);
    is $daemon->wait_end, 71, 'a kernel without the filter ends the start: status 71';
    like $daemon->{log}, qr/ crit cannot have the kernel refuse system calls; configured --with-seccomp: \S/, 'with the reason';
}
done_testing;
