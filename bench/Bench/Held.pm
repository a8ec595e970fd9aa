# SPDX-License-Identifier: MIT
# Scale: measure a server while it holds very many connections that have sent half of the message.
package Bench::Held;
use strict;
use warnings;
use Bench::Proc qw(status_sum open_files meminfo);
use Bench::Server;
use Bench::Summary qw(median spread_of);
use Exporter 'import';
use IPC::Open2;
use List::Util qw(min);
use Time::HiRes qw(sleep clock_gettime CLOCK_MONOTONIC);

our @EXPORT_OK = qw(measure_held cost_of_pairs);

our $PROGRAM;             # the path of bench/hold
our $SETTLE     = 1.5;    # seconds: the kernel frees earlier memory with some delay
my $PATIENCE    = 60;     # seconds until all are accepted
my $CONNECTIONS = 64;     # quick clients at once

# Memory that the kernel keeps for threads, page tables, sockets and files, in KiB. With 5,000
# connections, repeated measurements of the sum differ by 1 KiB for each connection; those of the
# drop in MemAvailable differed by 10.
sub kernel_kib {
    my $sum = 0;
    $sum += $_ for meminfo(qw(KernelStack PageTables Slab));
    return $sum;
}

# Start bench/hold; it prints its two times when all connections are open.
sub hold {
    my (@arguments) = @_;
    my $pid = open2(my $out, my $in, $PROGRAM, @arguments);
    my $line = readline($out) // '';
    my ($begun, $open) = $line =~ /begun=(\S+) open=(\S+)/ or die "bench/hold did not open its connections\n";
    return { pid => $pid, in => $in, out => $out, begun => $begun, open => $open };
}

# Close the holder's input, at which it exits and closes its connections.
sub let_go {
    my ($holder) = @_;
    close $holder->{in};
    waitpid $holder->{pid}, 0;
    return;
}

# The kernel memory, in KiB, of a pair of connected sockets when neither end is read, and the
# seconds that it takes to open `count` pairs: medians of several tries.
sub cost_of_pairs {
    my ($count, $tries) = @_;
    my (@kib, @seconds);
    for (1 .. $tries) {
        sleep $SETTLE;
        my $before = kernel_kib();
        my $holder = hold('-p', $count);
        sleep $SETTLE;
        push @kib, (kernel_kib() - $before) / $count;
        push @seconds, $holder->{open} - $holder->{begun};
        let_go($holder);
    }
    return { kib => median(@kib), seconds => median(@seconds) };
}

# Wait until the server has accepted all connections: it has that many more descriptors, and if it
# uses a thread for each connection, at least that many threads. Returns the seconds since the first
# connect; undef if that takes too long.
sub wait_for_all {
    my ($server, $holder, $count, $files) = @_;
    my @processes = $server->processes;
    my $until = $holder->{begun} + $PATIENCE;
    my $threads = $server->{row}{kind} eq 'ours' ? $count : 0;
    while ((my $now = clock_gettime(CLOCK_MONOTONIC)) < $until) {
        return $now - $holder->{begun}
            if status_sum('Threads', @processes) >= $threads && open_files(@processes) - $files >= $count;
        sleep 0.01;
    }
    return;
}

# Run quick clients at both servers in turn. Returns their rate at the idle server, and the ratio of
# the holding server's rate to it. Every second round begins with the holding server.
sub quick_clients {
    my ($idle, $holding, $rounds, %load) = @_;
    my (@ratios, @idle, $errors);
    for my $round (1 .. $rounds) {
        my @order = $round % 2 ? ($idle, $holding) : ($holding, $idle);
        my %result = map { $_ => $_->measure(%load, connections => $CONNECTIONS) } @order;
        push @idle, $result{$idle};
        push @ratios, $result{$holding}{rate} / $result{$idle}{rate} if $result{$idle}{rate};
        $errors += $_->{errors} for values %result;
    }
    return (rate => median(map { $_->{rate} } @idle), ratio => median(@ratios), errors => $errors,
        spread => spread_of(@idle));
}

# Measure one row. Named arguments: row, count, pair (KiB), rounds, where, load => {...}, and the
# parameters of the row's command.
sub measure_held {
    my (%with) = @_;
    my ($row, $count) = @with{qw(row count)};
    my $octets = $row->{reads} > 8 ? 8 : $row->{reads} - 1;
    my ($idle, $holding) = map { Bench::Server->start($row, %with, where => "$with{where}/$_") } qw(idle holding);
    sleep $SETTLE;
    my @processes = $holding->processes;
    my $files = open_files(@processes);
    my $rss = status_sum('VmRSS', @processes);
    my $kernel = kernel_kib();
    my $holder = hold('-n', $octets, $count, '127.0.0.1', $holding->{port});
    my %line = (row => $row->{id}, connections => $count, octets => $octets, opened_s => $holder->{open} - $holder->{begun});
    $line{accepted_s} = wait_for_all($holding, $holder, $count, $files);
    sleep $SETTLE;
    $line{rss_kib}    = (status_sum('VmRSS', @processes) - $rss) / $count;
    $line{kernel_kib} = (kernel_kib() - $kernel) / $count - $with{pair} / 2;
    %line = (%line, quick_clients($idle, $holding, $with{rounds}, %{ $with{load} }));
    $line{held} = min($count, open_files(@processes) - $files);
    let_go($holder);
    $_->stop for $idle, $holding;
    return \%line;
}

1;
