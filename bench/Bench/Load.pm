# SPDX-License-Identifier: MIT
# One run of bench/load.
package Bench::Load;
use strict;
use warnings;

our $PROGRAM;    # where bench/load is built

my $running;     # the pid of the one that runs
my $main = $$;

# Named arguments: port, connections, threads, seconds, warm_up, histogram (a file),
# under => [command that runs it].
sub start {
    my ($class, %with) = @_;
    my $threads = $with{threads} < $with{connections} ? $with{threads} : $with{connections};
    my @command = (@{ $with{under} // [] }, $PROGRAM, '-c', $with{connections}, '-t', $threads,
        '-d', $with{seconds}, '-w', $with{warm_up}, ($with{histogram} ? ('-H', $with{histogram}) : ()),
        '127.0.0.1', $with{port});
    my $pid = open my $output, '-|', @command or die "$command[0]: $!\n";
    $running = $pid;
    return bless { output => $output }, $class;
}

# Wait for its end: its figures by name, and `errors`, their sum.
sub finish {
    my ($self) = @_;
    my $line = readline($self->{output}) // '';
    my $ended = close $self->{output};
    undef $running;
    die "load failed with status $?\n" if !$ended;
    my %figure = map { /^(\w+)=(\S+)$/ } split ' ', $line;
    $figure{errors} = 0;
    $figure{errors} += $figure{$_} for qw(refused reset wrong late local);
    return \%figure;
}

END {
    kill 'TERM', $running if $$ == $main && defined $running;
}

1;
