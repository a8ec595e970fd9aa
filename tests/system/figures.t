# SPDX-License-Identifier: MIT
# Every figure that sixteen prints, compared with what passed on the wire between it and a server of
# known timing, over a link that takes 50 ms each way.
use strict;
use warnings;
use List::Util qw(max min sum);
use Sixteen;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Test::More;

has_more_tries();
own_network();
must(qw(ip link set lo up));
plan skip_all => 'this host has no IPv6' if read_file('/proc/net/if_inet6') eq '';
my $ONE_WAY = 0.05;
my ($holder, @there) = other_network();
my $capture = slow_link($ONE_WAY, $holder) or plan skip_all => 'this host makes no tun devices';

# Seconds by which a figure can be later than the packet that it is about.
my $SLACK = 0.045;

# A server that pauses before each of the two parts of its reply, and before it closes. By turns it
# does so with a right reply, another one, and none.
my $PAUSE = 0.06;
my %reply = (right => $REPLY, wrong => 'What do you want', lost => '');
sub serve {
    my (@turns) = @_;
    my $listener = IO::Socket::IP->new(LocalHost => '::', LocalPort => 0, Listen => 50, V6Only => 0) or die "listen: $@";
    my $pid = spawn(sub {
        local $SIG{CHLD} = 'IGNORE';
        for (my $i = 0; ; $i++) {
            my $socket = $listener->accept or next;
            next if fork;
            setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
            sysread $socket, my $message, 16;
            for my $part ($reply{ $turns[$i % @turns] } =~ /\A(....)(.*)\z/) {
                select undef, undef, undef, $PAUSE;
                syswrite $socket, $part;
            }
            select undef, undef, undef, $PAUSE;
            POSIX::_exit(0);
        }
    });
    return ($pid, $listener->sockport);
}

# Ask a server with these turns; return status, output and error, and for each connection, in the order
# of their beginnings, its local port and the seconds at which its segments passed.
sub ask {
    my ($turns, $host, @options) = @_;
    my ($pid, $port) = serve(@$turns);
    my ($status, $out, $err) = run(@there, $SIXTEEN, @options, $host, $port);
    finish($pid);
    select undef, undef, undef, 3 * $ONE_WAY;    # for the rest to pass
    $capture->blocking(0);
    my $lines = '';
    1 while sysread $capture, $lines, 65536, length $lines;
    my (%wire, @ports);
    for (split /\n/, $lines) {
        my ($time, $direction, $from, $to, $flags, $octets) = split / /;
        my $is_ours = $direction eq '>' && $to == $port;
        next if !$is_ours && $from != $port;
        my $of = $wire{ $is_ours ? $from : $to } //= {};
        push @ports, $from if $is_ours && $flags eq 'S' && !$of->{begin};
        my $name = $is_ours ? ($flags =~ /S/ ? 'begin' : $octets ? 'send' : next)
            : $flags =~ /S/ ? 'connect' : $octets ? ($of->{first} ? 'last' : 'first') : $flags =~ /F/ ? 'end' : next;
        $of->{$name} //= $time;
    }
    return ($status, $out, $err, map { { port => $_, %{ $wire{$_} } } } @ports);
}

my @MARKS = qw(connect send first last end);

