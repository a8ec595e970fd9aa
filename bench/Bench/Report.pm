# SPDX-License-Identifier: MIT
# Write the measurements: CSV for the plots and for calculations, Markdown to read.
package Bench::Report;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(csv_file csv_line write_csv write_table @MEASURED @SUMMARY @HELD);

our @MEASURED = qw(setup round connections row rate exchanges all cpu_us p50 p99 p999 max
    unanswered refused reset wrong local peak_kib);
our @SUMMARY = qw(setup connections row rate ratio p99 p99_ratio cpu_us cpu_ratio p50 p50_ratio p999
    errors unanswered peak_kib spread safe safe_ratio safe_p99_ratio safe_cpu_ratio);
our @HELD = qw(row connections octets held opened_s accepted_s rss_kib kernel_kib rate ratio spread errors);

my %title = (
    shipped => 'As shipped',
    batch   => 'All under SCHED_BATCH',
    other   => 'All under SCHED_OTHER',
    pinned  => 'Server and load generator pinned to one CPU each',
);

sub csv_file {
    my ($path, @columns) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    $file->autoflush;
    print $file join(',', @columns), "\n";
    return $file;
}

sub number {
    my ($value) = @_;
    return '' if !defined $value;
    return $value =~ /^-?\d+\.\d+(?:e-?\d+)?$/ ? sprintf('%.4f', $value) =~ s/\.?0+$//r : $value;
}

sub csv_line {
    my ($file, $line, @columns) = @_;
    print $file join(',', map { number($line->{$_}) } @columns), "\n";
    return;
}

sub write_csv {
    my ($path, $lines, @columns) = @_;
    my $file = csv_file($path, @columns);
    csv_line($file, $_, @columns) for @$lines;
    return;
}

sub as {
    my ($format, $value) = @_;
    return defined $value && $value ne '' ? sprintf $format, $value : '-';
}

sub mib { return as('%.1f', $_[0] / 1024) }

sub markdown_row { return '| ' . join(' | ', @_) . " |\n" }

sub heading {
    my @columns = @_;
    return markdown_row(@columns) . '|---|' . '---:|' x $#columns . "\n";
}

sub comparison_row {
    my ($line, $name) = @_;
    return markdown_row($name, as('%.0f', $line->{rate}), as('%.2f', $line->{ratio}),
        as('%.0f', $line->{p99}), as('%.2f', $line->{p99_ratio}),
        as('%.1f', $line->{cpu_us}), as('%.2f', $line->{cpu_ratio}),
        map({ as('%.0f', $line->{$_}) } qw(p50 p999 errors unanswered)),
        mib($line->{peak_kib}), as('%.0f %%', 100 * $line->{spread}));
}

sub comparison {
    my ($name, @lines) = @_;
    my $text = '';
    $text .= sprintf "**Too noisy to be believed**: the spread of the best bare loop is %.0f %%.\n\n", 100 * $lines[0]{noisy}
        if $lines[0]{noisy};
    $text .= heading('', 'exchanges/s', 'rate ratio', 'p99 µs', 'p99 ratio', 'CPU µs', 'CPU ratio',
        'p50 µs', 'p99.9 µs', 'errors', 'unanswered', 'peak MiB', 'spread');
    for my $line (@lines) {
        my $called = $line->{is} ? "**best bare loop** ($name->{ $line->{is} })" : $name->{ $line->{row} };
        $text .= comparison_row($line, $called);
    }
    return $text;
}

# The rows of sixteend compared with the bare loop that closes as safely: a line for each setup and
# load. The argument `ours` lists these rows.
sub safe_table {
    my ($ours, @lines) = @_;
    my (@levels, %there);
    for my $line (grep { $_->{safe} } @lines) {
        my $level = "$title{ $line->{setup} }, $line->{connections} at once" . ($line->{noisy} ? ' (too noisy)' : '');
        push @levels, $level if !grep { $_ eq $level } @levels;
        $there{ $line->{row} }{$level} = $line;
    }
    my @rows = grep { $there{ $_->{id} } } @$ours;
    return '' if !@rows;
    my $text = heading('', map { my $row = $_; map { "$row->{short}: $_ ratio" } qw(rate p99 CPU) } @rows);
    for my $level (@levels) {
        my @ratios = map { @{ $there{ $_->{id} }{$level} }{qw(safe_ratio safe_p99_ratio safe_cpu_ratio)} } @rows;
        $text .= markdown_row($level, map { as('%.2f', $_) } @ratios);
    }
    return $text;
}

sub held_table {
    my ($name, @lines) = @_;
    my $text = heading('', 'octets sent', 'held to the end', 'accepted in s', 'RSS KiB each',
        'with the kernel\'s KiB each', 'quick clients/s, idle', 'ratio while holding', 'errors', 'spread');
    for my $line (@lines) {
        $text .= markdown_row($name->{ $line->{row} }, $line->{octets}, "$line->{held} of $line->{connections}",
            as('%.2f', $line->{accepted_s}), as('%.1f', $line->{rss_kib}),
            as('%.1f', $line->{rss_kib} + $line->{kernel_kib}), as('%.0f', $line->{rate}),
            as('%.2f', $line->{ratio}), $line->{errors}, as('%.0f %%', 100 * $line->{spread}));
    }
    return $text;
}

# Write the whole table. Named arguments: notes => [...] for the top, summary, held,
# name => { id => name }, ours => [rows of sixteend], left_out => [...].
sub write_table {
    my ($path, %with) = @_;
    my $text = join '', map { "- $_\n" } @{ $with{notes} };
    my (@sections, %lines);
    for my $line (@{ $with{summary} }) {
        my $section = "## $title{ $line->{setup} }, $line->{connections} at once";
        push @sections, $section if !$lines{$section};
        push @{ $lines{$section} }, $line;
    }
    $text .= "\n$_\n\n" . comparison($with{name}, @{ $lines{$_} }) for @sections;
    my $safe = safe_table($with{ours}, @{ $with{summary} });
    $text .= "\n## sixteend against a bare loop that closes as safely\n\n$safe" if $safe;
    $text .= "\n## Held connections\n\n" . held_table($with{name}, @{ $with{held} }) if @{ $with{held} };
    $text .= "\n## Left out\n\n" . join '', map { "- $_\n" } @{ $with{left_out} } if @{ $with{left_out} };
    open my $file, '>', $path or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
    return;
}

1;
