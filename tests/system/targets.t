# SPDX-License-Identifier: MIT
# sixteen with many targets: operands and a file of them, a start for each in a round, a table at the
# end. addresses.t has the names.
use strict;
use warnings;
use List::Util qw(max min);
use POSIX qw(SIGINT SIGQUIT SIGTERM);
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

has_more_tries();
my $daemon = start(listen => ['*:0'], config => 'limits: { connections = 4096; per_source = 0; }; log: { level = "notice"; };');
my $port = $daemon->{port};
my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 100) or die "listen: $@";
my $silent_port = $silent->sockport;
my ($closed, $refusing_port) = listen_somewhere();
close $closed;
my $right = "127.0.0.2:$port";
my $refusing = "127.0.0.1:$refusing_port";
my $slow = "127.0.0.1:$silent_port";
my $number = qr/\d+\.\d{3}/;
my $times = qr{$number/$number/$number/$number};

# The targets of a thousand: loopback addresses of one daemon.
sub many { return map { sprintf '127.1.%d.%d:%d', $_ / 250, $_ % 250 + 1, $port } 0 .. $_[0] - 1 }

# The members of the objects of one type that are numbers or plain strings: a list of hashes.
sub objects {
    my ($type, $text) = @_;
    return map { { /"(\w+)":"?([^",{}\[\]]+)"?/g } } $text =~ /^(\{"type":"$type",.*)$/mg;
}

# The seconds of the day of an RFC 3339 time.
sub seconds {
    my ($hours, $minutes, $rest) = $_[0] =~ /T(\d\d):(\d\d):([\d.]+)Z\z/ or die "no time: $_[0]";
    return ($hours * 60 + $minutes) * 60 + $rest;
}

# ---- One is right, one refuses, one is silent ----

my $begun = time;
my ($status, $out, $err) = run($SIXTEEN, '-W', 0.5, $right, $refusing, $slow);
my $took = time - $begun;
is "$status$err", 1, 'three targets, of which one is right: status 1, and nothing on standard error';
like $out, qr/^outcome=ok target=\Q$right\E peer=127\.0\.0\.\d:\d+ local=\Q$right\E seq=1 octets=16 us=\d+ connect=.*$/m, 'a line for the right one';
like $out, qr/^outcome=refused target=\Q$refusing\E peer=\S+ local=\Q$refusing\E seq=1 octets=0 us=\d+ phase=connect error="Connection refused"$/m, 'for that which refuses';
like $out, qr/^outcome=slow target=\Q$slow\E peer=\S+ local=\Q$slow\E seq=1 octets=0 us=5\d{5} .* phase=receive error="timed out after 0\.5 s with 0 of 16 octets received"$/m, 'and for the silent one';
cmp_ok $took, '<', 0.9, 'they are asked at the same time';
my @table = (
    '--- 3 targets ---',
    'target +sent +right +lost  min/avg/p90/max ms +last failure',
    "\Q$right\E +1 +1 +0%  ($times)",
    "\Q$refusing\E +1 +0 +100%  - +connect to \Q$refusing\E: Connection refused",
    "\Q$slow\E +1 +0 +100%  - +receive from \Q$slow\E: timed out after 0\\.5 s with 0 of 16 octets received",
    'all +3 +1 +66\.67%  \g{-1}',
    '3 sent, 1 right, 0 wrong, 66\.67% lost, time \d+ ms',
    'min/avg/max/mdev = .*', 'p50/.*', 'connect p50/p99 = .*', ('errors: 1 (?:refused|slow) .*') x 2);
my $table = join '', map { "$_\n" } @table;
like $out, qr/^$table\z/m, 'the table';
my ($heading, @rows) = $out =~ /^((?:target |\S+:\d+ +\d|all ).*)$/mg;
is index($heading, 'last failure'), index($rows[1], 'connect to'), 'its columns are aligned';
is index($heading, 'min/avg'), index($rows[$_], '  -') + 2, 'all of them' for 1, 2;
($status, my $quiet, $err) = run($SIXTEEN, '-q', '-W', 0.5, $right, $refusing, $slow);
like "$status$err$quiet", qr/\A1--- 3 targets ---\ntarget /, '--quiet: only the table';

