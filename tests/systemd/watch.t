# SPDX-License-Identifier: MIT
# sixteen-watch.service watches its targets, ends well whatever they did, comes back after a crash,
# and with the drop-in for Prometheus its file is where the node exporter looks as long as it runs.
use strict;
use warnings;
use File::Copy qw(copy);
use Sixteen;
use Container;
use Test::More;

my $FILE = '/run/sixteen-watch/metrics.prom';
my $COLLECTOR = '/var/lib/prometheus/node-exporter';
my $machine = Container->boot;
$machine->installed;
my ($targets) = $machine->must('systemctl', 'cat', 'sixteen-watch') =~ /--targets (\S+)/;

sub configure { write_file($machine->path($targets), shift); return }

sub state_of {
    my ($unit) = @_;
    return join ' ', map { $machine->property($_, $unit) } qw(ActiveState ExecMainStatus NRestarts);
}

# What any user reads there.
sub metrics {
    my ($file) = @_;
    return ($machine->inside(qw(setpriv --reuid=nobody --regid=nogroup --clear-groups cat), $file // $FILE))[1];
}

sub is_counted {
    my ($target, $outcome, $file) = @_;
    return wait_for(sub { metrics($file) =~ /^sixteen_exchanges_total\{target="\Q$target\E",outcome="$outcome".*\} [1-9]/m });
}

$machine->must('systemctl', 'start', 'sixteend');
my ($status, $out, $err) = $machine->inside('systemctl', 'enable', '--now', 'sixteen-watch');
is $status, 0, 'systemctl enable --now sixteen-watch' or diag $err;
ok is_counted('127.0.0.1:1060', 'ok'), 'watches the target of the sample';
configure("# two that answer, one that does not\n127.0.0.1\ncanary.test:1060\n\n127.0.0.1:9\n");
write_file($machine->path('/etc/hosts'), "127.0.0.1 canary.test\n");
$machine->must('systemctl', 'restart', 'sixteen-watch');
ok is_counted($_, 'ok'), "after a restart it watches $_" for '127.0.0.1:1060', 'canary.test:1060';
ok is_counted('127.0.0.1:9', 'refused'), 'and one that refuses';

# What the kernel says of its process.
my $pid = $machine->main_process('sixteen-watch');
$status = read_file("/proc/$pid/status");
is join(' ', $status =~ /^Cap...:\t(\w+)$/mg), join(' ', ('0' x 16) x 5), 'it has no capability';
is join(' ', $status =~ /^(?:NoNewPrivs|Seccomp):\t(\d)$/mg), '1 2', 'no new privileges, and a filter of system calls';
unlike $status, qr/^[UG]id:.*\t0\b/m, 'is not root';
my ($time_share) = (split ' ', read_file("/proc/$pid/stat") =~ s/.*\) //sr)[38];
is $time_share, 0, 'and not under SCHED_BATCH, since it measures times';

kill 'KILL', $pid;
ok wait_for(sub { $machine->property('NRestarts', 'sixteen-watch') == 1 && $machine->property('SubState', 'sixteen-watch') eq 'running' }), 'after kill -9 it is started again';
ok is_counted('canary.test:1060', 'ok'), 'and watches';

# The link for the node exporter is there as long as the services run, and never leads nowhere.
my ($exporter) = grep { have($_) } qw(prometheus-node-exporter node_exporter);
if ($exporter) {
    my ($path) = grep { -x } map { "$_/$exporter" } split /:/, $ENV{PATH};
    $machine->must('mkdir', '-p', '/opt');
    copy($path, $machine->path('/opt/exporter')) or die "$path: $!";
    chmod 0755, $machine->path('/opt/exporter');
    $machine->must('systemd-run', '--quiet', '--unit=exporter', '/opt/exporter', '--collector.disable-defaults',
        '--collector.textfile', "--collector.textfile.directory=$COLLECTOR", '--web.listen-address=127.0.0.1:9100');
}

# What it exports.
my $SCRAPE = 'use IO::Socket::INET; my $s = IO::Socket::INET->new("127.0.0.1:9100") or exit; print $s "GET /metrics HTTP/1.0\r\n\r\n"; print <$s>';
sub exported { return (run('nsenter', "--target=$machine->{leader}", '--net', $^X, '-e', $SCRAPE))[1] }

sub no_error {
    my ($when) = @_;
    SKIP: {
        skip 'no node exporter is installed', 1 if !$exporter;
        my $text = '';
        wait_for(sub { ($text = exported()) =~ /^node_textfile_scrape_error \d/m });
        like $text, qr/^node_textfile_scrape_error 0$/m, "the exporter has no error $when" or diag $machine->journal('--unit=exporter');
    }
    return;
}

$machine->must('mkdir', '-p', $COLLECTOR);
for my $unit (qw(sixteen-watch sixteend)) {
    $machine->drop_in("$unit.service", read_file("$ENV{SOURCE_DIR}/examples/prometheus/textfile.conf"));
}
$machine->must('systemctl', 'restart', 'sixteend');
no_error('without metrics.file');
ok -e $machine->path('/run/sixteend/metrics.prom'), 'and there is a file';
my $conf = $machine->path('/etc/sixteen.conf');
write_file($conf, read_file($conf) =~ s{file = ""}{file = "/run/sixteend/metrics.prom"}r);
$machine->must('systemctl', 'restart', 'sixteen-watch', 'sixteend');
no_error('at a start');
ok is_counted('canary.test:1060', 'ok', "$COLLECTOR/sixteen-watch.prom"), 'the drop-in takes the metrics of the watch to the node exporter';
ok wait_for(sub { metrics("$COLLECTOR/sixteend.prom") =~ /^sixteend_build_info/m }), 'and those of the daemon';
no_error('while they run');
kill 'KILL', $machine->main_process('sixteend');
ok wait_for(sub { $machine->property('NRestarts') == 1 && $machine->property('SubState') eq 'running' && metrics("$COLLECTOR/sixteend.prom") =~ /^sixteend_build_info/m }), 'after kill -9 too';
$machine->must('systemctl', 'stop', 'sixteen-watch', 'sixteend');
is $machine->must('ls', '-A', $COLLECTOR), '', 'at a stop it takes both away';
ok !-e $machine->path('/run/sixteen-watch'), 'with the directory';
no_error('after a stop');

# A power failure leaves the link. The line of the example removes it at boot, and only then.
my ($line) = read_file("$ENV{SOURCE_DIR}/examples/prometheus/README.md") =~ m{^(echo 'r! .*tmpfiles\.d.*)$}m;
$machine->must('ln', '-s', '/run/sixteend/metrics.prom', "$COLLECTOR/sixteend.prom");
$machine->must('sh', '-c', $line);
$machine->must('systemd-tmpfiles', '--remove', 'sixteend.conf');
is $machine->must('ls', '-A', $COLLECTOR), 'sixteend.prom', 'a link that a power failure left stays';
$machine->must('systemd-tmpfiles', '--remove', '--boot', 'sixteend.conf');
is $machine->must('ls', '-A', $COLLECTOR), '', 'until the boot';

# A directory that is not allowed.
write_file($conf, read_file($conf) =~ s{/run/sixteend/metrics.prom}{/var/lib/metrics.prom}r);
$machine->must('systemctl', 'start', 'sixteend');
ok wait_for(sub { $machine->journal =~ m{metrics\.file: cannot write /var/lib/metrics\.prom: the file system is read-only; under systemd, use /run/sixteend, or name the directory in ReadWritePaths= of a drop-in$}m }),
    'a file that the sandbox forbids is reported, with the way out';
$machine->must('systemctl', 'stop', 'sixteend');
is state_of('sixteen-watch') =~ s/ \d+$//r, 'inactive 1', 'a stop after a target was lost is no failure';
like $machine->journal('--unit=sixteen-watch'), qr/127\.0\.0\.1:9 .*refused/, 'and the journal has the summary';
$machine->must('rm', '-r', $COLLECTOR);
$machine->must('systemctl', 'start', 'sixteen-watch');
is $machine->property('ActiveState', 'sixteen-watch'), 'active', 'without a node exporter it starts, too';
ok is_counted('127.0.0.1:9', 'refused'), 'and watches';

# A wrong line.
configure("127.0.0.1\n\n[::1:1060\n");
$machine->inside('systemctl', 'restart', 'sixteen-watch');
ok wait_for(sub { state_of('sixteen-watch') eq 'failed 2 0' }), 'with a wrong target it fails, once' or diag state_of('sixteen-watch');
like $machine->must('sh', '-c', 'systemctl status --no-pager --full sixteen-watch || :'), qr/\Q$targets\E:3: /, 'and says in which line';
done_testing;
