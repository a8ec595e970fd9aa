# SPDX-License-Identifier: MIT
# The load generator, `sixteen -P`: one run to warm up and one to measure.
package Bench::Load;
use strict;
use warnings;
use JSON::PP qw(decode_json);

our $PROGRAM;         # the path of sixteen

my $LAST_WAIT = 1;    # seconds at the end for exchanges in progress

# The kind of error as which an outcome of sixteen counts.
my %KIND = (refused => 'refused', unreachable => 'reset', reset => 'reset', mismatch => 'wrong', excess => 'wrong',
    short => 'wrong', slow => 'unanswered', failed => 'local');

my $running;          # the pid of the load generator that runs
my $main = $$;

sub begin {
    my ($with, $seconds) = @_;
    my @command = (@{ $with->{under} // [] }, $PROGRAM, '--json', '-P', $with->{connections}, '--duration', $seconds,
        '-w', $seconds + $LAST_WAIT, '127.0.0.1', $with->{port});
    $running = open my $output, '-|', @command or die "$command[0]: $!\n";
    return $output;
}

# Read the summary. The exit status needs no check: the summary counts wrong replies too.
sub end {
    my ($output) = @_;
    my $line = readline $output;
    close $output;
    undef $running;
    die "sixteen failed with status $?\n" if !defined $line;
    return decode_json($line);
}

# Warm up the server, then start the measurement. Named arguments: port, connections, seconds,
# warm_up, under => [command that runs the load generator].
sub start {
    my ($class, %with) = @_;
    my $before = end(begin(\%with, $with{warm_up}));
    return bless { output => begin(\%with, $with{seconds}), before => $before->{right} }, $class;
}

# Wait for the end. Returns the figures by name; `errors` is the sum of all kinds of error, and
# `histogram` is { microseconds => exchanges }.
sub finish {
    my ($self) = @_;
    my $summary = end($self->{output});
    my $times = $summary->{times} // {};
    my %figure = (rate => $summary->{rate}, exchanges => $summary->{right}, all => $self->{before} + $summary->{right},
        unanswered => $summary->{unfinished}, map { $_ => 0 } qw(refused reset wrong local));
    @figure{qw(p50 p99 p999 max)} = map { $times->{$_} // 0 } qw(p50_us p99_us p99_9_us max_us);
    $figure{ $KIND{ $_->{outcome} } } += $_->{count} for @{ $summary->{errors} };
    $figure{errors} += $figure{$_} for qw(refused reset wrong local);
    $figure{histogram} = { map { @$_ } @{ $summary->{load}{histogram} } };
    return \%figure;
}

END {
    kill 'TERM', $running if $$ == $main && defined $running;
}

1;
