# SPDX-License-Identifier: MIT
# sixteen --json, read back with jq: every field of both objects, and any octets.
use strict;
use warnings;
use Sixteen;
use Test::More;

plan skip_all => 'jq is not installed' if !have('jq');

# What jq makes of a text, each result on a line; or what it complains of.
sub jq {
    my ($filter, $text) = @_;
    my ($status, $out, $err) = run('jq', '-rc', $filter, write_file(scratch() . '/text', $text));
    return $status == 0 ? $out : "status $status: $err";
}

my $daemon = start(options => ['--verbose']);
my ($status, $out, $err) = run($SIXTEEN, '--json', '-c', 2, '-i', 0, 'localhost', '-4', $daemon->{port});
is "$status$err", '0', 'two exchanges';
is jq('.type', $out), "exchange\nexchange\nsummary\n", 'an object a line for each, and one for all';
is jq('select(.type == "exchange") | keys_unsorted | join(" ")', (split /\n/, $out)[0]),
    "type seq time target host peer local outcome right phase error octets reply resolve_us connect_us send_us first_us last_us end_us us rtt_us retransmissions syn_retransmissions mss\n",
    'the fields of an exchange';
is jq('select(.type == "summary") | keys_unsorted | join(" ")', $out),
    "type time arguments host sent right wrong lost failed unfinished no_end_of_file not_begun lost_percent elapsed_us rate times phases retransmissions retransmissions_in syn_retransmissions syn_retransmissions_in errors targets addresses\n", 'the fields of the summary';
is jq('select(.type == "summary") | .times | keys_unsorted | join(" ")', $out),
    "min_us avg_us max_us mdev_us p50_us p90_us p99_us p99_9_us p99_99_us\n", 'and of its times';
is jq('select(.seq) | [.seq, .host, .local, .outcome, .right, .phase, .error, .octets, .reply]', $out),
    join('', map { qq{[$_,"localhost","127.0.0.1:$daemon->{port}","ok",true,"close",null,16,"Farewell, client"]\n} } 1, 2), 'their values';
is jq('select(.seq) | .resolve_us > 0 and .connect_us > 0 and .connect_us <= .send_us and .send_us <= .first_us and .first_us <= .last_us and .last_us <= .end_us and .end_us == .us', $out),
    "true\ntrue\n", 'the phases come one after the other';
