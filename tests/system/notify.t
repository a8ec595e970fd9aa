# SPDX-License-Identifier: MIT
# Notifications to the service manager, sd_notify(3): the test is the manager.
use strict;
use warnings;
use Fcntl qw(F_DUPFD);
use IO::Select;
use IO::Socket::UNIX;
use List::Util qw(sum0);
use POSIX ();
use Sixteen;
use Socket qw(AF_UNIX PF_UNSPEC SOCK_DGRAM SOCK_STREAM);
use Test::More;
use Time::HiRes qw(clock_gettime time CLOCK_MONOTONIC);

my $directory = scratch();
my $path = "$directory/notify";
my $manager = manager_at($path);

sub manager_at {
    my ($name) = @_;
    return IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $name) // die "$name: $!";
}

# Return the next message within this many seconds, and when it came.
sub next_message {
    my ($seconds, $from) = @_;
    $from //= $manager;
    return ('', time) if !IO::Select->new($from)->can_read($seconds);
    $from->recv(my $message, 4096);
    return ($message, time);
}

# The next one that matches.
sub wait_message {
    my ($pattern, $from) = @_;
    my $until = time + 60;
    while (time < $until) {
        my ($message) = next_message($until - time, $from);
        return $message if $message =~ $pattern;
    }
    diag "waited in vain for $pattern";
    return '';
}

# What is there and was not read.
sub read_rest {
    my @messages;
    while ((my ($message) = next_message(0))[0] ne '') {
        push @messages, $message;
    }
    return @messages;
}

# Start a daemon of this manager, with these variables in its environment.
sub managed {
    my ($environment, %more) = @_;
    return launch(before => sub { %ENV = (%ENV, NOTIFY_SOCKET => $path, %$environment) }, %more);
}

sub exchange {
    my ($daemon) = @_;
    my ($status, $out, $err) = run($SIXTEEN, '-W', 30, '127.0.0.1', $daemon->{port});
    return "$status$err";
}

# The port is known before it is ready.
sub port_of {
    my ($daemon) = @_;
    ($daemon->{port}) = $daemon->wait_log(qr/Listening at/) =~ /:(\d+)$/;
    return $daemon;
}

# How long it is from each of the next messages of a kind to the one after.
sub gaps {
    my ($kind, $count) = @_;
    my ($last, @gaps);
    my $until = time + 60;
    while (@gaps < $count && time < $until) {
        my ($message, $at) = next_message($until - time);
        next if $message !~ $kind;
        push @gaps, $at - $last if defined $last;
        $last = $at;
    }
    return @gaps;
}

my $daemon = managed({});
my ($message) = next_message(60);
like $message, qr/\AREADY=1\nSTATUS=0 active, 0 accepted, 0 ok, 0 failed, 0 limited, 0 log lines lost; listening at 127\.0\.0\.1:\d+\z/,
    'it reports that it is ready, and at once what it does';
# Nothing was waited for but that word.
ok port_of($daemon), 'with a port';
is exchange($daemon), '0', 'and serves';
is exchange($daemon), '0', 'again';
ok wait_for(sub { $daemon->tell('USR1'); $daemon->wait_log(qr/ connections accepted=2 /) =~ / active=0 / }), 'both exchanges have been counted';

$daemon->tell('STOP');    # so that nothing comes between the two moments
my $before = clock_gettime(CLOCK_MONOTONIC);
$daemon->tell('HUP');
$daemon->tell('CONT');
$message = wait_message(qr/RELOADING/);
my $after = clock_gettime(CLOCK_MONOTONIC);
like $message, qr/\ARELOADING=1\nMONOTONIC_USEC=\d+\z/, 'HUP: it reloads, both in one message';
my ($us) = $message =~ /USEC=(\d+)/;
cmp_ok $us, '>=', $before * 1e6 - 1, 'since now';
cmp_ok $us, '<=', $after * 1e6 + 1, 'and not later';
like +(next_message(60))[0], qr/\AREADY=1\nSTATUS=0 active, 2 accepted, 2 ok, /, 'and is ready again, with new numbers';
$daemon->wait_log(qr/ reloaded /);

