# SPDX-License-Identifier: MIT
# SIGUSR2, which interrupts acceptors, is harmless when others send it, at any rate, and hides no
# other signal; nor do HUP and USR1, as fast as they can come.
use strict;
use warnings;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

# A process that sends a signal to the daemon as fast as it can.
sub storm {
    my ($pid, $signal) = @_;
    return spawn(sub { 1 while kill $signal // 'USR2', $pid });
}

my $config = 'log: { level = "notice"; };';
my $daemon = start(listen => ['127.0.0.1:0', '[::1]:0'], config => $config);
my @addresses = (['127.0.0.1', $daemon->{ports}[0]], ['::1', $daemon->{ports}[1]]);
kill 'USR2', $daemon->{pid} for 1 .. 1000;
is +(run($SIXTEEN, @$_))[0], 0, 'after a thousand of them it serves' for @addresses;

my @storms = map { storm($daemon->{pid}) } 1 .. 2;
my $load = begin_load(2, @addresses);
for my $round (1 .. 10) {
    like $daemon->reload("$config # $round"), qr/ reloaded /, 'during a storm of them HUP is acted upon';
    $daemon->tell('USR1');
    ok $daemon->wait_log(qr/ listener \[::1\]/), 'and USR1';
}
my ($exchanges, @wrong) = end_load($load);
is "@wrong", '', "and none of $exchanges exchanges fails";
cmp_ok $exchanges, '>=', 20, 'which go on';
$daemon->tell('USR1');
like $daemon->wait_log(qr/ accept errors /), qr/ none=0$/, 'an interrupted accept4(2) is no error';
my $held = connect_to($daemon->{port});
syswrite $held, 'Hi there';
ok wait_for(sub { everything_is_read($daemon->{port}, $held) }), 'a peer that has begun';
$daemon->tell('TERM');
ok $daemon->wait_log(qr/ stopping$/), 'TERM is acted upon';
syswrite $held, ', server';
is join(' ', read_to_end($held)), "$REPLY eof", 'as always';
close $held;
is $daemon->wait_end, 0, 'ends';
finish($_) for @storms;

# From the moment that it is ready.
for my $round (1 .. 5) {
    $daemon = start(config => $config);
    my $storm = storm($daemon->{pid});
    is $daemon->stop, 0, 'a stop at once';
    finish($storm);
}

# TERM has the highest number of these, so the kernel reports it last. The next HUP comes while the
# reload still reads the long list.
my $long = sprintf '%s access: { deny = [ %s ]; };', $config, join ', ', map { my $high = $_; map { "\"192.$high.$_.0/24\"" } 0 .. 255 } 0 .. 7;
for my $signals (['HUP', 'HUP'], ['USR1', 'USR1'], ['HUP', 'USR1']) {
    $daemon = start(config => $long);
    @storms = map { storm($daemon->{pid}, $_) } @$signals;
    my $load = begin_load(2, ['127.0.0.1', $daemon->{port}]);
    my %pattern = (HUP => qr/ notice reloaded /, USR1 => qr/ notice outcomes /);
    for my $round (1 .. 10) {
        ok $daemon->wait_log($pattern{$_}), "during a storm of @$signals $_ is acted upon" for @$signals;
    }
    my ($exchanges, @wrong) = end_load($load);
    is "@wrong", '', "and none of $exchanges exchanges fails";
    my $sent = time;
    $daemon->tell('TERM');
    ok $daemon->wait_log(qr/ notice stopping$/), 'TERM is acted upon';
    cmp_ok time - $sent, '<', 0.5, 'at once';
    is $daemon->wait_end, 0, 'and the daemon ends';
    finish($_) for @storms;
    my ($first, $last) = ($daemon->{log} =~ /^\S+:(\d\d\.\d+)Z notice (?:reloaded|outcomes) /mg)[0, -1];
    my $seconds = ($last - $first) + ($last < $first ? 60 : 0);
    for (qw(reloaded outcomes)) {
        my $count = () = $daemon->{log} =~ / notice $_ /g;
        cmp_ok $count, '<=', 52 * $seconds + 3, "no more than fifty times a second: $_";
    }
}
done_testing;
