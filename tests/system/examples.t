# SPDX-License-Identifier: MIT
# The examples of sixteen(1) and of README, executed: each command whose output they show prints that,
# but for times and ports. The client, two routers and the servers are networks of the test, which has
# the addresses of the examples.
use strict;
use warnings;
use Commands;
use Cwd qw(abs_path);
use File::Path qw(make_path);
use IO::Socket::IP;
use Sixteen;
use Test::More;

has_more_tries();

plan skip_all => 'QUICK is set, or a sanitizer makes the program slow' if $ENV{QUICK} || is_sanitized();
own_network();
$ENV{PATH} .= ':/usr/sbin:/sbin';    # for nft(8), where an ordinary user's path has neither
plan skip_all => 'nftables is not installed' if !have('nft');
must(qw(ip link set lo up));
plan skip_all => 'the kernel has no nftables' if (run(qw(nft add table inet probe)))[0] != 0;
plan skip_all => 'the kernel has no numgen' if (run('nft', 'add chain inet probe test; add rule inet probe test numgen inc mod 3 != 2 drop'))[0] != 0;
plan skip_all => 'this host has no IPv6' if read_file('/proc/net/if_inet6') eq '';

my @names = with_hosts(<<'END');
192.0.2.1 canary.example.net berlin.example.net
192.0.2.1 HOST host ADDRESS
192.0.2.25 mail.example.net
192.0.2.54 db.example.net
192.0.2.80 www.example.net
2001:db8::1 paris.example.net
192.0.2.60 paris.example.net rome.example.net
192.0.2.61 tokyo.example.net
192.0.2.90 oslo.example.net
192.0.2.91 madrid.example.net
END
plan skip_all => 'needs a mount namespace' if !@names;

# From the client, 0, to the servers, 3: a link's number, its near and its far end.
my @networks = ([$$], map { [other_network()] } 1 .. 3);
sub at {
    my ($network) = @_;
    my (undef, @there) = @{ $networks[$network] };
    return @there;
}
sub set { must(at($_[0]), 'sh', '-ec', $_[1]) }
my @links = (
    [1, '198.51.100.7', '198.51.100.1', '2001:db8:1::7', '2001:db8:1::1'],
    [2, '203.0.113.1', '203.0.113.9', '2001:db8:2::1', '2001:db8:2::9'],
    [3, '192.0.2.254', '192.0.2.1', '2001:db8::ff', '2001:db8::1'],
);
for (@links) {
    my ($link, @ends) = @$_;
    must(at($link - 1), qw(ip link add), "down$link", qw(type veth peer name), "up$link", 'netns', $networks[$link][0]);
    for (["down$link", $link - 1, @ends[0, 2]], ["up$link", $link, @ends[1, 3]]) {
        my ($device, $network, $ipv4, $ipv6) = @$_;
        set($network, "ip address add $ipv4/24 dev $device; ip address add $ipv6/64 dev $device nodad; ip link set $device up");
    }
    set($link, 'ip link set lo up; cd /proc/sys/net; for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >$f; done;'
        . ' for f in ipv4/icmp_ratelimit ipv6/icmp/ratelimit; do echo 0 >$f; done');
}
set(0, 'ip route add default via 198.51.100.1; ip -6 route add default via 2001:db8:1::1');
set(1, 'ip route add default via 203.0.113.9; ip -6 route add default via 2001:db8:2::9');
set(2, 'ip route add default via 203.0.113.1; ip -6 route add default via 2001:db8:2::1');
set(3, 'ip route add default via 192.0.2.254; ip -6 route add default via 2001:db8::ff');
set(3, "ip address add 192.0.2.$_/24 dev up3") for 25, 54, 60, 61, 80, 90, 91;
set(2, 'nft "table inet examples { chain forward { type filter hook forward priority 0;'
    . ' ip daddr 192.0.2.60 drop; ip daddr 192.0.2.25 tcp dport 25 drop; ip daddr 192.0.2.54 reject with icmp type admin-prohibited;'
    . ' ip daddr 192.0.2.91 tcp flags & (syn | ack) == syn numgen inc mod 21 == 7 drop; }; }"');
for my $network (0 .. 3) {
    wait_for(sub { (run(at($network), qw(ip -6 address show tentative)))[1] eq '' });
}