like $daemon->reload('strict = 1;'), qr/refused/, 'a configuration that is wrong';
like +(next_message(60))[0], qr/\ARELOADING=1\nMONOTONIC_USEC=\d+\z/, 'is a reload too';
is +(next_message(60))[0], "READY=1\nSTATUS=Reload refused; see the log. The running configuration stays in effect", 'after which it is ready, and the status says that it was refused';
is exchange($daemon), '0', 'it serves';

my $held = connect_to($daemon->{port});
syswrite $held, substr $GREETING, 0, 8;
wait_for(sub { $daemon->tell('USR1'); $daemon->wait_log(qr/ connections accepted=/) =~ / active=1 / });
$daemon->reload("strict = true;\n");
wait_message(qr/^STATUS=1 active, /m);
$daemon->tell('TERM');
is +(next_message(60))[0], 'STOPPING=1', 'TERM: it says that it stops';
ok !is_gone($daemon->{pid}), 'while it still serves its active connection';
syswrite $held, substr $GREETING, 8;
is join(' ', read_to_end($held)), "$REPLY eof", 'to the end';
close $held;
is $daemon->wait_end, 0, 'ends';
is_deeply [grep { !/^STATUS=/ } read_rest()], [], 'and says no more';

# The numbers, every metrics.interval.
$daemon = port_of(managed({}, config => 'metrics: { interval = 0.1; };'));
is exchange($daemon), '0', 'an exchange' for 1 .. 3;
like wait_message(qr/^STATUS=0 active, 3 accepted/), qr/, 3 accepted, 3 ok, 0 failed, 0 limited, /, 'the status is renewed';
my @gaps = gaps(qr/^STATUS=/, 10);
is scalar(@gaps), 10, 'again and again';
cmp_ok sum0(@gaps), '>=', 0.9, 'not more often than metrics.interval says';
cmp_ok sum0(@gaps), '<', 10, 'nor much less';
is $daemon->stop, 0, 'ends';
read_rest();

# The watchdog expires after one and a half seconds; it is notified twice as often, whatever else
# there is to do.
sub notified_in_time {
    my ($when) = @_;
    my @between = gaps(qr/\AWATCHDOG=1\z/, 3);
    is scalar(grep { $_ < 1.5 } @between), 3, "$when: the watchdog is notified in time" or diag "@between";
    cmp_ok sum0(@between), '>=', 3 * 0.75 - 0.3, 'and not too often';
    return;
}
my $load;
$daemon = port_of(managed({ WATCHDOG_USEC => 1_500_000 }, config => 'log: { level = "notice"; }; timeouts: { exchange = 600.0; };'));
notified_in_time('idle');
$load = begin_load(3, ['127.0.0.1', $daemon->{port}]);
notified_in_time('busy');
my ($exchanges, @wrong) = end_load($load);
is "@wrong", '', "as $exchanges exchanges are held";
$held = connect_to($daemon->{port});
syswrite $held, 'Hi';
$daemon->reload(undef);
$daemon->tell('TERM');
wait_message(qr/STOPPING=1/);
notified_in_time('during a drain');
close $held;
is $daemon->wait_end, 0, 'ends';
read_rest();

# Whatever an acceptor waits for.
$daemon = port_of(managed({ WATCHDOG_USEC => 1_500_000 }, options => ['--verbose'],
    config => 'limits: { connections = 1; }; timeouts: { exchange = 600.0; };'));
my @waiting = map { connect_to($daemon->{port}) } 1 .. 3;
$daemon->wait_log(qr/ warning limits\.connections reached/);
notified_in_time('while an acceptor waits for a slot');
undef @waiting;
is $daemon->stop, 0, 'ends';
read_rest();
$daemon = port_of(managed({ WATCHDOG_USEC => 1_500_000 }, config => 'timeouts: { exchange = 600.0; };'));
wait_message(qr/READY=1/);
is +(run('prlimit', '--pid', $daemon->{pid}, '--nofile=16'))[0], 0, 'with few descriptors';
@waiting = map { connect_to($daemon->{port}) } 1 .. 20;
$daemon->wait_log(qr/ warning cannot accept connections, pausing: /);
notified_in_time('while it pauses');
undef @waiting;
is $daemon->stop, 0, 'ends';
read_rest();

