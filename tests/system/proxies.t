# SPDX-License-Identifier: MIT
# Real proxies and the PROXY protocol: HAProxy, which sends version 1 and 2 and checks with
# either, and nginx, which sends version 1. What the daemon logs is the client they carry.
use strict;
use warnings;
use Fcntl qw(F_SETFD);
use IO::Socket::IP;
use IO::Socket::UNIX;
use Sixteen;
use Socket qw(SHUT_WR);
use Test::More;

my $NGINX_STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';
my $directory = scratch();
chmod 0711, $directory;    # nginx gives up root, if it has it
my $has_v6 = defined IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Listen => 1);
my $conf = 'access: { proxies = [ "127.0.0.1", "::1" ]; }; log: { level = "debug"; };';
my $daemon = start(config => $conf);
my $at = "127.0.0.1:$daemon->{port}";
my $said = "$directory/errors";
my (%front, $nginx);

# What a proxy listens at, by its name and the kind: a socket of ours that it inherits, so
# that the kernel chose the port, or a path.
sub front {
    my ($name) = @_;
    for my $host ('127.0.0.1', $has_v6 ? '::1' : ()) {
        my $socket = IO::Socket::IP->new(LocalHost => $host, LocalPort => 0, Listen => 64) or die "listen: $@";
        my $shown = $host =~ /:/ ? "[$host]" : $host;
        $front{$name}{$host} = { socket => $socket, fd => fileno $socket, host => $host,
            port => $socket->sockport, shown => "$shown:" . $socket->sockport };
    }
    $front{$name}{unix} = { path => "$directory/$name" };
    return map { $front{$name}{$_} } sort keys %{ $front{$name} };
}

sub start_proxy {
    my ($path, @command) = @_;
    my @sockets = grep { defined } map { delete $_->{socket} } map { values %$_ } values %front;
    my $pid = spawn(sub {
        fcntl $_, F_SETFD, 0 for @sockets;
        $ENV{NGINX} = join '', map { fileno($_) . ';' } @sockets;    # how nginx learns about them
        open STDERR, '>>', $said;
        exec @command;
    });
    ok wait_for(sub { is_gone($pid) || IO::Socket::UNIX->new(Peer => $path) }) && !is_gone($pid), "$command[0] is up"
        or diag read_file($said);
    $daemon->wait_log(qr/ outcome=probe | outcome=malformed /);    # that was us
    return $pid;
}

# An exchange by way of that, after which the client half-closes or doesn't: what came, and
# the client's own address.
sub exchange {
    my ($by, $ends) = @_;
    my $peer = $by->{path} ? IO::Socket::UNIX->new(Peer => $by->{path}) : connect_to($by->{port}, $by->{host});
    my $own = $by->{path} ? '' : $by->{shown} =~ s/\d+$/$peer->sockport/er;
    syswrite $peer, $GREETING;
    shutdown $peer, SHUT_WR if $ends;
    return (join(' ', read_to_end($peer)), $own);
}

# The client's own addresses are what the daemon logs; for one that came by a UNIX socket the
# proxy has none to carry, and its own stay.
sub is_carried {
    my ($name, $what) = @_;
    for my $kind (sort keys %{ $front{$name} }) {
        my $by = $front{$name}{$kind};
        my ($got, $own) = exchange($by);
        is $got, "$REPLY eof", "$what, $kind: a client gets the reply";
        my $shown = $by->{path} ? qr/peer=127\.0\.0\.1:\d+ local=\Q$at\E/
            : qr/peer=\Q$own\E local=\Q$by->{shown}\E via=127\.0\.0\.1:\d+/;
        like $daemon->wait_log(qr/ outcome=ok /), qr/ outcome=ok $shown octets=16 message="Hi there, server" /, 'and is in the log';
    }
    return;
}

