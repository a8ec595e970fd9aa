# SPDX-License-Identifier: MIT
# With programs that are not ours: one like the seed's, both ways, and the tools that
# operators have at hand.
use strict;
use warnings;
use IO::Socket::IP;
use Sixteen;
use Test::More;

my $seed = ($ENV{SOURCE_DIR} // '../..') . '/tests/system/seed.py';
my $daemon = start();
my $port = $daemon->{port};
my ($status, $out, $err);

# Python 2 where it still is, Python 3 everywhere.
my @pythons = grep { (run($_, '-c', 'import socket'))[0] == 0 } qw(python2 python3);
for my $python (@pythons ? @pythons : 'python3') {
    SKIP: {
        skip "$python is not installed", 6 if !@pythons;
        ($status, $out, $err) = run($python, $seed, 'client', '127.0.0.1', $port);
        is $status, 0, "$python: its client and our daemon" or diag $err;
        like $out, qr/^The server said b?'Farewell, client'$/m, 'exchange their words';
        like $daemon->wait_log(qr/ outcome=ok /), qr/message="Hi there, server"/, 'and the daemon logs it';

        pipe my $words, my $writer;
        my $server = spawn(sub {
            open STDOUT, '>&', $writer;
            exec $python, '-u', $seed, 'server', '127.0.0.1', 0;
        });
        close $writer;
        my $line = <$words>;
        my ($its_port) = $line =~ /Listening at \('127\.0\.0\.1', (\d+)\)/;
        ($status, $out, $err) = run($SIXTEEN, '127.0.0.1', $its_port);
        is "$status$err", '0', "$python: our client and its server";
        like $out, qr/^The server said 'Farewell, client'$/m, 'exchange their words';
        $line .= <$words> // '' until $line =~ /Reply sent/ || eof $words;
        like $line, qr/^The incoming sixteen-octet message says b?'Hi there, server'$/m, 'and the server says so';
        finish($server);
    }
}

my %tools = (
    nc    => "printf 'Hi there, server' | nc 127.0.0.1 $port",
    'nc with an end of line' => "echo 'Hi there, server' | nc 127.0.0.1 $port",
    'nc -N (half-closing)' => "printf 'Hi there, server' | nc -N 127.0.0.1 $port",
    socat => "printf 'Hi there, server' | socat - TCP:127.0.0.1:$port",
    'socat, octet by octet' => "printf 'Hi there, server' | socat -b1 - TCP:127.0.0.1:$port",
    bash  => "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'Hi there, server' >&3; cat <&3",
);
for my $name (sort keys %tools) {
    my ($tool) = split /[ ,]/, $name;
    SKIP: {
        skip "$tool is not installed", 1 if !have($tool);
        ($status, $out, $err) = run('bash', '-c', $tools{$name});
        is "$status $out", "0 $REPLY", "$name gets the reply";
    }
}

# A check that sends, reads until the answer is there, and resets rather than closes.
my $check = connect_to($port);
syswrite $check, $GREETING;
my $reply = '';
1 while length $reply < 16 && sysread $check, $reply, 16, length $reply;
is $reply, $REPLY, 'a health check that sends and expects gets the reply';
reset_connection($check);
close connect_to($port);
($status) = run($SIXTEEN, '127.0.0.1', $port);
is $status, 0, 'and after one that only connects the next client is served';
is $daemon->stop, 0, 'ends';

# Any server of sixteen octets will do: RFC 862's echo ends its side when the client does.
SKIP: {
    skip 'socat is not installed', 5 if !have('socat');
    pipe my $words, my $writer or die "pipe: $!";
    my $echo = spawn(sub { open STDERR, '>&', $writer; exec 'socat', '-dd', 'TCP4-LISTEN:0,bind=127.0.0.1,fork', 'PIPE' });
    close $writer;
    my $echo_port;
    while (my $line = <$words>) { last if ($echo_port) = $line =~ /listening on AF=2 127\.0\.0\.1:(\d+)/ }
    my @echo = ('--message', 'sixteen octets !', '--expect', 'sixteen octets !', '127.0.0.1', $echo_port);
    ($status, $out, $err) = run($SIXTEEN, '--misbehave', 'half-close', @echo);
    like "$status$err$out", qr/\A0Client.*\nThe server said 'sixteen octets !'\n\z/, 'an echo server';
    ($status, $out, $err) = run($SIXTEEN, '-W', 0.3, @echo);
    is "$status$err", "0sixteen: close by 127.0.0.1:$echo_port: correct reply, but no end of file within 0.3 s\n", 'which waits for our end of file otherwise';
    ($status, $out, $err) = run($SIXTEEN, '-W', 0.3, '-c', 1, @echo);
    like "$status$err$out", qr/\A0outcome=ok .* us=\d{1,5} connect=\d+ .* last=\d+ rtt=\d+ retrans=0 remark="correct reply, but no end of file within 0\.3 s"\n/, 'a remark, and the time to the last octet';
    ($status, $out, $err) = run($SIXTEEN, '-W', 0.3, '127.0.0.1', $echo_port);
    is $status, 1, 'the wrong words';
    like $err, qr/unexpected reply 'Hi there, server', expected 'Farewell, client'$/, 'are reported';
    finish($echo);
}
done_testing;
