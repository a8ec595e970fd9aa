# SPDX-License-Identifier: MIT
# sixteen --metrics: the file has what the exchanges came to, no counter goes back, and neither a
# file that cannot be written nor a disk that hangs disturbs the run.
use strict;
use warnings;
use List::Util qw(sum0);
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

has_more_tries();

my $directory = scratch();
my $file = "$directory/sixteen.prom";
my $daemon = start();
my $port = $daemon->{port};
my $target = "127.0.0.1:$port";

# The samples of a text, by name and labels.
sub samples {
    my ($text) = @_;
    return { map { /^sixteen_(\S*\{.*\}|\w+) (\S+)$/ ? ($1 => $2) : () } split /^/, $text };
}

sub metrics { return samples(read_file($file)) }

# What the file must say of a target, from the JSON records of its exchanges.
sub expected {
    my ($name, @records) = @_;
    my %value = ("exchanges_total{target=\"$name\",outcome=\"ok\"}" => 0);
    my @times;
    for (@records) {
        next if !/"type":"exchange"/ || /"outcome":"unfinished"/;
        my ($outcome, $right, $phase) = /"outcome":"(\w+)","right":(\w+),"phase":"(\w+)"/;
        my $labels = $right eq 'true' ? 'outcome="ok"' : "outcome=\"$outcome\",phase=\"$phase\"";
        $value{"exchanges_total{target=\"$name\",$labels}"}++;
        push @times, /"us":([\d.]+)/ if $right eq 'true';
    }
    for my $bound (qw(0.0001 0.00025 0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf)) {
        $value{"exchange_duration_seconds_bucket{target=\"$name\",le=\"$bound\"}"} = grep { $_ <= 1e6 * $bound } @times;
    }
    $value{"exchange_duration_seconds_count{target=\"$name\"}"} = @times;
    $value{"exchange_duration_seconds_sum{target=\"$name\"}"} = sprintf '%.9f', sum0(@times) / 1e6;
    return \%value;
}

