# SPDX-License-Identifier: MIT
# The service on systemd's sockets, asked over a network: a restart under load loses nothing, and
# without a network of its own it does all that it does with one.
use strict;
use warnings;
use IO::Socket::IP;
use Sixteen;
use Container;
use Test::More;

my ($RESTARTS, $STOPS) = $ENV{QUICK} ? (5, 5) : (20, 20);

my $machine = Container->boot;
my $conf = $machine->installed;
my $here = $machine->address;
$machine->drop_in('sixteend.socket', "[Socket]\nListenStream=\nListenStream=$here:1060\n");
$machine->without_network;
my $exchange = sub { (run($SIXTEEN, $here))[0] };
$machine->must('systemctl', 'enable', '--now', 'sixteend.socket');
is $exchange->(), 0, 'a peer over the network starts the daemon, and is served';
isnt readlink '/proc/' . $machine->main_process . '/ns/net', readlink "/proc/$machine->{leader}/ns/net", 'in the sandbox without a network';

# Restarts.
my $load = begin_load(4, [$here, 1060]);
my @failed = grep { ($machine->inside('systemctl', 'restart', 'sixteend'))[0] != 0 } 1 .. $RESTARTS;
my ($exchanges, @wrong) = end_load($load);
is "@failed", '', "$RESTARTS restarts under load";
is "@wrong", '', 'and not one exchange failed';
cmp_ok $exchanges, '>=', $RESTARTS, "of $exchanges";
$machine->must('systemctl', 'stop', 'sixteend');
my $journal = $machine->journal;
is scalar(() = $journal =~ /^Listening at /gm), $RESTARTS + 1, 'by as many daemons';
my $counted = 0;
$counted += $_ for $journal =~ /^outcomes ok=(\d+)(?: \w+=0)+$/mg;
is $counted, $exchanges + 1, 'as they counted';
my $lines = () = $journal =~ /^outcome=ok peer=/gm;
cmp_ok $lines, '>=', $counted < 20_000 ? $counted : 20_000, 'and not one line is lost';
is $exchange->(), 0, 'a peer starts a stopped one again';

# Reloads.
my $pid = $machine->property('MainPID');
for my $name ('localhost', 'sixteen.invalid') {
    my $reply = sprintf '%-16s', $name;
    write_file($machine->path($conf), "listen = [ \"$name:1060\" ];\nreply = \"$reply\";\n");
    my ($status, $out, $err) = $machine->inside('systemctl', 'reload', 'sixteend');
    is "$status$err", '0', "reload: $name in listen needs no name server";
    is((run($SIXTEEN, '--expect', $reply, $here))[0], 0, 'and the rest holds');
}
write_file($machine->path($conf), "\nrely = \"x\";\n");
my ($status) = $machine->inside('systemctl', 'reload', 'sixteend');
isnt $status, 0, 'a reload of what is wrong fails';
like $machine->must('systemctl', 'status', '--no-pager', '--full', 'sixteend'), qr/\Q$conf\E:2: /, 'and systemctl status has file and line';
is((run($SIXTEEN, '--expect', 'sixteen.invalid ', $here))[0], 0, 'all is as it was');
is $machine->property('MainPID'), $pid, 'in the same process';

# A start that fails, though peers wait: each has systemd try again, until it gives up and closes the
# socket. Without the drop-in the service could then stand alone, so the socket is what is started.
$machine->drop_in('sixteend.service');
($status) = $machine->inside('systemctl', 'restart', 'sixteend');
isnt $status, 0, 'a start with it fails';
is join(' ', map { $machine->property($_) } qw(ExecMainStatus NRestarts)), '78 0', 'with status 78, once';
my @peers = map { IO::Socket::IP->new(PeerHost => $here, PeerPort => 1060) } 1 .. 3;
is scalar(grep { defined } @peers), 3, 'peers come meanwhile';
read_to_end($_) for @peers;
ok wait_for(sub { $machine->states eq 'failed failed' }), 'systemd gives up, and says so';
isnt $exchange->(), 0, 'nobody is served';
write_file($machine->path($conf), '');
# systemd still counts the attempts of the last two seconds.
ok wait_for(sub { $machine->must('systemctl', 'start', 'sixteend.socket'); $exchange->() == 0 }), 'until it is valid';

# Taking the host out: a peer that comes between the stops of the two units starts the service again.
$SIG{PIPE} = 'IGNORE';
$load = begin_load(4, [$here, 1060]);
my @up;
for my $round (1 .. $STOPS) {
    $machine->must('systemctl', 'start', 'sixteend.socket');
    wait_for(sub { $machine->states eq 'active active' });
    $machine->must('systemctl', 'stop', $round % 2 ? 'sixteend.*' : ('sixteend.service', 'sixteend.socket'));
    push @up, grep { $_ ne 'inactive inactive' } $machine->states;
}
end_load($load);
is "@up", '', "$STOPS stops of both units under load";
isnt $exchange->(), 0, 'and nobody is served';
done_testing;
