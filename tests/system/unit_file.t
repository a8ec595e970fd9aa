# SPDX-License-Identifier: MIT
# The systemd units are ones that systemd understands, and shut in as they say.
# tests/systemd runs them.
use strict;
use warnings;
use Sixteen;
use Test::More;

# Tenths: what `systemd-analyze security` may find open in each.
my %exposure = ('sixteend.service' => 11, 'sixteend-activated.service' => 3);
my %unit = map { $_ => read_file("$ENV{BUILD_DIR}/etc/$_") } keys %exposure;
for my $name (sort keys %unit) {
    my $unit = $unit{$name};
    unlike $unit, qr/\@\w+\@/, "$name: everything is put in";
    like $unit, qr{^ExecStart=/\S+/sixteend --foreground --config /\S+/sixteen\.conf$}m, 'it starts the daemon in the foreground';
    like $unit, qr/^Type=notify$/m, 'systemd waits for its word';
    like $unit, qr{^ExecReload=(/\S+/sixteend) --test --foreground (--config /\S+/sixteen\.conf)\n(?:#.*\n)*ExecReload=/bin/sh -c 'kill -HUP \$MAINPID'$}m,
        'a reload begins with a check of the file';
    like $unit, qr/^WatchdogSec=[1-9]\d*$/m, 'a daemon that hangs is noticed';
    like $unit, qr/^RestartPreventExitStatus=78$/m, 'a wrong configuration is not tried again';
}
my ($alone) = $unit{'sixteend.service'} =~ /^RestrictAddressFamilies=(.+)$/m;
is join(' ', sort split / /, $alone), 'AF_INET AF_INET6 AF_UNIX', 'standing alone it may open TCP sockets';
unlike $unit{'sixteend.service'}, qr/^(?:PrivateNetwork|IPAddressDeny)=/m, 'in the network of the host';

my $socket = read_file("$ENV{SOURCE_DIR}/etc/sixteend.socket");
my ($listen) = read_file("$ENV{BUILD_DIR}/etc/sixteen.conf") =~ /^listen = \[ (.+) \];$/m;
is join(', ', map { qq("$_") } $socket =~ /^ListenStream=(\S+)$/mg), $listen, 'the socket unit has the addresses of the sample';
like $socket, qr/^Accept=no$/m, 'for one daemon that serves all';
like $socket, qr/^Service=sixteend-activated\.service$/m, 'the one without a network';
like $unit{'sixteend-activated.service'}, qr/^Requires=sixteend\.socket\nAfter=sixteend\.socket$/m, 'which is never started without its sockets';

SKIP: {
    skip 'systemd-analyze is not installed', 3 if !have('systemd-analyze');
    # The daemon is not installed at this time, so the units name the one that was built.
    my $directory = scratch();
    my @copies = write_file("$directory/sixteend.socket", $socket);
    for my $name (sort keys %unit) {
        push @copies, write_file("$directory/$name", $unit{$name} =~ s{^(Exec\w+)=/\S+/sixteend\b}{$1=$SIXTEEND}mgr);
        my ($status, $out) = run('systemd-analyze', 'security', '--no-pager', '--offline=yes', "--threshold=$exposure{$name}", $copies[-1]);
        is $status, 0, "$name: an exposure of at most " . $exposure{$name} / 10 or diag $out;
    }
    my ($status, $out, $err) = run('systemd-analyze', 'verify', '--man=no', @copies);
    is "$status$out$err", '0', 'systemd-analyze verify says nothing';
}
done_testing;