# One acceptor of two hangs in the kernel: strace stops it there.
SKIP: {
    skip 'needs strace', 6 if !have('strace');
    skip 'strace stops the threads of a sanitizer', 6 if is_sanitized();
    $daemon = managed({ WATCHDOG_USEC => 100_000 }, listen => ['127.0.0.1:0', '127.0.0.1:0'], config => 'metrics: { interval = 0.1; };');
    port_of($daemon);
    ok wait_message(qr/^WATCHDOG=1/), 'while both acceptors answer, the watchdog is notified';
    # After the main thread and the log writer.
    my $thread = (sort { $a <=> $b } map { m{(\d+)$} } glob "/proc/$daemon->{pid}/task/*")[3];
    my $holder = spawn(sub {
        exec 'strace', '--quiet=attach', '--output=/dev/null', '--trace=accept4', '--inject=accept4:delay_exit=600s', '--attach', $thread;
    });
    my $held_there = wait_for(sub { read_file("/proc/$daemon->{pid}/task/$thread/status") =~ /^TracerPid:\s+[1-9]/m || is_gone($holder) });
    skip 'may not trace', 5 if !$held_there || is_gone($holder);
    is silent_statuses(), 10, 'while one does not, it is not notified';
    is exchange($daemon), '0', 'although the other serves';
    is silent_statuses(), 10, 'not then either';
    finish($holder);
    ok wait_message(qr/^WATCHDOG=1/), 'once it answers, it is again';
    is $daemon->stop, 0, 'ends';
    read_rest();
}

# How many statuses come one after the other, up to ten, with no word to the watchdog among them. It
# would be notified twice as often.
sub silent_statuses {
    my $statuses = 0;
    my $until = time + 60;
    while ($statuses < 10 && time < $until) {
        my ($next) = next_message($until - time);
        $statuses = 0 if $next eq 'WATCHDOG=1';
        $statuses++ if $next =~ /^STATUS=/;
    }
    return $statuses;
}

for my $case (['no WATCHDOG_USEC', {}, 0], ["another's WATCHDOG_PID", { WATCHDOG_USEC => 100_000, WATCHDOG_PID => $$ }, 0],
    ['a WATCHDOG_USEC that is no number', { WATCHDOG_USEC => 'often' }, 0], ['WATCHDOG_USEC=0', { WATCHDOG_USEC => 0 }, 0],
    ['its own WATCHDOG_PID', { WATCHDOG_USEC => 100_000 }, 1]) {
    my ($what, $environment, $wanted) = @$case;
    $daemon = launch(config => 'metrics: { interval = 0.1; };', before => sub {
        %ENV = (%ENV, NOTIFY_SOCKET => $path, WATCHDOG_PID => $$, %$environment);
    });
    my ($notified, $statuses) = (0, 0);
    while ($statuses < 6) {
        ($message) = next_message(60);
        last if $message eq '';
        $notified++ if $message eq 'WATCHDOG=1';
        $statuses++ if $message =~ /^STATUS=/;
    }
    is $notified > 0 ? 1 : 0, $wanted, "$what: the watchdog is" . ($wanted ? '' : ' not') . ' notified';
    is $daemon->stop, 0, 'ends';
    read_rest();
}

# A daemon that fails to start is never ready.
my ($taken, $port) = listen_somewhere();
$daemon = managed({}, listen => ["127.0.0.1:$port"]);
is $daemon->wait_end, 69, 'a start that fails';
is_deeply [read_rest()], [], 'is not reported as ready';
my $other = $> == 0 ? 'nobody' : 'root';
$daemon = managed({}, config => "daemon: { user = \"$other\"; };", under => $> == 0 ? ['setpriv', '--bounding-set=-setuid,-setgid'] : []);
is $daemon->wait_end, 71, 'one that fails after its addresses are open';
is_deeply [read_rest()], [], 'is not either';

