# SPDX-License-Identifier: MIT
# Started as root, the daemon becomes the configured user for good; started by another user, it
# reports that it cannot. The first half needs root, the second an ordinary user.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $user = 'nobody';
my ($uid, $gid) = (getpwnam $user)[2, 3];
my $config = "daemon: { user = \"$user\"; };";

SKIP: {
    skip 'needs root: only root can become another user', 41 if $> != 0;
    my $pid_directory = scratch();
    my $daemon = start(config => $config, options => ['--pid-file', "$pid_directory/pid"],
        listen => ['127.0.0.1:0']);
    my $status = read_file("/proc/$daemon->{pid}/status");
    like $status, qr/^Uid:\s+$uid\s+$uid\s+$uid\s+$uid$/m, 'real, effective and saved user are the configured one';
    like $status, qr/^Gid:\s+$gid\s+$gid\s+$gid\s+$gid$/m, "and its group";
    like $status, qr/^Groups:\s*$/m, 'supplementary groups are cleared';
    is join(' ', $status =~ /^Cap(?:Inh|Prm|Eff|Amb):\s+(\w+)$/mg), join(' ', ('0' x 16) x 4), 'no capability is left';
    like $status, qr/^NoNewPrivs:\s+1$/m, 'and exec gives none';
    unlike $daemon->{log}, qr/running as root/, 'and no warning is due';
    my ($answer) = run($SIXTEEN, '127.0.0.1', $daemon->{port});
    is $answer, 0, 'it answers';
    is $daemon->stop, 0, 'it ends';
    is read_file("$pid_directory/pid"), '', "the pid file that it can't remove is empty";

    # With this bit a process keeps capabilities though its user changes: capabilities(7).
    $daemon = start(config => $config, under => ['setpriv', '--securebits=+no_setuid_fixup']);
    like read_file("/proc/$daemon->{pid}/status"), qr/^CapPrm:\s+0+$/m, 'nor under securebits that would keep them';
    is $daemon->stop, 0, 'ends';

    $daemon = start(arguments => ['-f', '-e', '-c', '/dev/null'], under => ['setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups',
        '--inh-caps=+net_bind_service', '--ambient-caps=+net_bind_service']);
    like read_file("/proc/$daemon->{pid}/status"), qr/^CapPrm:\s+0+$/m, 'nor where an ordinary user was started with one';
    is $daemon->stop, 0, 'ends';

    my $group = getgrgid 1;
    $daemon = start(config => "daemon: { user = \"$user\"; group = \"$group\"; };");
    like read_file("/proc/$daemon->{pid}/status"), qr/^Gid:\s+1\s+1\s+1\s+1$/m, 'daemon.group wins over the group of the user';
    $daemon->stop;

    # An ordinary user with supplementary groups, which it cannot drop.
    my $directory = scratch();
    chmod 0755, $directory;
    my $file = "$directory/sixteen.conf";
    my ($name, $own, $additional) = ((getpwuid 1)[0], scalar getgrgid((getpwuid 1)[3]), scalar getgrgid 4);
    my @ordinary = ('setpriv', '--reuid=1', '--groups=4,24', '--inh-caps=-all');
    for my $same ("user = \"$name\";", "group = \"$own\";", "user = \"$name\"; group = \"$own\";") {
        write_file($file, "daemon: { $same };");
        $daemon = start(arguments => ['-f', '-e', '-c', $file], under => [@ordinary, '--regid=1']);
        like read_file("/proc/$daemon->{pid}/status"), qr/^Uid:\s+1\s+1\s+1\s+1\nGid:\s+1\s+1\s+1\s+1\n(?:.*\n)*Groups:\s+4 24 $/m,
            "$same names what it is already: its supplementary groups stay";
        is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'it answers';
        is $daemon->stop, 0, 'ends';
    }
    SKIP: {
        skip 'needs strace', 2 if !have('strace');
        skip 'strace stops the threads of a sanitizer', 2 if is_sanitized();
        chmod 0777, $directory;
        my @strace = (@ordinary, '--regid=1', 'strace', '-qq', '-f', '-o', "$directory/calls", '-e', 'trace=/^set(re|res|fs)?[ug]id|^setgroups|^exit_group');
        skip 'an ordinary user may not trace here', 2 if (run(@strace, $SIXTEEND, '--version'))[0] != 0;
        $daemon = start(arguments => ['-f', '-e', '-c', $file], under => \@strace);
        kill 'TERM', $daemon->{log} =~ / ready, process (\d+)$/m;
        is $daemon->wait_end, 0, 'under strace: ends';
        is join(' ', read_file("$directory/calls") =~ /^\d+ +(\w+)\(/mg), 'exit_group', 'it makes no call that changes them, as a filter of system calls may refuse it';
    }
    SKIP: {
        my @namespace = ('setpriv', '--groups=4,24', 'unshare', '--user', '--map-root-user');
        skip 'this host lets nobody make a user namespace', 2 if (run(@namespace, 'true'))[0] != 0;
        $daemon = start(config => 'daemon: { user = "root"; };', under => \@namespace);
        like read_file("/proc/$daemon->{pid}/status"), qr/^Groups:\s+4 24 $/m, 'in a namespace without the right to drop groups, too';
        is $daemon->stop, 0, 'ends';
    }
    for my $other (['one of its supplementary groups', 1, "group = \"$additional\";", qr/group $additional/],
        ['the user that it is, with another group', 4, "user = \"$name\";", qr/user $name and its group/],
        ['another user', 1, "user = \"$user\";", qr/user $user and its group/]) {
        my ($what, $regid, $wanted, $words) = @$other;
        write_file($file, "daemon: { $wanted };");
        my ($left, $out, $err) = run('timeout', '30', @ordinary, "--regid=$regid", '--', $SIXTEEND, '-f', '-c', $file, '-l', '127.0.0.1:0');
        is $left, 71, "$what: status 71";
        like $err, qr/cannot change to $words; only root can: Operation not permitted/, 'with the reason';
    }

    # Whether the user can read the file at a reload.
    for my $case ([0755, 0644, 1], [0755, 0600, 0], [0700, 0644, 0], [0711, 0604, 1], [0755, 0640, 0]) {
        my ($folder_mode, $mode, $is_readable) = @$case;
        my $place = scratch();
        chmod $folder_mode, $place;
        my $path = write_file("$place/sixteen.conf", $config);
        chmod $mode, $path;
        $daemon = start(arguments => ['--foreground', '--stderr', '--config', $path]);
        my $is_warned = $daemon->{log} =~ /^\S+ warning cannot read \Q$path\E after dropping privileges, so every reload will be refused: Permission denied; let the daemon's user read the file and its directories\n/m;
        is $is_warned ? 0 : 1, $is_readable, sprintf 'a file of mode %o in a folder of mode %o', $mode, $folder_mode;
        like $daemon->reload(undef), $is_readable ? qr/ reloaded / : qr/reload refused/, 'a reload shows it';
        $daemon->stop;
    }

    $daemon = start();
    like $daemon->{log}, qr/ warning running as root; set daemon\.user to run as another user\n/, 'root without a user is warned of';
    is $daemon->stop, 0, 'ends';
}
SKIP: {
    skip 'needs an ordinary user: root can become anybody', 5 if $> == 0;
    my $file = write_file(scratch() . '/sixteen.conf', 'daemon: { user = "root"; };');
    my ($status, $out, $err) = run($SIXTEEND, '-f', '-c', $file, '-l', '127.0.0.1:0');
    is $status, 71, 'a user that cannot be become: status 71';
    like $err, qr/crit cannot change to user root and its group; only root can: Operation not permitted/, 'with the reason';
    my $daemon = start(config => sprintf 'daemon: { user = "%s"; group = "%s"; };', scalar getpwuid($>), scalar getgrgid($( + 0));
    is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'the user that it is already: it answers';
    is $daemon->stop, 0, 'ends';
    SKIP: {
        skip 'this host lets anybody have low ports', 1 if read_file('/proc/sys/net/ipv4/ip_unprivileged_port_start') < 2;
        ($status, $out, $err) = run($SIXTEEND, '-f', '-c', '/dev/null', '-l', '127.0.0.1:1');
        like "$status $err", qr/^69 .*Permission denied; ports below 1024 need root/, 'a port below 1024 is refused';
    }
}
done_testing;