($status, $out, $err) = run($SIXTEEN, '--json', '-W', 0.5, $right, $refusing, $slow);
is "$status$err", 1, 'as JSON';
my %of = map { ($_->{target} => $_) } objects('exchange', $out);
is join(' ', map { "$of{$_}{outcome}/$of{$_}{phase}" } $right, $refusing, $slow), 'ok/close refused/connect slow/receive', 'each object names its target';
my ($summary) = $out =~ /^(\{"type":"summary".*)$/m;
like $summary, qr/"host":null,"sent":3,"right":1,"wrong":0,"lost":2,.*"lost_percent":66\.67,/, 'the summary counts all';
my $sent_again = qr/"retransmissions":0,"retransmissions_in":0,"syn_retransmissions":0,"syn_retransmissions_in":0/;
my $counts = qr/"failed":0,"unfinished":0,"no_end_of_file":0,"not_begun":0/;
like $summary, qr/"targets":\[
    \{"target":"\Q$right\E","sent":1,"right":1,"wrong":0,"lost":0,$counts,"lost_percent":0,"times":\{"min_us":[^}]*\},$sent_again,"last_failure":null\},
    \{"target":"\Q$refusing\E","sent":1,"right":0,"wrong":0,"lost":1,$counts,"lost_percent":100,"times":null,$sent_again,"last_failure":\{"seq":1,"time":"[^"]+","outcome":"refused","phase":"connect","error":"Connection\ refused"\}\},
    \{"target":"\Q$slow\E","sent":1,"right":0,"wrong":0,"lost":1,$counts,"lost_percent":100,"times":null,$sent_again,"last_failure":\{"seq":1,"time":"[^"]+","outcome":"slow","phase":"receive","error":"timed\ out[^"]*"\}\}
    \]/x, 'and has them one by one';
like $summary, qr/"arguments":\["--json","-W","0\.5","\Q$right\E","\Q$refusing\E","\Q$slow\E"\]/, 'with the command line';

($status, $out, $err) = run($SIXTEEN, $right, "[::1]:$port", '-c', 2, '-i', 0.1);
SKIP: {
    skip 'this host has no IPv6', 1 if read_file('/proc/net/if_inet6') eq '';
    like "$status$err$out", qr/\A1(?=.*target=\[::1\]:$port )|\A0/s, 'an IPv6 address is a target too';
}
($status, $out, $err) = run($SIXTEEN, '-p', $port, '127.0.0.2', "127.0.0.3:$port", '127.0.0.4');
is join(' ', "$status$err", sort +($out =~ /target=(\S+)/g)), join(' ', 0, map { "127.0.0.$_:$port" } 2 .. 4), '-p is the port of each target that names none: all are right, status 0';

# ---- Rounds ----

($status, $out, $err) = run($SIXTEEN, '--json', '-c', 3, '-i', 0.2, '127.0.0.2', '127.0.0.3', '127.0.0.4', '-p', $port);
is "$status$err", 0, 'three rounds';
my @starts = sort { $a->{time} cmp $b->{time} } objects('exchange', $out);
is join(' ', map { "$_->{seq}/" . substr $_->{host}, -1 } @starts), '1/2 1/3 1/4 2/2 2/3 2/4 3/2 3/3 3/4', 'each has a start for each target, in their order';

# Return how late each start was, given the time from one round to the next and that between the starts
# in a round: the median, in seconds.
sub lateness {
    my ($interval, $spacing, $text, @targets) = @_;
    my %place = map { ($targets[$_] => $_) } 0 .. $#targets;
    my @late = map { seconds($_->{time}) - ($_->{seq} - 1) * $interval - $place{ $_->{target} } * $spacing } objects('exchange', $text);
    my $least = min(@late);
    @late = sort { $a <=> $b } map { $_ - $least } @late;
    return $late[@late / 2];
}
# A busy machine has more tries; a sanitizer takes longer than that for an exchange.
my @forty = many(40);
for ([0.4, 0.001, 0.012, 'the starts of a round are 1 ms apart'], [0.02, 0.0005, 0.006, 'or evenly spaced if the interval is shorter than that']) {
    my ($interval, $spacing, $slack, $name) = @$_;
    my $late;
    for (1 .. 5) {
        ($status, $out, $err) = run($SIXTEEN, '--json', '-c', 5, '-i', $interval, @forty);
        $late = lateness($interval, $spacing, $out, @forty);
        last if $late < $slack || is_sanitized();
    }
    SKIP: {
        skip 'a sanitizer makes this too slow', 1 if is_sanitized();
        cmp_ok $late, '<', $slack, $name;
    }
}
is scalar(objects('exchange', $out)) + ($out =~ /"not_begun":(\d+)/)[0], 200, 'each start takes place or is counted';

# -w, -c and the status.
$begun = time;
($status, $out, $err) = run($SIXTEEN, '-i', 0.1, '-w', 0.55, $right, $slow);
cmp_ok time - $begun, '<', 5, '-w ends a run with several';
is "$status$err", 1, 'and what was silent all the time is not right';
my ($row) = $out =~ /^\Q$slow\E +(.*)$/m;
like $row, qr/^0 +0 +0%  - +receive from \Q$slow\E: cut by --deadline after 0\.\d+ s with 0 of 16 octets received$/, 'it is cut, neither sent nor lost';
like $out, qr/^all .*\n\d+ sent, \d+ right, 0 wrong, 0% lost, [3-6] unfinished, /m, 'and counted as unfinished';
($status, $out, $err) = run($SIXTEEN, '--json', '-i', 0.3, '-w', 0.7, '-W', 0.5, $right, $slow);
like $out, qr/"target":"\Q$slow\E","sent":[1-9].*?"unfinished":[1-9].*?"last_failure":\{"seq":[12],"time":"[^"]+","outcome":"slow",/, 'which hides no failure that came before';
my ($tiring, $tiring_port) = listen_somewhere();
my $server = spawn(sub {
    my $first = $tiring->accept;
    sysread $first, my $message, 16;
    syswrite $first, $REPLY;
    close $first;
    select undef, undef, undef, 60;
});
($status, $out, $err) = run($SIXTEEN, '--json', '-i', 0.3, '-w', 0.7, '-W', 5, $right, "127.0.0.1:$tiring_port");
finish($server);
like $out, qr/"target":"127\.0\.0\.1:$tiring_port","sent":1,"right":1,.*?"unfinished":[1-9].*?"last_failure":null\}\]/, 'and is not shown where one was right';
($status, $out, $err) = run($SIXTEEN, '-q', '-c', 1000, '-i', 0.1, '-w', 0.5, $right, "127.0.0.3:$port");
like "$status$out", qr/\A1.*^all .* 0%/ms, 'with -c, fewer than that many rounds are not enough';
($status, $out, $err) = run($SIXTEEN, '-q', '-c', 2, '-i', 0.1, '-w', 50, $right, "127.0.0.3:$port");
like "$status$out", qr/\A0.*^all +4 +4 +0%/ms, 'as many are';

