# SPDX-License-Identifier: MIT
# The systemd units are ones that systemd understands, and shut in as they say.
# tests/systemd runs them.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $unit = read_file("$ENV{BUILD_DIR}/etc/sixteend.service");
unlike $unit, qr/\@\w+\@/, 'everything is put in';
like $unit, qr{^ExecStart=/\S+/sixteend --foreground --config /\S+/sixteen\.conf$}m, 'it starts the daemon in the foreground';
like $unit, qr/^Type=notify$/m, 'systemd waits for its word';
like $unit, qr{^ExecReload=(/\S+/sixteend) --test --foreground (--config /\S+/sixteen\.conf)\n(?:#.*\n)*ExecReload=/bin/sh -c 'kill -HUP \$MAINPID'$}m,
    'a reload begins with a check of the file';
like $unit, qr/^WatchdogSec=[1-9]\d*$/m, 'a daemon that hangs is noticed';
like $unit, qr/^RestartPreventExitStatus=78$/m, 'a wrong configuration is not tried again';

# The configuration says who is served, whichever way the daemon is started.
my ($families) = $unit =~ /^RestrictAddressFamilies=(.+)$/m;
is join(' ', sort split / /, $families), 'AF_INET AF_INET6 AF_UNIX', 'it may open TCP sockets';
unlike $unit, qr/^(?:PrivateNetwork|IPAddress(?:Allow|Deny)|SocketBind(?:Allow|Deny)|RestrictNetworkInterfaces)=/m, 'in the network of the host, at any address';
unlike $unit, qr/^(?:Alias|Also|Sockets|Requires|BindsTo|PartOf|Conflicts)=/m, 'alone or not: nothing binds it to the socket';

my $socket = read_file("$ENV{SOURCE_DIR}/etc/sixteend.socket");
my ($listen) = read_file("$ENV{BUILD_DIR}/etc/sixteen.conf") =~ /^listen = \[ (.+) \];$/m;
is join(', ', map { qq("$_") } $socket =~ /^ListenStream=(\S+)$/mg), $listen, 'the socket unit has the addresses of the sample';
like $socket, qr/^Accept=no$/m, 'for one daemon that serves all';
unlike $socket, qr/^(?:Service|Alias|Also)=/m, 'which is the service of the same name';

SKIP: {
    skip 'systemd-analyze is not installed', 4 if !have('systemd-analyze');
    # The daemon is not installed at this time, so the unit names the one that was built.
    my $directory = scratch();
    my @copies = (write_file("$directory/sixteend.socket", $socket),
        write_file("$directory/sixteend.service", $unit =~ s{^(Exec\w+)=/\S+/sixteend\b}{$1=$SIXTEEND}mgr));
    # In tenths.
    my $is_closed = sub {
        my ($what, $exposure) = @_;
        my ($status, $out) = run('systemd-analyze', 'security', '--no-pager', '--offline=yes', "--threshold=$exposure", $copies[1]);
        is $status, 0, "$what: an exposure of at most " . $exposure / 10 or diag $out;
        ($status, $out, my $err) = run('systemd-analyze', 'verify', '--man=no', @copies);
        is "$status$out$err", '0', 'systemd-analyze verify says nothing';
    };
    $is_closed->('sixteend.service', 11);
    mkdir "$copies[1].d";
    write_file("$copies[1].d/no-network.conf", read_file("$ENV{SOURCE_DIR}/examples/systemd/no-network.conf"));
    $is_closed->('with the drop-in', 3);
}
done_testing;