# An abstract name.
my $name = "sixteen-test-$$";
my $abstract = manager_at("\0$name");
$daemon = managed({ NOTIFY_SOCKET => "\@$name" });
like wait_message(qr/READY/, $abstract), qr/\AREADY=1\nSTATUS=0 active, /, 'an abstract socket is notified too';
is $daemon->stop, 0, 'ends';
ok wait_message(qr/STOPPING=1/, $abstract), 'that too';
is_deeply [read_rest()], [], 'and no other';

# A socket that does not exist: a manager that waits for READY=1 would wait in vain.
my $stream = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "$directory/stream", Listen => 1) or die "$directory/stream: $!";
my $gone = manager_at("$directory/gone");
close $gone;
my $no_name = qr/NOTIFY_SOCKET is neither an absolute path nor an abstract socket name/;
for my $case (['a path where nothing is', "$directory/none", qr/cannot reach the service manager at NOTIFY_SOCKET: No such file or directory/],
    ['a socket that no process has any more', "$directory/gone", qr/cannot reach the service manager at NOTIFY_SOCKET: Connection refused/],
    ['a stream socket', "$directory/stream", qr/cannot reach the service manager at NOTIFY_SOCKET: Protocol wrong type for socket/],
    ['a relative path', 'notify', $no_name], ['a name that is too long', '/' . 'x' x 200, $no_name]) {
    my ($what, $value, $said) = @$case;
    $daemon = managed({ NOTIFY_SOCKET => $value });
    is $daemon->wait_end, 71, "NOTIFY_SOCKET is $what: status 71";
    like $daemon->{log}, qr/ crit $said\n/, 'with the reason';
}

# A variable that is empty: there is no manager.
$daemon = start(before => sub { @ENV{qw(NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID)} = ('') x 3 });
is exchange($daemon), '0', 'NOTIFY_SOCKET is empty: it serves';
is $daemon->stop, 0, 'ends';
unlike $daemon->{log}, qr/NOTIFY_SOCKET|service manager/, 'and says nothing of a manager';
is_deeply [read_rest()], [], 'and notifies none';

# A manager that starts again and makes its socket anew, which an ordinary user can reach, too.
my $as_user = $> == 0 ? 'daemon: { user = "nobody"; };' : '';
chmod 0755, $directory;
for my $was_closed (1, 0) {
    my $again = "$directory/again$was_closed";
    my $first = manager_at($again);
    $daemon = port_of(managed({ NOTIFY_SOCKET => $again }, config => "metrics: { interval = 0.1; }; $as_user"));
    ok wait_message(qr/^READY=1/, $first), 'a manager';
    close $first if $was_closed;
    unlink $again;
    my $second = manager_at($again);
    chmod 0666, $again;
    ok wait_message(qr/^STATUS=/, $second), 'that makes its socket anew' . ($was_closed ? '' : ', and does not close the old one,') . ' is notified again';
    $daemon->tell('TERM');
    ok wait_message(qr/^STOPPING=1/, $second), 'to the end';
    is $daemon->wait_end, 0, 'ends';
    unlink $again;
}

# A socket that only root can reach, and whose name is gone.
my $private = "$directory/private";
my $hidden = manager_at($private);
chmod 0600, $private;
$daemon = port_of(managed({ NOTIFY_SOCKET => $private }, config => "metrics: { interval = 0.1; }; $as_user"));
ok wait_message(qr/^READY=1/, $hidden), 'a daemon that became another user still reaches its manager';
unlink $private;
ok wait_message(qr/^STATUS=/, $hidden), 'and where the name is gone' for 1, 2;
is $daemon->stop, 0, 'ends';
unlike $daemon->{log}, qr/cannot notify/, 'without a warning';

