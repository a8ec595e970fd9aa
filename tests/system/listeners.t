# SPDX-License-Identifier: MIT
# Reloads add and remove listeners while clients come to all of them: each connection that is made
# gets its reply, and a listener that stays is not touched.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $RELOADS = is_sanitized() || $ENV{QUICK} ? 10 : 40;

# Addresses that are this test's own, so that their ports can be the same each time.
my @mine = map { sprintf '127.%d.%d.%d', 80 + $_, $$ >> 8 & 255, $$ & 255 } 0 .. 4;
my $port = 1060;

# Exchanges with these hosts in turn, until the pipe is closed: how many went well, and how others
# ended that were connected. Whether one can be connected is no question.
sub come_and_go {
    my ($until, $writer, @hosts) = @_;
    my ($well, @lost) = 0;
    for (my $i = 0; !IO::Select->new($until)->can_read(0); $i++) {
        my $peer = IO::Socket::IP->new(PeerHost => $hosts[$i % @hosts], PeerPort => $port, Timeout => 5);
        if (!$peer) {
            select undef, undef, undef, 0.001;
            next;
        }
        local $SIG{PIPE} = 'IGNORE';
        syswrite $peer, $GREETING;
        my $got = join ' ', read_to_end($peer);
        if ($got eq "$REPLY eof") { $well++ }
        else                      { push @lost, "'$got'" }
    }
    syswrite $writer, "$well @lost\n";
    POSIX::_exit(0);
}

sub configuration {
    return 'log: { level = "notice"; }; timeouts: { idle_worker = 0.05; }; listen = [ ' . join(', ', map { "\"$_:$port\"" } @_) . ' ];';
}

sub threads {
    my ($running) = @_;
    return scalar(() = glob "/proc/$running->{pid}/task/*");
}

my @stay = @mine[0, 1];
my @others = @mine[2 .. 4];
my $daemon = start(listen => [], config => configuration(@mine));
my $threads = threads($daemon);
SKIP: {
    skip 'a sanitizer has threads of its own', 1 if is_sanitized();
    is $threads, @mine + 2, 'an acceptor for each listener';
}
my $descriptors = () = glob "/proc/$daemon->{pid}/fd/*";
pipe my $until, my $holder or die "pipe: $!";
pipe my $reader, my $writer or die "pipe: $!";
my @clients = map { spawn(sub { close $holder; come_and_go($until, $writer, @others) }) } 1 .. 3;
close $writer;
my $load = begin_load(2, map { [$_, $port] } @stay);

# Each set of the others in turn. A reload can come while the listener that the last one removed is
# still there.
my (@refused, %seen);
for my $round (1 .. $RELOADS) {
    my $set = $round * 3 % 8;
    my @now = map { $set >> $_ & 1 ? $others[$_] : () } 0 .. 2;
    my $line = $daemon->reload(configuration(@stay, @now));
    push @refused, $line if $line !~ / reloaded /;
    $seen{$set} = 1;
    if ($round % 2) {
        ok wait_for(sub { listening() == @stay + @now }), "round $round: what is removed is closed in the end" or last;
    }
}
is_deeply \@refused, [], "$RELOADS reloads";
is keys %seen, 8, 'of every kind';
my ($exchanges, @wrong) = end_load($load);
is "@wrong", '', "not one of $exchanges exchanges fails where a listener stays";
close $holder;
my ($served, @lost) = 0;
while (my $line = <$reader>) {
    my ($well, @ends) = split ' ', $line, 2;
    $served += $well;
    push @lost, grep { /\S/ } @ends;
}
for (@clients) { waitpid $_, 0 }
is "@lost", '', "nor one of $served where listeners come and go";
cmp_ok $served, '>', 20, 'of which there are some';
like $daemon->reload(configuration(@mine)), qr/ reloaded /, 'the first configuration again';
ok wait_for(sub { threads($daemon) == $threads }), 'has as many threads';
ok wait_for(sub { $descriptors == (() = glob "/proc/$daemon->{pid}/fd/*") }), 'and descriptors';
is +(run($SIXTEEN, $_, $port))[0], 0, "and serves at $_" for @mine;
is $daemon->stop, 0, 'ends';
like $daemon->{log}, qr/ outcomes ok=${\($exchanges + $served + @mine)} /, 'and has counted each exchange';

# How many listening sockets it has, by the inodes: proc(5).
sub listening {
    my %own = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]$/ ? ($1 => 1) : () } glob "/proc/$daemon->{pid}/fd/*";
    return scalar grep { my @field = split; @field > 9 && $field[3] eq '0A' && $own{ $field[9] } } split /\n/, read_file('/proc/net/tcp');
}
done_testing;
