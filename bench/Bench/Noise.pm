# SPDX-License-Identifier: MIT
# Decide whether the machine was too noisy for the figures to be believed.
#
# The functions have these named arguments: rounds; summary, the lines; load, the load average at
# the start; cpus, how many there are; stolen, the share of their time that a hypervisor took.
package Bench::Noise;
use strict;
use warnings;
use Bench::Summary qw(median);
use Exporter 'import';

our @EXPORT_OK = qw(mark_noisy noise_note noise_verdict);

# Figures are not to be believed above these. With five rounds, a spread of a fifth leaves the
# median uncertain by about 5 %.
my $SPREAD = 0.2;     # of the best bare loop, in one setup at one load
my $STOLEN = 0.01;    # share of the CPUs' time
my $LOAD   = 0.5;     # load average for each CPU

# Set `noisy`, the spread of the best bare loop, in all lines of each setup and load at which it is
# too large. A single round has no spread.
sub mark_noisy {
    my (%with) = @_;
    my %spread = map { ("$_->{setup} $_->{connections}" => $_->{spread}) } grep { $_->{is} } @{ $with{summary} };
    for my $line (@{ $with{summary} }) {
        my $spread = $spread{"$line->{setup} $line->{connections}"} // 0;
        $line->{noisy} = $spread if $with{rounds} > 1 && $spread > $SPREAD;
    }
    return;
}

# The figures that the verdict uses, in a sentence.
sub noise_note {
    my (%with) = @_;
    my @spreads = map { $_->{spread} } grep { $_->{row} =~ /^bare-/ } @{ $with{summary} };
    my $spread = $with{rounds} < 2 || !@spreads ? 'unknown, because it requires two rounds of bare loops'
        : sprintf '%.0f %%', 100 * median(@spreads);
    return sprintf 'Noise: the median spread of the bare loops, (max - min) / median over the rounds, is %s; the load '
        . 'average was %s at the start; a hypervisor took %.1f %% of the CPUs\' time',
        $spread, $with{load}, 100 * $with{stolen};
}

# Why the figures are not to be believed, in a sentence; '' if they are. Call mark_noisy first.
sub noise_verdict {
    my (%with) = @_;
    my (@setups, %loads, @why);
    for my $line (grep { $_->{is} && $_->{noisy} } @{ $with{summary} }) {
        push @setups, $line->{setup} if !$loads{ $line->{setup} };
        push @{ $loads{ $line->{setup} } }, $line->{connections};
    }
    push @why, sprintf 'the spread of the best bare loop is above %.0f %% (%s)', 100 * $SPREAD,
        join '; ', map { "$_ at " . join ', ', @{ $loads{$_} } } @setups if @setups;
    push @why, sprintf 'a hypervisor took more than %.0f %% of the CPUs\' time', 100 * $STOLEN if $with{stolen} > $STOLEN;
    push @why, sprintf 'the load average was above %.1f at the start', $LOAD * $with{cpus} if $with{load} > $LOAD * $with{cpus};
    return @why ? 'Too noisy to be believed: ' . join ', and ', @why : '';
}

1;
