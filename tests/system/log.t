# SPDX-License-Identifier: MIT
# A log that cannot be written, or that nobody reads: no exchange and no signal waits for it, every
# line is there whole or counted as lost, and the loss is reported.
use strict;
use warnings;
use IO::Select;
use POSIX ();
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

my $directory = scratch();
chmod 0755, $directory;
my $stamp = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:crit|err|warning|notice|info|debug) /;
my $LOST = qr/(\d+) log lines were lost: /;

# A port that is free now: where the log cannot be read, it is known beforehand.
sub free_port {
    my ($socket, $port) = listen_somewhere();
    close $socket;
    return $port;
}

# Start the daemon with standard error in a file, a device or a handle, and wait until it listens.
sub begin {
    my ($log, %with) = @_;
    my $port = free_port();
    my $daemon = launch(%with, listen => ["127.0.0.1:$port"], before => sub {
        ref $log ? open(STDERR, '>&', $log) : open(STDERR, '>>', $log);
    });
    $daemon->{port} = $port;
    ok wait_for(sub { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) }), 'the daemon listens';
    return $daemon;
}

# Make this many exchanges; return how many succeeded.
sub exchanges {
    my ($port, $count) = @_;
    return scalar grep { answer_of(connect_to($port)) eq "$REPLY eof" } 1 .. $count;
}

sub peers { return scalar(() = $_[0] =~ / octets=16 .* us=\d+$/mg) }

# A pipe that takes no octet more: where to write and where to read.
sub full_pipe {
    pipe my $reader, my $writer or die "pipe: $!";
    $writer->blocking(0);
    for my $size (4096, 1) {
        1 while syswrite $writer, "\n" x $size;
    }
    $writer->blocking(1);
    return ($writer, $reader);
}

# What is in the pipe after those newlines.
sub drained {
    my ($reader, $until) = @_;
    my $text = '';
    my $end = time + 60;
    while (time < $end && IO::Select->new($reader)->can_read($end - time)) {
        sysread($reader, $text, 65536, length $text) or last;
        last if $until && $text =~ $until;
    }
    return $text =~ s/\A\n+//r;
}

# Its status, even where its log shows no end.
sub end_of {
    my ($daemon) = @_;
    kill 'KILL', $daemon->{pid} if !wait_for(sub { is_gone($daemon->{pid}) });
    return $daemon->wait_end;
}

sub stop_of {
    my ($daemon) = @_;
    $daemon->tell('TERM');
    return end_of($daemon);
}

sub set_limit {
    my ($daemon, $size) = @_;
    return must('prlimit', '--pid', $daemon->{pid}, "--fsize=$size:");
}

sub seconds(&) {
    my ($code) = @_;
    my $begun = time;
    $code->();
    return time - $begun;
}

