# SPDX-License-Identifier: MIT
# The systemd unit is one that systemd understands.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $unit = read_file("$ENV{BUILD_DIR}/etc/sixteend.service");
unlike $unit, qr/\@\w+\@/, 'every path is put in';
like $unit, qr{^ExecStart=/\S+/sixteend --foreground --config /\S+/sixteen\.conf$}m, 'it starts the daemon in the foreground';
like $unit, qr/^RestartPreventExitStatus=78$/m, 'a wrong configuration is not tried again';

SKIP: {
    skip 'systemd-analyze is not installed', 1 if !have('systemd-analyze');
    # The daemon is not installed at this time, so the unit names the one that was built.
    $unit =~ s{^ExecStart=\S+}{ExecStart=$SIXTEEND}m;
    my $copy = write_file(scratch() . '/sixteend.service', $unit);
    my ($status, $out, $err) = run('systemd-analyze', 'verify', '--man=no', $copy);
    is "$status$out$err", '0', 'systemd-analyze verify says nothing';
}
done_testing;