# Compare the marks of an exchange, in microseconds, with what passed on its wire.
sub compare {
    my ($name, $wire, %us) = @_;
    cmp_ok $wire->{connect} - $wire->{begin}, '>=', 2 * $ONE_WAY, "$name: the link is as slow as it is said to be";
    for my $mark (grep { defined $wire->{$_} } @MARKS) {
        my $seen = $wire->{$mark} - $wire->{begin};
        my $late = ($us{$mark} // 0) / 1e6 - $seen;
        # The kernel takes the message a little before it is on the wire.
        ok $late > -0.005 && $late < $SLACK, "$name: $mark" or diag sprintf '%s: %s, on the wire %.6f', $mark, $us{$mark} // 'none', $seen;
    }
    is join(' ', sort grep { defined $us{$_} } @MARKS), join(' ', sort grep { defined $wire->{$_} } @MARKS), "$name: no mark of what did not happen";
    return;
}

# Compare the figures of a summary, in microseconds, with the times of the right exchanges.
sub compare_times {
    my ($name, $of, @us) = @_;
    @us = sort { $a <=> $b } @us;
    my $mean = sum(@us) / @us;
    my %expected = (min => $us[0], max => $us[-1], avg => $mean, mdev => sqrt(sum(map { ($_ - $mean)**2 } @us) / @us),
        map { my $rank = int(@us * $_ / 100 + 0.999999); ("p$_" => $us[$rank - 1]) } 50, 90, 99, 99.9, 99.99);
    for my $figure (sort keys %expected) {
        my $most = $expected{$figure} * ($figure =~ /^p/ ? 1 + 1 / 64 : 1);
        ok $of->{$figure} >= $expected{$figure} - 2 && $of->{$figure} <= $most + 2, "$name: $figure"
            or diag "$of->{$figure}, expected $expected{$figure}";
    }
    return;
}

# Compare the phases of a summary, in microseconds, with the marks of the right exchanges.
sub compare_phases {
    my ($name, $of, @marks) = @_;
    for my $phase (qw(connect first end)) {
        my @us = sort { $a <=> $b } map { $_->{$phase} } @marks;
        for my $percent (50, 99) {
            my ($figure, $expected) = ($of->{$phase}{$percent}, $us[int(@us * $percent / 100 + 0.999999) - 1]);
            ok $figure >= $expected - 2 && $figure <= $expected * (1 + 1 / 64) + 2, "$name: $phase p$percent" or diag "$figure, expected $expected";
        }
    }
    return;
}

my @turns = qw(right wrong lost right);
my @outcomes = qw(ok mismatch short ok);

# ---- Lines and a summary as text, over IPv4 ----

my ($status, $out, $err, @wires) = ask(\@turns, '10.78.0.1', '-c', 4, '-i', 0.1);
is "$status$err" . @wires, '14', 'a watch of four exchanges';
my %line = map { / seq=(\d+) / ? ($1 => $_) : () } split /\n/, $out;
my (@right, @marks);
for my $seq (1 .. 4) {
    my $wire = $wires[$seq - 1];
    my %field = $line{$seq} =~ / (\w+)=(\S+)/g;
    is $line{$seq} =~ /^outcome=(\w+)/ && $1, $outcomes[$seq - 1], "line $seq: the outcome";
    is "$field{peer} $field{local}" =~ s/\S*://gr, "$wire->{port} " . ($field{local} =~ /(\d+)$/)[0], 'the port is that on the wire';
    delete $wire->{end} if $outcomes[$seq - 1] eq 'mismatch';    # judged before that
    compare("line $seq", $wire, %field);
    is $field{octets}, length $reply{ $turns[$seq - 1] }, "line $seq: octets";
    push @right, $field{us} if $outcomes[$seq - 1] eq 'ok';
    push @marks, \%field if $outcomes[$seq - 1] eq 'ok';
    cmp_ok abs($field{us} - ($field{end} // $field{last})), '<=', 1000, "line $seq: us is that of the last mark";
}
my ($sent, $of_right, $wrong, $lost, $time) = $out =~ /^(\d+) sent, (\d+) right, (\d+) wrong, ([\d.]+)% lost, time (\d+) ms$/m;
is "$sent $of_right $wrong $lost", '4 2 1 25', 'the counts';
my $whole = max(map { $_->{end} // $_->{last} } @wires) - $wires[0]{begin};
cmp_ok abs($time / 1000 - $whole), '<', $SLACK, 'time: from the first start to the last end';
my %of;
@of{qw(min avg max mdev)} = map { $_ * 1000 } split m{/}, ($out =~ m{^min/avg/max/mdev = (\S+) ms$}m)[0];
@of{qw(p50 p90 p99 p99.9 p99.99)} = map { $_ * 1000 } split m{/}, ($out =~ m{^p50/p90/p99/p99\.9/p99\.99 = (\S+) ms$}m)[0];
compare_times('the summary', \%of, @right);
my ($text) = $out =~ m{^(connect p50/p99 = .*)$}m;
my %phase = map { m{^(connect|first|end).* = ([\d.]+)/([\d.]+) ms$} ? ($1 => { 50 => $2 * 1000, 99 => $3 * 1000 }) : () } split /, /, $text;
compare_phases('the summary', \%phase, @marks);

# ---- The same as JSON, over IPv6 ----

# The fields of an object that are numbers.
sub numbers { return $_[0] =~ /"(\w+)":(-?[\d.]+)/g }

($status, $out, $err, @wires) = ask(\@turns, 'fd78::1', '--json', '-c', 4, '-i', 0.1);
is "$status$err" . @wires, '14', 'a watch as JSON';
my %record = map { /^\{"type":"exchange","seq":(\d+),/ ? ($1 => $_) : () } split /\n/, $out;
@right = @marks = ();
for my $seq (1 .. 4) {
    my $wire = $wires[$seq - 1];
    my %field = numbers($record{$seq});
    my $outcome = $outcomes[$seq - 1];
    like $record{$seq}, qr/"peer":"\[fd78::2\]:$wire->{port}",.*"outcome":"$outcome"/, "record $seq: port and outcome";
    my ($second) = $record{$seq} =~ /"time":"[^"]*:(\d\d\.\d+)Z"/;
    my $early = $wire->{begin} - $second - 60 * int(($wire->{begin} - $second) / 60);
    cmp_ok min($early, 60 - $early), '<', $SLACK, "record $seq: time";
    delete $wire->{end} if $outcomes[$seq - 1] eq 'mismatch';
    compare("record $seq", $wire, map { ($_ => $field{"${_}_us"}) } @MARKS);
    push @right, $field{us} if $outcomes[$seq - 1] eq 'ok';
    push @marks, { map { ($_ => $field{"${_}_us"}) } @MARKS } if $outcomes[$seq - 1] eq 'ok';
}
my ($summary) = $out =~ /^(\{"type":"summary".*)$/m;
my %field = numbers($summary =~ s/,"phases".*//r);
is join(' ', @field{qw(sent right wrong lost failed unfinished no_end_of_file not_begun lost_percent)}), '4 2 1 1 0 0 0 0 25', 'the counts';
$whole = max(map { $_->{end} // $_->{last} } @wires) - $wires[0]{begin};
cmp_ok abs($field{elapsed_us} / 1e6 - $whole), '<', $SLACK, 'elapsed_us';
cmp_ok abs($field{rate} * $field{elapsed_us} / 1e6 - 2), '<', 0.01, 'the rate is that of the right ones';
%of = map { (my $name = $_) =~ s/_us$//; $name =~ s/(?<=\d)_/./; ($name => $field{$_}) } grep { /_us$/ } keys %field;
compare_times('the summary as JSON', \%of, @right);
my ($phases) = $summary =~ /"phases":\{(.*?)\}\}/;
%phase = map { /"(\w+)":\{"p50_us":([\d.]+),"p99_us":([\d.]+)/ ? ($1 => { 50 => $2, 99 => $3 }) : () } split /\},/, $phases;
compare_phases('the summary as JSON', \%phase, @marks);

# ---- Load ----

my $one = $ONE_WAY * 4 + $PAUSE * 3;    # what an exchange takes: handshake, message and reply, three pauses
($status, $out, $err, @wires) = ask(['right'], '10.78.0.1', '--json', '-P', 2, '-c', 6);
is "$status$err" . @wires, '06', 'a closed loop';
%field = numbers($out =~ s/,"phases".*//r);
my @took = map { $_->{end} - $_->{begin} } @wires;
for my $figure (['min_us', min(@took)], ['avg_us', sum(@took) / @took], ['max_us', max(@took)], ['p50_us', (sort { $a <=> $b } @took)[2]]) {
    my ($name, $seen) = @$figure;
    my $late = $field{$name} / 1e6 - $seen;
    ok $late > -0.005 && $late < $SLACK + $seen / 64, "a closed loop: $name" or diag "$field{$name}, on the wire $seen";
}
$whole = max(map { $_->{end} } @wires) - $wires[0]{begin};
cmp_ok abs($field{rate} * $whole / 6 - 1), '<', $SLACK / $whole, 'the rate';
cmp_ok min(@took), '>=', $one, 'an exchange takes what the link and the server take';
my ($histogram) = $out =~ /"histogram":\[\[(.*)\]\]/;
is sum(map { (split /,/)[1] } split /\],\[/, $histogram), 6, 'the histogram has all';

($status, $out, $err, @wires) = ask(['right'], '10.78.0.1', '--json', '--rate', 20, '-c', 8);
is "$status$err" . @wires, '08', 'an open loop';
%field = numbers($out =~ s/,"phases".*//r);
is $field{rate}, '20.000', 'the rate is that of the schedule, since all were right';
my ($service) = $out =~ /"service":\{([^}]*)\}/;
my %service = numbers($service);
@took = map { $_->{end} - $_->{begin} } @wires;
my $late = $service{avg_us} / 1e6 - sum(@took) / @took;
ok $late > -0.005 && $late < $SLACK, 'the service time is that on the wire' or diag $late;
my $delay = ($field{avg_us} - $service{avg_us}) / 1e6;
ok $delay >= 0 && $delay < $SLACK, 'the latency is that and how late the starts were' or diag $delay;
my @gaps = map { $wires[$_]{begin} - $wires[$_ - 1]{begin} } 1 .. $#wires;
cmp_ok abs(sum(@gaps) / @gaps - 0.05), '<', $SLACK / 7, 'they began at the rate that was asked for';

# ---- The plugin ----

($status, $out, $err, @wires) = ask(['right'], '10.78.0.1', '--plugin', '-c', 2, '-i', 0.05);
like "$status$err$out", qr/\A0SIXTEEN OK - 2 of 2 replies correct, ([\d.]+) ms on average \| time=([\d.]+)s;;;0;10 max=([\d.]+)s;;;0;10 lost=0%;;;0;100\n\z/, 'the plugin';
my ($mean, $seconds, $slowest) = $out =~ /correct, ([\d.]+) ms.* time=([\d.]+)s.* max=([\d.]+)s/;
@took = map { $_->{end} - $_->{begin} } @wires;
cmp_ok abs($seconds - $mean / 1000), '<', 1e-5, 'the same mean in both parts';
ok abs($seconds - sum(@took) / @took) < $SLACK && abs($slowest - max(@took)) < $SLACK, 'time and max' or diag "$seconds $slowest @took";
done_testing;