# The ways in, in the words of either.
sub binds {
    my ($name) = @_;
    return join '', map { '    bind ' . ($_->{path} // "fd\@$_->{fd}") . "\n" } front($name);
}

sub servers {
    my ($name, $more, $takes) = @_;
    return join '', map { '    server { listen ' . ($_->{path} ? "unix:$_->{path}" : $_->{shown})
        . ($takes ? " $takes" : '') . "; proxy_pass $at; $more }\n" } front($name);
}

SKIP: {
    skip 'haproxy is not installed', 1 if !have('haproxy');
    my $checked = start(config => $conf);
    my $to = "127.0.0.1:$checked->{port}";
    my $haproxy = start_proxy("$directory/plain", 'haproxy', '-db', '-f', write_file("$directory/haproxy.cfg", <<"END"));
global
    log stderr format raw local0
defaults
    mode tcp
    log global
    timeout check 30s
    timeout connect 30s
    timeout client 30s
    timeout server 30s
    option log-health-checks
    default-server inter 20ms rise 2
listen one
${\binds('one')}    server one $at send-proxy
listen two
${\binds('two')}    server two $at send-proxy-v2
listen more
    unique-id-format %ci-%pid-%rt
${\binds('more')}    server more $at send-proxy-v2 proxy-v2-options crc32c,unique-id
listen plain
${\binds('plain')}    server plain $at
backend connecting
    server one $to send-proxy check
    server two $to send-proxy-v2 check
backend exchanging
    option tcp-check
    tcp-check connect default
    tcp-check send "$GREETING"
    tcp-check expect string "$REPLY"
    server one $to send-proxy check
    server two $to send-proxy-v2 check
    server only $to check check-send-proxy
    server none $to check
END
    is_carried('one', 'HAProxy, version 1');
    is_carried('two', 'HAProxy, version 2');
    is_carried('more', 'HAProxy, version 2 and more in it');
    for my $kind (sort keys %{ $front{plain} }) {
        unlike +(exchange($front{plain}{$kind}))[0], qr/$REPLY/, "HAProxy, no header, $kind: no reply";
        like $daemon->wait_log(qr/ outcome=malformed /), qr/ notice outcome=malformed peer=127\.0\.0\.1:\d+ local=\Q$at\E /, 'but a line that says so';
    }
    is +(exchange($front{two}{'127.0.0.1'}))[0], "$REPLY eof", 'and the next client is served';
    ok $daemon->wait_log(qr/ outcome=ok /), 'and in the log';

    for my $server (qw(connecting/one connecting/two exchanging/one exchanging/two exchanging/only)) {
        ok wait_for(sub { read_file($said) =~ m{check for server $server succeeded} }), "a check of $server succeeds";
        unlike read_file($said), qr{check for server $server failed}, 'and none fails';
    }
    ok wait_for(sub { read_file($said) =~ m{check for server exchanging/none failed} }), 'one without a header fails';
    finish($haproxy);
    is $checked->stop, 0, 'ends';
    my @ok = $checked->{log} =~ /( outcome=ok .*)/g;
    is_deeply [grep { !/ outcome=ok peer=(127\.0\.0\.1:\d+) local=\Q$to\E (?:via=\1 )?octets=16 / } @ok], [], 'a health check is its own peer';
    ok scalar(grep { !/ via=/ } @ok), 'in version 2 by LOCAL';
    like $checked->{log}, qr/ notice outcome=malformed peer=127\.0\.0\.1:/, 'and without a header malformed';
    %front = ();
}

SKIP: {
    skip 'nginx with its stream module is not installed', 1 if !have('nginx') || !-e $NGINX_STREAM;
    $nginx = start_proxy("$directory/half", 'nginx', '-p', $directory, '-e', 'stderr', '-c', write_file("$directory/nginx.conf", <<"END"));
load_module $NGINX_STREAM;
daemon off;
pid $directory/nginx.pid;
error_log stderr error;
worker_processes 1;
events { worker_connections 64; }
stream {
    proxy_protocol on;
${\servers('nginx', '')}${\servers('half', 'proxy_half_close on;')}
${\servers('realip', 'set_real_ip_from 127.0.0.1;', 'proxy_protocol')}}
END
    is_carried('nginx', 'nginx');
    is +(exchange($front{half}{'127.0.0.1'}, 1))[0], "$REPLY eof", 'nginx: a client that half-closes is served, where nginx lets it';
    $daemon->wait_log(qr/ outcome=ok /);

    # With realip, nginx replaces only the client's address: the header that it sends has two families.
    for my $of (['TCP6', '2001:db8::7', '2001:db8::1', 'the protocol is TCP6, but the destination address is IPv4'], ['TCP4', '192.0.2.7', '192.0.2.1']) {
        my ($protocol, $source, $destination, $reason) = @$of;
        my $by = $front{realip}{'127.0.0.1'};
        my $peer = connect_to($by->{port}, $by->{host});
        syswrite $peer, "PROXY $protocol $source $destination 4660 1060\r\n$GREETING";
        is +(read_to_end($peer))[0], $reason ? '' : $REPLY, "nginx with realip, a client by $protocol";
        like $daemon->wait_log(qr/ outcome=(?:ok|malformed) /), $reason
            ? qr/ outcome=malformed .* header="PROXY $protocol \Q$source\E \Q$by->{host}\E 4660 $by->{port}" reason="$reason"$/ : qr/ outcome=ok peer=\Q$source\E:4660 /, 'and its line';
    }
    finish($nginx);
    undef $nginx;
}

is $daemon->stop, 0, 'ends';
done_testing;

# nginx ends its worker at a TERM, but not when it is killed.
END { finish($nginx) if $nginx }