# Servers: sixteend; one that takes 0.2 seconds for its reply; one that only accepts connections; one that
# sends back what it receives.
my $here = start(listen => ['127.0.0.1:1060']);
my $daemon = start(under => [at(3)], listen => [map { "$_:1060" } qw(192.0.2.1 192.0.2.91 [2001:db8::1])]);
my ($server, $reader) = spawn_to_read(at(3), $^X, '-MIO::Select', '-MIO::Socket::IP', '-we', <<'END');
my ($slow, $echo, @silent) = map { IO::Socket::IP->new(LocalHost => $_->[0], LocalPort => $_->[1], Listen => 99) or die $@ } ['192.0.2.90', 1060], ['192.0.2.1', 7777], ['192.0.2.80', 443], ['192.0.2.25', 443];
$SIG{CHLD} = 'IGNORE';
$| = 1;
print "listens\n";
my $listeners = IO::Select->new($slow, $echo);
while (my @ready = $listeners->can_read) {
    for my $listener (@ready) {
        my $peer = $listener->accept or next;
        next if fork;
        sysread $peer, my $message, 16;
        select undef, undef, undef, 0.2 if $listener == $slow;
        syswrite $peer, $listener == $slow ? 'Farewell, client' : $message;
        exit;
    }
}
END
is scalar(<$reader>), "listens\n", 'servers of another kind';
for my $server (qw(192.0.2.1 2001:db8::1)) {    # every neighbour is known then
    wait_for(sub { (run($SIXTEEN, $server))[0] == 0 });
}
chdir scratch() or die "chdir: $!";
mkdir "bin" or die "bin: $!";
symlink abs_path($SIXTEEN), "bin/$_" for qw(sixteen check_sixteen);
$ENV{PATH} = abs_path('bin') . ":$ENV{PATH}";
make_path('var/prometheus/node-exporter');
my @prefix = (@names, with_mounts('/var/lib' => abs_path('var')));
sub shell { return run(@prefix, 'sh', '-c', $_[0]) }

# Of many exchanges in a short time, only the lines are the same each time: some can be skipped.
sub shown_form {
    my ($command, $text) = @_;
    $text = form($text) . "\n";
    return $text if $command !~ /--rate|-c 600/;
    $text =~ s/^not begun: .*\n|^[^:]*sent again.*\n|^.*retransmissions.*\n//mg;
    $text =~ s/(?:^ *(?:<=|>) .*\n)+/a histogram\n/mg;
    return $text =~ s/\b[\d.]+%?(?=[ ,\/\n])/N/gr;
}

# Execute a command until it prints what is shown: on a busy machine packets can be sent again, and
# starts be skipped. What one document shows need not be executed again for another.
my %printed;
sub is_shown {
    my ($command, $document) = @_;
    my $text = $command->{text};
    my $expected = shown_form($text, $command->{output});
    for my $try (1 .. 3) {
        last if defined $printed{$text} && $printed{$text} eq $expected;
        my ($status, $out, $err) = shell($text);
        $printed{$text} = shown_form($text, "$out$err");
    }
    return is $printed{$text}, $expected, $document;
}

my @blocks = commands_of('tests/system/examples.t');
my ($sites) = grep { $_->{text} eq 'cat sites' } map { @$_ } @blocks;
write_file('sites', $sites->{output});

# Those without output run for a short time.
my $short = scratch();
my $sixteen = abs_path($SIXTEEN);
write_file("$short/sixteen", <<"END");
#!/bin/sh
case "\$*" in
  *--path*) exec '$sixteen' "\$@" ;;
  *) exec '$sixteen' -w 0.7 "\$@" ;;
esac
END
chmod 0755, "$short/sixteen";
my $FAILS = qr/-P 40000|--metrics|--misbehave drip|paris|-q -c \d+ -i/;    # for lack of descriptors, of targets, of time
for my $block (@blocks) {
    my $has_output = grep { $_->{output} ne '' } @$block;
    for my $command (@$block) {
        my ($name) = "$command->{document}:$command->{line}: $command->{text}" =~ /(.*)/;
        command_is_run($command);
        if ($has_output) {
            is_shown($command, $name);
            next;
        }
        my $may_fail = $command->{text} =~ $FAILS;
        my ($status, $out, $err);
        for my $try (1 .. 3) {
            ($status, $out, $err) = shell("PATH=$short:\$PATH; $command->{text}");
            last if $status == 0 || $may_fail;
        }
        is $may_fail ? scalar $err =~ /^sixteen: (?:-|.*--help)/m : $status, $may_fail ? '' : 0, $name or diag "$out$err";
    }
}
finish($server);
done_testing;
