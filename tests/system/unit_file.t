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

my $watch = read_file("$ENV{BUILD_DIR}/etc/sixteen-watch.service");
unlike $watch, qr/\@\w+\@/, 'everything is put in the unit of the watch';
like $watch, qr{^ExecStart=/\S+/sixteen --quiet .*--targets /\S+/sixteen\.targets --metrics /run/sixteen-watch/metrics\.prom$}m, 'which asks the targets of the file';
like $watch, qr/^SuccessExitStatus=1$/m, 'a lost target is no failure';
like $watch, qr/^RestartPreventExitStatus=2$/m, 'a wrong file is not tried again';
# What shuts in the daemon, the watch has too.
my %sandbox = map { $_ => 1 } $watch =~ /^(\w+=.*)$/mg;
my $NOT_SHARED = qr/^(?:Type|NotifyAccess|Exec\w+|WatchdogSec|RestartPreventExitStatus|TasksMax|CPUSchedulingPolicy|Log\w+|RuntimeDirectory|SystemCallFilter|Description|Documentation|After)=/;
is join(', ', grep { !$sandbox{$_} && !/$NOT_SHARED/ } $unit =~ /^(\w+=.*)$/mg), '', 'its sandbox is that of the daemon';

SKIP: {
    skip 'systemd-analyze is not installed', 10 if !have('systemd-analyze');
    # The programs are not installed at this time, so the units name those that were built.
    my $directory = scratch();
    my @copies = (write_file("$directory/sixteend.socket", $socket),
        write_file("$directory/sixteend.service", $unit =~ s{^(Exec\w+)=/\S+/sixteend\b}{$1=$SIXTEEND}mgr),
        write_file("$directory/sixteen-watch.service", $watch =~ s{^(Exec\w+)=/\S+/sixteen\b}{$1=$SIXTEEN}mgr));
    # In tenths.
    my $is_closed = sub {
        my ($what, $exposure, $copy) = @_;
        my ($status, $out) = run('systemd-analyze', 'security', '--no-pager', '--offline=yes', "--threshold=$exposure", $copy // $copies[1]);
        is $status, 0, "$what: an exposure of at most " . $exposure / 10 or diag $out;
        ($status, $out, my $err) = run('systemd-analyze', 'verify', '--man=no', @copies);
        is "$status$out$err", '0', 'systemd-analyze verify says nothing';
    };
    $is_closed->('sixteend.service', 11);
    $is_closed->('sixteen-watch.service', 11, $copies[2]);
    for my $copy (@copies[1, 2]) {
        mkdir "$copy.d";
        write_file("$copy.d/textfile.conf", read_file("$ENV{SOURCE_DIR}/examples/prometheus/textfile.conf"));
    }
    $is_closed->('with the drop-in for Prometheus', 11, $_) for @copies[1, 2];
    write_file("$copies[1].d/no-network.conf", read_file("$ENV{SOURCE_DIR}/examples/systemd/no-network.conf"));
    $is_closed->('with the drop-in', 3);
}
done_testing;
