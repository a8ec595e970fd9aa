# SPDX-License-Identifier: MIT
# Lines that reach /dev/log, in the facility and from the severity that the file sets.
# The test's own socket stands there, in a mount namespace.
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use Sixteen;
use Socket qw(SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(time);

my ($log, $path, @prefix) = own_syslog();
plan skip_all => 'needs a mount namespace' if !@prefix;

sub next_line { return next_datagram($log, @_) }

my ($status, $out, $err, $pid, $port) = start_in_background(\@prefix, '--listen', '[::1]:0');
is $status, 0, 'in the background';
like $out, qr/logging to syslog, facility daemon$/, 'it says that it logs to syslog';
like next_line(qr/Listening/), qr/^<29>\w+ +\d+ [\d:]+ sixteend\[$pid\]: Listening at 127\.0\.0\.1:$port\n?$/,
    "the daemon's own life is a notice, with its process ID";
unlike $err, qr/no syslog daemon/, 'and warns of nothing';
my ($port6) = $out =~ /\[::1\]:(\d+)/;
run($SIXTEEN, '127.0.0.1', $port);
like next_line(qr/outcome=ok peer/), qr/^<30>.* sixteend\[$pid\]: outcome=ok peer=127\.0\.0\.1:\d+ local=127\.0\.0\.1:$port octets=16 message="Hi there, server" us=\d+\n?$/,
    'an IPv4 peer, at info';
run($SIXTEEN, '::1', $port6);
like next_line(qr/outcome=ok peer/), qr/^<30>.* sixteend\[$pid\]: outcome=ok peer=\[::1\]:\d+ local=\[::1\]:$port6 octets=16 /, 'an IPv6 peer';
my $peer = connect_to($port);
syswrite $peer, "<0>\n\e[31m forged";
read_to_end($peer);
like next_line(qr/outcome=ok peer/), qr/message="<0>\\u000a\\u001b\[31m forged" /, 'no octet of a peer reaches syslog unquoted';
kill 'TERM', $pid;
ok next_line(qr/sixteend\[$pid\]: exiting with status 0/), 'it says that it ends';

my $file = write_file(scratch() . '/sixteen.conf', 'log: { facility = "local3"; level = "warning"; };');
($status, $out, $err, $pid, $port) = start_in_background(\@prefix, '--config', $file, '--listen', '[::1]:0');
like $out, qr/logging to syslog, facility local3$/, 'log.facility is printed';
run($SIXTEEN, '127.0.0.1', $port);
kill 'TERM', $pid;
ok wait_for(sub { is_gone($pid) }), 'it ends';
my @lines;
while (IO::Select->new($log)->can_read(0)) {
    $log->recv(my $line, 8192);
    push @lines, $line;
}
is scalar(grep { !/^<156>/ } @lines), 0, 'nothing below log.level is logged, and all of it in log.facility';
unlike "@lines", qr/peer=/, 'no connection among it';

# Fill the queue of the socket: each sender may put in a part of it only.
sub fill_log {
    while (1) {
        my $sender = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $path) or die "$path: $!";
        $sender->blocking(0);
        my $sent = 0;
        $sent++ while defined $sender->send('filler');
        return if $sent == 0;
    }
}

# Nothing reads /dev/log: once its queue is full only the log writer waits.
($status, $out, $err, $pid, $port) = start_in_background(\@prefix, '--listen', '[::1]:0');
fill_log();
is scalar(grep { (run($SIXTEEN, '-W', 30, '127.0.0.1', $port))[0] == 0 } 1 .. 60), 60, 'a syslog daemon that hangs delays no exchange';
my $others = 0;
while (IO::Select->new($log)->can_read($others < 60 ? 60 : 0)) {
    $log->recv(my $line, 8192);
    $others++ if $line =~ /sixteend\[$pid\]: outcome=ok peer/;
}
is $others, 60, 'and once it reads again it gets every line';
kill 'TERM', $pid;
ok next_line(qr/sixteend\[$pid\]: exiting with status 0/), 'it ends';

$file = write_file(scratch() . '/sixteen.conf', 'timeouts: { drain = 0.2; };');
($status, $out, $err, $pid, $port) = start_in_background(\@prefix, '--config', $file, '--listen', '[::1]:0');
fill_log();
run($SIXTEEN, '127.0.0.1', $port);
kill 'TERM', $pid;
ok wait_for(sub { is_gone($pid) }), 'a syslog daemon that hangs for good puts off no end';

# It hangs before the daemon starts: the lines wait, the start does not.
fill_log();
my $begun = time;
($status, $out, $err, $pid, $port) = start_in_background(\@prefix, '--config', $file, '--listen', '[::1]:0');
is $status, 0, 'a syslog daemon that hangs does not keep the daemon from starting';
cmp_ok time - $begun, '<', 20, 'nor does the start wait for it';
is +(run($SIXTEEN, '127.0.0.1', $port))[0], 0, 'and it serves';
$begun = time;
kill 'TERM', $pid;
ok wait_for(sub { is_gone($pid) }), 'TERM ends it';
cmp_ok time - $begun, '<', 20, 'without waiting for ever';