($status, $out, $err) = run($SIXTEEN, '-q', '-i', 10, '-w', 0.2, many(1000));
my ($asked) = $out =~ /^all +(\d+) /m;
like "$status$out", qr/\A1(?s:.*)^127\.1\.3\.250:$port +0 +0 +0%  -\s*$(?s:.*)^all +$asked +$asked +0%/m, 'nor is a target that had no turn';
cmp_ok $asked, '<', 1000, 'though all others are right';

# Signals.
sub signalled {
    my ($signals, @command) = @_;
    my ($pid, $reader) = spawn_to_read(@command);
    my $text = '';
    my $when = qr/seq=2 /;
    while (sysread $reader, $text, 65536, length $text) {
        next if !@$signals || $text !~ $when;
        signal_asleep(shift @$signals, $pid);
        $when = qr/ sent, .*\n/;
    }
    waitpid $pid, 0;
    return ($? & 127 ? -($? & 127) : $? >> 8, $text);
}
for my $signal (SIGINT, SIGTERM) {
    ($status, $out) = signalled([$signal], $SIXTEEN, '-i', 0.2, $right, $slow);
    like "$status$out", qr/\A1(?s:.*)^outcome=unfinished target=\Q$slow\E .* error="interrupted after [\d.]+ s with 0 of 16 octets received"\n--- 2 targets ---\n(?:.*\n){3}all .*\n\d+ sent, /m, "signal $signal ends a run with its table";
}
($status, $out) = signalled([SIGQUIT, SIGINT], $SIXTEEN, '-i', 0.2, $right, "127.0.0.3:$port");
like "$status$out", qr/\A0outcome=ok (?s:.*)^\d+ sent, \d+ right, 0 wrong, 0% lost, min\S+ = \S+ ms\n(?s:.*)^--- 2 targets ---$/m, 'QUIT: the counts of all, and it goes on';
($status, $out) = signalled([SIGINT], 'sh', '-c', '(sleep 0.5; kill -INT $$) & exec "$@"', 'sh', $SIXTEEN, $right, $slow);
like "$status$out", qr/\A1outcome=ok .*\noutcome=unfinished .*\n--- 2 targets ---$/m, 'without another option a signal ends the only round, with the table';

