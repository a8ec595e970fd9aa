# SPDX-License-Identifier: MIT
# Each call that can fail while peers are served.
use strict;
use warnings;
use Faults;
use Sixteen;
use Test::More;

need_shim();
my $access = 'access: { deny = [ "127.0.0.8" ]; proxies = [ "127.0.0.7" ]; };';
my $scenario = {
    name => 'service',
    config => "limits: { per_source = 100; }; $access",
    arguments => [qw(--foreground --stderr --verbose --config conf --listen 127.0.0.1:0 --listen 0.0.0.0:0)],
    stimulus => \&converse,
};

# Nearly every peer is refused.
my $full = {
    name => 'service at its limits',
    config => qq(limits: { connections = 2; per_source = 1; when_full = "refuse"; }; $access),
    arguments => $scenario->{arguments},
    stimulus => \&converse,
    after => sub { settles($_[0], 99, 4) },    # no peer is connected: the main loop, the log, two acceptors
};
for ($scenario, $full) {
    run_faults($_, \&learn_service, \&service_case);
    is join(' ', end_service($_)), '', 'ends';
}
finish_faults('service');