# The same from the file: it changes with each right exchange, and nothing else is about exchanges.
sub found {
    my ($name, $metrics) = @_;
    return { map { /^exchange(?:s_total|_duration_seconds\w*)\{target="\Q$name\E"/ ? ($_ => $metrics->{$_}) : () } keys %$metrics };
}

# One exchange. Its file is not one of the daemon, and an empty file is taken.
my $began = time;
write_file($file, '');
my ($status, $out, $err) = run($SIXTEEN, '--json', '--metrics', $file, '127.0.0.1', $port);
is "$status$err", '0', 'one exchange';
is_deeply found($target, metrics()), expected($target, split /^/, $out), 'is in the file, in its bucket';
my ($version) = (run($SIXTEEN, '--version'))[1] =~ /(\S+)$/m;
is metrics()->{"build_info{version=\"$version\"}"}, 1, 'with the version';
is metrics()->{"target_info{target=\"$target\",address=\"127.0.0.1:$port\"}"}, 1, 'the address';
is metrics()->{"exchanges_not_begun_total{target=\"$target\"}"}, 0, 'what did not begin';
for my $when ('start_time_seconds', "last_success_timestamp_seconds{target=\"$target\"}") {
    my $at = metrics()->{$when};
    ok $at >= int $began && $at <= time, "and $when" or diag "$at, not from $began on";
}
is sprintf('%04o', (stat $file)[2] & 07777), sprintf('%04o', 0644 & ~umask), 'others may read it';
is join(' ', glob "$directory/*"), $file, 'no temporary file is left';
promtool_accepts($file, 'the file of one exchange');

# Many, and a name that the format has to escape: every octet but those that end a label.
($status, $out, $err) = run($SIXTEEN, '--json', '--metrics', $file, '-c', 30, '-i', 0, '127.0.0.1', $port);
is "$status$err", '0', 'thirty exchanges';
is_deeply found($target, metrics()), expected($target, split /^/, $out), 'are counted from 0 again, each in its bucket';
promtool_accepts($file, 'it');
for (['b\\"d', 'b\\\\\\"d'], ["\xc3\xbc.invalid", "\xc3\xbc.invalid"], ["\xfc\xed\xa0\x80.invalid", join('', map { "\xef\xbf\xbd$_" } qw(fc ed a0 80)) . '.invalid']) {
    my ($host, $label) = @$_;
    ($status, $out, $err) = run($SIXTEEN, '--metrics', $file, $host);
    is metrics()->{"exchanges_total{target=\"$label:1060\",outcome=\"unresolved\",phase=\"resolve\"}"} // metrics()->{"exchanges_total{target=\"$label:1060\",outcome=\"failed\",phase=\"resolve\"}"}, 1, 'a strange name is quoted'
        or diag $err, read_file($file);
    is metrics()->{"last_success_timestamp_seconds{target=\"$label:1060\"}"}, 0, 'and was never right';
    promtool_accepts($file, 'the name');
}

($status, $out, $err) = run($SIXTEEN, '--metrics', $file, "\xfc.invalid", "\xe4.invalid");
is scalar(grep { /^exchanges_not_begun_total/ } keys %{metrics()}), 2, 'two names that differ in an octet have a series each';
promtool_accepts($file, 'them');

# A load writes at its end. What had to wait too long did not begin.
($status, $out, $err) = run($SIXTEEN, '--json', '--metrics', $file, '-P', 4, '-c', 500, '127.0.0.1', $port);
is "$status$err", '0', 'a load';
is metrics()->{"exchanges_total{target=\"$target\",outcome=\"ok\"}"}, 500, 'is counted';
cmp_ok metrics()->{"last_success_timestamp_seconds{target=\"$target\"}"}, '>=', int $began, 'with its last success';
my ($silent, $silent_port) = listen_somewhere();
($status, $out, $err) = run($SIXTEEN, '--json', '--metrics', $file, '-P', 1, '--rate', 50, '--duration', 0.2, '-W', 0.5, '127.0.0.1', $silent_port);
my ($not_begun) = $out =~ /"not_begun":(\d+)/;
cmp_ok $not_begun, '>', 0, 'a load that cannot keep its rate';
is metrics()->{"exchanges_not_begun_total{target=\"127.0.0.1:$silent_port\"}"}, $not_begun, 'has this, too';

# Two targets in one file.
($status, $out, $err) = run($SIXTEEN, '--json', '--metrics', $file, '-c', 3, '-i', 0.01, '-W', 0.1, $target, "127.0.0.1:$silent_port");
is "$status$err", '1', 'two targets, of which one is silent';
for my $name ($target, "127.0.0.1:$silent_port") {
    my ($its_port) = $name =~ /:(\d+)/;
    is_deeply found($name, metrics()), expected($name, grep { /"local":"127\.0\.0\.1:$its_port"/ } split /^/, $out), "the file has each: $name";
}
promtool_accepts($file, 'both');

# An outage. Whoever reads meanwhile finds a whole file, and no counter goes back or vanishes.
my $records = "$directory/records";
my $begin = sub {
    my @arguments = @_;
    return spawn(sub {
        open STDOUT, '>', $records;
        open STDERR, '>', "$directory/errors";
        exec $SIXTEEN, '--json', '--metrics', $file, @arguments, '127.0.0.1', $port;
    });
};
my ($reads, $replaced, %last, $inode, @wrong) = (0, 0);
sub look {
    open my $in, '<', $file or die "$file: $!";
    my ($its_inode, $text) = ((stat $in)[1], '');
    1 while sysread $in, $text, 100, length $text;
    push @wrong, 'not whole' if $text !~ /\A# HELP sixteen_build_info .*\n[^\n]*\n\z/s || $text !~ /^sixteen_target_info\{/m;
    my $now = samples($text);
    for (grep { /_total|_bucket|_sum|_count/ } keys %last) {
        push @wrong, "$_ $last{$_} " . ($now->{$_} // 'vanished') if !defined $now->{$_} || $now->{$_} < $last{$_};
    }
    %last = %$now;
    $replaced++ if defined $inode && $inode != $its_inode;
    $inode = $its_inode;
    $reads++;
    return $now;
}
unlink $file;
my ($waiting) = spawn_to_read($SIXTEEN, '--metrics', $file, '-i', 600, '-W', 600, '127.0.0.1', $silent_port);
ok wait_for(sub { -e $file }), 'a watch writes its file at once, before it has a result';
finish($waiting);
unlink $file;
my $watch = $begin->('-i', 0.05);
ok wait_for(sub { -e $file }), 'another one';
my $ok = "exchanges_total{target=\"$target\",outcome=\"ok\"}";
my $refused = "exchanges_total{target=\"$target\",outcome=\"refused\",phase=\"connect\"}";
ok wait_for(sub { look()->{$ok} >= 3 }), 'and then what it sees';
is $daemon->stop, 0, 'an outage';
ok wait_for(sub { (look()->{$refused} // 0) >= 3 }), 'is seen, too';
my $until = look()->{$ok};
$daemon = start(listen => [$target]);
ok wait_for(sub { look()->{$ok} > $until }), 'and its end';
signal_asleep('INT', $watch);
waitpid $watch, 0;
is $? >> 8, 1, 'the watch ends';
keep_records(read_file($records));
is_deeply found($target, look()), expected($target, split /^/, read_file($records)), 'and the file with what its records say';
is_deeply \@wrong, [], "whole and growing each of $reads times";
cmp_ok $replaced, '>=', 3, 'though another file took its place again and again';
is read_file("$directory/errors"), '', 'nothing is said about that';
is join(' ', grep { /new/ } glob "$directory/*"), '', 'and nothing is left of it';

# Results are in the file within a second, even if the interval is long.
$watch = $begin->('-i', 600);
ok wait_for(sub { metrics()->{$ok} == 1 }), 'a long interval: the first exchange is in the file soon';
finish($watch);
keep_records(read_file($records));
is_deeply found($target, metrics()), expected($target, split /^/, read_file($records)), 'also after TERM';

# A file that must not be replaced, and a directory that is not there.
my $foreign = write_file("$directory/foreign", "# HELP sixteend_build_info The running version.\n");
my $missing = "$directory/missing/file";
for (['one exchange', 0], ['a watch', 0, '-c', 3, '-i', 0.7], ['a load', 0, '-P', 2, '-c', 50]) {
    my ($what, $expected, @options) = @$_;
    ($status, $out, $err) = run($SIXTEEN, '-q', '--metrics', $foreign, @options, '127.0.0.1', $port);
    is "$status$err", "2sixteen: --metrics: $foreign exists and is not a metrics file of sixteen; it is not replaced: remove it, or name another file\n", "$what: a file of another program";
    ($status, $out, $err) = run($SIXTEEN, '-q', '--metrics', $missing, @options, '127.0.0.1', $port);
    is "$status$err", "2sixteen: --metrics: cannot write $missing: No such file or directory; it needs a directory in which this user can create files\n", "$what: no directory";
}
like read_file($foreign), qr/\A# HELP sixteend_build_info .*\n\z/, 'which stays as it is, though it is a metrics file of the daemon';
($status, $out, $err) = run($SIXTEEN, '-q', '--metrics', $missing, '-c', 1, '-W', 0.1, '127.0.0.1', $silent_port);
is $status, 1, 'a reply that is missing is worse than that';
$watch = $begin->('-i', 1, '--metrics', $missing);    # a stall of a second makes it skip a start
ok wait_for(sub { read_file("$directory/errors") =~ /cannot write / }), 'a watch goes on without it';
mkdir "$directory/missing" or die "mkdir: $!";
ok wait_for(sub { read_file("$directory/errors") =~ /^sixteen: --metrics: \Q$missing\E is written again$/m }), 'and says when it can be written';
signal_asleep('INT', $watch);
waitpid $watch, 0;
is $? >> 8, 0, 'then the status is that of the exchanges';
is scalar(() = read_file("$directory/errors") =~ /^sixteen: /mg), 2, 'each is said once';

# What the command line cannot ask for.
($status, $out, $err) = run($SIXTEEN, '--metrics', 'x' x 4096, '127.0.0.1', $port);
is "$status$out$err", "2sixteen: --metrics: the path is empty or too long\n", 'a path that cannot be one';
($status, $out, $err) = run($SIXTEEN, '--plugin', '--metrics', $file, '127.0.0.1', $port);
like "$status$out$err", qr/\A3SIXTEEN UNKNOWN.*--metrics cannot be combined with --plugin/, 'a plugin has its own way';

# A disk that hangs: the kernel does not return from rename(2).
SKIP: {
    my $renames = '?rename,?renameat,?renameat2';
    my @hanging = ('strace', '-D', '--follow-forks', '--quiet=all', '--signal=none', '--output', '/dev/null',
        '--trace', $renames, '--inject', "$renames:delay_enter=3600000000:when=1+");
    skip 'needs strace', 1 if !have('strace');
    skip 'a leak sanitizer cannot be traced', 1 if is_sanitized();
    skip 'may not trace', 1 if (run(@hanging, 'true'))[0] != 0;
    unlink $file;
    my ($pid, $reader) = spawn_to_read(@hanging, $SIXTEEN, '--metrics', $file, '-c', 5, '-i', 0.8, '127.0.0.1', $port);
    my $text = '';
    1 while $text !~ /does not answer/ && sysread $reader, $text, 4096, length $text;
    my @seq = $text =~ / seq=(\d+) /g;
    cmp_ok scalar @seq, '>=', 2, 'a disk that hangs is reported, and the watch goes on meanwhile';
    1 while $text !~ /^p50/m && sysread $reader, $text, 4096, length $text;
    like $text, qr/^5 sent, 5 right, 0 wrong, 0% lost, time [3-9]\d{3} ms$/m, 'the summary comes in time';
    ok wait_for(sub { is_gone($pid) }), 'and the end does not wait for the disk';
    kill 'KILL', read_file("/proc/$pid/status") =~ /^TracerPid:\t([1-9]\d*)$/m;
    waitpid $pid, 0;
    is $? >> 8, 2, 'except that it tells: status 2';
    is scalar(() = $text =~ /does not answer/g), 1, 'with one message';
    ok !-e $file, 'and without a file';
}
is $daemon->stop, 0, 'the daemon ends';
done_testing;
