# SPDX-License-Identifier: MIT
# In whatever order the two units are enabled, disabled, started, stopped, restarted and reloaded:
# what systemctl says of them is what a client gets.
use strict;
use warnings;
use IO::Socket::IP;
use Sixteen;
use Container;
use Test::More;

my ($SERVICE, $SOCKET) = ('sixteend.service', 'sixteend.socket');
my @UNITS = ($SERVICE, $SOCKET);

# One address belongs to both units, and one to each.
my $machine = Container->boot;
my ($BOTH, $ALONE, $PASSED) = map { $machine->address . ":$_" } 1060 .. 1062;

# The states, by what `systemctl is-active` says of the service and of the socket; and where clients
# are served.
my %STATE = ('inactive inactive' => 'nothing', 'active inactive' => 'alone', 'inactive active' => 'waiting', 'active active' => 'activated');
my %SERVED = (nothing => '', alone => "$BOTH $ALONE", waiting => "$BOTH $PASSED", activated => "$BOTH $PASSED");

# What a command makes of a state: another state, or "-" if it fails. What is not here succeeds and
# changes nothing.
my %BASIC = (
    "start $SERVICE" => { nothing => 'alone', waiting => 'activated' },
    "start $SOCKET" => { nothing => 'waiting', alone => '-' },
    "stop $SERVICE" => { alone => 'nothing', activated => 'waiting' },
    "stop $SOCKET" => { waiting => 'nothing', activated => 'nothing' },
    "restart $SERVICE" => { nothing => 'alone', waiting => 'activated' },
    "restart $SOCKET" => { nothing => 'waiting', alone => '-', activated => 'waiting' },
    "reload $SERVICE" => { nothing => '-', waiting => '-' },
    "reload $SOCKET" => { map { $_ => '-' } keys %SERVED },
    'stop sixteend.*' => { map { $_ => 'nothing' } keys %SERVED },
    'connect' => { nothing => '-', waiting => 'activated' },
);
my @ENABLING = map { my $unit = $_; map { "$_ $unit" } 'enable', 'disable', 'enable --now', 'disable --now' } @UNITS;

# The same for a boot, by the units that are enabled.
my %BOOTED = ('' => 'nothing', $SERVICE => 'alone', $SOCKET => 'waiting', "@UNITS" => 'activated');

my $conf = $machine->installed;
write_file($machine->path($conf), qq(listen = [ "$BOTH", "$ALONE" ];\n));
write_file($machine->path('/etc/systemd/system/down.target'), "[Unit]\nRequires=sysinit.target\nAllowIsolate=yes\n");
$machine->drop_in($SOCKET, "[Socket]\nListenStream=\nListenStream=$BOTH\nListenStream=$PASSED\n");

# Where a command should lead from a place, "STATE, ENABLED UNITS", and whether it should succeed.
sub expected {
    my ($effects, $place, $command) = @_;
    my ($state, $units) = split /, /, $place, -1;
    my %enabled = map { $_ => 1 } split / /, $units;
    if ($command =~ /^(enable|disable)( --now)? (\S+)$/) {
        $1 eq 'enable' ? $enabled{$3} = 1 : delete $enabled{$3};
        $command = !$2 ? '' : $1 eq 'enable' ? "start $3" : "stop $3";
    }
    $units = join ' ', sort keys %enabled;
    my $next = $command eq 'boot' ? $BOOTED{$units} : $effects->{$command}{$state} // $state;
    return ($next eq '-' ? $state : $next) . ", $units", $next ne '-';
}

sub is_served {
    my ($host, $port) = split /:/, shift;
    my $peer = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Timeout => 5) or return;
    return answer_of($peer) eq "$REPLY eof";
}

# Give the command; return whether it succeeds.
sub give {
    my ($command) = @_;
    return is_served($BOTH) if $command eq 'connect';
    my @commands = $command eq 'boot' ? ('isolate down.target', 'stop sixteend.*', 'isolate multi-user.target') : $command;
    return !grep { ($machine->inside('systemctl', split / /))[0] != 0 } @commands;
}

my $LOOK = "systemctl is-active @UNITS; systemctl show --property=UnitFileState,StatusText,Listen @UNITS";

# Return the place where the units say that they are, the addresses that they say are served, and
# those where a client is. A client that would start the service stays away.
sub look {
    my (@active, $shown);
    wait_for(sub {
        (@active[0, 1], $shown) = split /\n/, ($machine->inside('sh', '-c', $LOOK))[1], 3;
        return "@active" !~ /ing\b/;
    });
    my @enabled = $shown =~ /^UnitFileState=(.*)/mg;
    my $line = $active[0] eq 'active' ? 'StatusText' : $active[1] eq 'active' ? 'Listen' : 'nothing';
    my %said = map { $_ => 1 } map { /([\d.]+:\d+)/g } $shown =~ /^$line=.*/mg;
    my $wakes = "@active" eq 'inactive active';
    my @served = grep { $wakes && $said{$_} || is_served($_) } $BOTH, $ALONE, $PASSED;
    my $place = ($STATE{"@active"} // "@active") . ', ' . join ' ', map { $enabled[$_] eq 'enabled' ? $UNITS[$_] : () } 0, 1;
    return ($place, join(' ', sort keys %said), "@served");
}

# The shortest way from a place to one where a command is still to be given, and that command.
sub way {
    my ($effects, $place, $commands, $given) = @_;
    my @ways = ([$place]);
    my %seen = ($place => 1);
    while (my $way = shift @ways) {
        my ($here, @so_far) = @$way;
        for my $command (@$commands) {
            return (@so_far, $command) if !$given->{"$here: $command"};
            my ($there) = expected($effects, $here, $command);
            push @ways, [$there, @so_far, $command] if !$seen{$there}++;
        }
    }
    return;
}

# Give each command at each place that can be reached.
sub walk {
    my ($what, $effects, @commands) = @_;
    my ($place) = look();
    my (%given, @wrong);
    while (@wrong < 3 and my @way = way($effects, $place, \@commands, \%given)) {
        for my $command (@way) {
            my ($there, $succeeds) = expected($effects, $place, $command);
            my $expected = join '; ', $succeeds ? 'succeeds' : 'fails', $there, ($SERVED{ $there =~ s/,.*//r }) x 2;
            my $step = "$place: $command";
            $given{$step} = 1;
            my $success = give($command) ? 'succeeds' : 'fails';
            ($place, my @found) = look();
            my $found = join '; ', $success, $place, @found;
            push @wrong, "$step: $found, not $expected" if $found ne $expected;
        }
    }
    ok !@wrong, "$what: " . keys(%given) . ' steps' or diag join "\n", @wrong;
    return;
}

walk('the units as they are', \%BASIC, sort(keys %BASIC), @ENABLING, 'boot');

# With the drop-in the service never stands alone.
$machine->must('systemctl', 'disable', '--now', @UNITS);
$machine->without_network;
my %never_alone = (
    %BASIC,
    "start $SERVICE" => { nothing => 'activated', waiting => 'activated' },
    "restart $SERVICE" => { nothing => 'activated', waiting => 'activated' },
);
walk('with the drop-in', \%never_alone, sort keys %never_alone);
done_testing;
