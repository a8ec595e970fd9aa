# SPDX-License-Identifier: MIT
# The machine on which the figures were measured, and how much else it did.
package Bench::Machine;
use strict;
use warnings;
use Bench::Proc qw(read_file cpu_ticks meminfo);
use Exporter 'import';
use POSIX qw(uname);

our @EXPORT_OK = qw(describe version_of load_average stolen);

sub describe {
    my $cpuinfo = read_file('/proc/cpuinfo');
    my ($model) = $cpuinfo =~ /^model name\s*:\s*(.+)/m;
    my $cpus   = () = $cpuinfo =~ /^processor\s*:/mg;
    my $kind   = $cpuinfo =~ /^flags\s*:.*\bhypervisor\b/m ? ', a virtual machine' : '';
    my ($os)   = read_file('/etc/os-release') =~ /^PRETTY_NAME="?([^"\n]+)/m;
    my ($kib)  = meminfo('MemTotal');
    my $kernel = (uname())[2] =~ s/-.*//r;
    return sprintf '%d CPUs (%s)%s, %.0f GiB, Linux %s, %s', $cpus, $model // 'unknown model', $kind,
        $kib / 1024 / 1024, $kernel, $os // 'unknown system';
}

# "nginx 1.22.1", from the first number with dots that the program prints.
sub version_of {
    my ($row) = @_;
    my $command = join ' ', @{ $row->{version} // return };
    my ($number) = `$command 2>&1 </dev/null` =~ /(\d+\.\d+[\w.]*)/;
    return $number && "$row->{version}[0] $number";
}

sub load_average {
    return (split ' ', read_file('/proc/loadavg'))[0];
}

# A function that returns the share of all CPUs' time that a hypervisor took since this call.
sub stolen {
    my ($all, $steal) = cpu_ticks();
    return sub {
        my ($all_now, $steal_now) = cpu_ticks();
        return $all_now > $all ? ($steal_now - $steal) / ($all_now - $all) : 0;
    };
}

1;
