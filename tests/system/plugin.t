# SPDX-License-Identifier: MIT
# sixteen --plugin and check_sixteen, as the Monitoring Plugins Development Guidelines want them: one
# line, always with the same performance data, and a status from 0 to 3.
use strict;
use warnings;
use File::Spec;
use Sixteen;
use Test::More;

# What a plugin says, with the figures that change taken out of it.
my %labels;    # of the performance data of all that was said
sub told {
    my ($status, $out, $err) = run(@_);
    my ($performance) = $out =~ /\A[^\n]*\|([^\n]*)\n/;
    $labels{ join ' ', map { s/=.*//r } split ' ', $performance // 'none' }++;
    $out =~ s/\d+\.\d{3} ms/N ms/g;
    $out =~ s/=\d+\.\d{6}s/=Ns/g;
    return "$status $out$err";
}
sub plugin { return told($SIXTEEN, '--plugin', @_) }

# The same for its second name.
my $directory = scratch();
my $CHECK = "$directory/check_sixteen";
symlink File::Spec->rel2abs($SIXTEEN), $CHECK or die "$CHECK: $!";
sub check { return told($CHECK, @_) }

# A server that replies to one connection after the other, or closes it without a reply (0), or does
# not close it (2): its pid and port.
sub serve {
    my @replies = @_;
    my ($socket, $port) = listen_somewhere();
    my $pid = spawn(sub {
        $SIG{TERM} = 'DEFAULT';
        my @open;
        for my $reply (@replies) {
            my $peer = $socket->accept;
            sysread $peer, my $message, 16;
            syswrite $peer, $REPLY if $reply;
            push @open, $peer if $reply == 2;
        }
        sleep 3600;
    });
    return ($pid, $port);
}
my $UNKNOWN = 'time=U;;;0; max=U;;;0; lost=U;;;0;100';

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
    ['@0:60', '3600', 1, 'WARNING'], ['~:60', '~:3600', 0, 'OK', '60', '3600'], ['60:70', '3600', 1, 'WARNING'],
    [':60', ':3600', 0, 'OK', '60', '3600'], ['', ':0.000000001', 2, 'CRITICAL', '', '0.000000001'],
    ['1e-9', '', 1, 'WARNING', '0.000000001', ''], ['', '', 0, 'OK'], ['@~:1E+3', '-1:5', 1, 'WARNING', '', '5']) {
    my ($warn, $crit, $status, $word, @written) = @$case;
    @written = map { s/\A@.*//r } $warn, $crit if !@written;
    like plugin('--warn', $warn, '--crit', $crit, '127.0.0.1', $port),
        qr/\A$status SIXTEEN $word - correct reply from \S+ in N ms \| time=Ns;\Q$written[0]\E;\Q$written[1]\E;0;10 /, "--warn '$warn' --crit '$crit': $word";
}
like plugin('--crit', '0.000000001', '127.0.0.1', $port), qr/\A2 SIXTEEN CRITICAL .* time=Ns;;0\.000000001;0;10 /, '--crit alone';

is plugin('--bad'), "3 SIXTEEN UNKNOWN - unknown or ambiguous option, or one that takes no argument: --bad; see sixteen --help | $UNKNOWN\n", 'misuse is UNKNOWN';
my ($status, $out, $err) = run($SIXTEEN, '--bad', '-W', 'x', '--plugin', '--worse');
is "$status $out$err", "3 SIXTEEN UNKNOWN - unknown or ambiguous option, or one that takes no argument: --bad; see sixteen --help | $UNKNOWN\n", 'wherever it stands';
like plugin('--warn', 'x'), qr/\A3 SIXTEEN UNKNOWN - --warn x: .*\n\z/, 'a range that is none';
like plugin('--warn', '20:10'), qr/\A3 SIXTEEN UNKNOWN - --warn 20:10: .*\n\z/, 'or goes backwards';
is plugin('-P', 4), "3 SIXTEEN UNKNOWN - --plugin cannot be combined with -P, --rate or --duration; see sixteen --help | $UNKNOWN\n", 'a load';
is plugin('--json'), "3 SIXTEEN UNKNOWN - --json and --plugin are mutually exclusive; see sixteen --help | $UNKNOWN\n", 'another format';
like plugin('-W', 31536000, '127.0.0.1', $port), qr/ time=Ns;;;0;31536000 max=Ns;;;0;31536000 lost=/, 'performance data have no exponents';
like plugin('-w', '0.000000001', '127.0.0.1', $port), qr/\A2 SIXTEEN CRITICAL - \S.*: timed out after 0\.0\d* s.* \| time=U;;;0;10 max=U;;;0;10 lost=100%;;;0;100\n\z/, 'no time at all';
like join('', run($SIXTEEN, '--json', '--plugin')), qr/\A3SIXTEEN UNKNOWN - --json and --plugin are mutually exclusive; .*\n\z/, 'whichever comes first';
is plugin('-b', '192.0.2.1', '127.0.0.1', $port), "3 SIXTEEN UNKNOWN - connect to $to from 192.0.2.1: Cannot assign requested address | time=U;;;0;10 max=U;;;0;10 lost=U;;;0;100\n",
    'a failure of this host is UNKNOWN';
like plugin('no-such-host.invalid'), qr/\A2 SIXTEEN CRITICAL - resolve no-such-host\.invalid port 1060: \S.* \| time=U;;;0;10 max=U;;;0;10 lost=100%;;;0;100\n\z/,
    'a name that is not resolved is CRITICAL: the guidelines want it so';
is plugin('127.0.0.1', $port, '--expect', "Farewell|\ncl\x{1}ent"), "2 SIXTEEN CRITICAL - receive from $to: unexpected reply 'Farewell, client', expected 'Farewell\\x7c\\ncl\\x01ent' | time=U;;;0;10 max=U;;;0;10 lost=0%;;;0;100\n",
    'a wrong reply is, and a bar in it does not begin the performance data';
($status, $out, $err) = run('sh', '-c', '"$@" >/dev/full', 'sh', $SIXTEEN, '--plugin', '127.0.0.1', $port);
is $status, 3, 'what cannot be written is UNKNOWN';

my ($silent, $silent_port) = listen_somewhere();
my $pid = open my $plugin, '-|', $SIXTEEN, '--plugin', '-w', 60, '127.0.0.1', $silent_port or die "open: $!";
my $held = $silent->accept;
signal_asleep('TERM', $pid);
like join('', <$plugin>), qr/\ASIXTEEN UNKNOWN - (?:connect to|send to|receive from) 127\.0\.0\.1:$silent_port: interrupted after \S+ s.* \| time=U;;;0;10 max=U;;;0;10 lost=U;;;0;100\n\z/,
    'a TERM reports the phase that it interrupts';
close $plugin;
is $? >> 8, 3, 'and that this is UNKNOWN';
close $held;
like plugin('-W', 0.1, '127.0.0.1', $silent_port), qr/\A2 SIXTEEN CRITICAL - receive from 127\.0\.0\.1:$silent_port: timed out after \d\.\d+ s with 0 of 16 octets received \| time=U;;;0;0\.1 max=U;;;0;0\.1 lost=100%;;;0;100\n\z/, 'a time-out is';
like plugin('-w', 1, '127.0.0.1', $silent_port), qr/\A2 SIXTEEN CRITICAL - receive from \S+: timed out after (?:1|[01]\.\d+) s with /, 'by --deadline, too';
close $silent;
is plugin('-c', 2, '-i', 0, '127.0.0.1', $silent_port), "2 SIXTEEN CRITICAL - 0 of 2 replies correct; connect to 127.0.0.1:$silent_port: Connection refused | time=U;;;0;10 max=U;;;0;10 lost=100%;;;0;100\n",
    'so are refusals';
SKIP: {
    my @prefix = with_hosts("::1 two.test\n127.0.0.1 two.test\n") or skip 'needs a mount namespace', 1;
    my $only = start(listen => ['127.0.0.1:0']);
    my ($status, $out, $err) = run(@prefix, $SIXTEEN, '--plugin', 'two.test', $only->{port});
    like "$status$err$out", qr/\A0SIXTEEN OK - correct reply from 127\.0\.0\.1:/, 'an address that is passed over makes no second line';
    $only->stop;
}

# ---- loss

for my $case (
    ['1', '2', 2, 'CRITICAL'], ['1,20%', '2', 1, 'WARNING'], ['1,21%', '2,100%', 0, 'OK'], ['1', '2,20%', 2, 'CRITICAL'], ['1', '2,20.1%', 0, 'OK'],
    [',1%', '', 1, 'WARNING'], ['', '0%', 2, 'CRITICAL'], ['@0:9,99%', '', 1, 'WARNING'], ['9,20%', '0,50%', 2, 'CRITICAL']) {
    my ($warn, $crit, $status, $word) = @$case;
    my ($pid, $port) = serve(1, 1, 0, 1, 1);
    my ($low, $high) = map { /([\d.]+)%/ ? $1 : '' } $warn, $crit;
    like plugin('-c', 5, '-i', 0, '--warn', $warn, '--crit', $crit, '127.0.0.1', $port),
        qr/\A$status SIXTEEN $word - 4 of 5 replies correct, N ms on average; receive from \S+: the server closed .* lost=20%;\Q$low\E;\Q$high\E;0;100\n\z/,
        "1 of 5 lost, --warn '$warn' --crit '$crit': $word";
    finish($pid);
}
like plugin('--warn', '1,0%', '--crit', '1,0%', '127.0.0.1', $port), qr/\A0 SIXTEEN OK .* lost=0%;0;0;0;100\n\z/, 'no loss never alerts';
like plugin('-c', 2, '-i', 0, '--warn', '1,50%', '127.0.0.1', $silent_port), qr/\A2 SIXTEEN CRITICAL - 0 of 2 /, 'without a correct reply it is CRITICAL';
like plugin('-c', 2, '-i', 0, '--warn', '1,50%', '--expect', 'sixteen octets..', '127.0.0.1', $port), qr/\A2 SIXTEEN CRITICAL - 0 of 2 .* lost=0%;/, 'a wrong reply is not lost, and CRITICAL';
like plugin('--warn', $_), qr/\A3 SIXTEEN UNKNOWN - --warn \Q$_\E: \S.* \| \Q$UNKNOWN\E\n\z/, "--warn $_ is refused" for '1,20', '1,101%', ',%', '1%,2';
is plugin('-c', 3, '-i', 600, '-w', 2, '127.0.0.1', $port), "3 SIXTEEN UNKNOWN - 1 of 3 replies correct, N ms on average; the check ended before 2 of them completed "
    . "| time=Ns;;;0;10 max=Ns;;;0;10 lost=0%;;;0;100\n", 'exchanges that did not begin leave it UNKNOWN';

# ---- --connect

like plugin('--connect', '127.0.0.1', $port), qr/\A0 SIXTEEN OK - connected to \Q$to\E in N ms \| time=Ns;;;0;10 max=Ns;;;0;10 lost=0%;;;0;100\n\z/, '--connect speaks of a connection';
like plugin('--connect', '-c', 2, '-i', 0, '127.0.0.1', $port), qr/\A0 SIXTEEN OK - 2 of 2 connections established, N ms on average \| time=/, 'or of several';
like plugin('--connect', '127.0.0.1', $silent_port), qr/\A2 SIXTEEN CRITICAL - connect to \S+: Connection refused \| /, 'a refusal is CRITICAL';
like check('--connect', '-H', '127.0.0.1', '-p', $port, '-v'), qr/\A0 SIXTEEN OK - connected to \Q$to\E in N ms \| .*\n--- .*\n1 tried, 1 connected, 0% lost, /, 'by the second name';
like check('--connect', '-H', '127.0.0.1', '--expect', $REPLY), qr/\A3 SIXTEEN UNKNOWN - --connect sends nothing, .*; see check_sixteen --help \| /, 'which expects nothing else';

# ---- check_sixteen

is check('-H', '127.0.0.1', '-p', $port, '-w', 60, '-c', 3600), "0 SIXTEEN OK - correct reply from $to in N ms | time=Ns;60;3600;0;10 max=Ns;;;0;10 lost=0%;;;0;100\n", 'check_sixteen';
is check('--hostname', $to, '--warning=1e-9', '--critical=60', '--timeout=5'), "1 SIXTEEN WARNING - correct reply from $to in N ms | time=Ns;0.000000001;60;0;5 max=Ns;;;0;5 lost=0%;;;0;100\n", 'its long options';
is check('-H', "[::1]:$port6", '-6', '-c', '1e-9'), "2 SIXTEEN CRITICAL - correct reply from [::1]:$port6 in N ms | time=Ns;;0.000000001;0;10 max=Ns;;;0;10 lost=0%;;;0;100\n", 'over IPv6';
is check('-H', '::1', '--use-ipv6', '--port', $port6, '--bind', '::1', '--all'), "0 SIXTEEN OK - correct reply from [::1]:$port6 in N ms | time=Ns;;;0;10 max=Ns;;;0;10 lost=0%;;;0;100\n", 'all addresses, from a source';
is check('-H', '127.0.0.1', '-p', $silent_port, '-4'), "2 SIXTEEN CRITICAL - connect to 127.0.0.1:$silent_port: Connection refused | time=U;;;0;10 max=U;;;0;10 lost=100%;;;0;100\n", 'a refusal';
like check('-H', '127.0.0.1', '-p', $port, '-n', 3, '-t', 2, '-w', '60,20%', '-c', '60,50%', '-v'),
    qr/\A0 SIXTEEN OK - 3 of 3 replies correct, N ms on average \| time=Ns;60;60;0;2 max=Ns;;;0;2 lost=0%;20;50;0;100\n--- \Q$to\E statistics ---\n3 sent, 3 right, 0 wrong, 0% lost, /,
    'three exchanges, and the summary after the line';
my ($lossy, $lossy_port) = serve(1, 0, 1, 1, 1);
like check('-H', '127.0.0.1', '-p', $lossy_port, '-n', 5, '-t', 5, '-w', '60,20%', '-c', '60,60%'), qr/\A1 SIXTEEN WARNING - 4 of 5 .* lost=20%;20;60;0;100\n\z/, 'one of five is lost';
finish($lossy);
like check('-H', '127.0.0.1', '-p', $port, '--expect', "sixteen|octets.."), qr/\A2 SIXTEEN CRITICAL - .*'Farewell, client', expected 'sixteen\\x7coctets\.\.' \| time=U;/, 'another reply is expected';
like check('-H', '127.0.0.1', '-p', $port, '--message', "sixteen octets.."), qr/\A0 SIXTEEN OK /, 'another message';
my ($keeping, $keeping_port) = serve(2);
my $begun = time;
like check('-H', '127.0.0.1', '-p', $keeping_port, '-t', 3600), qr/\A0 SIXTEEN OK - correct reply from \S+ in N ms; no end of file followed 1 of the replies \| time=Ns;/, 'a server that does not close';
cmp_ok time - $begun, '<', 600, 'is waited for for a second, and not until the time is up';
finish($keeping);
($silent, $silent_port) = listen_somewhere();
like check('-H', '127.0.0.1', '-p', $silent_port, '-t', 0.3), qr/\A2 SIXTEEN CRITICAL - receive from \S+: timed out after \d\.\d+ s .* \| time=U;;;0;0\.3 max=U;;;0;0\.3 lost=100%;;;0;100\n\z/, '-t limits the check';
for my $case (
    [[], 'the option -H is missing; see check_sixteen --help'],
    [['-H'], 'option requires an argument: -H; see check_sixteen --help'],
    [['-H', 'a', '-x'], 'unknown option -x; see check_sixteen --help'],
    [['-H', 'a', '--plugin'], 'unknown or ambiguous option, or one that takes no argument: --plugin; see check_sixteen --help'],
    [['-H', 'a', 'b|c'], 'unexpected argument: b\x7cc; see check_sixteen --help'],
    [['-H', ''], "TARGET must be HOST, HOST:PORT or [IPV6]:PORT, not '': the host is missing"],
    [['-H', 'a', '-p', 'no-port'], 'unknown service no-port; /etc/services lists those of this host'],
    [['-H', 'a', '-n', '1001'], '--packets must be a whole number from 1 to 1000, not 1001'],
    [['-H', 'a', '-t', '0'], '--timeout must be a number of seconds greater than 0 and at most 31536000, not 0'],
    [['-H', 'a', '-w', '1,2'], '--warning 1,2: not a range; use 10, 10:, ~:10, 10:20 or @10:20'],
    [['-H', 'a', '-c', '2%%'], '--critical 2%%: the loss must be a percentage from 0 to 100, like 20%'],
    [['-H', 'a', '-46'], '-4, -6 and --bind must agree on the address family; see check_sixteen --help']) {
    my ($arguments, $why) = @$case;
    is check(@$arguments), "3 SIXTEEN UNKNOWN - $why | $UNKNOWN\n", "check_sixteen @$arguments: UNKNOWN";
}
is_deeply [keys %labels], ['time max lost'], 'the performance data have the same labels in the same order, whatever the state';

like join('', run($CHECK, '--version')), qr/\A3check_sixteen \d+\.\d+\.\d+\n\z/, '--version: UNKNOWN, as the guidelines want it';
my $help;
($status, $help, $err) = run($CHECK, '-h');
is "$status$err", '3', 'so is --help';
my $manual = read_file("$ENV{BUILD_DIR}/man/check_sixteen.1");
my @flags = read_file("$ENV{SOURCE_DIR}/src/client/options/check_options.c") =~ /\{"([a-z0-9-]+)",\s*\w+,\s*NULL,\s*('\w'|\w+)\}/g;
while (my ($long, $short) = splice @flags, 0, 2) {
    like $help, qr/--$long\b/, "--$long is in it";
    like $manual, qr/^\.It .*Fl -$long\b/m, 'and in the manual page';
    next if $short !~ /'(\w)'/ || $long eq 'bind';
    like "$help$manual", qr/^  -$1, --$long\b.*^\.It Fl $1\b.*Fl -$long\b/ms, "-$1, too";
}
($status, $out, $err) = run('sh', '-c', '"$@" >/dev/full', 'sh', $CHECK, '-H', '127.0.0.1', '-p', $port);
is "$status$err", "3check_sixteen: cannot write to standard output: No space left on device\n", 'what cannot be written is UNKNOWN';

# ---- what other programs make of it

SKIP: {
    skip 'libmonitoring-plugin-perl is not installed', 1 if !eval { require Monitoring::Plugin; require Monitoring::Plugin::Performance; require Monitoring::Plugin::Threshold };
    my %judged;
    my @texts = ('', map { ("$_", "\@$_") } qw(60 :60 1e-9 :0 0.0001: ~:0.0002 1e-9:60 .0001:.0002 60: ~:60));
    for my $warn (@texts) {
        for my $crit ('', ':60', '0.0001:', '@60:', '@~:60') {
            ($status, $out) = run($CHECK, '-H', $to, '-w', $warn, '-c', $crit);
            my ($time, @more) = Monitoring::Plugin::Performance->parse_perfstring($out =~ s/.*\|//r);
            my $threshold = Monitoring::Plugin::Threshold->set_thresholds(warning => $warn, critical => $crit);
            next if grep { abs($time->value - $_) < 1e-6 } 0.0001, 0.0002;    # it was rounded
            $judged{ $threshold->get_status($time->value) == $status ? 'right' : "-w '$warn' -c '$crit': $status $out" }++;
            my @read = map { $_->label . '=' . $_->uom . ' ' . $_->min . ' ' . $_->max } $time, @more;
            $judged{"read as @read"}++ if "@read" ne 'time=s 0 10 max=s 0 10 lost=% 0 100';
            for ([$warn, $time->warning], [$crit, $time->critical]) {
                my ($given, $read) = @$_;
                next if $given eq '' || $given =~ /^\@/;
                my ($as_given, $as_read) = map { Monitoring::Plugin::Range->parse_range_string($_)->check_range($time->value) } $given, $read;
                $judged{"$given is read as $read"}++ if $as_given != $as_read;
            }
        }
    }
    is_deeply [keys %judged], ['right'], "Perl's Monitoring::Plugin reads the performance data, and judges them in the same way" or diag join "\n", %judged;
}
SKIP: {
    skip 'icinga2 is not installed', 1 if !have('icinga2');
    ($status, $out) = run($CHECK, '-H', $to, '-w', '~:0.05,20%', '-c', ':1e3,60%', '-t', 12.5);
    my ($performance) = $out =~ /\| (.*)/;
    my ($read) = (run('icinga2', 'console', '--eval', join ' + ', map { my $value = $_; map { qq{parse_performance_data("$value").$_ + " "} } qw(label unit warn crit min max) } split ' ', $performance))[1];
    is $read =~ s/null//gr =~ s/(\.\d+?)0+\b/$1/gr, qq{"time seconds 0.05 1000 0 12.5 max seconds   0 12.5 lost percent 20 60 0 100 "\n}, 'Icinga 2 reads them';
}

$daemon->stop;
done_testing;
