# SPDX-License-Identifier: MIT
# A real HAProxy: its health checks find the daemon up, whether they only connect or
# send and expect, and its clients get the reply through it.
use strict;
use warnings;
use Fcntl qw(F_SETFD);
use Sixteen;
use Test::More;

plan skip_all => 'haproxy is not installed' if !have('haproxy');

my $daemon = start();
my ($listener, $port) = listen_somewhere();
my $log = scratch() . '/haproxy.log';

# HAProxy takes our listening socket over, so that the kernel chose its port.
my $file = write_file(scratch() . '/haproxy.cfg', <<"END");
global
    log stderr format raw local0
defaults
    mode tcp
    timeout check 30s
    timeout connect 30s
    timeout client 30s
    timeout server 30s
frontend clients
    bind fd\@${\fileno $listener}
    default_backend exchange
backend exchange
    option tcp-check
    option log-health-checks
    log global
    tcp-check connect
    tcp-check send "$GREETING"
    tcp-check expect string "$REPLY"
    server one 127.0.0.1:$daemon->{port} check inter 20ms rise 2
backend connecting
    option log-health-checks
    log global
    server two 127.0.0.1:$daemon->{port} check inter 20ms rise 2
END

my $haproxy = spawn(sub {
    fcntl $listener, F_SETFD, 0;
    open STDERR, '>', $log;
    exec 'haproxy', '-db', '-f', $file;
});
close $listener;

like $daemon->wait_log(qr/ outcome=ok /), qr/message="Hi there, server"/, 'a check that sends and expects is an exchange';
ok wait_for(sub { read_file($log) =~ m{server exchange/one succeeded} }), 'the first finds the server up';
ok wait_for(sub { read_file($log) =~ m{server connecting/two succeeded} }), 'and so does the second, which resets before the daemon ever hears of it';
my ($status, $out, $err) = run($SIXTEEN, '127.0.0.1', $port);
is "$status$err", '0', 'a client gets the reply through HAProxy';
my $peer = connect_to($port);
syswrite $peer, "$GREETING\n";
is join(' ', read_to_end($peer)), "$REPLY eof", 'and so does one that sends 17 octets';
unlike read_file($log), qr/is DOWN|failed/, 'no check ever failed' or diag read_file($log);
finish($haproxy);
is $daemon->stop, 0, 'ends';
done_testing;
