# SPDX-License-Identifier: MIT
# One run of bench/load.
package Bench::Load;
use strict;
use warnings;

our $PROGRAM;    # where bench/load is built

# Named arguments: port, connections, threads, seconds, warm_up, histogram (a file),
# under => [command that runs it].
sub start {
    my ($class, %with) = @_;
    my $threads = $with{threads} < $with{connections} ? $with{threads} : $with{connections};
    my @command = (@{ $with{under} // [] }, $PROGRAM, '-c', $with{connections}, '-t', $threads,
        '-d', $with{seconds}, '-w', $with{warm_up}, ($with{histogram} ? ('-H', $with{histogram}) : ()),
        '127.0.0.1', $with{port});
    my $pid = open my $output, '-|', @command or die "$command[0]: $!\n";
    return bless { pid => $pid, output => $output }, $class;
}

# Wait for its end: its figures by name, and `errors`, their sum.
sub finish {
    my ($self) = @_;
    my $line = readline($self->{output}) // '';
    close $self->{output} or die "load failed with status $?\n";
    my %figure = map { /^(\w+)=(\S+)$/ } split ' ', $line;
    $figure{errors} = 0;
    $figure{errors} += $figure{$_} for qw(refused reset wrong late local);
    return \%figure;
}

1;