# A file that may not grow, for which SIGXFSZ would end the daemon, stands for a full disk.
for my $reported_with ('the next line', 'no other line') {
    my $log = "$directory/log";
    my $metrics = "$directory/metrics";
    # The log is longer than the metrics file, for which the limit holds, too.
    write_file($log, '#' x 65536 . "\n");
    my $daemon = begin($log, config => "metrics: { file = \"$metrics\"; interval = 0.5; };");
    ok wait_for(sub { read_file($log) =~ / ready, / }), 'and is ready';
    set_limit($daemon, 200 + -s $log);
    is exchanges($daemon->{port}, 100), 100, 'where the log may not grow exchanges go on';
    ok wait_for(sub { read_file("$directory/log") =~ /.\z/ }), 'a line is cut';
    set_limit($daemon, 'unlimited');
    exchanges($daemon->{port}, 1) if $reported_with eq 'the next line';
    ok wait_for(sub { read_file($log) =~ $LOST }), "the loss is reported with $reported_with";
    is exchanges($daemon->{port}, 1), 1, 'the last one';
    ok wait_for(sub { read_file($log) =~ /us=\d+\n\z/ }), 'is logged';
    $daemon->tell('USR1');
    ok wait_for(sub { read_file($log) =~ / lines_lost=\d+\n/ }), 'a report';
    my ($in_report) = read_file($log) =~ / lines_lost=(\d+)\n/;
    is stop_of($daemon), 0, 'ends';
    my $text = read_file($log) =~ s/\A#+\n//r;
    my $lines_lost = 0;
    $lines_lost += $1 while $text =~ /$LOST/g;
    is peers($text) + $lines_lost, $reported_with eq 'the next line' ? 102 : 101, 'each line is there or reported as lost';
    cmp_ok $lines_lost, '>', 0, 'some are lost';
    like $text, qr/ warning $lines_lost log lines were lost: cannot write to standard error: File too large$/m, 'with the reason, once';
    is scalar(grep { !/\A$stamp\S.*\n\z/ || /.$stamp/ } split /^/, $text), 0, 'and no line is torn';
    is $in_report, $lines_lost, 'USR1 has the same number';
    like read_file($metrics), qr/^sixteend_log_lines_lost_total $lines_lost$/m, 'and the metrics';
    like $text, qr/ lines_lost=$lines_lost\n.* exiting with status 0\n\z/s, 'and the report at the end';
    unlink $log, $metrics;
}

# A disk that stays full: the loss is reported through syslog(3), and by the metrics.
my ($syslog, $path, @prefix) = own_syslog();
for my $case (['a full disk', '/dev/full', 'No space left on device'], ['a reader that is gone', undef, 'Broken pipe']) {
    my ($name, $log, $why) = @$case;
    SKIP: {
        skip 'needs a mount namespace', 5 if !@prefix;
        if (!defined $log) {
            pipe my $reader, $log or die "pipe: $!";
            close $reader;
        }
        my $metrics = "$directory/metrics";
        my $daemon = begin($log, under => \@prefix, config => "metrics: { file = \"$metrics\"; };");
        is exchanges($daemon->{port}, 10), 10, "$name: exchanges go on";
        is stop_of($daemon), 0, 'it ends';
        my ($lost) = next_datagram($syslog, $LOST) =~ /: $LOST\Qcannot write to standard error: $why\E/;
        cmp_ok $lost // 0, '>', 15, 'and syslog(3) has every line counted: the exchanges, and its own';
        like read_file($metrics), qr/^sixteend_log_lines_lost_total $lost$/m, 'as the metrics are';
    }
}

# A file that never has room again: the line that was cut is one of those that are lost.
SKIP: {
    skip 'needs a mount namespace', 4 if !@prefix;
    skip 'a build that counts coverage has files of its own', 4 if read_file($SIXTEEND) =~ /__gcov_/;
    my @lines;
    for my $limit ('unlimited', 700) {
        my $daemon = begin("$directory/log", under => [@prefix, 'prlimit', "--fsize=$limit:"]);
        exchanges($daemon->{port}, 10);
        is stop_of($daemon), 0, 'ends';
        push @lines, scalar(() = read_file("$directory/log") =~ /\n/g);
        unlink "$directory/log";
    }
    cmp_ok $lines[1], '<', $lines[0], 'lines are missing';
    is $lines[1] + (next_datagram($syslog, $LOST) =~ $LOST)[0], $lines[0], 'and each of them is counted';
}

# An error that comes once.
SKIP: {
    my @strace = ('strace', '-D', '-f', '-qq', '-o', "$directory/trace", '-e', 'trace=write', '-e', 'inject=write:error=EIO:when=2', '-P', "$directory/log");
    skip 'strace is not installed, or may not trace', 4 if !have('strace') || is_sanitized() || (run(@strace, 'true'))[0] != 0;
    my $daemon = begin("$directory/log", under => \@strace);
    is exchanges($daemon->{port}, 1), 1, 'an exchange' for 1 .. 20;
    ok wait_for(sub { read_file("$directory/log") =~ $LOST }), 'an error that comes once is reported';
    ok wait_for(sub { my $text = read_file("$directory/log"); my $lines_lost = 0; $lines_lost += $1 while $text =~ /$LOST/g; peers($text) + $lines_lost >= 20 }), 'no line is missing';
    is $daemon->stop, 0, 'it ends';
    like in_known_words(read_file("$directory/log")), qr/ log lines were lost: cannot write to standard error: Input\/output error$/m, 'with the reason';
    unlink "$directory/log";
}

