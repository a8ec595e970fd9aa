# SPDX-License-Identifier: MIT
# sixteen as ping: repeated exchanges with a count, an interval and a deadline, a line for each, and
# a summary in any case.
use strict;
use warnings;
use List::Util qw(max min sum);
use POSIX qw(SIGALRM SIGCONT SIGINT SIGQUIT SIGSTOP SIGTERM);
use Sixteen;
use Socket ();
use Test::More;
use Time::HiRes qw(time);

has_more_tries();
my $daemon = start(listen => ['127.0.0.1:0', '[::1]:0']);
my ($port, $port6) = @{ $daemon->{ports} };
my $number = qr/\d+\.\d{3}/;
my $times  = qr{min/avg/max/mdev = $number/$number/$number/$number ms\np50/p90/p99/p99\.9/p99\.99 = (?:$number/){4}$number ms\n(?:(?:connect|, first octet|, end) p50/p99 = $number/$number ms){3}\n};

# The pairs of names in the lines of a text.
sub pairs { return $_[0] =~ /\b(peer=\S+ local=\S+)/g }

my ($status, $out, $err) = run($SIXTEEN, '-c', 3, '-i', 0, '127.0.0.1', $port);
is "$status$err", '0', 'three exchanges';
like $out, qr{\A(?:outcome=ok peer=127\.0\.0\.1:\d+ local=127\.0\.0\.1:$port seq=\d octets=16 us=\d+ connect=\d+ send=\d+ first=\d+ last=\d+ end=\d+ rtt=\d+ retrans=0\n){3}--- 127\.0\.0\.1:$port statistics ---\n3 sent, 3 right, 0 wrong, 0% lost, time \d+ ms\n$times\z},
    'a line for each, and the summary';
is join(' ', $out =~ / seq=(\d+) /g), '1 2 3', 'they are numbered';
for my $line ($out =~ /^outcome=ok .*/mg) {
    my @phases = $line =~ / (?:connect|send|first|last|end)=(\d+)/g;
    is_deeply \@phases, [sort { $a <=> $b } @phases], 'the phases come one after the other';
    my ($us) = $line =~ / us=(\d+)/;
    is $us, $phases[-1], 'and the end of file is the end';
}
$daemon->wait_log(qr/ outcome=ok /) for 1 .. 3;
is_deeply [sort +pairs($out)], [sort +pairs($daemon->{log})], 'one grep finds both ends: the pair of names is the one in the log of sixteend';

($status, $out, $err) = run($SIXTEEN, '-qc', 2, '-i', 0, '::1', $port6);
like "$status$out$err", qr/\A0--- \[::1\]:$port6 statistics ---\n2 sent, 2 right, 0 wrong, 0% lost, time \d+ ms\n$times\z/, '--quiet: only the summary';

# The schedule: begins at multiples of the interval, as the daemon saw them.
($status, $out, $err) = run($SIXTEEN, '-c', 6, '-i', 0.1, '127.0.0.1', $port);
my ($took) = $out =~ /time (\d+) ms/;
cmp_ok $took, '>=', 500, 'six exchanges 0.1 s apart take half a second';

# An outage of more than 0.2 s: as with ping, exchanges begin on time all the while, and the loss is seen.
my $watch = open my $records, '-|', $SIXTEEN, '--json', '-i', 0.02, '-W', 0.2, '-w', 2, '127.0.0.1', $port or die "open: $!";
my @records = (scalar <$records>);
freeze($daemon->{pid});
while (defined(my $record = <$records>)) {
    push @records, $record;
    last if grep({ /"outcome":"slow"/ } @records) == 5;
}
$daemon->tell('CONT');
push @records, <$records>;
close $records;
keep_records(join '', @records);
is $? >> 8, 1, 'an outage during a watch: status 1';
my $total = pop @records;
my %count = $total =~ /"(\w+)":(\d+),/g;
is $count{sent} + $count{unfinished}, scalar @records, 'each that began has a record';
cmp_ok abs(@records + $count{not_begun} - 95), '<=', 6, 'each beat either begins or is counted';
cmp_ok $count{lost}, '>=', 5, 'what got no reply in its time is lost';
my %second = map { /"seq":(\d+),"time":"[^"]*:(\d\d\.\d+)Z"/ } @records;
is scalar(keys %second), @records, 'seq tells the beats apart';
my $first = min(keys %second);
my @lateness = map { $second{$_} - $second{$first} - ($_ - $first) * 0.02 } keys %second;
@lateness = sort { $a <=> $b } map { $_ < -30 ? $_ + 60 : $_ } @lateness;
cmp_ok $lateness[@lateness / 2], '<', 0.02, 'and most begin at their beats';
cmp_ok $lateness[-1], '<', 0.15, 'and none long after it';