is jq('select(.times) | [.sent, .right, .wrong, .lost, .failed, .unfinished, .no_end_of_file, .not_begun, .lost_percent, .errors, (.addresses | length)]', $out), "[2,2,0,0,0,0,0,0,0,[],1]\n", 'the summary';
is jq('select(.times) | .times | .min_us > 0 and .min_us <= .p50_us * 1.02 and .avg_us <= .max_us and .p50_us <= .p99_99_us and .p99_99_us <= .max_us', $out), "true\n", 'its times';
is jq('select(.times) | .elapsed_us >= .times.max_us and .rate > 0', $out), "true\n", 'and its rate';
my @peers = split /\n/, jq('.peer // empty', $out);
$daemon->wait_log(qr/ outcome=ok /) for @peers;    # in any order
like $daemon->{log}, qr/ outcome=ok peer=\Q$peers[0]\E local=/, 'peer is the name that the server gives to this end';
my ($begin) = jq('.time // empty', $out) =~ /\A(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{6}Z\n/;
ok defined $begin, 'the time is that of RFC 3339';

($status, $out, $err) = run($SIXTEEN, '--json', '--report', 0.2, '-i', 0.05, '-c', 11, 'localhost', '-4', $daemon->{port});
is "$status$err", 0, '--report';
my $intervals = jq('select(.type == "report") | [.from_us, .to_us]', $out);
my @bounds = map { [/([\d.]+),([\d.]+)/] } split /\n/, $intervals;
cmp_ok scalar(@bounds), '>=', 3, 'an object for each interval';
is join(' ', map { $_->[0] + 0 } @bounds), join(' ', 0, map { $_->[1] + 0 } @bounds[0 .. $#bounds - 1]), 'which follow each other';
cmp_ok $bounds[0][1], '>=', 200_000, 'of which the first one is not too short';
my $counted = jq('select(.type == "report") | [.right, .wrong, .lost, .failed, .unfinished] | join(" ")', $out);
my $right_ones = 0;
$right_ones += $_ for $counted =~ /^(\d+) 0 0 0 0$/mg;
is $right_ones, 11, 'and which together count all';
is jq('select(.type == "report" and .right > 0) | (.rate * (.to_us - .from_us) / 1e6 - .right | fabs < 0.1) and .p50_us > 0 and .p50_us <= .p99_us', $out) =~ s/true\n//gr, '', 'with the rate and the percentiles of the interval';
($status, $out, $err) = run($SIXTEEN, '--json', '--report', 5, '-c', 1, 'localhost', '-4', 1);
is jq('select(.type == "report") | [.right, .lost, .rate + 0, .p50_us, .p99_us] | join(" ")', $out), "0 1 0  \n", 'null where there is none';
$daemon->stop;

# A server whose replies are what the test says.
my ($listener, $port) = listen_somewhere();
sub replied {
    my ($reply, @options) = @_;
    my $server = spawn(sub {
        my $socket = $listener->accept;
        sysread $socket, my $message, 16;
        syswrite $socket, $reply;
        close $socket;
        select undef, undef, undef, 60;
    });
    my @result = run($SIXTEEN, '--json', @options, '127.0.0.1', $port);
    finish($server);
    return @result;
}
for my $first (map { $_ * 16 } 0 .. 15) {
    my $reply = join '', map { chr } $first .. $first + 15;
    ($status, $out, $err) = replied($reply);
    is "$status$err", '1', "octets $first and up: status 1";
    is jq('select(.seq) | [.outcome, .right, .phase, .octets, (.reply | explode)]', $out), qq{["mismatch",false,"receive",16,[} . join(',', $first .. $first + 15) . "]]\n",
        'each is the character of its number';
    unlike $out, qr/[^\n\x20-\x7e]/, 'and the output is ASCII';
}
($status, $out, $err) = replied(substr $REPLY, 0, 3);
is jq('select(.seq) | [.outcome, .octets, .reply, .error, .last_us, .end_us == .us]', $out), qq{["short",3,"Far","the server closed the connection after 3 of 16 octets",null,true]\n}, 'what was not reached is null';
is jq('select(.times | not) | select(.type == "summary") | [.sent, .right, .wrong, .lost, .times, .errors]', $out),
    qq{[1,0,1,0,null,[{"outcome":"short","phase":"receive","error":"the server closed the connection early","count":1}]]\n}, 'a summary without a right one';
($status, $out, $err) = replied('', '-c', 1);
is jq('select(.type == "summary") | [.sent, .wrong, .lost, .lost_percent]', $out), "[1,0,1,100]\n", 'a lost one';
close $listener;
($status, $out, $err) = run($SIXTEEN, '--json', '127.0.0.1', $port);
is "$status$err", '1', 'nothing listens: status 1, and nothing on standard error';
is jq('select(.seq) | [.outcome, .phase, .error, (.peer | startswith("127.0.0.1:")), .connect_us, .reply]', $out), qq{["refused","connect","Connection refused",true,null,null]\n}, 'with phase, reason and the local port';
($status, $out, $err) = run($SIXTEEN, '--json', 'no-such-"host\\' . "\xff");
is "$status$err", '1', 'a name that is none: status 1';
is jq('select(.seq) | [.outcome, .phase, .local, (.host | explode | last), .host[:-1]]', $out), qq{["unresolved","resolve",null,255,"no-such-\\"host\\\\"]\n}, 'it is an object, too';
is jq('select(.type == "summary") | [.sent, .lost, .addresses]', $out), "[1,1,[]]\n", 'and so is the summary';
is jq('select(.seq) | .us > 0', $out), "true\n", 'to look for it took its time';
($status, $out, $err) = run($SIXTEEN, '--json', '-P', 2, 'no-such-host.invalid');
is "$status$err" . jq('.type', $out), "1summary\n", 'of a load it is the summary alone';
($status, $out, $err) = run($SIXTEEN, '--json', '-b', '192.0.2.1', '127.0.0.1', $port);
is $status, 2, 'a local failure: status 2';
is jq('select(.type == "summary") | [.sent, .failed, .errors[0].error]', $out), qq{[0,1,"Cannot assign requested address"]\n}, 'which is not a loss';
($status, $out, $err) = run($SIXTEEN, '--json', '-q', '-c', 2, '-i', 0, '127.0.0.1', $port);
is jq('.type', $out), "summary\n", '--quiet: the summary alone';
($status, $out, $err) = run($SIXTEEN, '--json', '-P', 2, 'no-such-host.invalid');
is jq('[.type, .errors[0].outcome]', $out), qq{["summary","unresolved"]\n}, 'so it is of a load, whatever becomes of it';
is "$status$err", '1', 'with nothing on standard error';

# Servers that keep the connection: one after the reply, one after part of it.
my ($keeping, $keeping_port) = listen_somewhere();
my $server = spawn(sub {
    my @held;
    while (push @held, scalar $keeping->accept) { sysread $held[-1], my $message, 16; syswrite $held[-1], $REPLY }
});
my $counts = '[.sent, .right, .lost, .unfinished, .no_end_of_file]';
my $of_one = '[.outcome, .right, .phase, .error, .octets, .reply, .end_us]';
($status, $out, $err) = run($SIXTEEN, '--json', '-W', 0.2, '127.0.0.1', $keeping_port);
is "$status$err" . jq("select(.seq) | $of_one", $out), qq{0["ok",true,"close",null,16,"Farewell, client",null]\n}, 'no end of file: the reply is right, and its end null';
is jq("select(.times) | $counts", $out), "[1,1,0,0,1]\n", 'and it is counted';
($status, $out, $err) = run($SIXTEEN, '--json', '-P', 2, '-c', 4, '-W', 0.2, '127.0.0.1', $keeping_port);
is "$status$err" . jq($counts, $out), "0[4,4,0,0,4]\n", 'under load, too';
finish($server);
my ($stopping, $stopping_port) = listen_somewhere();
$server = spawn(sub {
    my @held;
    while (push @held, scalar $stopping->accept) { sysread $held[-1], my $message, 16; syswrite $held[-1], 'Fare' }
});
($status, $out, $err) = run($SIXTEEN, '--json', '-i', 0.1, '-w', 0.25, '127.0.0.1', $stopping_port);
is $status, 1, 'exchanges that the end cuts';
my $records = () = $out =~ /^\{"type":"exchange",/mg;
like jq("select(.seq) | $of_one", $out), qr/\A(?:\["unfinished",false,"receive","cut by --deadline after 0\.\d+ s with 4 of 16 octets received",4,"Fare",null\]\n){1,3}\z/, 'each has a record, with the octets that it had';
is jq('select(.seq | not) | [.sent, .lost, .unfinished, .times]', $out), "[0,0,$records,null]\n", 'and they are neither sent nor lost';
finish($server);
done_testing;
