# SPDX-License-Identifier: MIT
# What /proc reports about a process and its descendants, and about the kernel's memory.
package Bench::Proc;
use strict;
use warnings;
use Exporter 'import';
use POSIX qw(sysconf _SC_CLK_TCK);

our @EXPORT_OK = qw(read_file tree cpu_seconds status_sum reset_peak open_files cpu_ticks meminfo cpus_allowed policy);

my $TICKS = sysconf(_SC_CLK_TCK);

# Read a file. Returns '' if it does not exist: processes can end meanwhile.
sub read_file {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return scalar(<$file>) // '';
}

# The fields of /proc/PID/stat from the state on; the name before it can contain any character.
sub stat_fields {
    my ($pid) = @_;
    my ($rest) = read_file("/proc/$pid/stat") =~ /\) (.*)/s;
    return split ' ', $rest // '';
}

# The pids of a process and all its descendants.
sub tree {
    my ($root) = @_;
    my %children;
    for my $pid (map { m{/(\d+)$} } glob '/proc/[0-9]*') {
        my (undef, $parent) = stat_fields($pid);
        push @{ $children{$parent} }, $pid if defined $parent;
    }
    my @tree = ($root);
    for (my $i = 0; $i < @tree; $i++) {
        push @tree, @{ $children{ $tree[$i] } // [] };
    }
    return @tree;
}

# Seconds of CPU time of these processes, including the children for which they have waited.
sub cpu_seconds {
    my $ticks = 0;
    for my $pid (@_) {
        my @field = stat_fields($pid);
        $ticks += $_ for @field > 14 ? @field[11 .. 14] : ();    # utime stime cutime cstime
    }
    return $ticks / $TICKS;
}

# The scheduling policy of a process: 0 is SCHED_OTHER, 3 is SCHED_BATCH.
sub policy {
    my ($pid) = @_;
    return (stat_fields($pid))[38] // -1;
}

# The sum over processes of one number in /proc/PID/status: VmHWM, VmRSS (KiB), Threads.
sub status_sum {
    my ($key, @pids) = @_;
    my $sum = 0;
    $sum += $_ for map { read_file("/proc/$_/status") =~ /^\Q$key\E:\s*(\d+)/m } @pids;
    return $sum;
}

# Reset VmHWM to what is resident now: proc(5), clear_refs.
sub reset_peak {
    for my $pid (@_) {
        open my $file, '>', "/proc/$pid/clear_refs" or next;
        print $file 5;
    }
    return;
}

# The number of open files. Linux 6.2 and later report it as the size of the directory; on older
# kernels, count.
sub open_files {
    my $sum = 0;
    for my $pid (@_) {
        my $size = -s "/proc/$pid/fd";
        $sum += $size || (() = glob "/proc/$pid/fd/*");
    }
    return $sum;
}

# The ticks of all CPUs since boot, and those of them that a hypervisor gave to other machines.
sub cpu_ticks {
    my @tick = (split ' ', read_file('/proc/stat'))[1 .. 8];
    my $all = 0;
    $all += $_ for @tick;
    return ($all, $tick[7]);
}

# Kinds of memory from /proc/meminfo, in KiB.
sub meminfo {
    my $text = read_file('/proc/meminfo');
    return map { $text =~ /^\Q$_\E:\s*(\d+)/m ? $1 : 0 } @_;
}

# The numbers of the CPUs on which this process can run.
sub cpus_allowed {
    my ($list) = read_file('/proc/self/status') =~ /^Cpus_allowed_list:\s*(\S+)/m;
    return map { /(\d+)-(\d+)/ ? ($1 .. $2) : $_ } split /,/, $list // '0';
}

1;
