# SPDX-License-Identifier: MIT
# sixteen as a load generator: closed and open loop, every exchange counted as the daemon counts it,
# errors counted separately, a progress line on a terminal only.
use strict;
use warnings;
use List::Util qw(min);
use POSIX qw(SIGINT SIGQUIT);
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

has_more_tries();

# At this severity the daemon does not log each connection.
my $daemon = start(config => 'log: { level = "notice"; };', listen => ['127.0.0.1:0', '[::1]:0']);
my ($port, $port6) = @{ $daemon->{ports} };

# How many exchanges the daemon has counted as ok.
sub served {
    my ($of) = @_;
    $of->tell('USR1');
    my ($count) = $of->wait_log(qr/notice outcomes /) =~ / ok=(\d+) /;
    return $count;
}

my $number = qr/\d+\.\d{3}/;
my $spread = qr{min/avg/max/mdev = $number/$number/$number/$number ms};
my $ranks  = qr{p50/p90/p99/p99\.9/p99\.99 = (?:$number/){4}$number ms};
my $phases = qr{connect p50/p99 = $number/$number ms, first octet p50/p99 = $number/$number ms, end p50/p99 = $number/$number ms};
my $chart  = qr/(?: ?[<>]=? +\S+ ms \|#* *\| +\d+\.\d\d%\n)+/;

my ($status, $out, $err) = run($SIXTEEN, '-P', 8, '-c', 1000, '127.0.0.1', $port);
is "$status$err", '0', 'a closed loop with a count of exchanges';
like $out, qr{\A--- 127\.0\.0\.1:$port statistics ---\n1000 sent, 1000 right, 0 wrong, 0% lost, time \d+ ms, \d+\.\d right/s\n$spread\n$ranks\n$phases\n$chart\z},
    'the summary, with a drawing';
my $sum = 0;
$sum += $_ for $out =~ /\| +(\d+\.\d\d)%/g;
cmp_ok abs($sum - 100), '<', 0.2, 'of which the rows are the whole';

($status, $out, $err) = run($SIXTEEN, '-q', '-P', 4, '-c', 100, '--json', '::1', $port6);
my ($sent) = $out =~ /"sent":(\d+)/;
is "$status$sent", '0100', 'over IPv6';
unlike $out, qr/"type":"exchange"/, 'as JSON it is the summary alone';
like $out, qr/"load":\{"parallel":4,"threads":\d+,"rate":null,"histogram":\[\[\d+\.\d{3},\d+\]/, 'with what is known of the load';
$daemon->stop;
like $daemon->{log}, qr/outcomes ok=1100 /, 'the daemon has counted the same';

$daemon = start(config => 'log: { level = "notice"; };');
$port = $daemon->{port};
my $begun = time;
($status, $out, $err) = run($SIXTEEN, '--duration', 0.4, '-P', 2, '--json', '127.0.0.1', $port);
cmp_ok time - $begun, '>=', 0.4, 'for a duration';
($sent) = $out =~ /"sent":(\d+),"right":\d+,"wrong":0,"lost":0,"failed":0,"unfinished":0,"no_end_of_file":0,"not_begun":0/;
is served($daemon), $sent, 'each exchange that it counts is one that the daemon has answered';

($status, $out, $err) = run($SIXTEEN, '--rate', 200, '-c', 60, '127.0.0.1', $port);
like "$status$err$out", qr{\A0--- .*\n60 sent, 60 right, 0 wrong, 0% lost, time (\d+) ms, .*\nlatency $spread\nlatency $ranks\nservice $spread\nservice $ranks\n$phases\n$chart\z},
    'an open loop reports latency and service time';
my (undef, $object) = run($SIXTEEN, '--rate', 1000, '-c', 10, '--json', '127.0.0.1', $port);
like $object, qr/"service":\{"min_us":.*"load":\{"parallel":1000,"threads":\d+,"rate":1000\.000,"histogram"/, 'as JSON, too';
my (undef, $slow) = run($SIXTEEN, '--rate', 0.0004, '-c', 1, '--json', '127.0.0.1', $port);
like $slow, qr/"elapsed_us":[\d.]+,"rate":0\.0004,.*"load":\{[^{]*"rate":0\.0004,/, 'a low rate is not rounded to nothing';
my ($took) = $out =~ /time (\d+) ms/;
cmp_ok $took, '>=', 250, 'at its rate: 60 exchanges at 200 a second begin within 295 ms';
my ($rate) = $object =~ /"rate":([\d.]+),"times"/;
cmp_ok $rate, '<=', 1000, 'of ten starts the rate is not that of nine intervals';
is served($daemon), $sent + 71, 'and all are served';

SKIP: {
    skip 'a sanitizer needs descriptors, too', 1 if is_sanitized();
    ($status, $out, $err) = run('sh', '-c', 'ulimit -n 7; exec "$@"', 'sh', $SIXTEEN, '--rate', 10, '127.0.0.1', $port);
    like "$status$out", qr/\A2.*\n0 sent, 0 right, 0 wrong, 0% lost, 1 failed locally, .*\nerrors: 1 failed in \w+: Too many open files\n\z|\A2\z/s,
        'one for which there are no descriptors does not begin';
}

# Source addresses.
($status, $out, $err) = run($SIXTEEN, '-P', 4, '-c', 40, '-b', '127.0.1.0/29', '-q', '127.0.0.1', $port);
is $status, 0, 'from the addresses of a prefix';
($status, $out, $err) = run($SIXTEEN, '-P', 2, '-c', 4, '-b', '192.0.2.1', '127.0.0.1', $port);
is "$status$err", '2', 'from an address of another host: status 2';
like $out, qr/^0 sent, 0 right, 0 wrong, 0% lost, 4 failed locally, .*\nerrors: 4 failed in connect: Cannot assign requested address\n/m, 'which is no loss';
$daemon->stop;

# A header of the PROXY protocol, and a server with another message.
$daemon = start(config => 'access: { proxies = [ "127.0.0.1" ]; }; expect = "sixteen octets !"; strict = true;');
($status, $out, $err) = run($SIXTEEN, '-P', 4, '-c', 40, '-q', '--message', 'sixteen octets !', '127.0.0.1', $daemon->{port}, '--proxy', 'v2', '192.0.2.7:40', '192.0.2.2:1060');
like "$status$err$out", qr/\A0--- .*\n40 sent, 40 right, /, 'with a header of the PROXY protocol and a message of its own';
like $daemon->wait_log(qr/ outcome=ok /), qr/ outcome=ok peer=192\.0\.2\.7:40 .* message="sixteen octets !"/, 'as the daemon sees it';
$daemon->stop;

# Servers that do wrong, by turns.
my ($listener, $wrong_port) = listen_somewhere();
my @turns = ($REPLY, 'Farewell, Client', substr($REPLY, 0, 4), '', "$REPLY!", 'reset');
my $server = spawn(sub {
    for (my $i = 0; ; $i++) {
        my $socket = $listener->accept;
        sysread $socket, my $message, 16;
        my $turn = $turns[$i % @turns];
        if ($turn eq 'reset') { reset_connection($socket) }
        else                  { syswrite $socket, $turn; close $socket }
    }
});
($status, $out, $err) = run($SIXTEEN, '-P', 1, '-c', 60, '127.0.0.1', $wrong_port);
finish($server);
like "$status$err$out", qr/\A1--- .*\n60 sent, 10 right, 30 wrong, 33\.33% lost, /, 'wrong replies and lost ones are counted';
for my $line ('10 mismatch in receive: unexpected reply', '20 short in receive: the server closed the connection early',
    '10 excess in close: reply longer than 16 octets', '10 reset in receive: Connection reset by peer') {
    like $out, qr/^errors: $line$/m, $line;
}
close $listener;
($status, $out, $err) = run($SIXTEEN, '-P', 2, '-c', 50, '127.0.0.1', $wrong_port);
like "$status$err$out", qr/\A1--- .*\n50 sent, 0 right, 0 wrong, 100% lost, .*\nerrors: 50 refused in connect: Connection refused\n\z/, 'nothing listens';

# A silent server: a time-out for each, the starts that find no place, and the end.
my ($silent, $silent_port) = listen_somewhere();
($status, $out, $err) = run($SIXTEEN, '-P', 3, '-c', 3, '-W', 0.2, '127.0.0.1', $silent_port);
like "$status$err$out", qr/\A1--- .*\n3 sent, 0 right, 0 wrong, 100% lost, .*\nerrors: 3 slow in receive: timed out\n\z/, 'a silent server';
($status, $out, $err) = run($SIXTEEN, '-P', 2, '--rate', 100, '--duration', 0.5, '-W', 10, '-w', 0.6, '127.0.0.1', $silent_port);
like "$status$err$out", qr/\A1--- .*\n0 sent, 0 right, 0 wrong, 0% lost, 2 unfinished, .*\n(?:latency .*\n){2}unfinished: 2, the longest after [\d.]+ ms\nnot begun: \d\d? scheduled exchanges\n/,
    'starts without a free slot are reported, and --deadline cuts what is under way';

# Those under way may end a little later than --deadline, but none begins.
($status, $out, $err) = run($SIXTEEN, '-q', '--rate', 100, '-w', 0.5, '--json', '127.0.0.1', $port);
my ($of_time, $too_many) = map { $out =~ /"$_":(\d+)/ ? $1 : 0 } qw(sent not_begun);
cmp_ok $of_time + $too_many, '<=', 50, '--deadline is the end of the schedule';
cmp_ok $of_time + $too_many, '>', 0, 'and not its beginning';

# What a report says of these percentiles, in milliseconds.
sub percentiles {
    my ($label, $text) = @_;
    my ($numbers) = $text =~ m{^$label p50/p90/p99/p99\.9/p99\.99 = ([\d./]+) ms}m;
    return split m{/}, $numbers;
}

# No coordinated omission: a server that stalls 0.4 s holds up what is scheduled meanwhile, whether
# the end is a count or a duration, and whether the stall ends before it or not.
my ($stalling, $stalling_port) = listen_somewhere();
sub stall {
    my ($at, $seconds, @end) = @_;
    my $server = spawn(sub {
        for (my $i = 0; ; $i++) {
            my $socket = $stalling->accept;
            sysread $socket, my $message, 16;
            select undef, undef, undef, $seconds if $i == $at;
            syswrite $socket, $REPLY;
            close $socket;
        }
    });
    my @result = run($SIXTEEN, '-q', '-P', 1, '--rate', 100, @end, '127.0.0.1', $stalling_port);
    finish($server);
    return @result;
}
for my $case ([10, '-c', 50], [30, '--duration', 0.5]) {
    my ($at, @end) = @$case;
    ($status, $out, $err) = stall($at, 0.4, @end);
    my $what = "@end, a stall at start $at";
    like "$status$out", qr/\A0.*\n50 sent, 50 right, /, "$what: all begin";
    cmp_ok +(percentiles('latency', $out))[1], '>', 250, 'it shows in the latency of all scheduled exchanges in it';
    cmp_ok +(percentiles('service', $out))[1], '<', 200, 'and in the service time of one';
    my ($rate) = $out =~ m{ ([\d.]+) right/s};
    cmp_ok $rate, '==', 100, 'the rate is that of the time in which they were due';
}
# One that outlasts the end by more than -W leaves starts that never begin, and these count too.
($status, $out, $err) = stall(30, 60, '--duration', 0.5, '-W', 0.3);
my ($begun_in_time, $never) = $out =~ /^(\d+) sent.*^not begun: (\d+) /ms;
is "$status " . ($begun_in_time + $never), '1 50', 'starts that never begin make the status 1, and none is left out';
cmp_ok $never, '>', 10, 'they are counted';
cmp_ok +(percentiles('latency', $out))[1], '>', 300, 'and their waiting is part of the latency';

# Two places for all threads, one of them held by a connection that hangs: the other one serves all.
my ($hanging, $hanging_port) = listen_somewhere();
$server = spawn(sub {
    my @held;
    for (my $i = 0; ; $i++) {
        my $socket = $hanging->accept;
        sysread $socket, my $message, 16;
        if ($i == 5) { push @held, $socket }
        else         { syswrite $socket, $REPLY; close $socket }
    }
});
($status, $out, $err) = run($SIXTEEN, '-q', '--rate', 100, '-P', 2, '-c', 60, '-W', 1, '127.0.0.1', $hanging_port);
finish($server);
like $out, qr/^60 sent, 59 right, 0 wrong, 1\.67% lost, /m, 'one connection hangs, and all others are served';
cmp_ok +(percentiles('latency', $out))[1], '<', 200, 'in time, on any number of processors';

# A server that replies and never closes.
my ($open, $open_port) = listen_somewhere();
$server = spawn(sub {
    my @held;
    while (push @held, scalar $open->accept) { sysread $held[-1], my $message, 16; syswrite $held[-1], $REPLY }
});
($status, $out, $err) = run($SIXTEEN, '-q', '-P', 4, '-c', 8, '-W', 0.2, '127.0.0.1', $open_port);
finish($server);
like "$status$out", qr/\A0.*\n8 sent, 8 right, 0 wrong, 0% lost, .*^no end of file: 8 correct replies\n\z/ms, 'replies without an end of file are right, and counted';

# One right reply among many that are refused: a percentage never rounds to all or none.
my ($once, $once_port) = listen_somewhere();
my $client = spawn(sub {
    my $socket = $once->accept;
    close $once;
    sysread $socket, my $message, 16;
    syswrite $socket, $REPLY;
    exit 0;
});
close $once;
($status, $out, $err) = run($SIXTEEN, '-q', '-c', 25000, '-P', 1, '127.0.0.1', $once_port);
like $out, qr/^25000 sent, 1 right, 0 wrong, 99\.996% lost, /m, 'a percentage is not rounded to all';
waitpid $client, 0;

# Signals, and the progress line.
sub signalled {
    my ($is_under_way, $signals, @command) = @_;
    my ($pid, $reader) = spawn_to_read(@command);
    wait_for($is_under_way);
    my $text = '';
    for my $signal (@$signals) {
        signal_asleep($signal, $pid);
        sysread $reader, $text, 4096, length $text if $signal == SIGQUIT;
        select undef, undef, undef, 0.2;    # a second Ctrl-C is one that comes later
    }
    1 while sysread $reader, $text, 4096, length $text;
    waitpid $pid, 0;
    return (($? & 127 ? -($? & 127) : $? >> 8) . " $text");
}
$daemon = start(config => 'log: { level = "notice"; };');
my $before = 0;
my $more = sub { return served($daemon) > $before };
like signalled($more, [SIGINT], $SIXTEEN, '-P', 4, '127.0.0.1', $daemon->{port}), qr/\A0 --- .*\n\d+ sent, \d+ right, 0 wrong, 0% lost, /, 'Ctrl-C ends it with the summary';
$before = served($daemon);
like signalled($more, [SIGQUIT, SIGINT], $SIXTEEN, '-P', 4, '127.0.0.1', $daemon->{port}), qr{\A0 \d+ s: \d+ done, \d+/s, 0 errors\n--- .*\n\d+ sent, }, 'Ctrl-\\ reports the progress';
($silent, $silent_port) = listen_somewhere();
my @held;
# A connection of another test can be among the first four, so the client has time for all of its own.
my $four = sub {
    push @held, $silent->accept;
    return @held == 4 && !select undef, undef, undef, 0.3;
};
like signalled($four, [SIGINT, SIGINT], $SIXTEEN, '-P', 4, '127.0.0.1', $silent_port), qr/\A1 --- .*\n0 sent, 0 right, 0 wrong, 0% lost, 4 unfinished, .*\nunfinished: 4, the longest after [\d.]+ ms\n\z/,
    'a second Ctrl-C cuts what hangs';
SKIP: {
    skip 'needs script and a terminal', 3 if !has_terminals();
    local $ENV{TERM} = 'xterm';
    my @load = ($SIXTEEN, '-P', 2, '--duration', 1.3, '127.0.0.1', $daemon->{port});
    ($status, $out, $err) = run('script', '-qec', "@load", '/dev/null');
    like $out, qr{\r\e\[K\d s: \d+ done, \d+/s, 0 errors, \d s left.*\r\e\[K--- }s, 'on a terminal there is a progress line, which goes away';
    ($status, $out, $err) = run('script', '-qec', "@load -q", '/dev/null');
    unlike $out, qr/\e/, 'not with --quiet';
    unlike $out, qr/#/, 'which draws nothing either';
}

($status, $out, $err) = run($SIXTEEN, '-q', '--duration', '0.000000001', '-P', 3, '127.0.0.1', $daemon->{port});
like "$status $out", qr/\A1 --- 127\.0\.0\.1:\d+ statistics ---\n0 sent, /, 'a load in which nothing began says so';

# At a low rate a start is as punctual as at a high one: to wait for a second adds nothing to the latency
# of the best of some clients, where ppoll(2) could add a millisecond. A busy machine has more tries.
my $added = 1000;
for my $try (1 .. 5) {
    my @clients = map { select undef, undef, undef, 0.1; [spawn_to_read($SIXTEEN, '-q', '--rate', 1, '-c', 2, '127.0.0.1', $daemon->{port})] } 1 .. 5;
    for my $client (@clients) {
        my ($pid, $reader) = @$client;
        my $text = '';
        1 while sysread $reader, $text, 4096, length $text;
        waitpid $pid, 0;
        my ($latency, $service) = map { $text =~ m{^$_ min/avg/max/mdev = [\d.]+/([\d.]+)/}m } qw(latency service);
        $added = min($added, 2 * ($latency - $service));
    }
    last if $added < 0.9;
}
cmp_ok $added, '<', is_sanitized() ? 10 : 0.9, 'at a low rate the latency is that of the server';

# Reports: together they count what the summary does, whatever thread made it.
($status, $out, $err) = run($SIXTEEN, '-P', 4, '--duration', 0.7, '--report', 0.2, '127.0.0.1', $daemon->{port});
my @intervals = $out =~ m{^([\d.]+-[\d.]+) s: \d+ right, [\d.]+ right/s, p50 $number ms, p99 $number ms, 0 wrong, 0 lost$}mg;
cmp_ok scalar(@intervals), '>=', 3, '--report: a line for each interval of a load';
my $reported = 0;
$reported += $_ for $out =~ m{^[\d.]+-[\d.]+ s: (\d+) right}mg;
is "$status$err$reported", '0' . ($out =~ /^(\d+) sent/m)[0], 'which add up to the summary';
like $out, qr{\A0\.00-0\.[2-9]\d s: (?:.*\n)+--- 127\.0\.0\.1:$daemon->{port} statistics ---\n}, 'which follows them';
($status, $out, $err) = run($SIXTEEN, '--json', '--rate', 200, '-c', 60, '--report', 0.1, '127.0.0.1', $daemon->{port});
$reported = 0;
$reported += $_ for $out =~ /^\{"type":"report",.*"right":(\d+),/mg;
is "$status$err$reported", '060', 'as JSON, too';

# Every address.
SKIP: {
    my @prefix = with_hosts("127.0.0.1 two.test\n::1 two.test\n") or skip 'needs a mount namespace', 5;
    my $to = $daemon->{port};
    ($status, $out, $err) = run(@prefix, $SIXTEEN, '-P', 2, '-c', 20, 'two.test', $to);
    like "$status$out", qr/\A0--- 127\.0\.0\.1:$to statistics ---\n20 sent, 20 right, /, 'the address that accepts is found';
    is $err, "sixteen: connect to [::1]:$to: Connection refused\n", 'and the one that refuses is reported';
    ($status, $out, $err) = run(@prefix, $SIXTEEN, '-P', 2, '-c', 20, '--all', 'two.test', $to);
    like "$status$err$out", qr/\A1--- (\S+) statistics ---\n10 sent, .*\n(?:min.*\np50.*\n)?--- (\S+) statistics ---\n10 sent, .*\n(?:min.*\np50.*\n)?--- all addresses ---\n20 sent, 10 right, 0 wrong, 50% lost, /,
        '--all asks both by turns';
    ($status, $out, $err) = run(@prefix, $SIXTEEN, '-P', 2, '-c', 20, 'two.test', $wrong_port);
    is "$status$err", "1sixteen: connect to [::1]:$wrong_port: Connection refused\n", 'where none accepts, the load goes on';
    like $out, qr/\A--- .*\n20 sent, 0 right, 0 wrong, 100% lost, /, 'and all of it is lost';
}
$daemon->stop;
done_testing;
