# SPDX-License-Identifier: MIT
# sixteen --plugin, as the Monitoring Plugins Development Guidelines want it: one line, with
# performance data, and a status from 0 to 3.
use strict;
use warnings;
use Sixteen;
use Test::More;

# What a plugin says, with the figures that change taken out of it.
sub plugin {
    my ($status, $out, $err) = run($SIXTEEN, '--plugin', @_);
    $out =~ s/\d+\.\d{3} ms/N ms/g;
    $out =~ s/=\d+\.\d{6}s/=Ns/g;
    return "$status $out$err";
}

my $daemon = start(listen => ['127.0.0.1:0', '[::1]:0']);
my ($port, $port6) = @{ $daemon->{ports} };
my $to = "127.0.0.1:$port";
is plugin('127.0.0.1', $port), "0 SIXTEEN OK - correct reply from $to in N ms | time=Ns;;;0;10 max=Ns;;;0;10 lost=0%;;;0;100\n", 'a right reply is OK';
is plugin('::1', $port6), "0 SIXTEEN OK - correct reply from [::1]:$port6 in N ms | time=Ns;;;0;10 max=Ns;;;0;10 lost=0%;;;0;100\n", 'over IPv6 too';
is plugin('-c', 3, '-i', 0, '-W', 2, '127.0.0.1', $port), "0 SIXTEEN OK - 3 of 3 replies correct, N ms on average | time=Ns;;;0;2 max=Ns;;;0;2 lost=0%;;;0;100\n", 'so are three';

# Every reply takes longer than a nanosecond and less than an hour.
for my $case (
    ['60', '3600', 0, 'OK'], ['0.000000001', '3600', 1, 'WARNING'], ['60', '0.000000001', 2, 'CRITICAL'],
    ['0.000000001', '0.000000001', 2, 'CRITICAL'], ['60:', '3600:', 2, 'CRITICAL'], ['@60:70', '3600', 0, 'OK'],
    ['@0:60', '3600', 1, 'WARNING'], ['~:60', '~:3600', 0, 'OK'], ['60:70', '3600', 1, 'WARNING']) {
    my ($warn, $crit, $status, $word) = @$case;
    like plugin('--warn', $warn, '--crit', $crit, '127.0.0.1', $port),
        qr/\A$status SIXTEEN $word - correct reply from \S+ in N ms \| time=Ns;\Q$warn\E;\Q$crit\E;0;10 /, "--warn $warn --crit $crit: $word";
}
like plugin('--crit', '0.000000001', '127.0.0.1', $port), qr/\A2 SIXTEEN CRITICAL .* time=Ns;;0\.000000001;0;10 /, '--crit alone';

is plugin('--bad'), "3 SIXTEEN UNKNOWN - unknown or ambiguous option, or one that takes no argument: --bad; see sixteen --help\n", 'misuse is UNKNOWN';
my ($status, $out, $err) = run($SIXTEEN, '--bad', '-W', 'x', '--plugin', '--worse');
is "$status $out$err", "3 SIXTEEN UNKNOWN - unknown or ambiguous option, or one that takes no argument: --bad; see sixteen --help\n", 'wherever it stands';
like plugin('--warn', 'x'), qr/\A3 SIXTEEN UNKNOWN - --warn x: .*\n\z/, 'a range that is none';
like plugin('--warn', '20:10'), qr/\A3 SIXTEEN UNKNOWN - --warn 20:10: .*\n\z/, 'or goes backwards';
is plugin('-P', 4), "3 SIXTEEN UNKNOWN - --plugin cannot be combined with -P, --rate or --duration; see sixteen --help\n", 'a load';
is plugin('--json'), "3 SIXTEEN UNKNOWN - --json and --plugin are mutually exclusive; see sixteen --help\n", 'another format';
like plugin('-W', 31536000, '127.0.0.1', $port), qr/ time=Ns;;;0;31536000 max=Ns;;;0;31536000 lost=/, 'performance data have no exponents';
like plugin('-w', '0.000000001', '127.0.0.1', $port), qr/\A2 SIXTEEN CRITICAL - \S.*: timed out after 0\.0\d* s.* \| time=U;;;0;10 max=U;;;0;10 lost=100%;;;0;100\n\z/, 'no time at all';
like join('', run($SIXTEEN, '--json', '--plugin')), qr/\A3SIXTEEN UNKNOWN - --json and --plugin are mutually exclusive; .*\n\z/, 'whichever comes first';
is plugin('-b', '192.0.2.1', '127.0.0.1', $port), "3 SIXTEEN UNKNOWN - connect to $to from 192.0.2.1: Cannot assign requested address | time=U;;;0;10 lost=0%;;;0;100\n",
    'a failure of this host is UNKNOWN';
like plugin('no-such-host.invalid'), qr/\A2 SIXTEEN CRITICAL - resolve no-such-host\.invalid port 1060: \S.* \| time=U;;;0;10 lost=100%;;;0;100\n\z/,
    'a name that is not resolved is CRITICAL: the guidelines want it so';
is plugin('127.0.0.1', $port, '--expect', "Farewell|\ncl\x{1}ent"), "2 SIXTEEN CRITICAL - receive from $to: unexpected reply 'Farewell, client', expected 'Farewell\\x7c\\ncl\\x01ent' | time=U;;;0;10 lost=0%;;;0;100\n",
    'a wrong reply is, and a bar in it does not begin the performance data';
($status, $out, $err) = run('sh', '-c', '"$@" >/dev/full', 'sh', $SIXTEEN, '--plugin', '127.0.0.1', $port);
is $status, 3, 'what cannot be written is UNKNOWN';

my ($silent, $silent_port) = listen_somewhere();
my $pid = open my $plugin, '-|', $SIXTEEN, '--plugin', '-w', 60, '127.0.0.1', $silent_port or die "open: $!";
my $held = $silent->accept;
kill 'TERM', $pid;
like join('', <$plugin>), qr/\ASIXTEEN CRITICAL - (?:connect to|send to|receive from) 127\.0\.0\.1:$silent_port: timed out after \S+ s.* \| time=U;;;0;10 lost=100%;;;0;100\n\z/,
    'a TERM reports the phase that it interrupts';
close $plugin;
is $? >> 8, 2, 'and that this is CRITICAL';
close $held;
is plugin('-W', 0.1, '127.0.0.1', $silent_port), "2 SIXTEEN CRITICAL - receive from 127.0.0.1:$silent_port: timed out after 0.1 s with 0 of 16 octets received | time=U;;;0;0.1 lost=100%;;;0;100\n", 'a time-out is';
like plugin('-w', 1, '127.0.0.1', $silent_port), qr/\A2 SIXTEEN CRITICAL - receive from \S+: timed out after (?:1|0\.\d+) s with /, 'by --deadline, too';
close $silent;
is plugin('-c', 2, '-i', 0, '127.0.0.1', $silent_port), "2 SIXTEEN CRITICAL - 0 of 2 replies correct; connect to 127.0.0.1:$silent_port: Connection refused | time=U;;;0;10 lost=100%;;;0;100\n",
    'so are refusals';
SKIP: {
    my @prefix = with_hosts("::1 two.test\n127.0.0.1 two.test\n") or skip 'needs a mount namespace', 1;
    my $only = start(listen => ['127.0.0.1:0']);
    my ($status, $out, $err) = run(@prefix, $SIXTEEN, '--plugin', 'two.test', $only->{port});
    like "$status$err$out", qr/\A0SIXTEEN OK - correct reply from 127\.0\.0\.1:/, 'an address that is passed over makes no second line';
    $only->stop;
}
$daemon->stop;
done_testing;
