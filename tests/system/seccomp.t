# SPDX-License-Identifier: MIT
# Built --with-seccomp: all threads are under the filter, serve, reload and look up names; a system
# call that no running daemon makes is logged and ends it with SIGSYS. violate.so is preloaded and
# makes such calls when a peer says so.
use strict;
use warnings;
use POSIX ();
use Sixteen;
use Test::More;

my $violate = ($ENV{BUILD_DIR} // '.') . '/tests/system/violate.so';
plan skip_all => 'built without --with-seccomp' if !is_filtered();
my @violate = ('env', "LD_PRELOAD=$violate");

# A peer that makes the daemon do this.
sub take_over {
    my ($port, $what) = @_;
    my $peer = connect_to($port);
    syswrite $peer, sprintf '%-16s', "do $what";
    return (read_to_end($peer))[0];
}

# Make the daemon do this; return how it ended.
sub end_of {
    my ($daemon, $what) = @_;
    $daemon->tell('KILL') if take_over($daemon->{port}, $what) eq $REPLY;    # it goes on
    return $daemon->wait_end;
}

my $daemon = start(under => \@violate, listen => [], config => 'listen = [ "127.0.0.1:0" ];');
like $daemon->{log}, qr/ notice seccomp filter installed\n/, 'it says so';
is take_over($daemon->{port}, 'nothing'), $REPLY, 'it serves';
my @tasks = map { read_file("$_/status") } glob "/proc/$daemon->{pid}/task/*";
is scalar(grep { /^NoNewPrivs:\s+1$/m && /^Seccomp:\s+2$/m } @tasks), 4, 'its four threads are under the filter';
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
    like $daemon->{log}, qr/^sixteend: system call \d+ \($call\) refused: possible exploit or bug; terminating$/m, '... and is logged';
}
$daemon = start(under => \@violate);
is end_of($daemon, 'unknown'), -POSIX::SIGSYS(), 'an unknown call ends it too';
like $daemon->{log}, qr/^sixteend: system call 9999 refused/m, '... and is logged';

# A SIGSYS from another process is no violation.
$daemon = start();
$daemon->tell('SYS');
is $daemon->wait_end, -POSIX::SIGSYS(), 'SIGSYS by kill(2) ends it';
unlike $daemon->{log}, qr/ refused: possible/, '... but logs no system call';

SKIP: {
    my ($log, $path, @prefix) = own_syslog();
    skip 'needs a mount namespace', 3 if !@prefix;
    my ($status, $out, $err, $pid, $port) = start_in_background([@prefix, @violate]);
    is $status, 0, 'in the background';
    take_over($port, 'execve');
    like next_datagram($log, qr/system call \d/), qr/^<26>sixteend\[$pid\]: system call \d+ \(execve\) refused: /, 'it is logged to syslog, as critical';
    ok wait_for(sub { is_gone($pid) }), 'and the daemon ends';
}

SKIP: {
    my @strace = ('strace', '--quiet=all', '--output', '/dev/null', '--inject=seccomp:error=EINVAL');
    skip 'needs strace', 2 if !have('strace') || (run(@strace, 'true'))[0] != 0;
    $daemon = launch(under => \@strace);
    is $daemon->wait_end, 71, 'a kernel without the filter ends the start: status 71';
    like $daemon->{log}, qr/ crit cannot install the seccomp filter: \S/, 'with the reason';
}
done_testing;