# What the client itself was too late for is counted, even at the end.
my ($stopped, $lines) = spawn_to_read($SIXTEEN, '-i', 0.1, '-w', 0.4, '127.0.0.1', $port);
my $seen = '';
sysread $lines, $seen, 4096, length $seen until $seen =~ /seq=1 /;
freeze($stopped);
select undef, undef, undef, 0.5;
kill 'CONT', $stopped;
1 while sysread $lines, $seen, 4096, length $seen;
waitpid $stopped, 0;
like(($? >> 8) . $seen, qr/\A1outcome=ok .*^not begun: [1-3] scheduled exchanges\n\z/ms, 'a client that was stopped counts what it did not begin');

# The time for an exchange is kept to a few milliseconds, and a reply after it is too late.
my ($listener, $slow_port) = listen_somewhere();
my $server = spawn(sub {
    my @held = map { scalar $listener->accept } 1 .. 8;
    select undef, undef, undef, 0.55;
    syswrite $_, $REPLY for @held;
    select undef, undef, undef, 60;
});
($status, $out, $err) = run($SIXTEEN, '-c', 8, '-i', 0.01, '-W', 0.5, '127.0.0.1', $slow_port);
finish($server);
my @waited = sort { $a <=> $b } $out =~ /^outcome=slow .* us=(\d+) .* error="timed out after 0\.5 s with 0 of 16 octets received"$/mg;
is scalar(@waited) + ($out =~ /^not begun: (\d+)/m ? $1 : 0), 8, 'a reply that comes after the time limit is late, each time';
cmp_ok $waited[0], '>=', 500_000, 'the limit is not cut short';
cmp_ok $waited[0], '<', 510_000, 'nor stretched';

# A silent server, and a port at which nothing listens.
my ($silent, $silent_port) = listen_somewhere();
($status, $out, $err) = run($SIXTEEN, '-c', 2, '-i', 0, '-W', 0.2, '127.0.0.1', $silent_port);
is "$status$err", '1', 'a silent server: status 1';
like $out, qr/^outcome=slow peer=127\.0\.0\.1:\d+ local=127\.0\.0\.1:$silent_port seq=2 octets=0 us=2\d{5} connect=\d+ send=\d+ rtt=\d+ retrans=0 phase=receive error="timed out after 0\.2 s with 0 of 16 octets received"\n/m,
    'each line has the phase and the reason';
like $out, qr/ statistics ---\n2 sent, 0 right, 0 wrong, 100% lost, time 4\d\d ms\nerrors: 2 slow in receive: timed out\n\z/, 'the summary at 100 % loss';
close $silent;
($status, $out, $err) = run($SIXTEEN, '-c', 2, '-i', 0, '127.0.0.1', $silent_port);
like "$status$out$err", qr/\A1(?:outcome=refused peer=127\.0\.0\.1:\d+ local=127\.0\.0\.1:$silent_port seq=\d octets=0 us=\d+ phase=connect error="Connection refused"\n){2}---.*\n2 sent, 0 right, 0 wrong, 100% lost, time \d+ ms\nerrors: 2 refused in connect: Connection refused\n\z/,
    'nothing listens';

# Some right, some wrong.
($listener, $slow_port) = listen_somewhere();
$server = spawn(sub {
    for my $reply ($REPLY, 'Farewell, Client', substr($REPLY, 0, 4), '', "$REPLY!") {
        my $socket = $listener->accept;
        sysread $socket, my $message, 16;
        syswrite $socket, $reply;
        close $socket;
    }
});
($status, $out, $err) = run($SIXTEEN, '-c', 5, '-i', 0, '127.0.0.1', $slow_port);
finish($server);
is $status, 1, 'some are wrong: status 1';
is join(' ', $out =~ /^outcome=(\w+) peer/mg), 'ok mismatch short short excess', 'the outcomes, in the words of the log';
like $out, qr/^outcome=mismatch .* phase=receive error="unexpected reply" reply="Farewell, Client"$/m, 'another reply is shown';
like $out, qr/^outcome=short .* octets=4 .* error="the server closed the connection after 4 of 16 octets" reply="Fare"$/m, 'and part of one';
like $out, qr/^5 sent, 1 right, 3 wrong, 20% lost, /m, 'counted: right, wrong, and lost where no octet came';
like $out, qr/^errors: 2 short in receive: the server closed the connection early$/m, 'with a line for each kind';

