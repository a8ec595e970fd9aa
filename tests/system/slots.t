# SPDX-License-Identifier: MIT
# limits.when_full = "wait": an acceptor without a free slot holds one connection, whose time begins
# with its slot, and leaves the others in the kernel's queue.
use strict;
use warnings;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

my $daemon;

# The numbers that USR1 reports: accepted, active, peak, and how many are queued at each listener.
sub report {
    $daemon->tell('USR1');
    my ($accepted, $active, $peak) = $daemon->wait_log(qr/ connections accepted=/) =~ / accepted=(\d+) active=(\d+) peak=(\d+) /;
    my @queued = map { $daemon->wait_log(qr/ listener \S+:$_ /) =~ / queued=(\d+) / } @{ $daemon->{ports} };
    return "accepted $accepted, active $active, peak $peak, queued @queued";
}

# A peer, and wait until it is accepted.
sub accepted {
    my ($port) = @_;
    my $peer = connect_to($port // $daemon->{port});
    $daemon->wait_log(qr/Socket connects/);
    return $peer;
}

my $roomy = 'timeouts: { exchange = 600.0; drain = 30.0; }; log: { level = "debug"; };';

# Two listeners, two slots, both taken.
$daemon = start(listen => ['127.0.0.1:0', '[::1]:0'], config => "$roomy limits: { connections = 2; };");
my @held = map { accepted() } 1, 2;
my @peers = map { my $i = $_ % 2; connect_to($daemon->{ports}[$i], $i ? '::1' : '127.0.0.1') } 0 .. 7;
syswrite $_, $GREETING for @peers;
$daemon->wait_log(qr/Socket connects/) for 1, 2;
ok wait_for(sub { report() eq 'accepted 4, active 2, peak 2, queued 3 3' }), 'without a slot each acceptor has accepted one connection, and the others are queued';
kill 'USR2', $daemon->{pid} for 1 .. 100;
is report(), 'accepted 4, active 2, peak 2, queued 3 3', 'which does not change when acceptors are interrupted';
is answer_of($held[0]), "$REPLY eof", 'a slot that becomes free';
close shift @held;
is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @peers), 8, 'serves them all, one after the other';
undef @peers;
like report(), qr/^accepted 10, active 1, peak 2, /, 'and never more than limits.connections';

# A stop.
push @held, accepted();
@peers = map { my $i = $_ % 2; connect_to($daemon->{ports}[$i], $i ? '::1' : '127.0.0.1') } 0 .. 5;
syswrite $_, $GREETING for @peers;
$daemon->wait_log(qr/Socket connects/) for 1, 2;
$daemon->tell('TERM');
$daemon->wait_log(qr/No longer listening/) for 1, 2;
is answer_of(shift @held), "$REPLY eof", 'a stop lets the active connections end';
is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @peers), 6, 'and then serves those that wait, accepted or queued';
undef @peers;
is answer_of(shift @held), "$REPLY eof", 'and the last';
is $daemon->wait_end, 0, 'ends';
like $daemon->{log}, qr/ peak=2 /, 'with no more at once than before';

# Time begins with the slot. Each has the settings of that moment.
my $short = $roomy =~ s/exchange = 600\.0/exchange = 0.5/r;
$daemon = start(config => "$roomy limits: { connections = 1; };");
@held = (accepted());
like $daemon->reload("$short limits: { connections = 1; };"), qr/reloaded/, 'half a second for an exchange';
my $silent = accepted();
my $begun = time;
wait_for(sub { time - $begun > 1.5 });
is report(), 'accepted 2, active 1, peak 1, queued 0', 'a peer waits for longer than that';
is answer_of(shift @held), "$REPLY eof", 'until there is a slot';
is join(' ', read_to_end($silent)), ' eof', 'it is cut if it stays silent';
my ($us) = $daemon->wait_log(qr/ outcome=slow /) =~ / us=(\d+)$/;
cmp_ok $us, '>=', 500_000, 'after its time';
cmp_ok $us, '<', 1_500_000, 'which the wait was no part of';
like $daemon->reload("$roomy limits: { connections = 1; };"), qr/reloaded/, 'more time';
@held = (accepted());
my $ready = accepted();
syswrite $ready, $GREETING;
$begun = time;
wait_for(sub { time - $begun > 1 });
is answer_of(shift @held), "$REPLY eof", 'a slot';
is join(' ', read_to_end($ready)), "$REPLY eof", 'is that of the peer which waits';
$daemon->wait_log(qr/ outcome=ok /);
($us) = $daemon->wait_log(qr/ outcome=ok /) =~ / us=(\d+)$/;
cmp_ok $us, '<', 1_000_000, 'whose time does not include the wait';

# A reload that raises the limit, and one that refuses instead.
my $from = report() =~ /accepted (\d+)/ ? $1 : 0;
@held = (accepted());
@peers = map { connect_to($daemon->{port}) } 1 .. 3;
syswrite $_, $GREETING for @peers;
$daemon->wait_log(qr/Socket connects/);
is report(), sprintf('accepted %d, active 1, peak 1, queued 2', $from + 2), 'one waits with an acceptor, two in the queue';
like $daemon->reload("$roomy limits: { connections = 2; };"), qr/reloaded/, 'a second slot';
is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @peers), 3, 'serves all of them';
@peers = (accepted());
push @peers, map { connect_to($daemon->{port}) } 1 .. 3;
$daemon->wait_log(qr/Socket connects/);
like $daemon->reload("$roomy limits: { connections = 2; when_full = \"refuse\"; };"), qr/reloaded/, 'when_full = "refuse"';
is join(', ', map { join ' ', read_to_end($_) } @peers[1 .. 3]), ' eof,  eof,  eof', 'refuses those that wait';
# An acceptor can refuse them before the main loop logs the reload.
ok wait_for(sub { $daemon->take_rest; 3 == (() = $daemon->{log} =~ / notice outcome=limited /g) }), 'each of them';
is answer_of($_), "$REPLY eof", 'and not those that have a slot' for shift @peers, shift @held;
undef @peers;
is $daemon->stop, 0, 'ends';

# Many clients and listeners, few slots.
my $listeners = 4;
$daemon = start(listen => [('127.0.0.1:0') x $listeners], config => 'limits: { connections = 3; }; log: { level = "notice"; };');
my $load = begin_load(16, map { ['127.0.0.1', $_] } @{ $daemon->{ports} });
ok wait_for(sub { $daemon->tell('USR1'); $daemon->wait_log(qr/ connections accepted=/) =~ / accepted=\d{3,} / }), 'sixteen clients at four listeners';
for my $connections (1, 3, 2, 3) {
    like $daemon->reload("limits: { connections = $connections; }; log: { level = \"notice\"; };"), qr/reloaded/, "limits.connections = $connections";
    my ($before) = reported('accepted');
    ok wait_for(sub { reported('accepted') > $before + 200 }), 'they go on';
}
my ($exchanges, @wrong) = end_load($load);
is "@wrong", '', "none of $exchanges exchanges fails";
is reported('peak'), 3, 'and never more are active than limits.connections';
is $daemon->stop, 0, 'ends';

sub reported {
    my ($name) = @_;
    $daemon->tell('USR1');
    return $daemon->wait_log(qr/ connections accepted=/) =~ / \Q$name\E=(\d+)/ ? $1 : 0;
}
done_testing;
