# SPDX-License-Identifier: MIT
# Built --with-seccomp: all threads are under the filter, an intruder gets EPERM, which does no harm
# to the daemon, and the daemon itself never meets the filter, whatever it is configured to do and
# peers do to it. intruder.so is preloaded and makes an intruder's calls when a peer says so.
use strict;
use warnings;
use Sixteen;
use Socket qw(SHUT_WR);
use Test::More;

my $intruder = ($ENV{BUILD_DIR} // '.') . '/tests/system/intruder.so';
plan skip_all => 'built without --with-seccomp' if !is_filtered();

# What comes back for these octets, from this address.
sub answer_to {
    my ($port, $octets, $from, $ended) = @_;
    my $peer = connect_to($port, undef, $from);
    local $SIG{PIPE} = 'IGNORE';
    syswrite $peer, $octets;
    shutdown $peer, SHUT_WR if $ended;
    return (read_to_end($peer))[0];
}

# The calls in this trace that were not permitted once the filter was installed.
sub refused {
    my ($trace) = @_;
    my ($after) = read_file($trace) =~ / seccomp\(SECCOMP_SET_MODE_FILTER, \S+, \{len=(.*)/s or return 'no filter';
    return join "\n", $after =~ /^\d+ +(.*EPERM.*)$/mg;
}

# Every key, every outcome that a peer can bring about, each signal, both places of the log, the
# foreground and the background.
sub walk {
    my (@strace) = @_;
    my ($directory, $of_root) = (scratch(), scratch());
    chmod 0777, $directory;
    chmod 0755, $of_root;
    my ($user) = $> == 0 ? 'nobody' : scalar getpwuid $>;
    my ($group) = scalar getgrgid((getpwnam $user)[3]);
    my ($log, undef, @prefix) = own_syslog();
    @prefix = () if $> != 0;    # in a namespace of its own, an ordinary user cannot become itself
    my $config = <<"END";
reply = "Farewell, client"; expect = "Hi there, server"; strict = true;
limits: { connections = 4; per_source = 4; when_full = "refuse"; backlog = 64; };
timeouts: { exchange = 30.0; linger = 0.2; drain = 30.0; idle_worker = 0.1; };
access: { allow = [ "127.0.0.0/8", "::1", "192.0.2.0/24" ]; deny = [ "127.0.0.9" ]; proxies = [ "127.0.0.2" ]; };
daemon: { background = false; pid_file = "$of_root/pid"; user = "$user"; group = "$group"; };
metrics: { file = "$directory/metrics"; interval = 0.1; };
END
    my $to_stderr = 'log: { to = "stderr"; facility = "local0"; level = "debug"; };';
    my $listen = 'listen = [ "127.0.0.1:0", "[::1]:0", "localhost:0" ];';
    my ($status, $keys) = run($SIXTEEND, '--show-config', '--config', '/dev/null');
    is join(' ', grep { "$config$to_stderr$listen" !~ /\b$_ = / } $keys =~ /(\w+) = /g), '', 'every key has a value';

    my $trace = "$directory/foreground";
    my $daemon = start(under => [@prefix, @strace, $trace], arguments => [],
        options => ['--pid-file', "$of_root/pid", '--config', write_file("$directory/conf", "$config$to_stderr$listen")], listen => []);
    $daemon->{file} = "$directory/conf";
    chmod 0644, $daemon->{file};
    my $port = $daemon->{port};
    is +(run($SIXTEEN, '127.0.0.1', $port))[0], 0, 'a client is served';
    my $open = connect_to($port);
    is answer_of($open), "$REPLY eof", 'one stays and lingers';
    is answer_to($port, "$GREETING, and more"), $REPLY, 'excess';
    is answer_to($port, 'Hi there, Server'), '', 'mismatch';
    is answer_to($port, 'Hi', undef, 1), '', 'short';
    reset_connection(connect_to($port));
    ok $daemon->wait_log(qr/probe peer=/), 'probe';
    is answer_to($port, $GREETING, '127.0.0.9'), '', 'denied';
    is answer_to($port, "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n$GREETING", '127.0.0.2'), $REPLY, 'behind a proxy';
    is answer_to($port, "PROXY\r\n$GREETING", '127.0.0.2'), '', 'malformed';
    my $peer = connect_to($port);
    syswrite $peer, 'Hi';
    wait_for(sub { everything_is_read($port, $peer) });
    reset_connection($peer);
    ok $daemon->wait_log(qr/reset peer=/), 'reset';
    my @silent = map { connect_to($port, undef, "127.0.0.$_") } 3 .. 8;
    ok $daemon->wait_log(qr/limited peer=/), 'limited';
    close $_ for @silent;
    ok $daemon->wait_log(qr/probe peer=/), 'there is room again';

    my $other = $config =~ s/exchange = 30\.0/exchange = 0.3/r;
    like $daemon->reload("$other$to_stderr listen = [ \"127.0.0.1:0\", \"127.0.0.9:0\" ];"), qr/ reloaded /, 'a reload changes listeners';
    is answer_to($port, 'Hi'), '', 'slow';
    like $daemon->reload("$config$to_stderr$listen"), qr/ reloaded /, 'and looks up names';
    like $daemon->reload('wrong'), qr/refused/, 'one is refused';
    SKIP: {
        skip 'needs root, and a mount namespace', 2 if !@prefix;
        write_file($daemon->{file}, $config . $listen . 'log: { to = "syslog"; };');
        $daemon->tell('HUP');
        like next_datagram($log, qr/reloaded/), qr/reloaded/, 'one changes to syslog';
        like $daemon->reload($config . $to_stderr . $listen), qr/ reloaded /, 'one changes back';
    }
    $daemon->tell('USR1');
    my $outcomes = $daemon->wait_log(qr/ outcomes /);
    is join(' ', $outcomes =~ /(\w+)=0/g), 'failed', 'every outcome but failed has come';
    ok wait_for(sub { -s "$directory/metrics" }), 'there are metrics';
    $peer = connect_to($port);
    $daemon->tell('TERM');
    $daemon->wait_log(qr/ stopping/);
    syswrite $peer, $GREETING;
    is join(' ', read_to_end($peer)), "$REPLY eof", 'a drain';
    is $daemon->wait_end, 0, 'ends';
    is refused($trace), '', 'no call of it was refused';

    SKIP: {
        skip 'needs root, and a mount namespace', 4 if !@prefix;
        $trace = "$directory/background";
        ($status, undef, undef, my $pid, $port) = start_in_background([@prefix, @strace, $trace], '--pid-file', "$of_root/other-pid");
        is $status, 0, 'in the background';
        is answer_to($port, $GREETING), $REPLY, 'a client is served';
        kill 'TERM', $pid;
        ok wait_for(sub { read_file($trace) =~ /^$pid +exit_group\(0\)/m }), 'ends';
        is refused($trace), '', 'no call of it was refused';
    }
    return;
}

my $daemon = start(under => ['env', "LD_PRELOAD=$intruder"]);
like $daemon->{log}, qr/ notice seccomp filter installed\n/, 'it says so';
is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'it serves';
my @tasks = map { read_file("$_/status") } glob "/proc/$daemon->{pid}/task/*";
cmp_ok scalar(@tasks), '>=', 4, 'it has threads';
is scalar(grep { !/^NoNewPrivs:\s+1$/m || !/^Seccomp:\s+2$/m } @tasks), 0, 'all of them are under the filter';

my $peer = connect_to($daemon->{port});
syswrite $peer, 'break in, please';
is join(' ', read_to_end($peer)), "$REPLY eof", 'an intruder in a worker ...';
$daemon->wait_log(qr/^intruder: a pipe: /);
my %met = $daemon->{log} =~ /^intruder: (.*): (.*)$/mg;
is delete $met{'a pipe'}, 'Bad address', '... reaches the kernel with a call that it does not deny,';
is delete $met{'an unknown call'}, 'Function not implemented', 'and one that nobody knows,';
is delete $met{clone3}, 'Function not implemented', 'not with clone3, for which the C library has clone';
cmp_ok scalar(keys %met), '>', 16, 'nor with the others';
is join(', ', grep { $met{$_} ne 'Operation not permitted' } sort keys %met), '', 'each of which gets EPERM';
is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'the next client is served';
is $daemon->stop, 0, 'ends';

SKIP: {
    my @strace = ('strace', '-D', '--follow-forks', '--quiet=all', '--signal=none', '--interruptible=waiting', '--output');
    skip 'needs strace', 3 if !have('strace') || (run(@strace, '/dev/null', 'true'))[0] != 0;
    subtest 'its own calls' => sub { walk(@strace) };
    $daemon = launch(under => ['strace', '--quiet=all', '--output', '/dev/null', '--inject=seccomp:error=EINVAL']);
    is $daemon->wait_end, 71, 'a kernel without the filter ends the start: status 71';
    like $daemon->{log}, qr/ crit cannot install the seccomp filter: \S/, 'with the reason';
}
done_testing;