# -w ends it, whatever happens.
my $begun = time;
($status, $out, $err) = run($SIXTEEN, '-i', 0.01, '-w', 1, '127.0.0.1', $port);
cmp_ok time - $begun, '<', 20, '--deadline ends it';
my $expected = $out =~ /^not begun: /m ? 1 : 0;    # on a busy machine
like "$status$out", qr/\A${expected}outcome=ok .* (\d+) right, 0 wrong, 0% lost,(?: \d+ unfinished,)? time (?:[89]\d\d|\d{4}) ms\n/s, 'with status 0 if all began';
(undef, $silent_port) = my @silent = listen_somewhere();
$begun = time;
($status, $out, $err) = run($SIXTEEN, '-w', 0.3, '127.0.0.1', $silent_port);
cmp_ok time - $begun, '>=', 0.3, 'an exchange under way is cut, at its time';
like "$status$out", qr/\A1outcome=unfinished .* octets=0 .* phase=receive error="cut by --deadline after 0\.\d+ s with 0 of 16 octets received"\n.*\n0 sent, 0 right, 0 wrong, 0% lost, 1 unfinished, time \d+ ms\nunfinished: 1, the longest after [\d.]+ ms\n\z/,
    'it is neither sent nor lost, but where nothing was right the status is 1';

($status, $out, $err) = run($SIXTEEN, '-c', 1000, '-i', 0.1, '-w', 0.5, '127.0.0.1', $port);
like "$status$out", qr/\A1outcome=ok .* 0 wrong, 0% lost/s, 'with --count, fewer than that are not enough';
($status, $out, $err) = run('sh', '-c', '"$@" >/dev/full', 'sh', $SIXTEEN, '-i', 0.01, '127.0.0.1', $port);
like "$status|$err", qr/\A2\|sixteen: cannot write to standard output/, 'it ends if its output cannot be written';

# One that was under way for less than the slowest right one took says nothing against the server.
my ($tardy, $tardy_port) = listen_somewhere();
$server = spawn(sub {
    my @held;
    while (my $socket = $tardy->accept) {
        sysread $socket, my $message, 16;
        select undef, undef, undef, 0.5;
        syswrite $socket, $REPLY if !@held;
        shutdown $socket, 1 if !@held;
        push @held, $socket;
    }
});
($status, $out, $err) = run($SIXTEEN, '-i', 0, '-w', 0.8, '127.0.0.1', $tardy_port);
finish($server);
like "$status$out", qr/\A0outcome=ok .*\noutcome=unfinished .*\n--- .*\n1 sent, 1 right, 0 wrong, 0% lost, 1 unfinished, time \d+ ms\n(?:.*\n){3}unfinished: 1, the longest after \d+\.\d{3} ms\n\z/, 'one that was cut sooner than the slowest right one took leaves the status at 0';

# Signals.
sub signalled {
    my ($when, $signals, @command) = @_;
    my ($pid, $reader) = spawn_to_read(@command);
    my $text = '';
    my $send = sub { signal_asleep(shift @$signals, $pid) };
    while (sysread $reader, $text, 4096, length $text) {
        next if !@$signals || $text !~ $when;
        $send->();
        $when = qr/ sent, .*\n/;
    }
    waitpid $pid, 0;
    return ($? & 127 ? -($? & 127) : $? >> 8, $text);
}
($status, $out) = signalled(qr/seq=2/, [SIGINT], $SIXTEEN, '-i', 0.2, '127.0.0.1', $port);
like "$status $out", qr/\A0 outcome=ok .*\n--- .*\n\d+ sent, \d+ right, 0 wrong, 0% lost, time \d+ ms\n$times\z/s, 'Ctrl-C: the summary and status 0';
($status, $out) = signalled(qr/seq=2/, [SIGTERM], $SIXTEEN, '-i', 0.2, '127.0.0.1', $port);
like "$status $out", qr/\A0 outcome=ok .*\n--- .*$times\z/s, 'so does a SIGTERM';
($status, $out) = signalled(qr/seq=2/, [SIGQUIT, SIGINT], $SIXTEEN, '-i', 0.2, '127.0.0.1', $port);
like "$status $out", qr{\A0 outcome=ok .*^\d+ sent, \d+ right, 0 wrong, 0% lost, min/avg/max/mdev = \S+ ms\n.*^--- .*$times\z}ms,
    'Ctrl-\\: the counts, and it goes on';