# A full pipe, which may be non-blocking: the start and all else go on.
for my $blocking (1, 0) {
    my ($log, $reader) = full_pipe();
    my $daemon = begin($log, under => \@prefix, config => 'timeouts: { drain = 0.5; };');
    $log->blocking($blocking);
    close $log;
    is exchanges($daemon->{port}, 10), 10, 'a pipe that nobody reads: exchanges go on';
    $daemon->tell('HUP');
    my $status;
    cmp_ok seconds { $status = stop_of($daemon) }, '<', 20, 'TERM ends it after timeouts.drain';
    is $status, 0, 'with status 0';
    SKIP: {
        skip 'needs a mount namespace', 1 if !@prefix;
        like next_datagram($syslog, $LOST), qr/: \d+ log lines were lost: the log accepted no lines before the stop timed out/, 'and syslog(3) has the number of lost lines';
    }
    is drained($reader), '', 'nothing is in the pipe';
}
my ($log, $reader) = full_pipe();
my $daemon = begin($log);
close $log;
is exchanges($daemon->{port}, 10), 10, 'the same, but then';
like drained($reader, qr/(?:us=\d+\n.*){10}/s), qr/\A$stamp.* ready, .*(?:us=\d+\n.*){10}/s, 'somebody reads and gets every line';
stop_of($daemon);

# A reload to syslog(3) at that time: each line goes where the log was when it was logged.
SKIP: {
    skip 'needs a mount namespace', 6 if !@prefix;
    ($log, $reader) = full_pipe();
    write_file("$directory/conf", 'log: { to = "stderr"; };');
    $daemon = begin($log, under => \@prefix, arguments => ['--foreground', '--config', "$directory/conf"]);
    close $log;
    is exchanges($daemon->{port}, 3), 3, 'a few exchanges, of which the last can be logged late';
    write_file("$directory/conf", 'log: { to = "syslog"; }; metrics: { file = "' . $directory . '/metrics"; };');
    $daemon->tell('HUP');
    ok wait_for(sub { read_file("$directory/metrics") =~ /^sixteend_reloads_total 1$/m }), 'a reload to syslog(3)';
    is exchanges($daemon->{port}, 1), 1, 'another exchange';
    like drained($reader, qr/us=\d+\n/), qr/\A$stamp.* ready, .*us=\d+\n\z/s, 'their lines are in the pipe';
    like next_datagram($syslog, qr/ reloaded /), qr/ reloaded /, 'syslog(3) has the reload';
    like next_datagram($syslog, qr/peer=/), qr/ outcome=ok peer=/, 'and the other line';
    stop_of($daemon);
}

