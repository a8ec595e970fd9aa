# SPDX-License-Identifier: MIT
# Into the background as daemon(7) wants it: the command returns when the daemon
# listens, or has failed and said why; one daemon per pid file.
use strict;
use warnings;
use Cwd qw(realpath);
use POSIX qw(:signal_h);
use Sixteen;
use Test::More;

my $directory = realpath(scratch());
my $pid_file = "$directory/sixteend.pid";

my ($status, $out, $err, $pid, $port) = start_in_background('--pid-file', $pid_file);
is $status, 0, 'the command returns 0';
like $out, qr/\Asixteend: listening at 127\.0\.0\.1:\d+; process \d+; logging to syslog, facility daemon\n\z/,
    'one line says where it listens and logs';
$err =~ s/^sixteend: no syslog daemon reads .*\n//;    # if this host has none
my @warning = $> == 0 ? 'sixteend: running as root; set daemon.user to run as another user' : ();
is $err, join('', map { "$_\n" } @warning), 'standard error has warnings only';
my ($answer) = run($SIXTEEN, '127.0.0.1', $port);
is $answer, 0, 'and then it answers at once';
is read_file($pid_file), "$pid\n", 'the pid file names it';

my @stat = split ' ', read_file("/proc/$pid/stat") =~ s/.*\)//r;
my ($parent, $session, $terminal) = @stat[1, 3, 4];
isnt $parent, $$, 'it is not our child';
isnt $session, $pid, 'it leads no session, so it never gets a terminal';
isnt $session, (split ' ', read_file("/proc/$$/stat") =~ s/.*\)//r)[3], 'it is not in our session';
is $terminal, 0, 'it has none';
is readlink "/proc/$pid/cwd", '/', 'it holds no directory but the root';
is readlink "/proc/$pid/fd/$_", '/dev/null', "descriptor $_ leads to /dev/null" for 0 .. 2;
like read_file("/proc/$pid/status"), qr/^Umask:\s+0022$/m, 'its umask is 022';

my ($second, $second_out, $second_err) =
    start_in_background('--listen', '127.0.0.1:0', '--pid-file', $pid_file);
is $second, 69, 'a second start on the pid file is refused with status 69';
like $second_err, qr/^sixteend: pid file \Q$pid_file\E is locked by process $pid; another sixteend is running\n\z/m, 'and names the process';
is $second_out, '', 'it says nothing else';
is read_file($pid_file), "$pid\n", 'and leaves the pid file as it is';
($answer) = run($SIXTEEN, '127.0.0.1', $port);
is $answer, 0, 'the first one goes on';

($second, $second_out, $second_err) = start_in_background('--listen', "127.0.0.1:$port");
is $second, 69, 'a second start on the address is refused with status 69';
like $second_err, qr/^sixteend: cannot listen at 127\.0\.0\.1:$port: Address already in use; another process uses it/m,
    "the daemon's reason is on the caller's standard error";

kill 'TERM', $pid;
ok wait_for(sub { is_gone($pid) }), 'TERM ends it';
ok !-e $pid_file, 'the pid file is removed';
($answer) = run($SIXTEEN, '127.0.0.1', $port);
is $answer, 1, 'and nothing listens';

write_file($pid_file, "99999\n");
($status, $out, $err, $pid) = start_in_background('--pid-file', $pid_file);
is $status, 0, 'a pid file that no process has locked is taken over';
is read_file($pid_file), "$pid\n", 'and rewritten';
kill 'INT', $pid;
ok wait_for(sub { is_gone($pid) }), 'INT ends it';

($status, $out, $err) = start_in_background('--pid-file', "$directory/none/sixteend.pid");
is $status, 71, 'a pid file that cannot be made: status 71';
like $err, qr{^sixteend: cannot open the pid file $directory/none/sixteend\.pid; its directory does not exist: No such file or directory$}m, 'with the reason';

chdir $directory;
($status, $out, $err, $pid) = start_in_background('--pid-file', 'relative.pid');
is read_file("$directory/relative.pid"), "$pid\n", 'a relative --pid-file is taken from where the command was given';
kill 'TERM', $pid;
ok wait_for(sub { is_gone($pid) }), 'it ends';
ok !-e "$directory/relative.pid", 'and that is removed too';
chdir '/';

($status, $out, $err) = start_in_background('--listen', 'no-such-host.invalid:1060');
is $status, 69, 'a name that cannot be resolved: status 69';
like $err, qr/^sixteend: cannot listen at no-such-host\.invalid:1060: \S/m, 'with the reason';

($status, $out, $err) = start_in_background('--listen', '192.0.2.1:1060');
is $status, 69, 'an address that no interface has: status 69';
like $err, qr/cannot listen at 192\.0\.2\.1:1060: Cannot assign requested address; no interface of this host has that address/,
    'with the reason';

my $busy = (listen_somewhere())[0];
my $file = write_file("$directory/sixteen.conf", 'log: { to = "syslog"; };');
($status, $out, $err) = run($SIXTEEND, '-f', '-c', $file, '-l', '127.0.0.1:' . $busy->sockport);
is $status, 69, 'in the foreground, logging to syslog, an address that another has: status 69';
like $err, qr/^sixteend: cannot listen at \S+: Address already in use/m, 'and standard error has the reason, too';

my $daemon = start(options => ['--pid-file', $pid_file]);
is read_file($pid_file), "$daemon->{pid}\n", 'in the foreground --pid-file works too';
is $daemon->stop, 0, 'ends';
ok !-e $pid_file, 'and removes it';
$daemon = start(config => "daemon: { pid_file = \"$pid_file\"; };");
ok !-e $pid_file, 'without --pid-file none is written in the foreground';
$daemon->stop;


