# SPDX-License-Identifier: MIT
# The service on systemd's sockets, asked over a network: a restart under load loses nothing, and
# without a network of its own it does all that it does with one.
use strict;
use warnings;
use IO::Socket::IP;
use Sixteen;
use Container;
use Test::More;

my $RESTARTS = $ENV{QUICK} ? 5 : 20;

my $machine = Container->boot;
my $conf = $machine->installed;
my $here = $machine->address;
$machine->drop_in('sixteend.socket', "[Socket]\nListenStream=\nListenStream=$here:1060\n");
my $exchange = sub { (run($SIXTEEN, $here))[0] };
$machine->must('systemctl', 'enable', '--now', 'sixteend.socket');
is $exchange->(), 0, 'a peer over the network starts the daemon, and is served';
is $machine->property('Id'), 'sixteend-activated.service', 'in the sandbox without a network';

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

# A start that fails is mended by the next, though peers wait: each has systemd try again, until
# it gives up and closes the socket.
($status) = $machine->inside('systemctl', 'restart', 'sixteend');
isnt $status, 0, 'a start with it fails';
is join(' ', map { $machine->property($_) } qw(ExecMainStatus NRestarts)), '78 0', 'with status 78, once';
my @peers = map { IO::Socket::IP->new(PeerHost => $here, PeerPort => 1060) } 1 .. 3;
is scalar(grep { defined } @peers), 3, 'peers come meanwhile';
read_to_end($_) for @peers;
write_file($machine->path($conf), '');
$machine->must('systemctl', 'start', 'sixteend');
is $exchange->(), 0, 'until it is valid';
done_testing;
