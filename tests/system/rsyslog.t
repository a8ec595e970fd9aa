# SPDX-License-Identifier: MIT
# A real rsyslogd that hangs, dies and comes back: no exchange waits for it, and each line is
# written or counted as lost.
use strict;
use warnings;
use IO::Socket::UNIX;
use Sixteen;
use Socket qw(SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'no rsyslogd' if !have('rsyslogd');
my ($dev, @prefix) = own_dev();
plan skip_all => 'needs a mount namespace' if !@prefix;
my $directory = scratch();
my ($rsyslogd) = grep { -x } map { "$_/rsyslogd" } '/usr/sbin', '/sbin', split /:/, $ENV{PATH};
my $rules = write_file("$directory/rsyslog.conf", <<"END");
global(workDirectory="$directory")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="$dev/log" RateLimit.Interval="0")
action(type="omfile" file="$directory/log")
END

# Start it and wait until it takes messages.
sub start_rsyslogd {
    my $pid = spawn(sub { exec $rsyslogd, '-n', '-f', $rules, '-i', "$directory/rsyslogd.pid" });
    ok wait_for(sub { IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => "$dev/log") }), 'rsyslogd runs';
    return $pid;
}

my $longest = 0;

# Make this many exchanges one after the other; return how many succeeded.
sub exchanges {
    my ($port, $count) = @_;
    my $well = 0;
    for (1 .. $count) {
        my $begun = time;
        my $peer  = connect_to($port);
        syswrite $peer, $GREETING;
        $well++ if join(' ', read_to_end($peer)) eq "$REPLY eof";
        $longest = time - $begun if time - $begun > $longest;
    }
    return $well;
}

# Return how many lines of connections this daemon has written, and how many it reports as lost.
sub lines_of {
    my ($pid) = @_;
    my $text = read_file("$directory/log");
    my $written = () = $text =~ /sixteend\[$pid\]: outcome=ok peer/g;
    my $lost = 0;
    $lost += $1 while $text =~ /sixteend\[$pid\]: (\d+) log lines were lost/g;
    return ($written, $lost);
}

sub ends {
    my ($pid) = @_;
    return wait_for(sub { is_gone($pid) });
}

my $logger = start_rsyslogd();
my (undef, undef, $err, $pid, $port) = start_in_background(\@prefix);
is exchanges($port, 500), 500, 'while it reads, exchanges go well';
ok freeze($logger), 'it hangs';
my $flood = is_sanitized() ? 3000 : 9000;
is exchanges($port, $flood), $flood, 'exchanges go on';
cmp_ok $longest, '<', 5, sprintf 'none of them is held up (the longest took %.0f ms)', 1000 * $longest;
kill 'CONT', $logger;
ok wait_for(sub { my ($written, $lost) = lines_of($pid); $written + $lost == 500 + $flood }), 'when it reads again each line is there or counted as lost';
my ($written, $lost) = lines_of($pid);
note "$written lines, $lost lost";

kill 'KILL', $logger;
waitpid $logger, 0;
is exchanges($port, 200), 200, 'when it dies exchanges go on';
$logger = start_rsyslogd();
ok wait_for(sub { my ($before) = lines_of($pid); exchanges($port, 1); (lines_of($pid))[0] > $before }), 'and when it is back it gets lines again';
kill 'TERM', $pid;
ok ends($pid), 'it ends';
ok wait_for(sub { read_file("$directory/log") =~ /sixteend\[$pid\]: exiting with status 0/ }), 'and has said so';

# At a stop the queued lines are written, for at most timeouts.drain.
my $file = write_file("$directory/sixteen.conf", "timeouts: { drain = 600.0; };\ndaemon: { pid_file = \"$directory/sixteend.pid\"; };\n");
(undef, undef, $err, $pid, $port) = start_in_background(\@prefix, '--config', $file);
ok freeze($logger), 'it hangs';
is exchanges($port, 1000), 1000, 'exchanges go on';
kill 'TERM', $pid;
ok wait_for(sub { !-e "$directory/sixteend.pid" }), 'a stop comes as far as the log';
ok !is_gone($pid), 'and waits for it';
kill 'CONT', $logger;
ok ends($pid), 'until it is written';
ok wait_for(sub { read_file("$directory/log") =~ /sixteend\[$pid\]: exiting with status 0/ }), 'to the last line';
is join(' ', lines_of($pid)), '1000 0', 'and no line is lost';

(undef, undef, $err, $pid, $port) = start_in_background(\@prefix, '--config', $file);
ok freeze($logger), 'it hangs for good';
is exchanges($port, 1000), 1000, 'exchanges go on';
kill 'TERM', $pid;
ok wait_for(sub { !-e "$directory/sixteend.pid" }), 'a stop comes as far as the log';
kill 'TERM', $pid;
ok ends($pid), 'and a second TERM ends that wait';
kill 'CONT', $logger;
finish($logger);
done_testing;