$daemon = start();
my $port_twice = $daemon->{port};
$daemon->stop;
($status, $out, $err) = run($SIXTEEND, '-f', '-e', '-c', '/dev/null', '-l', "127.0.0.1:$port_twice", '-l', "*:$port_twice");
is $status, 69, 'an address and every address with the same port: status 69';
like $err, qr/cannot listen at 0\.0\.0\.0:$port_twice: Address already in use; the configuration lists it twice$/m, 'with the true reason';

# A thread's stack is as large as this limit, and larger than all of memory may be.
SKIP: {
    skip 'a sanitizer needs more address space than this test leaves', 2 if is_sanitized();
    skip 'the stacks of threads do not have the size of a limit', 2
        if c_library('sh', '-c', 'ulimit -s 4000000 && exec "$@"', 'sh')->{stack} < 4_000_000_000;
    ($status, $out, $err) = run('sh', '-c', 'ulimit -s 4000000 && ulimit -v 2000000 && exec "$@"', 'sh',
        $SIXTEEND, '-d', '-c', '/dev/null', '-l', '127.0.0.1:0');
    is "$status$out", 71, 'a daemon that cannot start its log writer never says that it listens: status 71';
    like $err, qr/^sixteend: cannot start the log writer: Resource temporarily unavailable$/m, 'and says why';
}

# A standard error that takes nothing: what is wrong cannot be said, but the status comes.
my $wrong = write_file("$directory/wrong.conf", "strict = 1;");
for my $case ([78, '--daemon', '--config', $wrong], [64, '--daemon', '--no-such-option'], [64, '--daemon', '--listen', 'nowhere'],
    [78, '--foreground', '--config', $wrong], [78, '--test', '--config', $wrong]) {
    my ($right, @arguments) = @$case;
    pipe my $reader, my $full or die "pipe: $!";
    $full->blocking(0);
    1 while syswrite $full, "\n" x 4096;
    $full->blocking(1);
    my $command = spawn(sub {
        open STDERR, '>&', $full;
        exec $SIXTEEND, @arguments;
    });
    ok wait_for(sub { is_gone($command) }), "@arguments: it ends where nothing can be printed";
    finish($command);
    is $? >> 8, $right, 'with its status';
}

# Without /dev/null, as in a bare chroot.
SKIP: {
    my $dev = scratch();
    my $conf = write_file("$directory/test.conf", '');
    my @bare = with_mounts('/dev' => $dev);
    skip 'this host lets nobody mount', 28 if !@bare;
    for my $words ([qr/^sixteend \d/, '--version'], [qr/^usage: /, '--help'], [qr/: configuration OK$/m, '--test', '--config', $conf],
        [qr/^listen = /m, '--show-config', '--config', $conf]) {
        my ($said, @words) = @$words;
        for my $closed ('', '<&-') {
            ($status, $out, $err) = run(@bare, 'sh', '-c', "exec \"\$@\" $closed", 'sh', $SIXTEEND, @words);
            is "$status$err", '0', "without /dev/null, $words[0] works" . ($closed ? ', though standard input is closed' : '');
            like $out, $said, 'and prints what it must';
        }
    }
    for my $case ([qr/No such file or directory/, sub { }], [qr/Is a directory/, sub { mkdir "$dev/null" }]) {
        my ($reason, $prepare) = @$case;
        $prepare->();
        for my $how ('--foreground', '--daemon') {
            ($status, $out, $err) = run(@bare, 'sh', '-c', 'exec "$@" <&-', 'sh', $SIXTEEND, $how, '--config', $conf, '--listen', '127.0.0.1:0');
            is "$status$out", 71, "a start, $how, with standard input closed: status 71";
            like $err, qr{\Asixteend: cannot open /dev/null: $reason\n\z}, 'with the reason';
        }
    }
    rmdir "$dev/null";
    ($status, $out, $err, $pid, $port) = start_in_background(\@bare, '--config', $conf);
    is $status, 0, 'if all three are open, it starts';
    like $err, qr{^sixteend: cannot detach from the terminal: /dev/null: No such file or directory$}m, 'but keeps the terminal, as it says';
    is answer_of(connect_to($port)), "$REPLY eof", 'and serves';
    kill 'TERM', $pid;
    ok wait_for(sub { is_gone($pid) }), 'until it ends';
}

# A daemon resets the signals that its caller ignored or blocked: daemon(7), 2 and 3.
my $blocked = POSIX::SigSet->new(SIGQUIT, SIGUSR2);
{
    local @SIG{qw(QUIT USR2)} = ('IGNORE', 'IGNORE');
    sigprocmask(SIG_BLOCK, $blocked);
    ($status, $out, $err, $pid) = start_in_background();
    sigprocmask(SIG_UNBLOCK, $blocked);
}
my %mask = read_file("/proc/$pid/status") =~ /^(Sig\w+):\s+(\w+)$/mg;
sub bits { my $bits = 0; $bits |= 1 << $_ - 1 for @_; return $bits }
is hex $mask{SigBlk}, bits(SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGTERM, SIGUSR2, 24, 30), 'the main thread blocks what it reads from a descriptor, XCPU (24) and PWR (30) among it, and what interrupts acceptors';
# The C library does not let a program change its own.
my $first = c_library()->{first_signal};
is hex($mask{SigIgn}) & ~bits(32 .. $first - 1), bits(SIGPIPE, SIGALRM, 16, 25, 26, 27, 29, $first .. 64),
    'and ignores PIPE, ALRM, STKFLT, XFSZ, VTALRM, PROF, IO and the real-time signals';
kill 'TERM', $pid;
ok wait_for(sub { is_gone($pid) }), 'TERM ends it';
done_testing;
