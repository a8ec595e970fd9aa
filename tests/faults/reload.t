# SPDX-License-Identifier: MIT
# Each call that can fail when SIGHUP or SIGUSR1 comes.
use strict;
use warnings;
use Faults;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

need_shim();

# A wide address takes the place of the first, and comes and goes beside it.
my $one = <<'END';
listen = [ "127.0.0.1:0", "0.0.0.0:0" ];
metrics: { file = "DIRECTORY/metrics"; interval = 60.0; };
END
my $other = <<'END';
listen = [ "0.0.0.0:FIRST", "0.0.0.0:0", "127.0.0.2:0", "127.0.0.3:0" ];
limits: { backlog = 100; connections = 100; };
access: { allow = [ "127.0.0.0/8" ]; deny = [ "192.0.2.0/24" ]; proxies = [ "127.0.0.9" ]; };
metrics: { file = "DIRECTORY/metrics"; interval = 60.0; };
log: { to = "syslog"; };
END
my $scenario = {
    name => 'reload',
    config => $one,
    before => \&manager_before,
    inside => sub { $ENV{NOTIFY_SOCKET} = $_[1] },
    arguments => [qw(--foreground --stderr --verbose --config conf)],
    beside => \&converse,
    stimulus => sub {
        my ($daemon) = @_;
        reload($daemon, $_) for $other, $one, $other, $one;
        kill 'USR1', $daemon->{served_by};
        converse($daemon);
    },
    after => sub { reload($_[0], $one) },
};

# On a slow machine the first listener is closed before its address comes back: then another one opens,
# at the same port.
sub reload {
    my ($daemon, $config) = @_;
    my ($first) = $daemon->{log} =~ /Listening at 127\.0\.0\.1:(\d+)/;
    write_file("$daemon->{directory}/conf", configuration({ config => $config =~ s/FIRST|127\.0\.0\.1:\K0/$first/r }, $daemon->{directory}));
    return hang_up($daemon);
}

# Wait until the log says that the file was read, or for a while.
sub hang_up {
    my ($daemon) = @_;
    my $mark = length $daemon->{log};
    my $until = time + 0.2;
    kill 'HUP', $daemon->{served_by};
    while (substr($daemon->{log}, $mark) !~ /reloaded|reload refused/) {
        $daemon->take_in($until) or last;
    }
    return;
}


# Without a file, but for the one that may lie where it is looked for.
my $built_in = {
    name => 'reload without a file',
    arguments => [qw(--foreground --stderr --verbose --listen 127.0.0.1:0 --listen 0.0.0.0:0)],
    beside => \&converse,
    stimulus => sub { hang_up($_[0]) },
    counts => [99, 99],    # nothing says that workers end soon
};
for ($scenario, $built_in) {
    run_faults($_, \&learn_service, \&service_case);
    is join(' ', end_service($_)), '', 'ends';
}
finish_faults('reload');
