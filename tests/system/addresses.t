# SPDX-License-Identifier: MIT
# sixteen and the addresses of a name: which it tries and when (RFC 8305), what it says of those that
# fail, and look-ups that change, hang, or need another spelling. A name server of the test answers.
use strict;
use warnings;
use POSIX qw(SIGINT);
use Sixteen;
use Socket qw(AF_INET AF_INET6 inet_pton);
use Test::More;
use Time::HiRes qw(time);

has_more_tries();
own_network();
must(qw(ip link set lo up));
plan skip_all => 'this host has no IPv6' if read_file('/proc/net/if_inet6') eq '';

my $directory = scratch();
chmod 0755, $directory;
my @prefix = with_mounts(
    '/etc/hosts' => write_file("$directory/hosts", ''),
    '/etc/resolv.conf' => write_file("$directory/resolv.conf", "nameserver 127.0.0.1\n"),
    '/etc/nsswitch.conf' => write_file("$directory/nsswitch.conf", "hosts: files dns\nservices: files\n"))
    or plan skip_all => 'needs a mount namespace, and the files of a resolver';
my @impatient = with_mounts('/etc/resolv.conf' => write_file("$directory/impatient", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"));
my @sixteen = (@prefix, $SIXTEEN);

# An address that swallows packets: at a wire with nothing at its end.
must(qw(ip link add wire type veth peer name end));
must(qw(ip link set), $_, 'up') for qw(wire end);
must(qw(ip address add 192.0.2.1/32 dev lo));
must(qw(ip address add 2001:db8::1/64 dev wire nodad));
must(qw(ip -6 neigh add 2001:db8::dead lladdr 02:00:00:00:00:01 dev wire));

# The names and their addresses. A change takes its place at once, so no reader sees a part of it.
my $table = "$directory/table";
sub set_names {
    my (%names) = @_;
    write_file("$table.new", join '', map { "$_ @{ $names{$_} }\n" } keys %names);
    rename "$table.new", $table;
    return;
}

my $questions = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 53, Proto => 'udp') or die "a name server: $!";
pipe my $asked, my $asks or die "pipe: $!";
my $LATE = 0.35;    # seconds that the answer to a name like late.test takes
my $name_server = spawn(sub {
    local $SIG{CHLD} = 'IGNORE';
    while (my $from = $questions->recv(my $question, 512)) {
        my ($name, $at) = ('', 12);
        while (my $length = ord substr $question, $at, 1) {
            $name .= substr($question, $at + 1, $length) . '.';
            $at += 1 + $length;
        }
        chop $name;
        syswrite $asks, "$name\n";
        next if $name =~ /^silent/ || ($name =~ /^late/ && fork);
        select undef, undef, undef, $LATE if $name =~ /^late/;
        my $type = unpack 'n', substr $question, $at + 1, 2;
        my ($addresses) = read_file($table) =~ /^\Q$name\E (.*)$/m;
        my @records = map { inet_pton($type == 28 ? AF_INET6 : AF_INET, $_) // () } grep { ($type == 28) == /:/ } split / /, $addresses // '';
        $questions->send(substr($question, 0, 2) . pack('n5', 0x8180 | (defined $addresses ? 0 : 3), 1, scalar @records, 0, 0) . substr($question, 12, $at + 5 - 12)
            . join('', map { pack 'nnnNn/a', 0xc00c, $type, 1, 60, $_ } @records), 0, $from);
        POSIX::_exit(0) if $name =~ /^late/;
    }
});
close $asks;

# A server at one port of every address, IPv6 and IPv4.
my $daemon = start(listen => ['127.0.0.2:1060', '127.0.0.3:1060', '192.0.2.1:1060', '[2001:db8::1]:1060'], config => 'log: { level = "notice"; };');
my ($status, $out, $err);

# ---- A first address that does not answer ----

set_names('two.test' => ['127.0.0.2', '127.0.0.3'], 'both.test' => ['2001:db8::dead', '192.0.2.1'], 'refusing.test' => [map { ("::$_", "127.0.0.$_") } 4 .. 13],
    'many.test' => [(map { "127.0.1.$_" } 1 .. 19), '127.0.0.2'], 'moving.test' => ['127.0.0.2'], 'xn--bcher-kva.test' => ['127.0.0.2']);
my $hole = '[2001:db8::dead]:1060';
my $late = "connect to $hole: no answer within 0.N s; another address answered first";
sub shown { return map { s/within 0\.\d+ s/within 0.N s/gr } @_ }

my $begun = time;
($status, $out, $err) = run(@sixteen, 'both.test');
my $took = time - $begun;
like "$status$out", qr/\A0Client has been assigned socket name 192\.0\.2\.1:\d+\nThe server said 'Farewell, client'\n\z/, 'the second address of a name answers';
is +(shown($err))[0], "sixteen: $late\n", 'that the first one does not is reported';
cmp_ok $took, '>=', 0.25, 'not before its time';
cmp_ok $took, '<', 5, 'which is not that of a time-out';
($status, $out, $err) = run(@sixteen, '-c', 3, '-i', 0, 'both.test');
is scalar(() = $out =~ /^outcome=ok \S+ local=192\.0\.2\.1:1060 .* us=(?:2[5-9]|[3-9]\d)\d{4} /mg), 3, 'a watch tries both each time';
is join('', shown($err)), "sixteen: $late\n", 'but reports the hole once';
($status, $out, $err) = run(@sixteen, '-q', '-P', 2, '-c', 40, 'both.test');
like "$status$out", qr/\A0--- 192\.0\.2\.1:1060 statistics ---\n40 sent, 40 right, /, 'a load goes to the one that answers';
my ($median) = $out =~ m{^p50/.* = ([\d.]+)/}m;
cmp_ok $median, '<', 200, 'and stays there';
is join('', shown($err)), "sixteen: $late\n", 'that reports the hole once, too';
($status, $out, $err) = run(@sixteen, '--json', 'both.test');
like +(shown($out))[0], qr/\A\{"type":"address","time":"[^"]+","target":"both\.test:1060","host":"both\.test","local":"\Q$hole\E","outcome":"slow","error":"no answer within 0\.N s; another address answered first"\}\n\{"type":"exchange",.*"local":"192\.0\.2\.1:1060","outcome":"ok"/,
    'as JSON it is an object';
is $err, '', 'and nothing on standard error';
($status, $out, $err) = run(@sixteen, '--plugin', '-w', 9, 'both.test');
like "$status " . (shown($out))[0], qr/\A0 SIXTEEN OK - correct reply from 192\.0\.2\.1:1060 in [\d.]+ ms; \Q$late\E \|/, 'a plugin is OK with a remark';

# A load stays with an address until a connect fails, and then finds another one.
my @daemons = map { start(listen => ["$_:1061"], config => 'log: { level = "notice"; };') } '127.0.0.2', '127.0.0.3';
my ($pid, $reader) = spawn_to_read(@sixteen, '-q', '--rate', 50, '-c', 40, 'two.test:1061');
wait_for(sub { $daemons[0]->tell('USR1'); return $daemons[0]->wait_log(qr/notice outcomes /) !~ / ok=\d\b/ });
is $daemons[0]->stop, 0, 'the server of a load ends';
my $text = '';
1 while sysread $reader, $text, 4096, length $text;
waitpid $pid, 0;
like(($? >> 8) . $text, qr/\A0sixteen: connect to 127\.0\.0\.2:1061: Connection refused\n--- .*\n40 sent, 40 right, 0 wrong, 0% lost, /, 'the load finds another one, and loses nothing');
$daemons[1]->stop;
like $daemons[1]->{log}, qr/ outcomes ok=[1-9]\d* /, 'which has served the rest';

# ---- All at the same time ----

$begun = time;
($status, $out, $err) = run(@sixteen, '--all', '-W', 0.6, 'both.test');
$took = time - $begun;
my ($first) = $out =~ /\A(.*)\n/;
like $first, qr/^outcome=ok \S+ local=192\.0\.2\.1:1060 seq=1 .* us=\d{1,5} /, '--all: the one that answers does not wait for the other';
like "$status$out", qr/\A1.*\noutcome=slow \S+ local=\Q$hole\E seq=1 .* error="timed out after 0\.6 s"\n\z/, 'which is slow';
cmp_ok $took, '<', 1.1, 'all are asked at the same time';

# ---- Many ----

($status, $out, $err) = run(@sixteen, 'many.test');
is $status, 0, 'a name with twenty addresses, of which one accepts';
is scalar(grep { /^sixteen: connect to 127\.0\.1\.\d+:1060: Connection refused$/ } split /\n/, $err), scalar(() = $err =~ /\n/g), 'each that refuses before it is reported';
($status, $out, $err) = run(@sixteen, 'refusing.test');
is $status, 1, 'a name with twenty addresses, of which none does';
my @tried = $err =~ /^sixteen: connect to (\S+):1060: .*$/mg;
is scalar @tried, 20, 'each is reported';
is scalar(grep { ($tried[$_] =~ /^\[/) == ($tried[$_ - 1] =~ /^\[/) } 1 .. $#tried), 0, 'the families alternate';

# A shortage on this host says nothing about an address. The limit leaves descriptors for a few sockets
# in addition to those of the threads.
my ($threads) = (run('nproc'))[1] =~ /(\d+)/;
my $limit = 9 + 2 * ($threads < 8 ? $threads : 8);
($status, $out, $err) = run('sh', '-c', "ulimit -n $limit; exec \"\$@\"", 'sh', @sixteen, '-q', '-P', 8, '-c', 40, 'two.test');
is "$status|$err", '2|', 'no address is reported when descriptors run out';
like $out, qr/^\d+ sent, \d+ right, 0 wrong, 0% lost, \d+ failed locally, .*\nerrors: \d+ failed in connect: Too many open files\n\z/ms, 'but the shortage is';

# ---- Look-ups ----

($pid, $reader) = spawn_to_read(@sixteen, '-D', '-i', 0.1, '--resolve', 0.3, 'moving.test');
$text = '';
sysread $reader, $text, 4096, length $text until $text =~ /^time=\S+ outcome=ok \S+ local=127\.0\.0\.2:1060 /m;
set_names('moving.test' => ['127.0.0.3', '127.0.0.4']);
wait_for(sub { sysread($reader, $text, 4096, length $text) == 0 || $text =~ /^time=\S+ outcome=ok \S+ local=127\.0\.0\.3:1060 /m });
set_names('other.test' => ['127.0.0.2']);
my $lost = qr/^sixteen: \S+Z: cannot look up moving\.test:1060 again: Name [a-z ]+; its addresses stay in use$/m;
wait_for(sub { sysread($reader, $text, 4096, length $text) == 0 || $text =~ /$lost.*^time=\S+ outcome=ok \S+ local=127\.0\.0\.3:1060 /ms });
signal_asleep(SIGINT, $pid);
1 while sysread $reader, $text, 4096, length $text;
waitpid $pid, 0;
my @changes = $text =~ /^sixteen: \d{4}-\S+Z: the addresses of moving\.test:1060 have changed; they are now (.*)$/mg;
like $text, qr/$lost.*^time=\S+ outcome=ok \S+ local=127\.0\.0\.3:1060 /ms, 'a look-up that fails later changes nothing';
is join(' ', @changes), '127.0.0.3:1060, 127.0.0.4:1060', 'a watch looks the name up again, and says once that it changed, and when';
like $text, qr/local=127\.0\.0\.2:1060 .*have changed.*local=127\.0\.0\.3:1060 /s, 'and goes to the new address';
like $text, qr/^--- moving\.test:1060 statistics ---\n\d+ sent, \d+ right, 0 wrong, 0% lost, /m, 'the summary is that of the name';

# With --all the number of addresses can change, too.
for my $interval (0, 0.05) {
    set_names('growing.test' => ['127.0.0.2']);
    ($pid, $reader) = spawn_to_read(@sixteen, '--all', '-i', $interval, '-w', 0.7, '--resolve', 0.1, 'growing.test');
    $text = '';
    sysread $reader, $text, 65536, length $text until $text =~ /^outcome=ok /m;
    set_names('growing.test' => ['127.0.0.3', '127.0.0.2', '192.0.2.1']);
    1 while sysread $reader, $text, 65536, length $text;
    waitpid $pid, 0;
    is $?, 0, "--all -i $interval, and the name gets more addresses";
    is scalar(() = $text =~ /^--- \S+:1060 statistics ---$/mg), 3, 'all of them are asked';
    my ($time) = sort { $b <=> $a } $text =~ /, time (\d+) ms$/mg;
    cmp_ok $time, '>', 500, 'to the end';
}

# Take what the name server was asked; wait for a name.
sub wait_until_asked {
    my ($name) = @_;
    my $names = '';
    return wait_for(sub { sysread $asked, $names, 4096, length $names; return $names =~ /^\Q$name\E$/m });
}
for my $case ([SIGINT, 'silent.test'], [0, 'silent-watch.test', '-c', 3], [0, 'silent-load.test', '-P', 2]) {
    my ($signal, $name, @mode) = @$case;
    ($pid, $reader) = spawn_to_read(@sixteen, @mode, $name);
    ok wait_until_asked($name), "$name: a look-up that hangs";
    $begun = time;
    signal_asleep(SIGINT, $pid);
    $text = '';
    1 while sysread $reader, $text, 4096, length $text;
    waitpid $pid, 0;
    like $text, qr/\Asixteen: resolve \Q$name\E port 1060: interrupted after [\d.]+ s\n/, 'Ctrl-C reports it';
    is $? & 127, $signal, $signal ? 'and ends it as such' : 'and ends it';
    cmp_ok time - $begun, '<', 2, 'at once';
}
$begun = time;
($status, $out, $err) = run(@sixteen, '-w', 0.3, 'silent.test');
like "$status|$out|$err", qr/\A1\|\|sixteen: resolve silent\.test port 1060: timed out after 0\.\d+ s\n\z/, '--deadline bounds a look-up';
cmp_ok time - $begun, '>=', 0.3, 'not before its time';

# ---- Names of several targets ----

# What was printed of a target: the JSON objects of its exchanges.
sub records_of {
    my ($target, $text) = @_;
    return grep { /^\{"type":"exchange",.*"target":"\Q$target\E:1060",/ } split /\n/, $text;
}
set_names('two.test' => ['127.0.0.2', '127.0.0.3']);
$begun = time;
($status, $out, $err) = run(@sixteen, '-c', 3, '-i', 0.2, '-W', 1, 'silent.test', '127.0.0.2', 'two.test', 'no.test');
is $status, 1, 'a table with a name of which the server never answers';
is join(' ', map { my $target = $_; scalar(() = $out =~ /^outcome=ok target=\Q$target\E:1060 .* us=\d{1,6} /mg) } '127.0.0.2', 'two.test'), '3 3', 'the other targets are asked as ever';
is scalar(() = $err =~ /^sixteen: resolve silent\.test port 1060: timed out after 1 s$/mg), 3, 'it is reported, each time';
is scalar(() = $err =~ /^sixteen: resolve no\.test port 1060: Name or service not known$/mg), 3, 'so is one that has no address';
like $out, qr/^silent\.test:1060 +3 +0 +100%  - +resolve silent\.test port 1060: timed out after 1 s\n/m, 'both are in the table';
like $out, qr/^no\.test:1060 +3 +0 +100%  - +resolve no\.test port 1060: Name or service not known$/m, 'with the reason';
like $out, qr/^errors: 3 slow in resolve: timed out$/m, 'and among the errors';
cmp_ok time - $begun, '<', 5, 'no exchange waits for longer than its limit';
($status, $out, $err) = run(@sixteen, '--json', '-c', 3, '-i', 0.2, '-W', 1, 'silent.test', '127.0.0.2');
my @ends = map { /"time":"[^"]*:(\d\d\.\d+)Z".*"us":([\d.]+)/ ? $1 + $2 / 1e6 : () } records_of('127.0.0.2', $out);
cmp_ok +(sort { $a <=> $b } map { $_ < -30 ? $_ + 60 : $_ } map { $_ - $ends[0] } @ends)[-1], '<', 0.9, 'all of the other target is over before the first of it';
is join('', map { /"outcome":"slow","right":false,"phase":"resolve","error":"timed out after 1 s",.*"us":1\d{6}\./ ? 'x' : $_ } records_of('silent.test', $out)), 'xxx', 'as JSON, too';

# All that wait for a look-up end with it.
($status, $out, $err) = run(@sixteen, '--json', '-c', 6, '-i', 0.1, '-W', 5, 'late.test', '127.0.0.2');
my @late = map { /"outcome":"unresolved",.*"us":([\d.]+)/ ? $1 / 1e6 : () } records_of('late.test', $out);
my ($late_starts) = $out =~ /"not_begun":(\d+)/;    # on a busy machine
cmp_ok @late + $late_starts, '>=', 6, 'a name of which the look-up fails late: each exchange is reported';
cmp_ok $late[0], '>=', $LATE, 'with the time that it waited';
cmp_ok $late[-1], '<', $LATE + 3, 'and none waits for look-ups of others';
sysread $asked, my $names, 65536;
($status, $out, $err) = run(@sixteen, '-q', '-c', 6, '-i', 0.1, '-W', 5, 'late.test', '127.0.0.2');
sysread $asked, $names, 65536;
cmp_ok scalar(() = $names =~ /^late\.test$/mg), '<', 2 * 6, 'a look-up serves all that wait for it';

# A name that has no address is looked up again at each start.
($pid, $reader) = spawn_to_read(@sixteen, '-i', 0.2, 'coming.test', '127.0.0.2');
$text = '';
sysread $reader, $text, 4096, length $text until $text =~ /^sixteen: resolve coming\.test .*: Name [a-z ]+$/m;
set_names('two.test' => ['127.0.0.2', '127.0.0.3'], 'coming.test' => ['127.0.0.3']);
wait_for(sub { sysread($reader, $text, 4096, length $text) == 0 || $text =~ /^outcome=ok target=coming\.test:1060 /m });
signal_asleep(SIGINT, $pid);
1 while sysread $reader, $text, 4096, length $text;
waitpid $pid, 0;
like(($? >> 8) . $text, qr/\A1.*^outcome=ok target=coming\.test:1060 peer=\S+ local=127\.0\.0\.3:1060 .*^coming\.test:1060 +\d+ +[1-9]\d* /ms, 'a name that gets an address is right from then on');

# Two hundred names without an answer starve nobody, and each gets its turn.
my @many = map { "silent-$_.test" } 1 .. 200;
my @numeric = map { "127.0.0.$_" } 2, 3;
($pid, $reader) = spawn_to_read(@sixteen, '--json', '-c', 3, '-i', 0.5, '-W', 1.5, @many, @numeric);
my ($threads_seen, $out_of_many) = (0, '');
while (sysread $reader, $out_of_many, 65536, length $out_of_many) {
    my ($now) = read_file("/proc/$pid/status") =~ /^Threads:\s*(\d+)/m;
    $threads_seen = $now if ($now // 0) > $threads_seen;
}
waitpid $pid, 0;
keep_records($out_of_many =~ s/^sixteen: .*\n//mgr);
is $? >> 8, 1, 'two hundred names without an answer';
for my $target (@numeric) {
    is scalar(grep { /"outcome":"ok"/ } records_of($target, $out_of_many)), 3, "$target is asked as ever";
}
like $out_of_many, qr/"sent":606,"right":6,"wrong":0,"lost":600,.*"not_begun":0,"lost_percent":99\.01,/, 'none of them delays a start';
cmp_ok $threads_seen, '>', 1, 'threads look names up';
cmp_ok $threads_seen, '<=', 65 + (is_sanitized() ? 1 : 0), 'at most 64 of them';
$begun = time;
($status, $out, $err) = run(@prefix, @impatient, $SIXTEEN, '-W', 20, @many, 'coming.test');
like $out, qr/^outcome=ok target=coming\.test:1060 /m, 'a name that waits for a thread gets its turn';
is scalar(() = $err =~ /^sixteen: resolve silent-\d+\.test port 1060: Temporary failure in name resolution$/mg), 200, 'as have all before it';
cmp_ok time - $begun, '>', 2, 'after them';

# The end of the run does not wait for look-ups.
for my $end ('INT', '-w') {
    ($pid, $reader) = spawn_to_read(@sixteen, $end eq '-w' ? (-w => 0.5) : (), 'silent-end.test', '127.0.0.2');
    $text = '';
    sysread $reader, $text, 65536, length $text until $text =~ /^outcome=ok /m;
    $begun = time;
    signal_asleep(SIGINT, $pid) if $end eq 'INT';
    1 while sysread $reader, $text, 65536, length $text;
    waitpid $pid, 0;
    my $words = $end eq 'INT' ? 'interrupted' : 'cut by --deadline';
    like(($? >> 8) . $text, qr/\A1.*^sixteen: resolve silent-end\.test port 1060: $words after [\d.]+ s\n.*^silent-end\.test:1060 +0 +0 +0%  - /ms, "$end ends what waits for a name");
    cmp_ok time - $begun, '<', 5, 'at once';
}

SKIP: {
    ($status, $out, $err) = run(@prefix, 'env', 'LC_ALL=C', $SIXTEEN, "b\xc3\xbccher.test");
    skip 'glibc finds no libidn2', 2 if $err =~ /Parameter string not correctly encoded|libidn2/;
    skip 'this C library looks up names as they are', 1 if !c_library()->{idn};
    ok wait_until_asked('xn--bcher-kva.test'), 'an internationalized name is asked for in its ASCII form';
}
finish($name_server);

# ---- A connection to itself ----

# The kernel prefers the first of these ports.
write_file('/proc/sys/net/ipv4/ip_local_port_range', "40002 40003\n");
my @echo = ('--message', 'sixteen octets !', '--expect', 'sixteen octets !');
for my $mode (['-i', 0, @echo], ['-i', 0, '--connect'], ['-P', 1, @echo], ['-P', 1, '--connect'], ['-P', 1, '--proxy', 'v1', '192.0.2.1:1', '192.0.2.2:1']) {
    for my $host ('127.0.0.1', '0.0.0.0', '::1', '::') {
        ($status, $out, $err) = run($SIXTEEN, @$mode, '-q', '-c', 40, '-W', 5, $host, 40002);
        like "$status$err$out", qr/\A1--- .*\n40 (?:sent, 0 right, 0 wrong|tried, 0 connected), 100% lost, .*\nerrors: 40 refused in connect: Connection refused\n\z/, "$host @$mode: a socket connected with itself is refused";
    }
}
my $bound = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 40002, Listen => 1);
ok $bound, 'and does not hold the port' or diag $@;
is $daemon->stop, 0, 'ends';
done_testing;