($status, $out) = signalled(qr/sent, /, [SIGINT], 'sh', '-c', '(sleep 0.3; kill -QUIT $$) & exec "$@"', 'sh', $SIXTEEN, '-c', 3, '127.0.0.1', $silent_port);
like "$status $out", qr/\A1 0 sent, 0 right, 0 wrong, 0% lost\noutcome=unfinished .* error="interrupted after 0\.\d+ s with 0 of 16 octets received"\n--- .*\n0 sent, 0 right, 0 wrong, 0% lost, 1 unfinished, time \d+ ms\nunfinished: 1, the longest after [\d.]+ ms\n\z/,
    'both while an exchange hangs: it is unfinished, in its phase';
($status, $out) = signalled(qr/seq=2/, [SIGINT], 'sh', '-c', 'trap "" INT; exec "$@"', 'sh', $SIXTEEN, '-c', 1000, '-i', 0, '127.0.0.1', $port);
like "$status $out", qr/\A0 outcome=ok .*\n1000 sent, 1000 right, /s, 'a SIGINT that was ignored at the start, as in the background of a script, stays so';

# Between two exchanges nothing is measured.
my $pid = open my $between, '-|', $SIXTEEN, '-i', 3600, '127.0.0.1', $port or die "open: $!";
$out = <$between>;
select undef, undef, undef, 0.5;
signal_asleep('INT', $pid);
$out .= join '', <$between>;
close $between;
like $out, qr/\Aoutcome=ok .* us=(\d+) .*\n--- .*\n1 sent, 1 right, 0 wrong, 0% lost, time (\d+) ms\n/, 'ended before the second one';
my ($us, $ms) = $out =~ / us=(\d+) .* time (\d+) ms/s;
cmp_ok $ms, '<', $us / 1000 + 450, 'the time is that to the end of the last';

($listener, $slow_port) = listen_somewhere();
$server = spawn(sub {
    my $socket = $listener->accept;
    sysread $socket, my $message, 16;
    syswrite $socket, $REPLY;
    select undef, undef, undef, 60;
});
($status, $out) = signalled(qr/sent, /, [SIGINT], 'sh', '-c', '(sleep 0.5; kill -QUIT $$) & exec "$@"', 'sh', $SIXTEEN, '-c', 3, '-W', 50, '127.0.0.1', $slow_port);
finish($server);
like "$status $out", qr/\A0 0 sent, .*\noutcome=ok .* remark="correct reply, but no end of file within 0\.\d+ s"\n--- .*\n1 sent, 1 right, 0 wrong, 0% lost, time .*\nno end of file: 1 correct replies\n\z/s,
    'a right reply of which the end of file is not there yet is right, with a remark';


# A thousand exchanges can be open; further ones do not begin.
my ($unanswering, $unanswering_port) = listen_somewhere();
($status, $out) = run($SIXTEEN, '-q', '-i', 0.0005, '-c', 1300, '-w', 2, '-W', 60, '127.0.0.1', $unanswering_port);
my ($left_out) = $out =~ /^not begun: (\d+) scheduled exchanges$/m;
cmp_ok $left_out // 0, '>=', 300, 'a watch with more exchanges open than it can have counts those that it leaves out';
close $unanswering;

# A single exchange says what it was interrupted in, and dies of the signal.
for my $signal (SIGINT, SIGTERM) {
    my ($hanging, $hanging_port) = listen_somewhere();
    my ($pid, $reader) = spawn_to_read($SIXTEEN, '127.0.0.1', $hanging_port);
    my $held = $hanging->accept;
    signal_asleep($signal, $pid);
    my $text = '';
    1 while sysread $reader, $text, 4096, length $text;
    waitpid $pid, 0;
    like(($? & 127) . " $text", qr/\A$signal (?:Client.*\n)?sixteen: (?:connect to|send to|receive from) 127\.0\.0\.1:$hanging_port: interrupted after \S+ s(?: with 0 of 16 octets received)?\n\z/, "signal $signal during a single exchange");
}

