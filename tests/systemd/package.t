# SPDX-License-Identifier: MIT
# The Debian packages of the directory PACKAGES, which .ci/package builds: installed, the service is
# enabled and runs; an upgrade loses no connection and keeps configuration and choices; nothing is
# left when they are purged.
use strict;
use warnings;
use Sixteen;
use Container;
use Test::More;

my %packages = map { m{/(sixteend?)_[^/]*\z} ? ($1 => $_) : () } glob(($ENV{PACKAGES} // '') . '/*.deb');
plan skip_all => 'PACKAGES does not name a directory with the Debian packages' if keys %packages != 2;

# ---- what autopkgtest runs

SKIP: {
    my $machine = Container->boot;
    skip 'autopkgtest is not in the container', 2 if ($machine->inside('which', 'autopkgtest'))[0] != 0;
    must('cp', '-r', "$ENV{SOURCE_DIR}/debian", values %packages, $machine->path('/root'));
    $machine->must('mkdir', '/root/source');
    $machine->must('mv', '/root/debian', '/root/source');
    my ($status, $out, $err) = $machine->inside('sh', '-c',
        'cd /root && exec autopkgtest --ignore-restrictions=isolation-container --no-built-binaries *.deb source/ -- null');
    is $status, 0, 'autopkgtest' or diag "$out$err";
    like "$out$err", qr/^exchange +PASS\nservice +PASS$/m, 'runs both tests';
    $machine->stop;
}

# ---- install

my $machine = Container->boot;

# What fails here without the packages is not theirs.
sub failed_units { return $machine->must('systemctl', '--failed', '--no-legend', '--plain') }
$machine->inside('systemctl', 'is-system-running', '--wait');
my $failed = failed_units();
note "failed before: $failed";

# Return everything that a package can leave.
sub inventory {
    return {
        files => $machine->files('-true'),
        users => read_file($machine->path('/etc/passwd')),
        groups => read_file($machine->path('/etc/group')),
        units => $machine->must('systemctl', 'list-unit-files', '--no-legend'),
    };
}
my $before = inventory();

# Install the files with dpkg.
sub install {
    my @files = @_;
    my @copies = map { "/root/$_.deb" } 0 .. $#files;
    write_file($machine->path($copies[$_]), read_file($files[$_])) for 0 .. $#files;
    my ($status, $out, $err) = $machine->inside('dpkg', '--install', @copies);
    $machine->must('rm', @copies);
    is $status, 0, 'dpkg installs' or diag "$out$err";
    return;
}

# Make a package of the same content, with a version that is higher by so much.
sub newer {
    my ($file, $by) = @_;
    my $directory = scratch();
    must('dpkg-deb', '--raw-extract', $file, "$directory/tree");
    my $control = "$directory/tree/DEBIAN/control";
    write_file($control, read_file($control) =~ s/^Version: .*\K/+$by/mr);
    must('dpkg-deb', '--root-owner-group', '--build', "$directory/tree", "$directory/newer.deb");
    return "$directory/newer.deb";
}

# Return the status of the installed client and what it prints.
sub exchange { return join '', $machine->inside('sixteen', '--timeout', 5, @_) }

sub listeners { return $machine->must('ss', '--no-header', '--listening', '--tcp', '--numeric') }

is listeners(), '', 'nothing listens';
install(@packages{qw(sixteend sixteen)});
is $machine->states, 'active active', 'service and socket run';
is $machine->must('systemctl', 'is-enabled', 'sixteend.service', 'sixteend.socket'), "enabled\nenabled", 'and are enabled';
is join(' ', $machine->inside('systemctl', 'is-enabled', 'sixteen-watch')), "1 disabled\n ", 'the watch is not';
is $machine->property('ActiveState', 'sixteen-watch'), 'inactive', 'and does not run';
is failed_units(), $failed, 'nothing failed';
like exchange($_), qr/\A0.*'\Q$REPLY\E'$/ms, "$_ answers" for '127.0.0.1', '::1';

# ---- upgrade, while a client makes a hundred exchanges a second

my $conf = $machine->path('/etc/sixteen.conf');
write_file($conf, "reply = \"A second answer!\";\n");
my @expected = ('--expect', 'A second answer!', '127.0.0.1');
$machine->must('systemctl', 'reload', 'sixteend');
ok wait_for(sub { exchange(@expected) =~ /\A0/ }), 'the administrator changes the configuration';
$machine->must('systemctl', 'start', 'sixteen-watch');
my %process = map { $_ => $machine->property('MainPID', $_) } qw(sixteend sixteen-watch);
my $opened = $machine->property('ActiveEnterTimestampMonotonic', 'sixteend.socket');
# Without the container's process ids, nsenter does not fork, and the client gets the signal.
my ($client, $words) = spawn_to_read('nsenter', "--target=$machine->{leader}", '--mount', '--net',
    'sixteen', '--quiet', '--interval', 0.01, @expected);
install(map { newer($_, 1) } @packages{qw(sixteend sixteen)});
isnt $machine->property('MainPID', $_), $process{$_}, "$_ is restarted" for sort keys %process;
is $machine->property('ActiveEnterTimestampMonotonic', 'sixteend.socket'), $opened, 'the socket stays open';
kill 'INT', $client;
my $summary = do { local $/; <$words> };
waitpid $client, 0;
like $summary, qr/^(\d{2,}) sent, \1 right, 0 wrong, 0% lost/m, 'each exchange during the upgrade was right' or diag $summary;
note $summary;
is read_file($conf), "reply = \"A second answer!\";\n", 'the configuration is kept';

# Without the socket.
$machine->must('systemctl', 'stop', 'sixteend.*');
$machine->must('systemctl', 'disable', 'sixteend.socket');
$machine->must('systemctl', 'start', 'sixteend');
install(newer($packages{sixteend}, 2));
is $machine->states, 'active inactive', 'an upgrade keeps a service that stands alone';
like exchange(@expected), qr/\A0/, 'which answers';
$machine->must('systemctl', 'disable', '--now', 'sixteend');
install(newer($packages{sixteend}, 3));
is $machine->states, 'inactive inactive', 'and one that is disabled';
$machine->must('systemctl', 'enable', '--now', 'sixteend.socket', 'sixteend.service');
like exchange(@expected), qr/\A0/, 'until it is enabled again';

# ---- remove and purge

$machine->must('dpkg', '--remove', 'sixteend', 'sixteen');
is $machine->states, 'inactive inactive', 'removed, service and socket are stopped';
isnt $machine->property('ActiveState', 'sixteen-watch'), 'active', 'and the watch';
is listeners(), '', 'and nothing listens';
is read_file($conf), "reply = \"A second answer!\";\n", 'the configuration is kept';
install(@packages{qw(sixteend sixteen)});
like exchange(@expected), qr/\A0/, 'installed again, the service answers by it';

$machine->must('dpkg', '--purge', 'sixteend', 'sixteen');
is listeners(), '', 'purged, nothing listens';
my $after = inventory();
is_deeply $after->{$_}, $before->{$_}, "the $_ are those of before" for sort keys %$before;
is((run('find', $machine->path('/'), '-xdev', '-name', '*sixteen*'))[1], '', 'nothing has their name');
is_deeply [glob $machine->path('/{var/lib,var/cache,var/log,run}/private/*')], [], 'nothing is left of their users';
is failed_units(), $failed, 'nothing failed';
done_testing;