# ---- A file ----

my $directory = scratch();
my $file = write_file("$directory/targets", <<"END");
# a comment, and an empty line

127.0.0.2
  127.0.0.3:$port   # after a target
\t127.0.0.4\t
127.0.0.5# at once
127.0.0.6\r
END
my @listed = map { "127.0.0.$_:$port" } 2 .. 6;
($status, $out, $err) = run($SIXTEEN, '-q', '-p', $port, '--targets', $file);
is join(' ', "$status$err", $out =~ /^(127\S+)/mg), "0 @listed", '--targets: the lines of a file, in their order';
($status, $out, $err) = run($SIXTEEN, '-q', '-p', $port, '--targets', $file, '127.0.0.1', '127.0.0.7');
is join(' ', "$status$err", $out =~ /^(127\S+)/mg), "0 127.0.0.1:$port 127.0.0.7:$port @listed", 'after the operands';
my @from_input = ('sh', '-c', 'exec "$@" <"$0"', $file, $SIXTEEN, '-q', '-p', $port, '--targets', '-');
($status, $out, $err) = run(@from_input);
is join(' ', "$status$err", $out =~ /^(127\S+)/mg), "0 @listed", 'or of standard input';
write_file($file, '127.0.0.2');
($status, $out, $err) = run($SIXTEEN, '-p', $port, '--targets', $file);
like "$status$err$out", qr/\A0outcome=ok target=127\.0\.0\.2:$port .*\n--- 1 target ---\n/, 'one target of a file has its table too, and its line needs no end';

# What is wrong with a file, and where.
for my $case (
    ["127.0.0.2\n\n::1]:1\n", qr/\Q$file\E:3: TARGET must be HOST, HOST:PORT or \[IPV6\]:PORT, not ::1\]:1: \S.*/],
    ["127.0.0.2:99999\n", qr/\Q$file\E:1: TARGET must be .*, not 127\.0\.0\.2:99999: the port must be .*/],
    ["127.0.0.2 1060\n", qr/\Q$file\E:1: unexpected text after the target: 1060\n/],
    ["127.0.0.2 a # b\n", qr/\Q$file\E:1: unexpected text after the target: a # b\n/],
    ["# one\n127.0.0.2\0\n", qr/\Q$file\E:2: the line contains a NUL octet/],
    ["127.0.0.2:no-such-service\n", qr/\Q$file\E:1: unknown service no-such-service; /],
    ["127.0.0.2\n127.0.0.3\n127.0.0.2:1060\n", qr/\Q$file\E:3: the target 127\.0\.0\.2:1060 is given twice/],
    ["127.0.0.1:9\n", qr/\Q$file\E:1: the target 127\.0\.0\.1:9 is given twice/, '127.0.0.1:9'],
    ['x' x 300 . "\n", qr/\Q$file\E:1: TARGET must be .*: the host is too long/],
    ["fe80::1\n", qr/\Q$file\E:1: fe80::1: a link-local address needs an interface, like /],
    ["::1\n", qr/\Q$file\E:1: ::1 is not an IPv4 address, but -4 or --bind requires one/, '-4'],
    ["# none\n\n", qr/--targets: \Q$file\E has no target/],
    [join('', map { sprintf "127.%d.%d.%d\n", $_ / 65536, $_ / 256 % 256, $_ % 256 } 1 .. 10001), qr/\Q$file\E:10001: at most 10000 targets are supported/],
) {
    my ($text, $words, @options) = @$case;
    write_file($file, $text);
    ($status, $out, $err) = run($SIXTEEN, '--targets', $file, @options);
    like "$status$out$err", qr/\A2sixteen: $words[^\n]*\n?\z/, "a wrong file: $words";
}
write_file($file, "::1]\n");
like +(run(@from_input))[2], qr/\Asixteen: standard input:1: TARGET must be /, 'a wrong line of standard input';
($status, $out, $err) = run($SIXTEEN, '--targets', "$directory/none");
is "$status$out$err", "2sixteen: --targets: cannot open $directory/none: No such file or directory\n", 'no file';
($status, $out, $err) = run($SIXTEEN, '--targets', $directory);
is "$status$out$err", "2sixteen: cannot read $directory: Is a directory\n", 'a directory';

