# SPDX-License-Identifier: MIT
# Reduce the measurements of all rounds to one line for each row.
package Bench::Summary;
use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max min sum);

our @EXPORT_OK = qw(median summarize quantiles spread_of);

# The quantiles of the latencies, for the plot of their distribution.
our @QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999);

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return if !@sorted;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

sub median_of {
    my ($key, @measurements) = @_;
    return median(map { $_->{$key} } @measurements);
}

# How far the rates of the rounds lie apart, relative to their median.
sub spread_of {
    my @rates = map { $_->{rate} } @_;
    my $median = median(@rates);
    return $median ? (max(@rates) - min(@rates)) / $median : 0;
}

# The median over the rounds of a figure divided by that of another row in the same round.
sub ratio {
    my ($key, $mine, $theirs) = @_;
    my %other = map { $_->{round} => $_->{$key} } @$theirs;
    return median(map { $_->{$key} / $other{ $_->{round} } } grep { $other{ $_->{round} } } @$mine);
}

# The ratios of a row's figures to those of another row; none if there is no other row.
sub ratios {
    my ($mine, $theirs) = @_;
    return if !$theirs;
    my @replied = grep { $_->{exchanges} } @$mine;    # without an exchange there is no latency
    return (ratio => ratio('rate', $mine, $theirs), cpu_ratio => ratio('cpu_us', $mine, $theirs),
        p50_ratio => ratio('p50', \@replied, $theirs), p99_ratio => ratio('p99', \@replied, $theirs));
}

# One row: its figures, and the ratios to the best bare loop and to the best of those that close
# safely; the keys of the latter begin with "safe".
sub line_of {
    my ($mine, $best, $safe) = @_;
    my %line = map { $_ => $mine->[0]{$_} } qw(setup connections row);
    $line{$_} = median_of($_, @$mine) for qw(rate cpu_us p50 p99 p999);
    for my $key (qw(errors unanswered)) {
        $line{$key} = sum(map { $_->{$key} } @$mine);
    }
    $line{peak_kib} = max(map { $_->{peak_kib} } @$mine);
    $line{spread}   = spread_of(@$mine);
    my %safe = ratios($mine, $safe);
    $line{"safe_$_"} = $safe{$_} for keys %safe;
    $line{safe} = $safe->[0]{row} if $safe;
    return { %line, ratios($mine, $best) };
}

# Group the measurements by a key, in the order in which its values first occurred.
sub groups {
    my ($key, @measurements) = @_;
    my (@order, %group);
    for my $one (@measurements) {
        push @order, $one->{$key} if !$group{ $one->{$key} };
        push @{ $group{ $one->{$key} } }, $one;
    }
    return map { $group{$_} } @order;
}

# The row with the highest median rate.
sub fastest { return (sort { median_of('rate', @$b) <=> median_of('rate', @$a) } @_)[0] }

# The lines of one setup at one load. The best bare loop comes first, in an additional line with its
# own name.
sub summarize_level {
    my ($order, @measurements) = @_;
    my @rows = sort { $order->{ $a->[0]{row} } <=> $order->{ $b->[0]{row} } } groups('row', @measurements);
    my $best = fastest(grep { $_->[0]{row} =~ /^bare-(?!.*safe)/ } @rows);
    my $safe = fastest(grep { $_->[0]{row} =~ /^bare-.*safe/ } @rows);
    my @lines = map { line_of($_, $best, $safe) } @rows;
    unshift @lines, { %{ line_of($best, $best, $safe) }, row => 'best-bare', is => $best->[0]{row} } if $best;
    return @lines;
}

# All lines. The first argument maps the id of a row to its position in the catalogue.
sub summarize {
    my ($order, @measurements) = @_;
    return map { map { summarize_level($order, @$_) } groups('connections', @$_) } groups('setup', @measurements);
}

# The latency at each of @QUANTILES, from { microseconds => count }.
sub quantiles {
    my ($histogram) = @_;
    my $total = sum(0, values %$histogram);
    my ($seen, @quantiles) = (0);
    my @todo = @QUANTILES;
    for my $us (sort { $a <=> $b } keys %$histogram) {
        $seen += $histogram->{$us};
        push @quantiles, [shift @todo, $us] while @todo && $seen >= $todo[0] * $total;
    }
    return @quantiles;
}

1;
