# SPDX-License-Identifier: MIT
# One absolute deadline: a peer that drips is cut at it and not later. A thousand of them do not
# delay other clients, nor do peers that never close.
use strict;
use warnings;
use IO::Select;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

# Octet by octet until the daemon ends it: how long that took, and how it ended.
sub drip {
    my ($peer, $pause) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $begun = time;
    until (IO::Select->new($peer)->can_read($pause)) { syswrite $peer, 'x' }
    return (time - $begun, read_to_end($peer));
}

my $daemon = start(config => 'timeouts: { exchange = 1.0; };');
my ($took, $data, $end) = drip(connect_to($daemon->{port}), 0.15);
is $data, '', 'a peer that drips gets no reply';
my ($us) = $daemon->wait_log(qr/ outcome=slow /) =~ / octets=[1-9] .* us=(\d+)$/;
cmp_ok $us, '>=', 1_000_000, 'it is not cut before timeouts.exchange';
cmp_ok $us, '<', 1_900_000, 'nor does each octet give it more time';
is $daemon->stop, 0, 'ends';

# A thousand peers (200 with a sanitizer), in one process that sends an octet for each in turn.
my $crowd = is_sanitized() ? 200 : 1000;
$daemon = start(config => "limits: { connections = 2000; per_source = 0; }; timeouts: { exchange = 600.0; linger = 600.0; }; log: { level = \"notice\"; };");
pipe my $reader, my $writer or die "pipe: $!";
my $dripping = spawn(sub {
    my @peers = map { connect_to($daemon->{port}) } 1 .. $crowd;
    syswrite $writer, "ready\n";
    for my $round (1 .. 15) {
        for my $peer (@peers) {
            syswrite $peer, 'x';
            select undef, undef, undef, 0.001;
        }
    }
    sleep 600;
});
is scalar(<$reader>), "ready\n", "$crowd peers drip";
is scalar(grep { (run($SIXTEEN, '-W', 30, '127.0.0.1', $daemon->{port}))[0] == 0 } 1 .. 50), 50, 'and disturb no quick client';
finish($dripping);

# As many that have their reply and never close.
my @lingering = map { connect_to($daemon->{port}) } 1 .. $crowd;
syswrite $_, $GREETING for @lingering;
is scalar(grep { (read_to_end($_))[0] eq $REPLY } @lingering), $crowd, "$crowd peers that never close have their replies";
is scalar(grep { (run($SIXTEEN, '-W', 30, '127.0.0.1', $daemon->{port}))[0] == 0 } 1 .. 50), 50, 'and disturb no quick client';
$daemon->tell('USR1');
like $daemon->wait_log(qr/connections accepted/), qr/ active=0 peak=\d+ lingering=\d{3,4} /, 'their sockets linger and are no connections';
undef @lingering;
is $daemon->stop, 0, 'ends';

# At most limits.connections of their sockets are kept.
$daemon = start(config => "limits: { connections = 50; }; timeouts: { linger = 600.0; drain = 0.2; }; log: { level = \"notice\"; };");
my @files = glob "/proc/$daemon->{pid}/fd/*";
pipe $reader, $writer or die "pipe: $!";
my @holders = map {
    spawn(sub {
        my @never;
        for (1 .. 900) {
            my $peer = connect_to($daemon->{port});
            syswrite $peer, $GREETING;
            push @never, $peer if (read_to_end($peer))[0] eq $REPLY;
        }
        syswrite $writer, @never . "\n";
        sleep 600;
    })
} 1 .. 3;
is scalar(<$reader>), "900\n", '900 peers one after the other that never close are answered' for @holders;
ok wait_for(sub { @files + 2 * 50 >= (() = glob "/proc/$daemon->{pid}/fd/*") }), 'and no more than limits.connections of their sockets are kept';
is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'the next client is served';
is $daemon->stop, 0, 'at a stop they are closed after timeouts.drain';
done_testing;