# ---- What does not go together ----

for my $case (
    [['127.0.0.1:9', '127.0.0.1:9'], 'the target 127.0.0.1:9 is given twice'],
    [['127.0.0.1', '127.0.0.1:1060'], 'the target 127.0.0.1:1060 is given twice'],
    [['127.0.0.1', '127.0.0.2', '1060'], '1060 is not a TARGET; with several, write each as HOST:PORT'],
    [['127.0.0.1:9', '127.0.0.2:9', '-P', 2], 'a load takes only one TARGET; see sixteen --help'],
    [['127.0.0.1:9', '127.0.0.2:9', '--rate', 2], 'a load takes only one TARGET; see sixteen --help'],
    [['127.0.0.1:9', '127.0.0.2:9', '-i', 0], '--interval 0 takes only one TARGET; several are checked at the same time'],
) {
    ($status, $out, $err) = run($SIXTEEN, @{ $case->[0] });
    is "$status$out$err", "2sixteen: $case->[1]\n", "sixteen @{ $case->[0] }";
}
write_file($file, "127.0.0.1:9\n");
for my $options (['127.0.0.1:9', '127.0.0.2:9'], ['--targets', $file]) {
    ($status, $out, $err) = run($SIXTEEN, '--plugin', @$options);
    like "$status$out$err", qr/\A3SIXTEEN UNKNOWN - --plugin takes only one TARGET; see sixteen --help \|.*\n\z/, "--plugin @$options";
}

# ---- A thousand ----

# Run rounds of targets; return the median in microseconds and the most memory in kB.
sub measure {
    my ($count) = @_;
    my @targets = many($count);
    write_file($file, join '', map { "$_\n" } @targets);
    my ($pid, $reader) = spawn_to_read($SIXTEEN, '--json', '--targets', $file, '-c', 3);
    my ($text, $memory) = ('', 0);
    while (sysread $reader, $text, 65536, length $text) {
        ($memory) = (read_file("/proc/$pid/status") =~ /^VmHWM:\s*(\d+)/m, $memory);
    }
    waitpid $pid, 0;
    keep_records($text);
    my $what = "$count targets";
    is $? >> 8, 0, "$what, each once a second: all are right" or diag substr $text, -2000;
    my ($summary) = $text =~ /^(\{"type":"summary".*)$/m;
    my %total = map { $_ => $summary =~ /"$_":(\d[\d.]*)/ } qw(sent right not_begun p50_us p99_us);
    is "$total{sent} $total{right} $total{not_begun}", $count * 3 . ' ' . $count * 3 . ' 0', "$what: every start took place";
    is scalar(() = $summary =~ /"last_failure":null/g), $count, "$what: each has its row";
    diag "$what: median $total{p50_us} us, p99 $total{p99_us} us, $memory kB" if $ENV{SHOW};
    return ($total{p50_us}, $memory);
}
SKIP: {
    skip 'a sanitizer makes this too slow', 8 if is_sanitized();
    my ($few) = measure(10);
    my ($median, $memory) = measure(1000);
    cmp_ok $median, '<', 10 * $few + 5000, 'a thousand are as fast as ten, more or less';
    cmp_ok $memory, '<', 64 * 1024, 'in bounded memory';
}
is $daemon->stop, 0, 'the daemon ends';
done_testing;