# In the foreground the loss is reported on standard error.
my $daemon = launch(under => \@prefix, arguments => ['--foreground', '--config', write_file("$file.2", "log: { to = \"syslog\"; }; timeouts: { drain = 0.2; };")],
    options => ['--pid-file', "$file.pid"]);
ok wait_for(sub { read_file("$file.pid") =~ /\n/ && (() = glob "/proc/$daemon->{pid}/task/*") > 2 }), 'in the foreground too';
is $daemon->stop, 0, 'ends';
like $daemon->{log}, qr/^sixteend: (?:[4-9]|1\d) log lines were lost: the log accepted no lines before the stop timed out\n\z/m, 'and says on standard error how many lines were lost';

# Then the metrics are written once more. If that fails, it is reported on standard error, too.
my $directory = scratch();
$daemon = launch(under => \@prefix, arguments => ['--foreground', '--config',
        write_file("$file.3", "log: { to = \"syslog\"; }; timeouts: { drain = 0.2; }; metrics: { file = \"$directory/metrics\"; interval = 3600; };")],
    options => ['--pid-file', "$file.pid"]);
ok wait_for(sub { -e "$directory/metrics" }), 'with metrics';
unlink "$directory/metrics" and rmdir $directory or die "$directory: $!";
is $daemon->stop, 0, 'ends';
like $daemon->{log}, qr/^sixteend: \d+ log lines were lost: .*\nsixteend: metrics\.file: cannot write \Q$directory\E\/metrics: No such file or directory\n\z/m, 'and says on standard error that they cannot be written';

# A start that fails says why, and how many lines it could not log.
($status, $out, $err) = start_in_background(\@prefix, '--pid-file', scratch() . '/none/pid');
is $status, 71, 'a start that fails, too, ends';
like $err, qr/^sixteend: cannot open the pid file .*^sixteend: [23] log lines were lost: the log accepted no lines/ms, 'with the reason and what was lost on standard error';

# A terminal or a pipe that takes nothing does not hold up the start.
sub full_pipe {
    pipe my $reader, my $writer or die "pipe: $!";
    $writer->blocking(0);
    1 while syswrite $writer, "\n" x 4096;
    $writer->blocking(1);
    return ($writer, $reader);
}
for my $case (['and in the background', '/dev/null', '127.0.0.1:0'], ['and with a warning', '/dev/null', '127.0.0.1:0', '--listen', '192.0.2.1:0']) {
    my ($name, $config, @listen) = @$case;
    my ($full, $reader) = full_pipe();
    my $directory = scratch();
    my $command = spawn(sub {
        open STDOUT, '>&', $full;
        open STDERR, '>&', $full;
        exec @prefix, $SIXTEEND, '--daemon', '--config', $config, '--pid-file', "$directory/pid", '--listen', @listen;
    });
    close $full;
    my $ended = 0;
    $begun = time;
    ok wait_for(sub { $ended ||= is_gone($command) }), "$name: where nothing can be printed the command ends";
    cmp_ok time - $begun, '<', 20, 'soon';
    my ($started) = read_file("$directory/pid") =~ /(\d+)/;
    is !!$started, @listen == 1, @listen == 1 ? 'and the daemon runs' : 'though the start fails';
    kill 'TERM', $started if $started;
    ok wait_for(sub { is_gone($started) }), 'TERM ends it' if $started;
    finish($command);
}

# Its printing takes a while there, so that a signal can come before the command ends.
my ($interrupted, $found);
for (1 .. 20) {
    my ($full, $reader) = full_pipe();
    my $file = scratch() . '/pid';
    my $command = spawn(sub {
        open STDOUT, '>&', $full;
        exec @prefix, $SIXTEEND, '--daemon', '--config', '/dev/null', '--pid-file', $file, '--listen', '127.0.0.1:0';
    });
    wait_for(sub { ($found) = read_file($file) =~ /(\d+)/ });
    kill 'INT', $command;
    waitpid $command, 0;
    $interrupted = ($? & 127) == 2;
    finish($command);
    last if $interrupted;
    kill 'TERM', $found;
}
ok $interrupted && wait_for(sub { is_gone($found) }), 'a start that is interrupted leaves no daemon';

close $log;
($status, $out, $err, $pid) = start_in_background(\@prefix);
is $status, 0, 'without a syslog daemon it starts';
like $err, qr{^sixteend: no syslog daemon reads /dev/log; log lines are lost until one does: Connection refused$}m, 'with a warning';
kill 'TERM', $pid;
ok wait_for(sub { is_gone($pid) }), 'it ends';
done_testing;
