# SPDX-License-Identifier: MIT
# The service standing alone, asked over a network: reloads, ends of every kind, what it writes.
use strict;
use warnings;
use Sixteen;
use Container;
use Test::More;

my $machine = Container->boot;
my $conf = $machine->installed;
my $HERE = 'listen = [ "*:1060" ]; log: { to = "syslog"; };';

sub configure { write_file($machine->path($conf), "$HERE\n" . shift); return }

# A drop-in of the service, and the daemon started with it.
sub with_lines {
    my ($lines) = @_;
    $machine->drop_in('sixteend.service', "[Service]\n$lines\n");
    $machine->must('systemctl', 'restart', 'sixteend');
    return;
}

sub served_with {
    my ($reply, $what) = @_;
    my ($status, $out, $err) = run($SIXTEEN, '--expect', $reply, $machine->address);
    is "$status$err", '0', $what;
    return;
}

configure('');
$machine->must('systemctl', 'enable', '--now', 'sixteend');
served_with($REPLY, 'a peer over the network is served');

# Reloads.
configure('reply = "A second answer!";');
my ($status, $out, $err) = $machine->inside('systemctl', 'reload', 'sixteend');
is "$status$err", '0', 'systemctl reload';
ok wait_for(sub { $machine->journal =~ /reloaded / }), 'is in the journal';
served_with('A second answer!', 'and holds');
my $pid = $machine->property('MainPID');
configure("reply = \"Farewell, client\";\nlimits: { connections = 0; };");
($status, $out, $err) = $machine->inside('systemctl', 'reload', 'sixteend');
isnt $status, 0, 'a reload of what is wrong fails';
like $err, qr/systemctl status sixteend\.service/, 'and says where to look';
like $machine->must('systemctl', 'status', '--no-pager', '--full', 'sixteend'), qr/\Q$conf\E:3: limits\.connections\b/, 'which has file, line and key';
served_with('A second answer!', 'all is as it was');
is $machine->property('MainPID'), $pid, 'in the same process';
is $machine->property('ActiveState'), 'active', 'which is no failure of the service';

# What only the daemon can find out is reported after the command.
write_file($machine->path($conf), 'listen = [ "*:1060", "sixteen.invalid:1060" ]; log: { to = "syslog"; };');
$machine->must('systemctl', 'reload', 'sixteend');
ok wait_for(sub { $machine->must('systemctl', 'status', '--no-pager', '--full', 'sixteend') =~ /reload refused/ }), 'a name that is none is refused too';
served_with('A second answer!', 'and all is as it was');

# A wrong configuration is not tried again.
configure('limits: { connections = 0; };');
($status) = $machine->inside('systemctl', 'restart', 'sixteend');
isnt $status, 0, 'a start with it fails';
is join(' ', map { $machine->property($_) } qw(ActiveState ExecMainStatus NRestarts)), 'failed 78 0', 'with status 78, once';
configure('');
$machine->must('systemctl', 'start', 'sixteend');
served_with($REPLY, 'until it is valid');

# It comes back.
sub comes_back {
    my ($how, $code, $result) = @_;
    my ($before, $restarts) = map { $machine->property($_) } qw(MainPID NRestarts);
    $code->();
    ok wait_for(sub { $machine->property('NRestarts') > $restarts && $machine->property('SubState') eq 'running' }), "$how it is started again";
    isnt $machine->property('MainPID'), $before, 'as another process';
    served_with($REPLY, 'that serves');
    like $machine->journal('--unit=sixteend'), $result, 'and the journal says why';
    return;
}
comes_back('after kill -9', sub { kill 'KILL', $machine->main_process }, qr{code=killed, status=9/KILL});
with_lines('WatchdogSec=3');    # a machine that is busy may keep it from its sign of life for one
comes_back('stopped for longer than the watchdog waits', sub { kill 'STOP', $machine->main_process }, qr/Watchdog timeout/);
is $machine->must('find', '/', '-xdev', '-name', 'core*', '-type', 'f', '-newer', $conf), '', 'no core is left';

# What it writes.
my $file = '/run/sixteend/metrics.prom';
configure("metrics: { file = \"$file\"; interval = 0.1; };");
with_lines('');
ok wait_for(sub { read_file($machine->path($file)) =~ /^sixteend_build_info/m }), 'metrics.file in the runtime folder is written';
symlink $file, $machine->path('/var/tmp/sixteend.prom');
like $machine->must('setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', 'cat', '/var/tmp/sixteend.prom'), qr/^sixteend_build_info/m, 'and anybody reads it, by a link too';
my $other = '/var/lib/collector';
mkdir $machine->path($other);
chmod 0777, $machine->path($other);
configure("metrics: { file = \"$other/sixteend.prom\"; interval = 0.1; };");
with_lines('');
ok wait_for(sub { $machine->journal =~ m{\Q$other\E/sixteend\.prom.*: the file system is read-only; under systemd, use /run/sixteend,} }), 'elsewhere it is not';
served_with($REPLY, 'which delays no peer');
ok !-e $machine->path($file), 'the runtime folder is emptied with each start';
chown 0, 100, $machine->path($other);
chmod 0770, $machine->path($other);
with_lines("ReadWritePaths=$other\nSupplementaryGroups=users");
ok wait_for(sub { read_file($machine->path("$other/sixteend.prom")) =~ /^sixteend_build_info/m }), 'but where a drop-in and the group of the folder allow it';

# A port that only root may have is systemd's to open.
write_file($machine->path($conf), 'listen = [ "*:16" ]; log: { to = "syslog"; };');
($status) = $machine->inside('systemctl', 'restart', 'sixteend');
isnt $status, 0, 'a port below 1024 can not be had';
like $machine->journal, qr/cannot listen at \S+:16: Permission denied/, 'for the reason that it says';
done_testing;
