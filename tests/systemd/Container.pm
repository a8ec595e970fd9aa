# SPDX-License-Identifier: MIT
# A Debian that was booted, with systemd as its process 1, and the project installed in it. It
# runs in systemd-nspawn, on a copy of with-root's Debian that is in memory and goes with it.
package Container;
use strict;
use warnings;
use Carp;
use IO::Socket::UNIX;
use Sixteen qw(finish is_sanitized next_datagram read_file run scratch spawn write_file);
use Socket qw(SOCK_DGRAM);
use Test::More;

my ($OUTSIDE, $INSIDE) = ('192.0.2.1', '192.0.2.2');

my @booted;

# Whoever uses this has a network of its own, which is joined to the container's.
sub import {
    plan skip_all => $ENV{NO_SYSTEMD_ROOT} if $ENV{NO_SYSTEMD_ROOT};
    plan skip_all => 'make check-systemd makes what this needs' if !$ENV{SYSTEMD_ROOT};
    plan skip_all => 'a sanitizer needs more than a sandbox has' if is_sanitized();
    return if $ENV{OWN_NETWORK}++;
    exec 'unshare', '--net', $^X, '-w', (map { "-I$_" } @INC), $0 or croak "unshare: $!";
}

# The first of process 1's words to us that match: what they bring.
sub hear {
    my ($self, $pattern) = @_;
    next_datagram($self->{notify}, $pattern) =~ $pattern or croak "the container does not boot; its console: " . read_file($self->{console});
    return $1;
}

sub boot {
    my ($class) = @_;
    my $directory = scratch();
    my $name = sprintf 's%08x', rand 0xffffffff;    # process ids are those of a namespace
    my $self = bless { name => $name, console => "$directory/console", cgroup => "/sys/fs/cgroup/sixteend-$name" }, $class;
    $self->{notify} = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$directory/notify") or croak "notify: $!";
    mkdir $self->{cgroup} or croak "$self->{cgroup}: $!";
    $self->{pid} = spawn(sub {
        write_file("$self->{cgroup}/cgroup.procs", $$);
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', $self->{console};
        open STDERR, '>&', \*STDOUT;
        @ENV{qw(NOTIFY_SOCKET SYSTEMD_NSPAWN_LOCK)} = ("$directory/notify", 0);
        exec 'systemd-nspawn', '--quiet', '--boot', "--directory=$ENV{SYSTEMD_ROOT}", '--volatile=overlay', "--machine=$name",
            '--register=no', '--keep-unit', '--notify-ready=yes', '--network-veth', '--resolv-conf=off', '--console=pipe',
            '--capability=all', '--system-call-filter=bpf';    # or systemd ignores IPAddressDeny= silently
    });
    push @booted, $self;
    $self->{leader} = $self->hear(qr/^X_NSPAWN_LEADER_PID=(\d+)/m);
    $self->hear(qr/^(READY=1)$/m);
    close delete $self->{notify};    # systemd-nspawn waits while this is full
    $self->join_networks;
    return $self;
}

sub join_networks {
    my ($self) = @_;
    my $link = "ve-$self->{name}";
    system "ip link set lo up && ip address add $OUTSIDE/24 dev $link && ip link set $link up";
    $self->inside('sh', '-c', "ip address add $INSIDE/24 dev host0 && ip link set host0 up");
    return;
}

# Where the container is found from here.
sub address { return $INSIDE }

# Run a command in it.
sub inside {
    my ($self, @command) = @_;
    return run('nsenter', "--target=$self->{leader}", '--all', @command);
}

# The same, for what must succeed: what it printed.
sub must {
    my ($self, @command) = @_;
    my ($status, $out, $err) = $self->inside(@command);
    $status == 0 or diag "@command: status $status: $out$err";
    return $out =~ s/\n\z//r;
}

# A file of it, as it is called here.
sub path {
    my ($self, $path) = @_;
    return "/proc/$self->{leader}/root$path";
}

# Every file, but for what the log, systemd itself and dpkg write. Other conditions of find(1) can
# include the directories.
sub files {
    my ($self, @conditions) = @_;
    my $root = $self->path('');
    my (undef, $found) = run('find', map({ "$root$_" } '/', '/run', '/tmp'), '-xdev', @conditions ? @conditions : ('-not', '-type', 'd'));
    return [sort grep { !m{^(?:/var/log|/run/log|/run/systemd|/run/udev|/var/lib/systemd|/var/lib/dpkg)/} } map { substr $_, length $root } split /\n/, $found];
}

# make TARGET with the container as the place to install to.
sub run_make {
    my ($self, $target) = @_;
    delete local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
    return run('make', '-s', '-C', $ENV{BUILD_DIR}, 'DESTDIR=' . $self->path(''), $target);
}

# The same, and systemd reads its units again.
sub make {
    my ($self, $target) = @_;
    my ($status, undef, $err) = $self->run_make($target);
    $self->must('systemctl', 'daemon-reload');
    return "$status$err";
}

# Install, and return where the configuration is.
sub installed {
    my ($self) = @_;
    $self->make('install') eq '0' or croak 'make install failed';
    my ($conf) = $self->must('systemctl', 'cat', 'sixteend') =~ m{^ExecStart=\S+ .*--config (\S+)$}m or croak 'no unit was installed';
    return $conf;
}

# Lines that stand in for those of a unit, in place of the last ones given; without lines, none.
sub drop_in {
    my ($self, $unit, $lines) = @_;
    my $directory = "/etc/systemd/system/$unit.d";
    $self->must('rm', '-rf', $directory);
    if ($lines) {
        $self->must('mkdir', $directory);
        write_file($self->path("$directory/test.conf"), $lines);
    }
    $self->must('systemctl', 'daemon-reload');
    return;
}

# Sockets of systemd only, as examples/systemd has it.
sub without_network {
    my ($self) = @_;
    $self->drop_in('sixteend.service', read_file("$ENV{SOURCE_DIR}/examples/systemd/no-network.conf"));
    return;
}

# What `systemctl is-active` says of the service and of the socket.
sub states {
    my ($self) = @_;
    return join ' ', split /\n/, ($self->inside('systemctl', 'is-active', 'sixteend.service', 'sixteend.socket'))[1];
}

# A property of a unit, as systemctl show prints it.
sub property {
    my ($self, $name, $unit) = @_;
    return $self->must('systemctl', 'show', '--property', $name, '--value', $unit // 'sixteend');
}

# The process of a unit, the daemon if nothing else is said, by its number out here.
sub main_process {
    my ($self, $unit) = @_;
    my $inside = $self->property('MainPID', $unit);
    my $group = "$self->{cgroup}/payload" . $self->property('ControlGroup', $unit);
    my ($pid) = grep { read_file("/proc/$_/status") =~ /^NSpid:.*\t$inside$/m } split ' ', read_file("$group/cgroup.procs");
    return $pid // croak "process $inside is not found in $group";
}

# The journal's lines, of the daemon if nothing else is said.
sub journal {
    my ($self, @options) = @_;
    $self->must('journalctl', '--sync');
    return $self->must('journalctl', '--quiet', '--no-pager', '--output=cat', @options ? @options : '--identifier=sixteend');
}

sub stop {
    my ($self) = @_;
    @booted = grep { $_ != $self } @booted;
    finish($self->{pid});
    system 'find', $self->{cgroup}, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+';
    return;
}

END {
    my $status = $?;
    $_->stop for my @all = @booted;
    $? = $status;
}

1;
