# SPDX-License-Identifier: MIT
# One exchange, seen from both sides, over both families and several listeners.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $daemon = start(listen => ['127.0.0.1:0', '[::1]:0', 'localhost:0'], options => ['--verbose']);
cmp_ok scalar @{ $daemon->{ports} }, '>=', 3, 'listens at three addresses or more, numbers and names';
is scalar(grep { $_ == 0 } @{ $daemon->{ports} }), 0, 'and reports the ports that the kernel chose';
like $daemon->{log}, qr/notice Listening at 127\.0\.0\.1:\d+\n.*notice Listening at \[::1\]:\d+\n/,
    'for both families';

my %host = (0 => '127.0.0.1', 1 => '::1');
for my $i (sort keys %host) {
    my $port = $daemon->{ports}[$i];
    my $shown = $host{$i} =~ /:/ ? "[$host{$i}]" : $host{$i};
    my ($status, $out, $err) = run($SIXTEEN, $host{$i}, $port);
    is $status, 0, "sixteen $host{$i}: a right reply";
    is $err, '', 'and nothing on standard error';
    my ($name) = $out =~ /\AClient has been assigned socket name (\S+)\nThe server said 'Farewell, client'\n\z/;
    ok $name, "in the seed's words";

    my $peer = quotemeta $name;
    my $local = quotemeta "$shown:$port";
    like $daemon->wait_log(qr/accepted/), qr/debug We have accepted a connection from $peer$/, 'accepted';
    like $daemon->wait_log(qr/connects/), qr/Socket connects $local and $peer$/, 'connects';
    like $daemon->wait_log(qr/incoming/),
        qr/The incoming sixteen-octet message says 'Hi there, server' peer=$peer$/, 'incoming message';
    like $daemon->wait_log(qr/Reply/), qr/Reply sent, socket closed peer=$peer$/, 'reply sent';
    like $daemon->wait_log(qr/ outcome=ok /),
        qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info outcome=ok peer=$peer local=$local octets=16 message="Hi there, server" us=\d+$/,
        'one line for the connection';
}
is $daemon->stop, 0, 'ends with status 0';
like $daemon->{log}, qr/notice stopping\n.*exiting with status 0\n\z/s, 'and says so';

$daemon = start(listen => ['*:0']);
is scalar @{ $daemon->{ports} }, 2, '*: one socket for each family';
run($SIXTEEN, '127.0.0.1', $daemon->{ports}[0]);
like $daemon->wait_log(qr/ outcome=ok /), qr/local=127\.0\.0\.1:$daemon->{ports}[0] /,
    "a wildcard listener's connection has a local address of its own";
is $daemon->stop, 0, 'ends';

$daemon = start(config => 'reply = "sixteen \x41\"\\\\octet";');
my ($status, $out) = run($SIXTEEN, '--expect', 'sixteen A"\octet', '127.0.0.1', $daemon->{port});
is $status, 0, 'a reply with escapes is sent as the octets they stand for';
like $out, qr/The server said 'sixteen A"\\\\octet'/, 'and shown quoted';
$daemon->stop;

$daemon = start();
my @peers = map { connect_to($daemon->{port}) } 1 .. 50;
syswrite $_, substr $GREETING, 0, 8 for @peers;
syswrite $_, substr $GREETING, 8 for @peers;
is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @peers), 50,
    'fifty connections at once, each message in two pieces';
$daemon->stop;

done_testing;
