# SPDX-License-Identifier: MIT
# The counters and gauges: the report at USR1 and at the end and metrics.file have the same
# numbers, and these are what the clients did.
use strict;
use warnings;
use List::Util qw(sum0);
use POSIX qw(mkfifo);
use Sixteen;
use Socket qw(SHUT_WR);
use Test::More;
use Time::HiRes qw(time);

my @outcomes = qw(ok excess mismatch short probe slow reset denied limited malformed failed);
my $directory = scratch();
my $file = "$directory/sixteend.prom";

# A report in the log, as one hash: connections, outcomes, accept errors; and the listeners.
sub parse_report {
    my (@lines) = @_;
    my (%value, %listener);
    for (@lines) {
        $listener{$1} = "$2 of $3" if / listener (\S+) queued=(\d+) limit=(\d+)$/;
        %value = (%value, /(\w+)=(\d+)/g) if / (?:connections|outcomes|accept errors) \w+=/;
    }
    return (\%value, \%listener);
}

sub report {
    my ($daemon) = @_;
    $daemon->tell('USR1');
    return parse_report(map { $daemon->wait_log($_) } qr/ notice connections accepted=/, qr/ notice outcomes ok=/,
        qr/ notice accept errors \w+=/, map { qr/ notice listener \S+:$_ queued=/ } @{ $daemon->{ports} });
}

# The report at the end; no listener is left by then.
sub last_report {
    my ($daemon) = @_;
    return parse_report(split /^/, $daemon->{log});
}

