# SPDX-License-Identifier: MIT
# What each signal does: none ends the daemon without a line that says so. SIGUSR2, which interrupts
# acceptors, is harmless when others send it, at any rate, and hides no other signal; nor do HUP and
# USR1, as fast as they can come.
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
    cmp_ok time - $sent, '<', 5, 'at once';
    is $daemon->wait_end, 0, 'and the daemon ends';
    finish($_) for @storms;
    my ($first, $last) = ($daemon->{log} =~ /^\S+:(\d\d\.\d+)Z notice (?:reloaded|outcomes) /mg)[0, -1];
    my $seconds = ($last - $first) + ($last < $first ? 60 : 0);
    for (qw(reloaded outcomes)) {
        my $count = () = $daemon->{log} =~ / notice $_ /g;
        cmp_ok $count, '<=', 52 * $seconds + 3, "no more than fifty times a second: $_";
    }
}

# Those that mean nothing to the daemon, by number: PIPE, ALRM, STKFLT, XFSZ, VTALRM, PROF, IO and the
# real-time ones, of which the C library keeps the first two or three.
$daemon = start();
for my $number (13, 14, 16, 25, 26, 27, 29, c_library()->{first_signal} .. 64) {
    kill $number, $daemon->{pid};
    is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, "signal $number ends nothing";
}
is $daemon->stop, 0, 'as TERM does';

# Those that stop it: with the drain, and a line that names them.
my %name = (3 => 'Quit', 24 => 'CPU time limit exceeded', 30 => 'Power failure');
for my $number (sort keys %name) {
    $daemon = start();
    my $peer = connect_to($daemon->{port});
    syswrite $peer, 'Hi there';
    ok wait_for(sub { everything_is_read($daemon->{port}, $peer) }), 'a peer that has begun';
    kill $number, $daemon->{pid};
    $daemon->wait_log(qr/ warning signal $number: $name{$number}$/);
    $daemon->wait_log(qr/ stopping$/);
    syswrite $peer, ', server';
    is join(' ', read_to_end($peer)), "$REPLY eof", "signal $number: it is answered";
    close $peer;
    is $daemon->wait_end, 0, 'and the daemon ends';
}
SKIP: {
    skip 'prlimit is not installed', 1 if !have('prlimit');
    $daemon = start(under => ['prlimit', '--cpu=1:']);
    my $busy = begin_load(2, ['127.0.0.1', $daemon->{port}]);
    ok $daemon->wait_log(qr/ warning signal 24: CPU time limit exceeded$/), 'a limit of processor time';
    end_load($busy);
    is $daemon->wait_end, 0, 'stops it, too';
}

# A limit of the size of files is an error like a full disk.
SKIP: {
    skip 'prlimit is not installed', 5 if !have('prlimit');
    my @limited = ('prlimit', '--fsize=500:');
    my $directory = scratch();
    $daemon = start(under => \@limited, config => "metrics: { file = \"$directory/metrics\"; };");
    ok $daemon->wait_log(qr{ warning metrics\.file: cannot write $directory/metrics: File too large$}), 'metrics that are too large';
    is +(run($SIXTEEN, '127.0.0.1', $daemon->{port}))[0], 0, 'do not end the daemon';
    must('prlimit', '--pid', $daemon->{pid}, '--fsize=unlimited:');    # for what a build that counts coverage writes
    is $daemon->stop, 0, 'ends';
    $daemon = start();
    skip 'a build that counts coverage has files of its own', 2 if read_file($SIXTEEND) =~ /__gcov_/;
    my ($status, $out, $err) = run(@limited, $SIXTEEND, '--help');
    is "$status $err", "71 sixteend: cannot write to standard output: File too large\n", 'a text that is too large is an error of sixteend';
    ($status, $out, $err) = run(@limited, $SIXTEEN, '--json', '-c', 20, '-i', 0, '127.0.0.1', $daemon->{port});
    is "$status $err", "2 sixteen: cannot write to standard output: File too large\n", 'and of sixteen';
}
done_testing;