# A reload to syslog(3) does not mend standard error: what is lost there is reported by syslog(3).
SKIP: {
    skip 'needs a mount namespace', 10 if !@prefix;
    for my $case ('half a line', 'a full pipe') {
        my ($file, $metrics) = ("$directory/log", "$directory/metrics");
        unlink $file, $metrics;
        ($log, $reader) = $case eq 'a full pipe' ? full_pipe() : ($file);
        write_file("$directory/conf", 'log: { to = "stderr"; }; timeouts: { drain = 0.5; };');
        $daemon = begin($log, under => \@prefix, arguments => ['--foreground', '--config', "$directory/conf"]);
        if ($case eq 'half a line') {
            ok wait_for(sub { read_file($file) =~ / ready, / }), "$case: ready";
            set_limit($daemon, 10 + -s $file);
        }
        is exchanges($daemon->{port}, 1), 1, "$case: an exchange";
        ok wait_for(sub { read_file($file) =~ /.\z/ }), 'is cut' if $case eq 'half a line';
        my $config = 'log: { to = "syslog"; }; timeouts: { drain = 0.5; };';
        $config .= " metrics: { file = \"$metrics\"; };" if $case eq 'a full pipe';
        write_file("$directory/conf", $config);
        $daemon->tell('HUP');
        ok $case eq 'a full pipe' ? wait_for(sub { read_file($metrics) =~ /^sixteend_reloads_total 1$/m }) : next_datagram($syslog, qr/ reloaded /), 'a reload to syslog(3)';
        is stop_of($daemon), 0, 'ends';
        my $why = $case eq 'half a line' ? 'cannot write to standard error: File too large' : 'the log accepted no lines before the stop timed out';
        like next_datagram($syslog, $LOST), qr/: \d+ log lines were lost: $why/, 'syslog(3) has the number of lost lines';
    }
}

# A start that fails does not hang, either.
my ($taken, $port) = listen_somewhere();
($log, $reader) = full_pipe();
$daemon = launch(listen => ["127.0.0.1:$port"], before => sub { open STDERR, '>&', $log });
my $status;
cmp_ok seconds { $status = end_of($daemon) }, '<', 20, 'a start that fails does not wait for a full pipe';
is $status, 69, 'and has its status';
$daemon = launch(listen => ["127.0.0.1:$port"]);
is $daemon->wait_end, 69, 'where there is room';
like $daemon->{log}, qr/\A(?:$stamp.*\n)*${stamp}cannot listen at .*\n${stamp}exiting with status 69\n\z/, 'every line is written';

# Lines from before the log is open have time and severity, too.
$daemon = launch(config => 'no_such_key = 1;');
is $daemon->wait_end, 78, 'a configuration that is wrong';
like $daemon->{log}, qr/\A${stamp}\S+:1: unknown key .*\n\z/, 'is reported as a line of the log';
$daemon = launch(before => sub { @ENV{qw(LISTEN_FDS LISTEN_PID)} = ('x', $$) });
is $daemon->wait_end, 78, 'sockets that are wrong';
like $daemon->{log}, qr/\A${stamp}LISTEN_FDS is not a number.*\n${stamp}exiting with status 78\n\z/, 'too';

# The report that was asked for is written, though nothing else of its severity is.
$daemon = launch(config => 'log: { level = "crit"; };', listen => ['127.0.0.1:' . ($port = free_port())]);
ok wait_for(sub { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) }), 'log.level = "crit"';
ok wait_for(sub { $daemon->tell('USR1'); $daemon->take_in(time + 0.1); $daemon->{log} =~ / notice listener 127\.0\.0\.1:$port queued=/ }), 'USR1';
is $daemon->stop, 0, 'ends';
unlike $daemon->{log}, qr/ready|exiting/, 'and nothing else';

# A reload from standard error to syslog(3), which nobody reads.
my (undef, @nothing) = own_dev();
SKIP: {
    skip 'needs a mount namespace', 4 if !@nothing;
    $daemon = start(under => \@nothing, arguments => ['--foreground', '--config', "$directory/conf"],
        before => sub { write_file("$directory/conf", 'log: { to = "stderr"; };') });
    write_file("$directory/conf", 'log: { to = "syslog"; };');
    $daemon->tell('HUP');
    ok $daemon->wait_log(qr{ warning no syslog daemon reads /dev/log; log lines are lost until one does: No such file or directory$}), 'a reload to syslog(3) says on standard error that nobody reads that';
    is exchanges($daemon->{port}, 1), 1, 'serves on';
    write_file("$directory/conf", 'log: { to = "stderr"; };');
    $daemon->tell('HUP');
    ok $daemon->wait_log(qr/ notice reloaded /), 'and back';
    is $daemon->stop, 0, 'ends';
}
done_testing;
