# SPDX-License-Identifier: MIT
# Each call that can fail while the daemon ends, with connections that continue, that have their
# reply, and that are silent.
use strict;
use warnings;
use Faults;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

need_shim();

sub active {
    my ($daemon) = @_;
    my ($half, $answered, $silent) = map { open_to($daemon->{ports}[0]) } 1 .. 3;
    syswrite $half,     substr $GREETING, 0, 8;
    syswrite $answered, $GREETING;
    talk(5, $answered);
    $daemon->wait_log(qr/Socket connects/) for 1 .. 3;
    return sub {
        local $SIG{PIPE} = 'IGNORE';
        $daemon->take_in(time + 0.05);
        syswrite $half, substr $GREETING, 8, 4;
        select undef, undef, undef, 0.005;
        syswrite $half, substr $GREETING, 12;
        talk(0.15, $half);
        return ($answered, $silent);
    };
}

my $scenario = {
    name => 'drain',
    config => 'metrics: { file = "DIRECTORY/metrics"; };',
    arguments => [qw(--foreground --stderr --verbose --config conf --listen 127.0.0.1:0 --listen [::1]:0 --pid-file pid)],
    active => \&active,
};
run_faults($scenario, \&learn_drain, \&drain);

my $managed = {
    name => 'drain for a service manager',
    before => \&manager_before,
    inside => \&manager_inside,
    passed => 2,
    arguments => [qw(--foreground --stderr --verbose --config conf)],
    active => \&active,
};
run_faults($managed, \&learn_drain, \&drain);
finish_faults('drain');