SKIP: {
    skip 'a sanitizer can hold back signals until the write has ended', 2 if is_sanitized();
    pipe my $unread, my $stuck or die "pipe: $!";
    my $writes = spawn(sub {
        open STDOUT, '>&', $stuck;
        close $_ for $unread, $stuck;
        exec $SIXTEEN, '-i', 0, '127.0.0.1', $port;
    });
    my $FIONREAD = 0x541b;
    my $filled = 0;    # lines do not straddle pages, so a full pipe holds a little less than its size
    wait_for(sub {
        select undef, undef, undef, 0.1;
        ioctl $unread, $FIONREAD, my $count = pack 'i', 0;
        my $is_full = unpack('i', $count) > 60000 && unpack('i', $count) == $filled;
        $filled = unpack 'i', $count;
        return $is_full;
    });
    signal_asleep(SIGTERM, $writes);
    waitpid $writes, 0;
    is $? & 127, SIGALRM, 'a TERM also ends one that waits for a reader';

    # The pipe has no room for the summary, either.
    my $sums_up = spawn(sub {
        open STDOUT, '>&', $stuck;
        close $_ for $unread, $stuck;
        exec $SIXTEEN, '-q', '-i', 0.1, '-w', 0.3, '127.0.0.1', $port;
    });
    waitpid $sums_up, 0;
    is $? & 127, SIGALRM, 'the time limit ends one whose summary waits for a reader';
}

# A run that was stopped beyond its time limit has its summary when it goes on.
{
    my ($pid, $reader) = spawn_to_read($SIXTEEN, '-i', 0.1, '-w', 0.5, '127.0.0.1', $port);
    my $text = <$reader>;
    kill SIGSTOP, $pid;
    select undef, undef, undef, 3;    # the time limit, and the time for the reader of the output
    kill SIGCONT, $pid;
    $text .= $_ while <$reader>;
    waitpid $pid, 0;
    is $? & 127, 0, 'a run that was stopped beyond its time limit ends by itself';
    like $text, qr/^\d+ sent, [1-9]\d* right/m, 'with its summary';
}

# Every address of a name.
SKIP: {
    my @prefix = with_hosts("127.0.0.1 two.test\n::1 two.test\n") or skip 'needs a mount namespace', 12;
    my $both = start(listen => ['127.0.0.1:0']);
    my $only = $both->{port};
    ($status, $out, $err) = run(@prefix, $SIXTEEN, '--all', 'two.test', $only);
    is "$status$err", '1', '--all: one address of two refuses: status 1';
    is join("\n", sort map { /(outcome=\w+ .*)seq/ && $1 =~ s/peer=\S+/peer=/r } split /\n/, $out),
        "outcome=ok peer= local=127.0.0.1:$only \noutcome=refused peer= local=[::1]:$only ", 'a verdict for each';
    ($status, $out, $err) = run(@prefix, $SIXTEEN, '--all', '-c', 2, '-i', 0, 'two.test', $only);
    is "$status$err", '1', 'repeated, too';
    like $out, qr/^--- 127\.0\.0\.1:$only statistics ---\n2 sent, 2 right, 0 wrong, 0% lost, /m, 'each address has a summary';
    like $out, qr/^--- \[::1\]:$only statistics ---\n2 sent, 0 right, 0 wrong, 100% lost, /m, 'the broken family is seen';
    ($status, $out, $err) = run(@prefix, $SIXTEEN, '--all', '-4', 'two.test', $only);
    is "$status$err", '0', '-4: only the one of the two';
    ($status, $out, $err) = run(@prefix, $SIXTEEN, '-c', 3, '-i', 0, 'two.test', $only);
    is $status, 0, 'without --all, the address that accepts is kept';
    is $err, "sixteen: connect to [::1]:$only: Connection refused\n", 'the one that refuses is reported once';
    is scalar(() = $out =~ /^outcome=ok \S+ local=127\.0\.0\.1/mg), 3, 'and all three are asked of the other';
    $both->stop;

    # An address that does not answer, and one that refuses meanwhile.
    my ($hole, $hole_port) = full_listener();
    my @two = (with_hosts("127.0.0.1 two.test\n127.0.0.2 two.test\n"), $SIXTEEN, '-w', 0.6, '-c', 1, 'two.test', $hole_port);
    ($status, $out, $err) = run(@two);
    is "$status$err", "1sixteen: connect to 127.0.0.2:$hole_port: Connection refused\n", 'the one that refuses is reported';
    like $out, qr/\Aoutcome=unfinished peer=127\.0\.0\.1:\d+ local=127\.0\.0\.1:$hole_port .* phase=connect error="cut by --deadline after 0\.\d+ s"\n/, 'and the other one is what the end cuts';
    ($status, $out, $err) = run(@two, '--all');
    like "$status$err$out", qr/\A1outcome=refused peer=\S+ local=127\.0\.0\.2:$hole_port .*\noutcome=unfinished peer=\S+ local=127\.0\.0\.1:$hole_port .*\n--- 127\.0\.0\.1:$hole_port .*\n0 sent, .* 1 unfinished, .*\n(?:.*\n)--- 127\.0\.0\.2:$hole_port statistics ---\n1 sent, .* 100% lost, /, 'with --all both are asked at the same time';
}

