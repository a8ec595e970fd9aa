# SPDX-License-Identifier: MIT
# What the units promise holds, of the daemon that runs and against one that means harm.
use strict;
use warnings;
use Sixteen;
use Container;
use Test::More;

my $machine = Container->boot;
$machine->installed;

sub namespace {
    my ($pid, $name) = @_;
    return readlink "/proc/$pid/ns/$name";
}

# What the kernel says of the daemon's process, which this returns.
sub is_shut_in {
    my ($what) = @_;
    my $pid = $machine->main_process;
    my $status = read_file("/proc/$pid/status");
    is join(' ', $status =~ /^Cap...:\t(\w+)$/mg), join(' ', ('0' x 16) x 5), "$what: no capability";
    is join(' ', $status =~ /^(?:NoNewPrivs|Seccomp):\t(\d)$/mg), '1 2', 'no new privileges, and a filter of system calls';
    unlike $status, qr/^[UG]id:.*\t0\b/m, 'not root';
    like read_file("/proc/$pid/limits"), qr/^Max core file size +1 +1 /m, 'no core';
    my %policy = map { ((split ' ', s/.*\) //sr)[38] => 1) } map { read_file($_) } glob "/proc/$pid/task/*/stat";
    is join(' ', keys %policy), '3', 'all threads under SCHED_BATCH';
    isnt namespace($pid, $_), namespace($machine->{leader}, $_), "$_: a namespace of its own" for qw(mnt user ipc uts);
    return $pid;
}

# An intruder in the daemon tries this, and prints the results.
my $INTRUDER = <<'END';
use Socket;
sub told { my ($what, $done) = @_; print "$what: ", $done ? 'done' : $!, "\n" }
sub command { my $said = qx(@_ 2>&1); print "@_: ", $? == 0 ? "done" : $said =~ /: ([^:]+)$/, "\n" }
$| = 1;
$! = 0;
told("write $_", open my $file, '>>', $_) for '/etc/passwd', '/usr/new', '/var/new', '/run/new', '/tmp/new', '/run/sixteend/new';
told('setuid bit', chmod 04755, '/run/sixteend/new');
told('see home', opendir my $home, '/root');
told('see temporary files', opendir my $tmp, '/tmp');
told('see other processes', -e '/proc/1' || kill 0, 1);
told("open a socket of $_", socket my $socket, eval("Socket::$_") // { AF_NETLINK => 16, AF_PACKET => 17 }->{$_}, SOCK_DGRAM, 0)
    for qw(AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET);
$( = 0;
told('become root', $< == 0 || ($< = 0, $< == 0)[1]);
print 'folders to write to: ', join(' ', sort split /\n/, qx(find / -path '/proc/[0-9]*' -prune -o -type d -writable -print 2>/dev/null)), "\n";
command($_) for 'unshare --user true', 'chrt --fifo 1 true', 'setarch --addr-no-randomize true', 'ls /proc/sys', 'dmesg';
END

# Run the service with that in place of its program; return the results.
sub intrude {
    my ($unit, $service) = @_;
    my $text = $machine->must('systemctl', 'cat', "$service.service");
    $text =~ s/^(?:Type|NotifyAccess|ExecReload|WatchdogSec|Restart\w*|Requires|After|Wants)=.*\n//mg;
    $text =~ s{^ExecStart=.*}{Type=oneshot\nExecStart=perl /usr/lib/intruder}m;
    write_file($machine->path('/usr/lib/intruder'), $INTRUDER =~ s{/run/sixteend}{/run/$service}gr);
    write_file($machine->path("/etc/systemd/system/$unit"), $text);
    $machine->must('systemctl', 'daemon-reload');
    $machine->must('systemctl', 'start', $unit);
    return { map { /^(.+?): (.+)$/ } split /\n/, $machine->journal("_SYSTEMD_UNIT=$unit") };
}

my ($READ_ONLY, $DENIED, $NOT_PERMITTED, $NO_FAMILY) =
    ('Read-only file system', 'Permission denied', 'Operation not permitted', 'Address family not supported by protocol');
my %refused = (
    'write /etc/passwd' => $DENIED,
    'write /usr/new' => $READ_ONLY,
    'write /var/new' => $READ_ONLY,
    'write /run/new' => $READ_ONLY,
    'write /tmp/new' => $DENIED,
    'write /run/sixteend/new' => 'done',
    'folders to write to' => '/dev/mqueue /run/sixteend',
    'setuid bit' => $NOT_PERMITTED,
    'see home' => $DENIED,
    'see temporary files' => $DENIED,
    'see other processes' => $NOT_PERMITTED,
    'become root' => $NOT_PERMITTED,
    'open a socket of AF_UNIX' => 'done',
    (map { ("open a socket of $_" => $NO_FAMILY) } qw(AF_INET AF_INET6 AF_NETLINK AF_PACKET)),
    'unshare --user true' => $NOT_PERMITTED,
    'chrt --fifo 1 true' => $NOT_PERMITTED,
    'setarch --addr-no-randomize true' => $NOT_PERMITTED,
    'ls /proc/sys' => 'No such file or directory',
    'dmesg' => $NOT_PERMITTED,
);

$machine->must('systemctl', 'start', 'sixteend');
my $pid = is_shut_in('standing alone');
is namespace($pid, 'net'), namespace($machine->{leader}, 'net'), 'in the network of the host';
my %with_network = (%refused, 'open a socket of AF_INET' => 'done', 'open a socket of AF_INET6' => 'done');
is_deeply intrude('intruder.service', 'sixteend'), \%with_network, 'an intruder gets no further';
$machine->must('systemctl', 'stop', 'sixteend');
my %of_watch = map { s/sixteend/sixteen-watch/r => $with_network{$_} =~ s/sixteend/sixteen-watch/r } keys %with_network;
is_deeply intrude('intruder-watch.service', 'sixteen-watch'), \%of_watch, 'nor an intruder in the watch';

$machine->without_network;
$machine->must('systemctl', 'start', 'sixteend');
is $machine->states, 'active active', 'the drop-in brings the sockets';
$pid = is_shut_in('with the drop-in');
isnt namespace($pid, 'net'), namespace($machine->{leader}, 'net'), 'in a network of its own';
is((run('nsenter', "--target=$pid", '--net', 'ip', '-brief', 'link'))[1] =~ s/ .*//r, "lo\n", 'in which no other interface is');
is_deeply intrude('intruder-without-network.service', 'sixteend'), \%refused, 'an intruder gets no further';

# Without sockets, the service that has no network fails instead of listening there.
my $lonely = $machine->must('systemctl', 'cat', 'sixteend.service') =~ s/^(?:Requires|After|Restart\w*)=.*\n//mgr;
write_file($machine->path('/etc/systemd/system/lonely.service'), $lonely);
$machine->must('systemctl', 'daemon-reload');
my ($status) = $machine->inside('systemctl', 'start', 'lonely');
isnt $status, 0, 'without sockets it does not start';
is $machine->property('ExecMainStatus', 'lonely'), 69, 'with status 69';
like $machine->journal('--unit=lonely'), qr/^no listening address could be opened$/m, 'and says why';
done_testing;
