# SPDX-License-Identifier: MIT
# Each call that can fail while the daemon goes to the background.
use strict;
use warnings;
use Faults;
use Sixteen;
use Test::More;

need_shim();
my $scenario = {
    name => 'background',
    arguments => [qw(--daemon --config conf --listen 127.0.0.1:0 --pid-file pid)],
};
known_from(\&learn_start, { name => 'foreground', arguments => [qw(--foreground --config conf --listen 127.0.0.1:0 --pid-file pid)] });
run_faults($scenario, \&learn_start, \&start_case);
finish_faults('background');
