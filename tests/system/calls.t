# SPDX-License-Identifier: MIT
# The system calls of a connection whose message is there when it is accepted: six, and
# nothing else. HACKING.md lists them.
use strict;
use warnings;
use Sixteen;
use Socket qw(SHUT_WR);
use Test::More;

plan skip_all => 'needs strace' if !have('strace');
plan skip_all => 'a sanitizer makes calls of its own' if is_sanitized();
my $trace = scratch() . '/trace';
my @strace = ('strace', '--follow-forks', '--output', $trace);
plan skip_all => 'may not trace' if (run(@strace, 'true'))[0] != 0;

# Connections enough for their calls to stand out from those that are made once a sweep.
my $count  = 50;
my $daemon = start(under => [@strace]);
my ($pid)  = $daemon->{log} =~ /ready, process (\d+)/;

# As many workers as there will be connections, and all of them idle.
my @silent = map { connect_to($daemon->{port}) } 1 .. $count;
ok wait_for(sub { $count + 3 <= (() = glob "/proc/$pid/task/*") }), 'a worker for each';
undef @silent;
ok wait_for(sub {
    kill 'USR1', $pid;
    return $daemon->wait_log(qr/connections accepted/) =~ / active=0 .* idle=$count /;
}), 'which are idle again';

# While it is stopped the kernel takes connections, messages and ends of file in.
kill 'STOP', $pid;
ok wait_for(sub { (() = glob "/proc/$pid/task/*") == (() = read_file($trace) =~ /^\d+ +--- stopped by SIGSTOP/mg) }), 'every thread is stopped';
my @peers = map { connect_to($daemon->{port}) } 1 .. $count;
syswrite $_, $GREETING for @peers;
shutdown $_, SHUT_WR for @peers;
kill 'CONT', $pid;
is scalar(grep { (read_to_end($_))[0] eq $REPLY } @peers), $count, 'every peer gets its reply';
close $_ for @peers;
my $text;
ok wait_for(sub {
    $text = read_file($trace) =~ s/.*?--- SIGSTOP//sr;
    return $count <= (() = $text =~ /\bclose\(/g);
}), 'and every socket is closed';
my ($acceptor) = $text =~ /^(\d+) +(?:<\.\.\. )?accept4\b/m;

# One that does not close yet, and is watched.
my $slow = connect_to($daemon->{port});
syswrite $slow, $GREETING;
is +(read_to_end($slow))[0], $REPLY, 'a peer that stays gets its reply too';
my $more;
my $watching = wait_for(sub { ($more = substr read_file($trace) =~ s/.*?--- SIGSTOP//sr, length $text) =~ /\bepoll_ctl\(/ });
ok $watching, 'and its socket is watched until';
close $slow;
ok wait_for(sub {
    $more = substr read_file($trace) =~ s/.*?--- SIGSTOP//sr, length $text;
    return $more =~ /\bclose\(/;
}), 'it closes';

# One that takes longer than a tenth of a second, and may have had retransmissions.
my $before = length read_file($trace);
my $late   = connect_to($daemon->{port});
select undef, undef, undef, 0.2;
syswrite $late, $GREETING;
is +(read_to_end($late))[0], $REPLY, 'a peer that is late gets its reply too';
like $daemon->wait_log(qr/ us=[1-9]\d{5,}/), qr/ us=\d+$/, 'without retransmissions its line has none';
kill 'TERM', $pid;
is $daemon->wait_end, 0, 'ends';
is scalar(() = substr(read_file($trace), $before) =~ /\bgetsockopt\(\d+, SOL_TCP, TCP_INFO/g), 1, 'which takes one getsockopt';
is scalar(() = $more =~ /\bepoll_ctl\(/g), 1, 'which takes one epoll_ctl';
is scalar(() = $text =~ /\bepoll_/g), 0, 'that those which closed did without';

# 32-bit systems have other names for some calls.
$text =~ s/^(\d+ +(?:<\.\.\. )?)(?:(recv)|(send))\b/$1 . ($2 ? 'recvfrom' : 'sendto')/gme;

# A call that another interrupts in the listing begins a line but once.
my %calls;
$calls{$_}++ for $text =~ /^\d+ +(\w+)\(/mg;
is scalar(() = $text =~ /\baccept4\b.* = \d+$/mg), $count, 'accept4: one for each';
is scalar(() = $text =~ /\brecvfrom\b.* = (?:0|16)$/mg), 2 * $count, 'recv: the message, and the end of file';
is $calls{sendto},   $count, 'send: one for each';
is $calls{shutdown}, $count, 'shutdown: one for each';
cmp_ok $calls{close}, '<=', $count + 5, 'close: one for each, and perhaps a last one of those before';

# What a sweep takes, and not each connection, comes from the main loop; the rest is for a lock or a
# wake-up, or the C library's allocator; restart_syscall resumes a sleep that the stop interrupted.
my %worker = map { $_ => 1 } $text =~ /^(\d+) +sendto\(/mg;
my (%other, %accepts);
for (split /\n/, $text) {
    my ($thread, $call) = /^(\d+) +(\w+)\(/ or next;
    next if $call =~ /^(?:futex(?:_time64)?|restart_syscall|mprotect|madvise|mmap2?|munmap|brk)$/;
    $other{$call}++ if $worker{$thread} && $call !~ /^(?:recvfrom|sendto|shutdown)$/;
    $accepts{$call}++ if $thread == $acceptor;
}
delete $other{write};    # wakes the main loop early for a sweep, which strace delays
my @times = $daemon->{log} =~ /\boutcome=ok .* us=(\d+)/g;
delete $other{getsockopt} if grep { $_ > 100_000 } @times[0 .. $count - 1];    # which strace can delay, too
is join(' ', sort keys %other), '', 'a worker makes no other calls';
is join(' ', sort keys %accepts), 'accept4', 'nor does the acceptor';
$other{$_} += $calls{$_} // 0 for qw(setsockopt getsockname getpeername fcntl ioctl);
is join(' ', grep { $other{$_} } sort keys %other), '', 'and no thread makes calls that set or query a socket';
done_testing;
