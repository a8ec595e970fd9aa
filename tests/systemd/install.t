# SPDX-License-Identifier: MIT
# Two commands bring the service up, standing alone or by its sockets, and nothing is left when
# it is taken away.
use strict;
use warnings;
use Sixteen;
use Container;
use Test::More;

my $machine = Container->boot;
is $machine->must('cat', '/proc/1/comm'), 'systemd', 'process 1 is systemd';
is $machine->must('systemctl', 'is-system-running'), 'running', 'and content';

my $before = $machine->files;
my $users = read_file($machine->path('/etc/passwd'));

sub serves {
    my ($what) = @_;
    for my $host ('127.0.0.1', '::1') {
        my ($status, $out, $err) = run('nsenter', "--target=$machine->{leader}", '--net', $SIXTEEN, $host);
        is "$status$err", '0', "$what: $host is served";
        my ($peer) = $out =~ /socket name (\S+)/;
        my $line = qr/outcome=ok peer=\Q$peer\E local=\S+:1060 octets=16 message="Hi there, server" us=\d+$/m;
        like $machine->journal, $line, 'the journal names the peer';
        ok wait_for(sub { read_file($machine->path('/var/log/syslog')) =~ / sixteend\[\d+\]: $line/ }), 'and rsyslog too';
    }
    return;
}

is $machine->make('install'), '0', 'make install';
my ($status, $out, $err) = $machine->inside('systemctl', 'enable', '--now', 'sixteend');
is $status, 0, 'systemctl enable --now sixteend' or diag $err;
serves('standing alone');
like $machine->must('systemctl', 'status', '--no-pager', 'sixteend'),
    qr/^ +Status: "0 active, \d accepted, \d ok, 0 failed, 0 limited, 0 log lines lost; listening at 127\.0\.0\.1:1060, \[::1\]:1060"$/m,
    'systemctl status has the status line';

# Whether systemd keeps all addresses away from a service that says so. Where it cannot, it does
# without, and nothing here would show that a unit cuts off its daemon.
sub is_refused { return (run('nsenter', "--target=$machine->{leader}", '--net', $SIXTEEN, '--timeout', 1, '127.0.0.1'))[0] == 1 }
SKIP: {
    skip "IPAddressDeny=: $1", 2 if $machine->journal('--boot') =~ /(local system does not support BPF.*)/;
    $machine->drop_in('sixteend.service', "[Service]\nIPAddressDeny=any\n");
    ok is_refused(), 'IPAddressDeny= cuts off a daemon that runs';
    $machine->drop_in('sixteend.service');
    ok !is_refused(), 'and this daemon has none';
}

# The socket is enabled, and disabled again, while the daemon has the addresses.
my $pid = $machine->property('MainPID');
($status, $out, $err) = $machine->inside('systemctl', 'enable', '--now', 'sixteend.socket');
isnt $status, 0, 'the socket cannot be started while the daemon stands alone';
like $machine->journal('--unit=sixteend.socket'), qr/Socket service sixteend\.service already active, refusing/, 'for the reason that systemd gives';
is $machine->states, 'active inactive', 'which systemctl says too';
serves('meanwhile');
is $machine->must('systemctl', 'reload', 'sixteend'), '', 'it can be reloaded';
serves('afterwards');
$machine->must('systemctl', 'disable', '--now', 'sixteend.socket');
serves('without the socket again');
is $machine->property('MainPID'), $pid, 'all by the same process';
$machine->must('systemctl', 'stop', 'sixteend.*');
is $machine->states, 'inactive inactive', 'one command stops it';
ok is_refused(), 'and nobody is served';
$machine->must('systemctl', 'disable', 'sixteend');

($status) = $machine->inside('systemctl', 'enable', '--now', 'sixteend.socket');
is $status, 0, 'systemctl enable --now sixteend.socket';
is $machine->states, 'inactive active', 'starts no daemon';
serves('for the first peer');
is $machine->states, 'active active', 'it is started';
like $machine->must('systemctl', 'status', '--no-pager', 'sixteend'), qr/^ +Status: ".* ok, .*"$/m, 'with its status line';
$pid = $machine->property('MainPID');
$machine->must('systemctl', 'enable', '--now', 'sixteend');
serves('both units enabled');
is $machine->property('MainPID'), $pid, 'by the daemon that has the sockets';
$machine->must('systemctl', 'stop', 'sixteend.*');
is $machine->states, 'inactive inactive', 'the same command stops both';
ok is_refused(), 'and nobody is served';
$machine->must('systemctl', 'disable', 'sixteend', 'sixteend.socket');

# make uninstall while both units are enabled and active. The commands that it prints do the rest.
$machine->must('systemctl', 'enable', '--now', 'sixteend.socket');
$machine->must('systemctl', 'enable', '--now', 'sixteend');
is $machine->states, 'active active', 'both units are enabled and active';
($status, $out, $err) = $machine->run_make('uninstall');
is "$status$err", '0', 'make uninstall';
is $machine->states, 'active active', 'leaves them so';
like $out, qr/^enabled or running: sixteend\.socket sixteend\.service; /m, 'and says so';
for my $command ($out =~ /^  (systemctl .*)$/mg) {
    ($status, undef, $err) = $machine->inside('sh', '-c', $command);
    is $status, 0, $command or diag $err;
}
is $machine->states, 'inactive inactive', 'its commands stop them';
($status, $out) = $machine->run_make('uninstall');
unlike $out, qr/^(?! \( cd )./m, 'then nothing is left';
like join('', $machine->inside('systemctl', 'status', 'sixteend')), qr/could not be found/, 'no service is left';
is_deeply $machine->files, $before, 'nor any file';
is((run('find', $machine->path('/'), '-xdev', '-name', '*sixteen*'))[1], '', 'nor a folder of its own, nor anything of its name');
is read_file($machine->path('/etc/passwd')), $users, 'nor a user';
is_deeply [glob $machine->path('/{var/lib,var/cache,var/log,run}/private/*')], [], 'nor anything of its user';
done_testing;
