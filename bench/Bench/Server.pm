# SPDX-License-Identifier: MIT
# One server of the comparison: start, check, measure and stop its processes.
package Bench::Server;
use strict;
use warnings;
use Bench::Load;
use Bench::Proc qw(read_file tree cpu_seconds status_sum reset_peak policy);
use File::Path qw(make_path);
use IO::Select;
use IO::Socket::INET;
use List::Util qw(max);
use POSIX qw(WNOHANG);
use Time::HiRes qw(time sleep);

my $GREETING = 'Hi there, server';
my $REPLY    = 'Farewell, client';
my $PATIENCE = 10;     # seconds for a start or a stop
my $SILENCE  = 0.2;    # seconds without a reply, while the server must wait for more octets
my $SETTLE   = 0.05;   # seconds for what a server does after its last reply

my %running;           # pid => server
my $main = $$;

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "no port: $@\n";
    return $socket->sockport;
}

# Run a command as the leader of a process group, with its output in a file. Returns its pid.
sub spawn {
    my ($output, @command) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    setpgrp;
    open STDIN,  '<',  '/dev/null';
    open STDOUT, '>>', $output;
    open STDERR, '>&', \*STDOUT;
    { no warnings 'exec'; exec @command }
    print STDERR "$command[0]: $!\n";
    POSIX::_exit(127);
}

# Start the server of a row. Named arguments: where => directory for its files,
# under => [command that runs it], and the parameters of the row's command.
sub start {
    my ($class, $row, %with) = @_;
    make_path($with{where});
    my $self = bless { row => $row, where => $with{where}, port => free_port() }, $class;
    $self->{output} = "$with{where}/output";
    $self->start_helper(%with) if $row->{helper};
    my @command = $row->{command}->({ %with, port => $self->{port} });
    $self->{pid} = spawn($self->{output}, @{ $with{under} // [] }, @command);
    $running{ $self->{pid} } = $self;
    $self->check;
    my $policy = policy($self->{pid});
    $self->fail("the server has scheduling policy $policy") if $policy != ($with{policy} // $policy);
    return $self;
}

# Start the row's helper, a process that the server needs and that is not part of it, under the
# command `helper_under`.
sub start_helper {
    my ($self, %with) = @_;
    my $output = "$with{where}/helper";
    $self->{helper} = spawn($output, @{ $with{helper_under} // [] }, $self->{row}{helper}->(\%with));
    $running{ $self->{helper} } = $self;
    my $until = time + $PATIENCE;
    sleep 0.01 until read_file($output) =~ /ready/ || time > $until;
    return;
}

sub connect_to {
    my ($self) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port});
}

# Read until end of file, or for at most this many seconds.
sub read_to_end {
    my ($socket, $seconds) = @_;
    my $data  = '';
    my $until = time + $seconds;
    while ((my $left = $until - time) > 0) {
        next if !IO::Select->new($socket)->can_read($left);
        last if !sysread $socket, $data, 64, length $data;
    }
    return $data;
}

# Wait until the server listens. Check that it replies, and not before it has read as many octets as
# its row says.
sub check {
    my ($self) = @_;
    my $until = time + $PATIENCE;
    my $socket;
    until ($socket = $self->connect_to) {
        $self->fail('the server exited') if waitpid($self->{pid}, WNOHANG) != 0;
        $self->fail('the server does not listen') if time > $until;
        sleep 0.02;
    }
    my $reads = $self->{row}{reads};
    if ($reads > 0) {
        syswrite $socket, substr $GREETING, 0, $reads - 1;
        my $early = read_to_end($socket, $SILENCE);
        $self->fail("the server replies before it has read $reads octets") if $early ne '';
    }
    syswrite $socket, substr $GREETING, $reads > 0 ? $reads - 1 : 0;
    my $reply = read_to_end($socket, 5);
    $self->fail("the server replied '$reply'") if $reply ne $REPLY;
    return;
}

sub fail {
    my ($self, $why) = @_;
    my $said = substr read_file($self->{output}), -400;
    $self->stop;
    die "$why\n$said";
}

sub processes {
    my ($self) = @_;
    return tree($self->{pid});
}

# Empty the logs: they grow by hundreds of megabytes in a run, so each measurement starts afresh.
sub empty_logs {
    my ($self) = @_;
    truncate $_, 0 for grep { -e } $self->{output}, "$self->{where}/access.log";
    return;
}

# Run the load generator. Returns its figures, and the server's CPU time and memory meanwhile.
sub measure {
    my ($self, %load) = @_;
    $self->empty_logs;
    my @before = $self->processes;
    reset_peak(@before);
    my $cpu  = cpu_seconds(@before);
    my $run  = Bench::Load->start(%load, port => $self->{port});
    my $peak = $self->peak_in_the_middle(%load);
    my $result = $run->finish;
    sleep $SETTLE;
    my @after = $self->processes;
    my $used  = cpu_seconds(@after) - $cpu;
    $result->{cpu_us}   = $result->{all} ? 1e6 * $used / $result->{all} : 0;
    $result->{peak_kib} = max($peak, status_sum('VmHWM', @after));
    $self->{exchanges} += $result->{all};
    return $result;
}

# The peak of a server with a process for each connection must be read during the load. The kernel
# remembers the peak of other servers, which are not disturbed.
sub peak_in_the_middle {
    my ($self, %load) = @_;
    return 0 if !$self->{row}{forks};
    sleep $load{seconds} / 2;
    return status_sum('VmHWM', $self->processes);
}

sub stop_process {
    my ($pid) = @_;
    kill 'TERM', -$pid;
    my $until = time + $PATIENCE;
    while (waitpid($pid, WNOHANG) == 0) {
        if (time > $until) {
            kill 'KILL', -$pid;
            waitpid $pid, 0;
            last;
        }
        sleep 0.01;
    }
    kill 'KILL', -$pid;    # what is left of its process group
    delete $running{$pid};
    return;
}

# Stop the server and its helper. Returns what the helper printed, if there is one.
sub stop {
    my ($self) = @_;
    stop_process($_) for grep { defined && $running{$_} } @{$self}{qw(pid helper)};
    return $self->{helper} ? read_file("$self->{where}/helper") : '';
}

END {
    if ($$ == $main) {
        my $status = $?;
        stop_process($_) for keys %running;
        $? = $status;
    }
}

1;
