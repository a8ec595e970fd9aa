# SPDX-License-Identifier: MIT
# examples/anycast/announce: three hosts in networks of their own have one address, and a router
# spreads its clients over the hosts that announce it. The test notes what clients lose, which ends
# when the router knows.
use strict;
use warnings;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

own_network();

my $ADDRESS = '10.106.0.1';
my $directory = scratch();
my $announce = ($ENV{SOURCE_DIR} // '../..') . '/examples/anycast/announce';
$ENV{PATH} = "$ENV{BUILD_DIR}/src:$ENV{PATH}";

# What a router does with announcements: it chooses one of the announcing hosts for each connection.
my $route = write_file("$directory/route", <<"END");
exec 9>$directory/lock; flock 9
hops=
for name in $directory/up.*; do
  [ -e "\$name" ] && hops="\$hops nexthop via 10.9.\${name##*.}.1"
done
if [ "\$hops" ]; then
  ip route replace $ADDRESS \$hops
else
  ip route replace unreachable $ADDRESS
fi
END

# A network with a host in it: how to run something there.
sub make_network {
    my ($number) = @_;
    my ($holder, @there) = other_network();
    must('ip', 'link', 'add', "host$number", 'type', 'veth', 'peer', 'name', 'router', 'netns', $holder);
    must('ip', 'address', 'add', "10.9.$number.254/24", 'dev', "host$number");
    must('ip', 'link', 'set', "host$number", 'up');
    must(@there, 'sh', '-ec', "ip link set lo up; ip address add $ADDRESS/32 dev lo; ip address add 10.9.$number.1/24 dev router
        ip link set router up; ip route add default via 10.9.$number.254");
    return @there;
}

must('ip', 'link', 'set', 'lo', 'up');
write_file('/proc/sys/net/ipv4/fib_multipath_hash_policy', 1);
my %there = map { $_ => [make_network($_)] } 1 .. 3;
my (%host, %announcer);

sub start_host {
    my ($number) = @_;
    $host{$number} = start(under => $there{$number}, listen => ["$ADDRESS:1060"]);
    return;
}

sub begin_announcing {
    my ($number) = @_;
    my $update = "nsenter --net=/proc/$$/ns/net sh $route";
    my @command = (@{ $there{$number} }, 'sh', $announce, $ADDRESS, "touch $directory/up.$number; $update", "rm -f $directory/up.$number; $update");
    $announcer{$number} = spawn(sub { exec @command });
    return;
}

# Whether the router sends clients there.
sub is_announced {
    my ($number) = @_;
    return (run('ip', 'route', 'show', $ADDRESS))[1] =~ /via 10\.9\.$number\.1 /;
}

# Wait for that, and meanwhile read what the hosts write, because otherwise they would block.
sub wait_hosts {
    my ($true) = @_;
    return wait_for(sub {
        $_->take_rest for values %host;
        return $true->();
    });
}

sub served { return scalar(() = $host{ $_[0] }{log} =~ / outcome=ok peer=/g) }

# Under load, until each of these hosts has served 20 more; note and return what clients lost.
sub lost_during {
    my ($what, $code, @hosts) = @_;
    my $load = begin_load(4, [$ADDRESS, 1060]);
    $code->();
    my %before = map { $_ => served($_) } @hosts;
    ok wait_hosts(sub { !grep { served($_) < $before{$_} + 20 } @hosts }), "$what: clients come to @hosts";
    my ($held, @wrong) = end_load($load);
    note sprintf '%s: %d exchanges, lost: %s', $what, $held, join(', ', @wrong) || 'none';
    return "@wrong";
}

begin_announcing(3);
start_host($_) for 1 .. 3;
begin_announcing($_) for 1, 2;
ok wait_hosts(sub { 3 == grep { is_announced($_) } 1 .. 3 }), 'a host that answers is announced';
is lost_during('three', sub { }, 1 .. 3), '', 'and clients are spread over all';

lost_during('taken out', sub {
    finish($announcer{1});
    ok !is_announced(1), 'announce withdraws as it ends';
    is $host{1}->stop, 0, 'and the host is stopped';
}, 2, 3);
is lost_during('two', sub { }, 2, 3), '', 'with two left no client loses anything';

lost_during('killed', sub {
    my $killed = time;
    kill 'KILL', $host{2}{pid};
    $host{2}->wait_end;
    ok wait_hosts(sub { !is_announced(2) }), 'a killed host is withdrawn';
    note sprintf 'withdrawn after %.1f s', time - $killed;
}, 3);
is lost_during('one', sub { }, 3), '', 'with one left no client loses anything';

start_host(2);
ok wait_hosts(sub { is_announced(2) }), 'a host that is back is announced';
is lost_during('back', sub { }, 2, 3), '', 'and has clients again';
finish($announcer{$_}) for 2, 3;
is $host{$_}->stop, 0, 'ends' for 2, 3;
done_testing;