# The time of day.
my $stamp = qr/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)/;

# Whether a time lies between two others, of which the first is in whole seconds.
sub is_between {
    my ($time, @limits) = @_;
    my ($from, $to) = map { POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime $_) } $limits[0], $limits[1] + 1;
    return $from le $time && $time le $to;
}
$begun = time;
($status, $out, $err) = run($SIXTEEN, '-D', '127.0.0.1', $port);
like "$status$err$out", qr/\A0time=$stamp outcome=ok peer=\S+ local=127\.0\.0\.1:$port seq=1 .*\n\z/, '-D: a single exchange is a line that begins with its time';
my ($begin) = $out =~ /$stamp/;
ok is_between($begin, $begun, time), 'which is that of the day, in UTC' or diag $begin;
($status, $out, $err) = run($SIXTEEN, '--timestamps', '-c', 3, '-i', 0.1, '127.0.0.1', $port);
my @begins = $out =~ /^time=$stamp outcome=ok /mg;
is scalar(@begins), 3, 'each line has its time';
my @seconds = map { /(\d\d\.\d+)Z/ } @begins;
my @gaps = map { my $gap = $seconds[$_] - $seconds[$_ - 1]; $gap < 0 ? $gap + 60 : $gap } 1, 2;
cmp_ok max(map { abs($_ - 0.1) } @gaps), '<', 0.09, 'that of its beginning';
unlike $out, qr/^time=.*sent/m, 'the summary has none';
$begun = time;
($status, $out, $err) = run($SIXTEEN, '-D', 'no-such-host.invalid');
like "$status$out$err", qr/\A1sixteen: $stamp: resolve no-such-host\.invalid port 1060: \S.*\n\z/, 'a failure on standard error has it too';
ok is_between(($err =~ /$stamp/)[0], $begun, time), 'in the same form';
SKIP: {
    my @prefix = with_hosts("127.0.0.1 two.test\n::1 two.test\n") or skip 'needs a mount namespace', 2;
    my $only = start(listen => ['127.0.0.1:0']);
    ($status, $out, $err) = run(@prefix, $SIXTEEN, '-D', 'two.test', $only->{port});
    like $err, qr/\Asixteen: $stamp: connect to \[::1\]:\d+: Connection refused\n\z/, 'so has an address that failed';
    my ($of_address) = $err =~ /$stamp/;
    like $out, qr/\Atime=\Q$of_address\E outcome=ok /, 'that of the exchange which tried it';
    $only->stop;
}

