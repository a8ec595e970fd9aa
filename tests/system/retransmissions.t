# SPDX-License-Identifier: MIT
# A link that loses one SYN or one segment of data of a connection: sixteen says so in every report, and
# does not take it for a slow server, nor a slow server for a link that loses.
use strict;
use warnings;
use Sixteen;
use Test::More;

has_more_tries();

own_network();
must(qw(ip link set lo up));
my ($holder, @there) = other_network();

# What the link loses, by the port of the server: the first SYN of a connection, its first segment of
# data, both, or neither. In the network of the test every port is free.
my %lossy = (2001 => 'S', 2002 => 'D', 2003 => 'SD', 2004 => '');
my (%lost, $load);    # by the port of the client; the number of the connection
my $is_lost = sub {
    my ($from, $to, $flags, $octets) = @_;
    my $kind = $flags =~ /S/ ? 'S' : $octets > 0 ? 'D' : return 0;
    return ($lossy{$to} // '') =~ /$kind/ && !$lost{"$from $to $kind"}++ if $to != 2005;
    # Of ten connections, the third has no SYN at first, the fifth and the seventh no data.
    $lost{"$from $to"} //= $load++ % 10;
    return $lost{"$from $to"} == 2 && $kind eq 'S' && !$lost{"$from $to S"}++
        || $lost{"$from $to"} =~ /[46]/ && $kind eq 'D' && !$lost{"$from $to D"}++;
};
slow_link(0.001, $holder, $is_lost) or plan skip_all => 'this host makes no tun devices';

# A server at each of these ports. The one at the port that loses nothing is slow.
my $SLOW = 0.3;
my $ready = '';
for my $port (2001 .. 2005) {
    my $listener = IO::Socket::IP->new(LocalHost => '10.78.0.1', LocalPort => $port, Listen => 50) or die "listen: $@";
    spawn(sub {
        local $SIG{CHLD} = 'IGNORE';
        while (1) {
            my $socket = $listener->accept or next;
            next if fork;
            sysread $socket, my $message, 16;
            select undef, undef, undef, $SLOW if $port == 2004;
            syswrite $socket, $REPLY;
            POSIX::_exit(0);
        }
    });
}

sub ask {
    my ($port, @options) = @_;
    my ($status, $out, $err) = run(@there, $SIXTEEN, @options, '10.78.0.1', $port);
    is $status, 0, "port $port @options: right";
    return $out . $err;
}

# One line each, and what took long: the handshake, or what follows it.
my %of = (2001 => [0, 1], 2002 => [1, 0], 2003 => [1, 1], 2004 => [0, 0]);
for my $port (sort keys %of) {
    my ($segments, $syns) = @{ $of{$port} };
    my $line = ask($port, '-c', 1, '-W', 20);
    my %field = $line =~ / (\w+)=(\S+)/g;
    is $field{retrans}, $segments, "port $port: retrans=$segments";
    is $field{syn_retrans}, $syns || undef, $syns ? 'syn_retrans=1' : 'no syn_retrans=';
    cmp_ok $field{connect}, $syns ? '>=' : '<', 900_000, $syns ? 'connect= shows the second that this takes' : 'a quick handshake';
    cmp_ok $field{rtt}, '<', $field{us}, 'rtt= is a part of the time';
    cmp_ok $field{rtt}, '>=', 2000, 'and no less than the link takes';
    cmp_ok $field{us} - $field{connect}, '>=', $port == 2001 ? 2000 : 200_000, 'and the rest what is slow in it';
    like $line, $syns ? qr/^SYN retransmissions: 1 in 1 of 1 exchanges \(100%\)$/m : qr/\A(?!.*SYN)/s, 'the summary: SYNs';
    like $line, $segments ? qr/^retransmissions: 1 in 1 of 1 exchanges \(100%\)$/m : qr/\A(?!.*^retransmissions)/ms, 'and segments';

    my ($record, $summary) = split /\n/, ask($port, '--json', '-W', 20);
    like $record, qr/"rtt_us":\d{4,}\.000,"retransmissions":$segments,"syn_retransmissions":$syns,"mss":\d{4}\}/, 'as JSON';
    like $summary, qr/"retransmissions":$segments,"retransmissions_in":$segments,"syn_retransmissions":$syns,"syn_retransmissions_in":$syns,"errors"/, 'and its summary';

    my $words = join ' and ', $syns ? '1 SYN' : (), $segments ? '1 segment' : ();
    like ask($port, '--plugin', '-W', 20), $words ? qr/ in \d+\.\d+ ms; $words sent again \| / : qr/ in \d+\.\d+ ms \| /, 'the plugin';
    my $remark = $words ? "sixteen: connection to 10.78.0.1:$port: $words sent again\n" : '';
    like ask($port, '-W', 20), qr/\AClient has been .*\nThe server said '$REPLY'\n\Q$remark\E\z/, 'in words';
}
like ask(2001, '--connect', '-c', 1, '-W', 20), qr/^outcome=ok .* connect=\d{6,7}(?: rtt=\d+)? retrans=0 syn_retrans=1$/m, '--connect, too';

# A load asks only about what took long.
my $summary = ask(2005, '-P', 2, '-c', 20, '-q', '-W', 20);
like $summary, qr/^SYN retransmissions: 2 in 2 of 20 exchanges \(10%\)\nretransmissions: 4 in 4 of 20 exchanges \(20%\)$/m, 'a load';
my ($p50, $max) = $summary =~ m{^p50/\S+ = ([\d.]+)/.*/([\d.]+) ms$}m;
cmp_ok $max, '>=', 900, 'of which the slowest are those';
unlike ask(2004, '-P', 2, '-c', 4, '-q', '-W', 20), qr/retransmissions/, 'a load of a slow server has none';
like ask(2005, '--json', '-P', 2, '-c', 20, '-W', 20), qr/"retransmissions":4,"retransmissions_in":4,"syn_retransmissions":2,"syn_retransmissions_in":2,"errors":\[\].*,"addresses":\[\{.*"retransmissions":4,/, 'and as JSON';

# Where no SYN gets an answer.
must(qw(ip link set near down));
my ($status, $out, $err) = run(@there, $SIXTEEN, '-c', 1, '-W', 1.5, '--json', '10.78.0.1', 2001);
like "$status$out", qr/\A1\{.*"phase":"connect",.*"rtt_us":null,"retransmissions":null,"syn_retransmissions":1,"mss":null\}\n.*"retransmissions":0,.*"syn_retransmissions":0,/, 'a handshake without an answer: only SYNs were sent';
done_testing;
