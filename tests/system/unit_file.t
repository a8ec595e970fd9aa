# SPDX-License-Identifier: MIT
# The systemd units are ones that systemd understands.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $unit = read_file("$ENV{BUILD_DIR}/etc/sixteend.service");
unlike $unit, qr/\@\w+\@/, 'every path is put in';
like $unit, qr{^ExecStart=/\S+/sixteend --foreground --config /\S+/sixteen\.conf$}m, 'it starts the daemon in the foreground';
like $unit, qr/^Type=notify$/m, 'systemd waits for its word';
like $unit, qr{^ExecReload=(/\S+/sixteend) --test --foreground (--config /\S+/sixteen\.conf)\nExecReload=/bin/kill -HUP \$MAINPID$}m,
    'a reload begins with a check of the file';
like $unit, qr/^WatchdogSec=[1-9]\d*$/m, 'a daemon that hangs is noticed';
like $unit, qr/^RestartPreventExitStatus=78$/m, 'a wrong configuration is not tried again';

my $socket = read_file("$ENV{SOURCE_DIR}/etc/sixteend.socket");
my ($listen) = read_file("$ENV{BUILD_DIR}/etc/sixteen.conf") =~ /^listen = \[ (.+) \];$/m;
is join(', ', map { qq("$_") } $socket =~ /^ListenStream=(\S+)$/mg), $listen, 'the socket unit has the addresses of the sample';
like $socket, qr/^Accept=no$/m, 'for one daemon that serves all';

SKIP: {
    skip 'systemd-analyze is not installed', 2 if !have('systemd-analyze');
    # The daemon is not installed at this time, so the unit names the one that was built.
    is $unit =~ s{^(Exec\w+)=/\S+/sixteend\b}{$1=$SIXTEEND}mg, 2, 'the unit names the daemon twice';
    my $directory = scratch();
    my @copies = (write_file("$directory/sixteend.service", $unit), write_file("$directory/sixteend.socket", $socket));
    my ($status, $out, $err) = run('systemd-analyze', 'verify', '--man=no', @copies);
    is "$status$out$err", '0', 'systemd-analyze verify says nothing';
}
done_testing;