# Reports, each with its interval: a list of hashes.
sub reports {
    my ($text) = @_;
    return map { m{^(?:time=\S+ )?([\d.]+)-([\d.]+) s: (\d+) right, ([\d.]+) right/s,(?: p50 $number ms, p99 $number ms,)? (\d+) wrong, (\d+) lost(?:, (\d+) unfinished)?$}
            ? { from => $1, to => $2, right => $3, rate => $4, wrong => $5, lost => $6, unfinished => $7 // 0 } : () } split /\n/, $text;
}
($status, $out, $err) = run($SIXTEEN, '--report', 0.2, '-i', 0.05, '-c', 17, '127.0.0.1', $port);
my @reports = reports($out);
is "$status$err", 0, '--report';
cmp_ok scalar(@reports), '>=', 4, 'a line for each interval';
is sum(map { $_->{right} } @reports), 17, 'together they count all exchanges';
is join(' ', map { $_->{from} } @reports), join(' ', '0.00', map { $_->{to} } @reports[0 .. $#reports - 1]), 'each begins where the last one ended';
ok !(grep { $reports[$_ - 1]{to} < $_ * 0.2 - 0.01 } 1 .. $#reports), 'no interval is too short' or diag $out;
cmp_ok abs($reports[0]{to} - 0.2), '<', 0.15, 'nor too long';
like $out, qr/^outcome=ok .* seq=17 .*\n[\d.]+-[\d.]+ s: .*\n--- /m, 'the last one ends with the run';
ok !(grep { $_->{to} - $_->{from} > 0.1 && abs($_->{right} / ($_->{to} - $_->{from}) - $_->{rate}) > 0.2 * $_->{rate} + 1 } @reports), 'the rates are those of the intervals' or diag $out;
($status, $out, $err) = run($SIXTEEN, '-Dq', '--report', 0.1, '-i', 0.05, '-c', 3, '-W', 0.12, '127.0.0.1', $silent_port);
@reports = reports($out);
is sum(map { $_->{lost} } @reports), 3, 'what is lost is counted, with --quiet too';
is scalar(() = $out =~ /^time=$stamp [\d.]+-[\d.]+ s: 0 right, 0\.0 right\/s, 0 wrong, \d lost$/mg), scalar(@reports), 'with -D each has the time of its end, and without a right one no percentiles';
($status, $out) = signalled(qr/seq=3/, [SIGINT], $SIXTEEN, '--report', 10, '-i', 0.1, '127.0.0.1', $port);
@reports = reports($out);
is "$status " . @reports . ' ' . ($reports[0]{right} + $reports[0]{unfinished}), '0 1 ' . ($out =~ /^(\d+) sent/m)[0],
    'after Ctrl-C the interval that it ended is reported' or diag $out;

# Where it comes from.
($status, $out, $err) = run($SIXTEEN, '-b', '127.0.0.7', '127.0.0.1', $port);
like "$status$out$err", qr/\A0Client has been assigned socket name 127\.0\.0\.7:\d+\n/, '--bind an address';
($status, $out, $err) = run($SIXTEEN, '-b', 'lo', '-c', 1, '127.0.0.1', $port);
like "$status$out$err", qr/\A0outcome=ok peer=127\.0\.0\.1:/, '--bind an interface';
($status, $out, $err) = run($SIXTEEN, '-b', '127.0.1.0/30', '-c', 4, '-i', 0, '127.0.0.1', $port);
is join(' ', $out =~ /peer=(\S+):/g), '127.0.1.1 127.0.1.2 127.0.1.1 127.0.1.2', '--bind a prefix: its addresses by turns';
($status, $out, $err) = run($SIXTEEN, '-b', '192.0.2.1', '127.0.0.1', $port);
is "$status|$out|$err", "2||sixteen: connect to 127.0.0.1:$port from 192.0.2.1: Cannot assign requested address\n", 'an address of another host is a local error';
($status, $out, $err) = run($SIXTEEN, '-b', '192.0.2.1', '-c', 2, '-i', 0, '127.0.0.1', $port);
like "$status$out", qr/\A2outcome=failed peer=- local=\S+ seq=1 .* phase=connect error="Cannot assign requested address"\n.*^0 sent, 0 right, 0 wrong, 0% lost, 2 failed locally, time/ms, 'counted separately from a loss';
($status, $out, $err) = run($SIXTEEN, '-b', '127.0.0.1', '-6', 'localhost', $port);
is "$status|$err", "2|sixteen: -4, -6 and --bind must agree on the address family; see sixteen --help\n", 'a source has a family';

# A name that is not resolved.
($status, $out, $err) = run($SIXTEEN, '-c', 3, 'no-such-host.invalid');
like "$status|$out|$err", qr/\A1\|\|sixteen: resolve no-such-host\.invalid port 1060: \S.*\n\z/, 'an unknown name: reported once';
($status, $out, $err) = run($SIXTEEN, '-q', '-c', 3, 'no-such-host.invalid');
like "$status|$out|$err", qr/\A1\|\|sixteen: resolve no-such-host\.invalid port 1060: \S.*\n\z/, 'with --quiet too, since no summary follows';
($status, $out, $err) = run($SIXTEEN, '-b', 'fe80::7', '-c', 1, '::1', $port6);
is "$status|$out|$err", "2||sixteen: --bind fe80::7: a link-local address needs an interface, like fe80::7%eth0\n", 'a link-local source without its interface';
is $daemon->stop, 0, 'the daemon ends';
done_testing;
