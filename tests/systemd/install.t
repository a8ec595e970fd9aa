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

# Every file, but for what the log and systemd itself write.
sub files {
    my $root = $machine->path('');
    my (undef, $found) = run('find', map({ "$root$_" } '/', '/run', '/tmp'), '-xdev', '-not', '-type', 'd');
    return [sort grep { !m{^(?:/var/log|/run/log|/run/systemd|/run/udev|/var/lib/systemd)/} } map { substr $_, length $root } split /\n/, $found];
}
my $before = files();
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
is $machine->property('Id'), 'sixteend.service', 'of sixteend.service';

$machine->must('systemctl', 'disable', '--now', 'sixteend');

($status) = $machine->inside('systemctl', 'enable', '--now', 'sixteend.socket');
is $status, 0, 'systemctl enable --now sixteend.socket';
is $machine->property('ActiveState', 'sixteend-activated'), 'inactive', 'starts no daemon';
serves('for the first peer');
is $machine->property('Id'), 'sixteend-activated.service', 'by the name that it has always';
like $machine->must('systemctl', 'status', '--no-pager', 'sixteend'), qr/^ +Status: ".* ok, .*"$/m, 'its status line too';

# The other service fails, and the first serves on.
$machine->must('systemctl', 'disable', 'sixteend.socket');
($status) = $machine->inside('systemctl', 'start', 'sixteend');
isnt $status, 0, 'standing alone it cannot be started in addition';
like $machine->journal, qr/cannot listen at 127\.0\.0\.1:1060: Address already in use/, 'for the reason that it says';
serves('meanwhile');
$machine->must('systemctl', 'stop', 'sixteend', 'sixteend.socket');
is $machine->property('ActiveState', 'sixteend-activated'), 'inactive', 'stopping the socket stops the daemon';

is $machine->make('uninstall'), '0', 'make uninstall';
like join('', $machine->inside('systemctl', 'status', 'sixteend')), qr/could not be found/, 'no service is left';
is_deeply files(), $before, 'nor any file';
is((run('find', $machine->path('/'), '-xdev', '-name', '*sixteen*'))[1], '', 'nor a folder of its own, nor anything of its name');
is read_file($machine->path('/etc/passwd')), $users, 'nor a user';
is_deeply [glob $machine->path('/{var/lib,var/cache,var/log,run}/private/*')], [], 'nor anything of its user';
# One is enabled while the other still runs.
$machine->make('install');
$machine->must('systemctl', 'enable', '--now', 'sixteend');
($status) = $machine->inside('systemctl', 'enable', '--now', 'sixteend.socket');
isnt $status, 0, 'the socket can not be had while the daemon has the addresses';
serves('meanwhile');
$machine->must('systemctl', 'restart', 'sixteend');
is $machine->property('Id'), 'sixteend-activated.service', 'a restart hands over to the socket';
serves('by the socket');
$machine->must('systemctl', 'disable', '--now', 'sixteend.socket');
$machine->must('systemctl', 'disable', 'sixteend');
is $machine->property('ActiveState', 'sixteend-activated'), 'inactive', 'without its sockets it ends';
is $machine->property('Id'), 'sixteend.service', 'and the name goes back';
done_testing;
