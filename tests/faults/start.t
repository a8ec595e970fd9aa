# SPDX-License-Identifier: MIT
# Each call that can fail while the daemon starts in the foreground, or only prints something.
use strict;
use warnings;
use Faults;
use Fcntl qw(LOCK_EX);
use POSIX ();
use Sixteen;
use Test::More;

need_shim();
my ($user, $group) = own_user();
my @one = ('--foreground', '--config', 'conf', '--listen', '127.0.0.1:0');

my @scenarios = (
    {
        name => 'foreground',
        config => 'metrics: { file = "DIRECTORY/metrics"; }; access: { deny = [ "192.0.2.0/24" ]; };',
        inside => sub { POSIX::dup2(2, 3); POSIX::close(0) },    # to be closed, and to be opened
        passed => 1,
        arguments => [@one, qw(--stderr --verbose --listen *:0 --listen 127.1:0 --pid-file pid)],    # the last one is looked up
    }, {
        name => 'as another user',
        config => "daemon: { user = \"$user\"; group = \"$group\"; };",
        arguments => [@one, '--stderr'],
    }, {
        name => 'as another user, with capabilities',
        config => "daemon: { user = \"$user\"; };",
        arguments => [@one, '--stderr'],
        under => [$> == 0 ? qw(setpriv --inh-caps=+chown) : (), 'env', "LD_PRELOAD=$SHIM"],
    }, {
        name => 'to syslog',
        config => 'log: { to = "syslog"; };',
        arguments => [@one],
    }, {
        name => 'with a high limit',
        config => 'limits: { connections = 1000000; };',
        arguments => [@one, '--stderr'],
    }, {
        name => 'with a pid file that is held',
        before => sub {
            open my $held, '>', "$_[0]/pid" or die "$_[0]/pid: $!";
            chmod 0600, "$_[0]/pid";
            flock $held, LOCK_EX;
            return $held;
        },
        arguments => [@one, '--stderr', '--pid-file', 'pid'],
    }, {
        name => 'with a pid file that others can open',
        before => sub { chmod 0644, write_file("$_[0]/pid", '') },
        arguments => [@one, '--stderr', '--pid-file', 'pid'],
    }, {
        name => 'with a pid file that others have locked',
        before => sub {
            open my $held, '>', "$_[0]/pid" or die "$_[0]/pid: $!";
            chmod 0644, "$_[0]/pid";
            flock $held, LOCK_EX;
            return $held;
        },
        arguments => [@one, '--stderr', '--pid-file', 'pid'],
    },
    {
        name => 'by a service manager',
        before => \&manager_before,
        inside => \&manager_inside,
        passed => 2,
        arguments => [qw(--foreground --config conf --stderr)],
    },
    {
        name => 'by a service manager, at every address',
        config => 'listen = [ "*:1060" ];',
        before => sub {
            my @held = manager_before(@_);
            $held[3] = IO::Socket::IP->new(LocalHost => '::', V6Only => 0, Listen => 5) or die "::: $@";
            return @held;
        },
        inside => \&manager_inside,
        passed => 2,
        arguments => [qw(--foreground --config conf --stderr)],
    },
    {
        name => 'with a readiness descriptor',
        before => sub {
            pipe my $reader, my $writer or die "pipe: $!";
            return ($reader, $writer);
        },
        inside => sub { POSIX::dup2(fileno $_[1], $_) for 3, 4 },
        passed => 2,
        arguments => [@one, '--stderr', '--ready-fd', 4],
    }, {
        name => 'from a FIFO',
        before => sub { POSIX::mkfifo("$_[0]/fifo", 0600) },
        arguments => [qw(--test --config fifo)],
    },
    { name => 'test', arguments => ['--test'] },
    { name => 'show', arguments => [qw(--show-config --config conf)] },
    { name => 'help', arguments => ['--help'] },
    { name => 'version', arguments => ['--version'] },
);
run_faults($_, \&learn_start, \&start_case) for @scenarios;
finish_faults('start');