# The descriptor at which s6 and others wait for a newline: it leads here, by this number.
sub with_ready_fd {
    my ($number, %more) = @_;
    my ($reader, $writer) = @{ delete $more{pipe} // [open_pipe()] };
    my $before = delete $more{inside} // sub { };
    my $started = launch(%more, options => ['--ready-fd', $number, @{ $more{options} // [] }], before => sub {
        my $kept = fcntl $writer, F_DUPFD, 200;    # above all numbers that a test names
        $before->();
        POSIX::dup2($kept, $number);
        POSIX::close($kept);
    });
    close $writer;
    return ($started, $reader);
}

sub open_pipe {
    pipe my $reader, my $writer or die "pipe: $!";
    return ($reader, $writer);
}

my $reader;
for my $number (3, 4, 77) {
    open my $stray, '<', '/dev/null' or die "/dev/null: $!";
    ($daemon, $reader) = with_ready_fd($number, inside => sub { POSIX::dup2(fileno $stray, $_) for 3 .. 9, 76, 78 });
    is join(' ', read_to_end($reader)), "\n eof", "--ready-fd $number gets one newline and is closed then";
    is exchange(port_of($daemon)), '0', 'when the daemon can be reached';
    is join(' ', grep { (readlink // '') eq '/dev/null' && !m{/0$} } glob "/proc/$daemon->{pid}/fd/*"), '', 'what else was open is closed';
    is $daemon->stop, 0, 'ends';
}
SKIP: {
    skip 'needs strace', 2 if !have('strace');
    skip 'strace stops the threads of a sanitizer', 2 if is_sanitized();
    my $calls = "$directory/calls";
    ($daemon, $reader) = with_ready_fd(5, under => ['strace', '-f', '-o', $calls, '-e', 'trace=listen,write,close']);
    sysread $reader, my $newline, 2;    # strace has the descriptor open, too
    is $newline, "\n", 'under strace too';
    kill 'TERM', $daemon->wait_log(qr/ ready, process/) =~ /(\d+)$/;
    $daemon->wait_end;
    my @order = read_file($calls) =~ /^\d+ +(listen|write\(5|close\(5)/mg;
    like "@order", qr/\A(?!.*write\(5.*listen).*listen.* write\(5 close\(5/, 'it listens, writes and closes, in this order';
}

# Besides passed sockets.
my ($passed) = listen_somewhere();
for my $number (5, 9) {
    ($daemon, $reader) = with_ready_fd($number, listen => [], inside => sub { pass_sockets($passed, $passed) });
    is join(' ', read_to_end($reader)), "\n eof", "--ready-fd $number with two passed sockets";
    is exchange(port_of($daemon)), '0', 'which are served';
    is $daemon->stop, 0, 'ends';
}
$daemon = launch(listen => [], options => ['--ready-fd', 4], before => sub { pass_sockets($passed, $passed) });
is $daemon->wait_end, 64, 'one of the passed sockets as the descriptor: status 64';
like $daemon->{log}, qr/ crit --ready-fd: descriptor 4 is a socket of LISTEN_FDS$/m, 'with the reason';

# A socket, whose other end is a manager.
socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!";
($daemon, $reader) = with_ready_fd(3, pipe => [$ours, $theirs]);
is join(' ', read_to_end($reader)), "\n eof", 'it can be a socket';
is $daemon->stop, 0, 'ends';

# A start that fails.
($daemon, $reader) = with_ready_fd(3, listen => ["127.0.0.1:$port"]);
is join(' ', read_to_end($reader)), ' eof', 'a start that fails closes it without a newline';
is $daemon->wait_end, 69, 'and says why';

# A reader that has gone, or never reads.
for my $case (['whose reader has gone', 'Broken pipe', sub { close $_[0] }],
    ['that is full', 'Resource temporarily unavailable', sub { $_[1]->blocking(0); 1 while syswrite $_[1], 'x' x 4096; $_[1]->blocking(1) }]) {
    my ($what, $error, $change) = @$case;
    my @pipe = open_pipe();
    $change->(@pipe);
    ($daemon) = with_ready_fd(3, pipe => \@pipe);
    is exchange(port_of($daemon)), '0', "a pipe $what: the daemon serves";
    ok $daemon->wait_log(qr/ warning cannot write to the descriptor of --ready-fd: $error$/), 'and warns';
    is $daemon->stop, 0, 'ends';
}

# What cannot be the descriptor.
for my $value (0, 1, 2, '', 'x', '3x', '-3', '+3', ' 3', '2147483648', '99999999999999999999') {
    my ($status, $out, $err) = run($SIXTEEND, '-f', '-e', '-c', '/dev/null', '--ready-fd', $value);
    is "$status$out", 64, "--ready-fd '$value': status 64";
    like $err, qr/\Asixteend: --ready-fd must be the number of a descriptor from 3 on, not \Q$value\E; see sixteend --help\n\z/, 'with the reason';
}
for my $case (['not open', ''], ['open for reading only', '9</dev/null']) {
    my ($what, $redirection) = @$case;
    my ($status, $out, $err) = run('sh', '-c', "exec \"\$\@\" $redirection", 'sh', $SIXTEEND, '-f', '-e', '-c', '/dev/null', '--ready-fd', 9);
    is "$status$out$err", "64sixteend: --ready-fd: cannot write to descriptor 9: Bad file descriptor\n", "a descriptor that is $what: status 64 and the reason";
}
my $in_background = write_file("$directory/background.conf", 'daemon: { background = true; };');
for my $case (['--daemon', qr/--ready-fd and --daemon are mutually exclusive: a daemon in the background is ready when the command returns/],
    ["--config=$in_background", qr/--ready-fd needs --foreground, because daemon.background is true/]) {
    my ($option, $said) = @$case;
    my ($status, $out, $err) = run('sh', '-c', 'exec "$@" 3>/dev/null', 'sh', $SIXTEEND, '--ready-fd', 3, $option, '-l', '127.0.0.1:0');
    is "$status$out", 64, "--ready-fd with $option: status 64";
    like $err, qr/\Asixteend: $said; see sixteend --help\n\z/, 'with the reason';
}
is +(run($SIXTEEND, '--test', '--config', '/dev/null', '--ready-fd', 9))[0], 0, 'where nothing starts, it need not be open';

# s6 itself, with the script of the manual page.
SKIP: {
    skip 's6 is not installed', 5 if !have('s6-supervise');
    my $service = "$directory/service";
    my $config = write_file("$directory/s6.conf", "listen = [ \"127.0.0.1:0\" ];\nlog: { to = \"syslog\"; };\n");
    my ($script) = read_file("$ENV{BUILD_DIR}/man/sixteend.8") =~ /^(#!.*?)^\.Ed/ms;
    $script =~ s/\\e/\\/g;
    $script =~ s/\\-/-/g;
    $script =~ s{\S+/sixteend }{$SIXTEEND } or fail 'the script runs sixteend';
    $script =~ s{\S+/sixteen\.conf}{$config} or fail 'the script names the configuration';
    mkdir $service;
    write_file("$service/notification-fd", "3\n");
    chmod 0755, write_file("$service/run", $script);
    my $log = "$directory/s6.log";
    my $supervisor = spawn(sub {
        open STDOUT, '>', $log;
        open STDERR, '>&', \*STDOUT;
        exec 's6-supervise', $service;
    });
    wait_for(sub { -p "$service/supervise/control" });
    is +(run('s6-svwait', '-U', '-t', 60_000, $service))[0], 0, 's6 waits until it is ready';
    ok wait_for(sub { read_file($log) =~ / notice Listening at / }), 'its log is on standard output';
    is +(run('s6-svstat', '-o', 'up,ready', $service))[1], "true true\n", 'and it is up and ready';
    is +(run('s6-svc', '-wD', '-T', 60_000, '-d', $service))[0], 0, 's6 stops it';
    like read_file($log), qr/ notice exiting with status 0\n/, 'with status 0';
    run('s6-svc', '-x', $service);
    finish($supervisor);
}

# A manager that never reads: the queue is full before the daemon begins.
while (1) {
    my $sender = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $path) or die "$path: $!";
    $sender->blocking(0);
    last if !defined $sender->send('filler');
}
$daemon = port_of(managed({ WATCHDOG_USEC => 100_000 }, config => 'metrics: { interval = 0.1; };'));
ok $daemon->wait_log(qr/ warning cannot notify the service manager of READY=1: Resource temporarily unavailable$/), 'a manager that never reads is warned of';
is scalar(grep { exchange($daemon) eq '0' } 1 .. 20), 20, 'and holds up no exchange';
like $daemon->reload('metrics: { interval = 0.1; };'), qr/reloaded/, 'no reload';
is $daemon->stop, 0, 'and no end';
is scalar(() = $daemon->{log} =~ /cannot notify the service manager/g), 1, 'the warning comes once';
done_testing;