# What metrics.file holds, by name and labels, without the prefix.
sub metrics {
    return { map { /^(?:sixteend_)?([^#\s]\S*) (\S+)$/ ? ($1 => $2) : () } split /^/, read_file($file) };
}

# The same as a report in the log.
sub as_report {
    my ($metrics) = @_;
    my %of = (accepted => 'connections_accepted_total', active => 'connections_active', peak => 'connections_peak',
        lingering => 'sockets_lingering', workers => 'workers', idle => 'workers_idle', lines_lost => 'log_lines_lost_total');
    my %value = map { $_ => $metrics->{ $of{$_} } } keys %of;
    $value{$_} = $metrics->{"connections_total{outcome=\"$_\"}"} for @outcomes;
    my @errors = grep { /^accept_errors_total/ && $metrics->{$_} > 0 } keys %$metrics;
    $value{none} = 0 if !@errors;
    $value{ /"(\w+)"/ ? $1 : '' } = $metrics->{$_} for @errors;
    return \%value;
}

# The node exporter has process_* of itself, and still shows all of ours.
sub node_exporter_takes {
    SKIP: {
        my ($exporter) = grep { have($_) } qw(prometheus-node-exporter node_exporter);
        skip 'no node exporter is installed', 2 if !defined $exporter;
        my ($listening, $at) = listen_somewhere();
        my $log = scratch() . '/log';
        my $pid = spawn(sub {
            open STDERR, '>', $log;
            pass_sockets($listening);
            exec $exporter, qw(--collector.disable-defaults --collector.textfile --web.systemd-socket), "--collector.textfile.directory=$directory";
        });
        close $listening;
        my $scraper = connect_to($at);
        syswrite $scraper, "GET /metrics HTTP/1.0\r\n\r\n";
        my ($answer) = read_to_end($scraper);
        finish($pid);
        my %there = map { /^([^\s#]\S*) / ? ($1 => 1) : () } split /\R/, $answer;
        my @ours = map { /^([^\s#]\S*) / ? $1 : () } split /^/, read_file($file);
        is join(' ', grep { !$there{$_} } @ours), '', 'the node exporter shows each metric of the file';
        is join('', grep { /error/ } split /^/, read_file($log)), '', 'and finds no fault with it';
    }
    return;
}

my $config = <<"END";
strict = true;
limits: { per_source = 3; };
access: { deny = [ "127.0.0.66" ]; proxies = [ "127.0.0.67" ]; };
timeouts: { exchange = 5.0; linger = 600.0; };
log: { level = "debug"; };
metrics: { file = "$file"; interval = 0.1; };
END
my $daemon = start(config => $config);
my $port = $daemon->{port};
ok wait_for(sub { -e $file }), 'the file is there soon';
is_deeply as_report(metrics()), { map { $_ => 0 } @outcomes, qw(accepted active peak lingering workers idle lines_lost none) }, 'with nothing counted yet';
promtool_accepts($file, 'the file at first');

# Three of one address stay and say nothing; two more are too many.
sub connect_from {
    my ($host) = @_;
    return connect_to($port, undef, $host);
}
my @silent = map { connect_from('127.0.0.9') } 1 .. 3;
$daemon->wait_log(qr/Socket connects/) for 1 .. 3;
my $refused = 0;
for (1 .. 2) {
    $refused++ if (read_to_end(connect_from('127.0.0.9')))[0] eq '';
    $daemon->wait_log(qr/ outcome=limited /);
}
my ($value, $listener) = report($daemon);
is $refused, 2, 'two are refused, three are held';
my %nothing = (lingering => 0, lines_lost => 0, none => 0, map { $_ => 0 } @outcomes);
is_deeply $value, { %nothing, accepted => 5, active => 3, peak => 3, workers => 3, idle => 0, limited => 2 }, 'and so USR1 reports';
$daemon->wait_log(qr/ outcome=slow /) for 1 .. 3;

# Each of the others, this often.
my %done = (ok => 5, excess => 3, mismatch => 4, short => 2, probe => 6, slow => 3, reset => 2, limited => 2, denied => 3, malformed => 2, failed => 0);
my %message = (ok => $GREETING, excess => "$GREETING\n", mismatch => 'Hi there, Server', short => 'Hi th', probe => '', reset => 'Hi th', denied => '', malformed => $GREETING);
my %from = (denied => '127.0.0.66', malformed => '127.0.0.67');
for my $outcome (qw(ok excess mismatch short probe reset denied malformed)) {
    for (1 .. $done{$outcome}) {
        my $peer = connect_from($from{$outcome} // '127.0.0.1');
        syswrite $peer, $message{$outcome};
        shutdown $peer, SHUT_WR if $outcome =~ /short|probe/;
        if ($outcome eq 'reset') {
            wait_for(sub { everything_is_read($port, $peer) });
            reset_connection($peer);
        } else {
            read_to_end($peer);
        }
        $daemon->wait_log(qr/ outcome=$outcome /);
    }
}
my $lingerer = connect_to($port);
syswrite $lingerer, $GREETING;
read_to_end($lingerer);
$daemon->wait_log(qr/ outcome=ok /);
$done{ok}++;
# A moment later the worker is idle, and the main loop counts the lingering socket.
ok wait_for(sub { ($value, $listener) = report($daemon); $value->{idle} == 3 && $value->{lingering} == 1 }), 'each outcome so often';
my %after = (%done, accepted => sum0(values %done), active => 0, peak => 3, lingering => 1, workers => 3, idle => 3, lines_lost => 0, none => 0);
is_deeply $value, \%after, 'is reported on USR1, and accepted is the sum of them';
is_deeply $listener, { "127.0.0.1:$port" => '0 of 4096' }, 'with no connection in the queue';
ok wait_for(sub { my $now = as_report(metrics()); $now->{lingering} == 1 && $now->{idle} == 3 && $now->{ok} == $done{ok} }), 'soon the file has it too';
is_deeply as_report(metrics()), \%after, 'the same numbers';
close $lingerer;
ok wait_for(sub { metrics()->{sockets_lingering} == 0 }), 'the lingering socket is closed';
promtool_accepts($file, 'the file after each outcome');
node_exporter_takes();

# How long they took.
my $metrics = metrics();
my $duration = 'connection_duration_seconds';
my %bucket = map { /^${duration}_bucket\{le="(.+)"\}$/ ? ($1 => $metrics->{$_}) : () } keys %$metrics;
my @bounds = sort { $a <=> $b } keys %bucket;
is "@bounds", '0.0001 0.00025 0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf', 'the bounds of the durations';
is scalar(grep { $bucket{ $bounds[$_] } < $bucket{ $bounds[$_ - 1] } } 1 .. $#bounds), 0, 'each counts what those below it count';
is $bucket{'+Inf'}, sum0(values %done), 'the last counts all';
is $metrics->{"${duration}_count"}, $bucket{'+Inf'}, 'which is the count';
my @took = $daemon->{log} =~ / us=(\d+)/g;
my %of_log = map { my $bound = $_; ($bound => scalar grep { $_ <= 1e6 * $bound } @took) } @bounds;
is_deeply \%bucket, \%of_log, 'and each is what the log says';
cmp_ok abs($metrics->{"${duration}_sum"} - sum0(@took) / 1e6), '<', 1e-5, 'and so is the sum';

like $daemon->reload("$config# changed"), qr/reloaded/, 'two reloads';
like $daemon->reload($config), qr/reloaded/, 'that are taken';
like $daemon->reload('strict = 1;'), qr/refused/, 'and one that is not';
ok wait_for(sub { metrics()->{reloads_refused_total} == 1 }), 'are counted';
is metrics()->{reloads_total}, 2, 'each';
is metrics()->{config_last_reload_successful}, 0, 'the last one failed';
my $configured = metrics()->{config_last_reload_success_timestamp_seconds};
cmp_ok $configured, '>=', metrics()->{'process_start_time_seconds{program="sixteend"}'}, 'and those before it did not';
is metrics()->{connections_limit}, 1024, 'limits.connections is there';
wait_for(sub { time > $configured + 1.1 });
like $daemon->reload($config =~ s/limits: \{/limits: { connections = 77;/r), qr/reloaded/, 'one more';
ok wait_for(sub { metrics()->{config_last_reload_successful} == 1 }), 'is seen as a success';
cmp_ok metrics()->{config_last_reload_success_timestamp_seconds}, '>', $configured, 'and when it was';
is metrics()->{connections_limit}, 77, 'with the new limits.connections';
my ($version) = (run($SIXTEEND, '--version'))[1] =~ /(\S+)$/m;
is metrics()->{"build_info{version=\"$version\"}"}, 1, 'the version is there';

# What the kernel says of the process, under the names of the clients of Prometheus.
sub process {
    my ($name) = @_;
    return metrics()->{"process_$name\{program=\"sixteend\"}"} // -1;
}
cmp_ok abs(time - process('start_time_seconds')), '<', 600, 'and the start';
ok wait_for(sub { process('open_fds') == (() = glob "/proc/$daemon->{pid}/fd/*") }), 'the descriptors';
ok wait_for(sub { process('threads') == (() = glob "/proc/$daemon->{pid}/task/*") }), 'the threads';
my ($soft) = read_file("/proc/$daemon->{pid}/limits") =~ /^Max open files +(\d+) /m;
is process('max_fds'), $soft, 'how many descriptors there can be';
my %of_status = read_file("/proc/$daemon->{pid}/status") =~ /^Vm(Size|RSS):\s+(\d+) kB$/mg;
for (['virtual', $of_status{Size}], ['resident', $of_status{RSS}]) {
    my ($kind, $kilobytes) = @$_;
    my $octets = process("${kind}_memory_bytes");
    ok $octets > 512 * $kilobytes && $octets < 2048 * $kilobytes, "the $kind memory" or diag "$octets $kilobytes kB";
}
SKIP: {
    skip 'a sanitizer computes a lot', 2 if is_sanitized();
    my $cpu = process('cpu_seconds_total');
    my ($user, $system) = (split / /, read_file("/proc/$daemon->{pid}/stat") =~ s/.*\) //sr)[11, 12];
    cmp_ok abs(process('cpu_seconds_total') - ($user + $system) / POSIX::sysconf(POSIX::_SC_CLK_TCK())), '<', 0.5, 'the CPU time';
    ok wait_for(sub { process('cpu_seconds_total') > $cpu }), 'which grows';
}

# A reader finds a whole file at any time.
my ($reads, $broken, $replaced, $last) = (0, 0, 0, '');
my $until = time + 60;
while ($replaced < 12 && time < $until) {
    open my $in, '<', $file or die "$file: $!";
    my @about = stat $in;
    my $text = '';
    1 while sysread $in, $text, 100, length $text;
    $broken++ if $text !~ /\A# HELP sixteend_build_info .*\nprocess_threads\{program="sixteend"\} \d+\n\z/s;
    $reads++;
    $replaced++ if $last ne $about[1] && $last ne '';
    $last = $about[1];
}
is $broken, 0, "it is whole each of $reads times";
cmp_ok $replaced, '>=', 12, 'though another file takes its place again and again';
is sprintf('%04o', (stat $file)[2] & 07777), '0644', 'that anybody may read';

# A directory that is gone: root too finds no place there.
rename $directory, "$directory.away" or die "$directory: $!";
ok $daemon->wait_log(qr/ warning metrics\.file: cannot write \Q$file\E: No such file or directory$/), 'where it cannot be written there is a warning';
my $missing_since = time;
is +(run($SIXTEEN, '127.0.0.1', $port))[0], 0, 'and service';
$done{ok}++;
wait_for(sub { time - $missing_since > 0.6 });
rename "$directory.away", $directory or die "$directory: $!";
ok $daemon->wait_log(qr/ notice metrics\.file: \Q$file\E is written again$/), 'and a notice when it can be again';
is scalar(() = $daemon->{log} =~ /cannot write/g), 1, 'one warning, not one each time';
is metrics()->{'connections_total{outcome="ok"}'}, $done{ok}, 'with the numbers of now';

# Other users that can write there cannot redirect it, or keep it waiting.
my $victim = write_file("$directory/victim", "mine\n");
mkfifo("$file.new", 0666) or die "$file.new: $!";
for my $make (sub { mkfifo($file, 0666) }, sub { symlink $victim, $file }) {
    ok wait_for(sub { unlink $file; $make->() }), 'a FIFO or a link takes its name';
    ok $daemon->wait_log(qr/ warning metrics\.file: \Q$file\E exists and is not a metrics file of sixteend; it is not replaced/), 'and is not replaced';
    unlink $file;
    ok $daemon->wait_log(qr/ notice metrics\.file: \Q$file\E is written again$/), 'until it is removed';
}
is read_file($victim), "mine\n", 'what the link leads to is as it was';
is +(run($SIXTEEN, '127.0.0.1', $port))[0], 0, 'service goes on';
$done{ok}++;
unlink "$file.new";

is $daemon->stop, 0, 'ends';
($value) = last_report($daemon);
is_deeply $value, { %after, %done, accepted => sum0(values %done), lingering => 0 }, 'the lines at the end';
is_deeply as_report(metrics()), $value, 'and the file that is left have the same numbers';
is join(' ', glob "$file.*"), '', 'no temporary file is left';
promtool_accepts($file, 'the file after the end');

# The last numbers come at the end, not at an interval.
$daemon = start(config => "metrics: { file = \"$file\"; interval = 86400.0; };");
ok wait_for(sub { metrics()->{connections_accepted_total} == 0 }), 'a new daemon begins anew';
is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'an exchange' for 1 .. 7;
is metrics()->{connections_accepted_total}, 0, 'no interval has passed';
is $daemon->stop, 0, 'ends';
is metrics()->{'connections_total{outcome="ok"}'}, 7, 'the file has them nevertheless';

# The path of another file, by mistake: the configuration, and the file that standard error is open
# on. No attempt replaces it, not the one at the end either.
$config = "metrics: { file = \"$directory/conf\"; interval = 0.1; };\n";
write_file("$directory/conf", $config);
$daemon = start(arguments => ['--foreground', '--stderr', '--config', "$directory/conf"]);
my $refused_file = qr/ exists and is not a metrics file of sixteend; it is not replaced: remove it, or name another file$/;
ok $daemon->wait_log(qr/ warning metrics\.file: \Q$directory\E\/conf$refused_file/), 'a metrics file that is the configuration is reported';
is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'there is service';
$daemon->{file} = "$directory/conf";
like $daemon->reload, qr/reloaded/, 'the configuration can be read again';
is $daemon->stop, 0, 'ends';
is scalar(() = $daemon->{log} =~ /is not replaced/g), 1, 'one warning';
is read_file("$directory/conf"), $config, 'the configuration is as it was';
my $log = write_file("$directory/log", "an old line\n");
$daemon = launch(config => "metrics: { file = \"$log\"; interval = 0.1; };", before => sub { open STDERR, '>>', $log });
ok wait_for(sub { read_file($log) =~ /^.* warning metrics\.file: \Q$log\E$refused_file/m }), 'so is one that is the log';
is $daemon->stop, 0, 'ends';
like read_file($log), qr/\Aan old line\n.* ready, process \d+\n.* exiting with status 0\n\z/s, 'the log is complete';

# Connections in the kernel's queue.
$daemon = start(listen => ['127.0.0.1:0', '[::1]:0'], config => <<"END");
limits: { connections = 1; backlog = 5; };
timeouts: { exchange = 600.0; };
log: { level = "debug"; };
metrics: { file = "$file"; interval = 0.1; };
END
my ($queue, $other) = ("127.0.0.1:$daemon->{ports}[0]", "[::1]:$daemon->{ports}[1]");
my $held = connect_to($daemon->{port});
$daemon->wait_log(qr/Socket connects/);
my @queued = map { connect_to($daemon->{port}) } 1 .. 3;
ok $daemon->wait_log(qr/limits\.connections reached/), 'while limits.connections is reached';
($value, $listener) = report($daemon);
is_deeply $listener, { $queue => '2 of 5', $other => '0 of 5' }, 'USR1 reports for each address how many wait and how many can';
is "$value->{accepted} $value->{active}", '2 1', 'one more is accepted, and has no slot';
ok wait_for(sub { (metrics()->{"listener_queue_length{address=\"$queue\"}"} // -1) == 2 }), 'the file has it too';
is metrics()->{"listener_queue_limit{address=\"$queue\"}"}, 5, 'both numbers';
is metrics()->{"listener_queue_length{address=\"$other\"}"}, 0, 'of each address';
promtool_accepts($file, 'the file with two listeners');
for my $peer ($held, @queued) {
    syswrite $peer, $GREETING;
    is join(' ', read_to_end($peer)), "$REPLY eof", 'each is served in its turn';
    close $peer;
}
ok wait_for(sub { metrics()->{"listener_queue_length{address=\"$queue\"}"} == 0 }), 'and the queue is empty';
is $daemon->stop, 0, 'ends';

# accept(2) fails.
$daemon = start(config => "timeouts: { exchange = 600.0; }; metrics: { file = \"$file\"; interval = 0.1; };");
is +(run('prlimit', '--pid', $daemon->{pid}, '--nofile=16'))[0], 0, 'with 16 descriptors';
my @peers = map { connect_to($daemon->{port}) } 1 .. 20;
ok $daemon->wait_log(qr/ cannot accept connections, pausing: Too many open files/), 'it runs out of them';
($value) = report($daemon);
cmp_ok $value->{EMFILE}, '>=', 1, 'and the failures are counted, by their error';
cmp_ok $value->{accepted}, '<', 16, 'not as connections';
is $value->{accepted}, $value->{active} + sum0(@$value{@outcomes}), 'which are held';
syswrite $_, $GREETING for @peers;
is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @peers), 20, 'each is served in the end';
close $_ for @peers;
is $daemon->stop, 0, 'ends';
($value) = last_report($daemon);
is "$value->{accepted} $value->{ok}", '20 20', 'as often as they came';
is_deeply as_report(metrics()), $value, 'and the file says the same';
cmp_ok sum0($daemon->{log} =~ /cannot accept connections, pausing: .* count=(\d+)/g), '<=', $value->{EMFILE}, 'the warnings count no more than failed';

# A disk that hangs: the kernel does not return from rename(2).
SKIP: {
    my $renames = '?rename,?renameat,?renameat2';
    my @hanging = ('strace', '-D', '--follow-forks', '--quiet=all', '--signal=none', '--output', '/dev/null',
        '--trace', $renames, '--inject', "$renames:delay_enter=3600000000:when=2+");
    skip 'needs strace', 1 if !have('strace');
    skip 'a leak sanitizer cannot be traced', 1 if is_sanitized();
    skip 'may not trace', 1 if (run(@hanging, 'true'))[0] != 0;
    unlink $file;
    $config = "metrics: { file = \"$file\"; interval = 0.1; }; timeouts: { drain = 600.0; };";
    $daemon = start(under => [@hanging], config => $config);
    ok $daemon->wait_log(qr/ warning metrics\.file: cannot write \Q$file\E: its disk does not answer$/), 'a disk that hangs is reported';
    my $old = read_file($file);
    like $old, qr/^sixteend_connections_accepted_total 0$/m, 'the file keeps its numbers';
    is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'clients are served';
    ok $daemon->wait_log(qr/ outcome=ok /), 'the log goes on';
    ($value) = report($daemon);
    is $value->{ok}, 1, 'USR1 is acted upon';
    like $daemon->reload("$config #"), qr/reloaded/, 'HUP too';
    my $held = connect_to($daemon->{port});
    syswrite $held, 'Hi there';
    ok wait_for(sub { everything_is_read($daemon->{port}, $held) }), 'a connection that has begun';
    $daemon->tell('TERM');
    ok $daemon->wait_log(qr/ stopping$/), 'TERM is acted upon';
    syswrite $held, ', server';
    is join(' ', read_to_end($held)), "$REPLY eof", 'and the connection ends as always';
    close $held;
    ok $daemon->wait_log(qr/ notice exiting with status 0$/), 'the daemon does all to end';
    is read_file($file), $old, 'and leaves the old file';
    kill 'KILL', read_file("/proc/$daemon->{pid}/status") =~ /^TracerPid:\t(\d+)$/m;
    is $daemon->wait_end, 0, 'and only the disk keeps it';
    like $daemon->{log}, qr/ notice connections accepted=2 .* notice exiting with status 0$/ms, 'with all its lines';
    is scalar(() = $daemon->{log} =~ /does not answer/g), 1, 'and one warning';
}
done_testing;
