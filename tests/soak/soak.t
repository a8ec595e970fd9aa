# SPDX-License-Identifier: MIT
# For SOAK_SECONDS clients of every kind at once, with reloads good and bad: in the end the
# daemon has counted exactly what they did, and holds what it held at the beginning.
use strict;
use warnings;
use Sixteen;
use Socket qw(SHUT_WR);
use Test::More;
use Time::HiRes qw(time);

my $seconds = $ENV{SOAK_SECONDS} // 120;
alarm $seconds + 1800;    # as Sixteen.pm, after the time that is asked for
my $slack   = 1024;                        # KiB that the allocator may keep
my $cap     = 16;                          # limits.per_source
my $common  = <<"END";
strict = true;
limits: { connections = 500; per_source = $cap; };
access: { deny = [ "127.0.0.10", "192.0.2.66" ]; proxies = [ "127.0.0.8" ]; };
timeouts: { exchange = 0.5; linger = 0.3; idle_worker = 0.2; };
log: { level = "notice"; };
END

sub ended {
    my ($peer, $expected) = @_;
    my ($data) = read_to_end($peer);
    die "'$data' instead of '$expected'" if $data ne $expected;
    return;
}

# What a client does, and the outcome of that.
my %kinds = (
    good  => sub { my ($peer) = @_; syswrite $peer, $GREETING; ended($peer, $REPLY); return 'ok' },
    split => sub { my ($peer) = @_; syswrite $peer, $_ for $GREETING =~ /(.{7})(.*)/; ended($peer, $REPLY); return 'ok' },
    half  => sub { my ($peer) = @_; syswrite $peer, $GREETING; shutdown $peer, SHUT_WR; ended($peer, $REPLY); return 'ok' },
    excess => sub { my ($peer) = @_; syswrite $peer, $GREETING . 'x' x (1 + rand 1000); ended($peer, $REPLY); return 'excess' },
    wrong => sub { my ($peer) = @_; syswrite $peer, 'Hi there, Server'; ended($peer, ''); return 'mismatch' },
    short => sub { my ($peer) = @_; syswrite $peer, 'Hi th'; shutdown $peer, SHUT_WR; ended($peer, ''); return 'short' },
    probe => sub { my ($peer) = @_; shutdown $peer, SHUT_WR; ended($peer, ''); return 'probe' },
    slow  => sub { my ($peer) = @_; syswrite $peer, 'Hi th' if rand 2 < 1; ended($peer, ''); return 'slow' },
    reset => sub { my ($peer) = @_; syswrite $peer, 'Hi th'; reset_connection($peer); return 'reset' },
    never => sub { my ($peer) = @_; syswrite $peer, $GREETING; ended($peer, $REPLY); select undef, undef, undef, 0.4; return 'ok' },
);

# The same through a proxy, and from a denied address.
sub header {
    my ($from) = @_;
    return "PROXY TCP4 $from 192.0.2.2 1000 1060\r\n" if rand 2 < 1;
    return "\r\n\r\n\0\r\nQUIT\n\x21\x11" . pack 'n/a', pack('C8n2', split(/\./, $from), 192, 0, 2, 2, 1000, 1060) . "\4" . pack 'n/a', 'x' x rand 2000;
}
my %proxied = (
    good   => sub { my ($peer) = @_; syswrite $peer, header('192.0.2.' . int rand 50) . $GREETING; ended($peer, $REPLY); return 'ok' },
    split  => sub { my ($peer) = @_; syswrite $peer, $_ for (header('192.0.2.1') . $GREETING) =~ /\A(.{11})(.*)(.{9})\z/s; ended($peer, $REPLY); return 'ok' },
    excess => sub { my ($peer) = @_; syswrite $peer, header('192.0.2.1') . $GREETING . 'x' x (1 + rand 1000); ended($peer, $REPLY); return 'excess' },
    itself => sub { my ($peer) = @_; syswrite $peer, "PROXY UNKNOWN\r\n$GREETING"; ended($peer, $REPLY); return 'ok' },
    probe  => sub { my ($peer) = @_; syswrite $peer, header('192.0.2.1'); shutdown $peer, SHUT_WR; ended($peer, ''); return 'probe' },
    none   => sub { my ($peer) = @_; syswrite $peer, $GREETING; ended($peer, ''); return 'malformed' },
    half   => sub { my ($peer) = @_; syswrite $peer, substr header('192.0.2.1'), 0, 10; shutdown $peer, SHUT_WR; ended($peer, ''); return 'malformed' },
    slow   => sub { my ($peer) = @_; syswrite $peer, substr header('192.0.2.1'), 0, 10; ended($peer, ''); return 'slow' },
    denied => sub { my ($peer) = @_; syswrite $peer, header('192.0.2.66') . $GREETING; ended($peer, ''); return 'denied' },
);
my %kept_out = (denied => sub { my ($peer) = @_; ended($peer, ''); return 'denied' });

# One process of clients, from an address of its own: the outcomes that there must have been.
sub clients {
    my ($kinds, $port, $from, $until) = @_;
    my %count;
    my @names = sort keys %$kinds;
    while (time < $until) {
        my $name = $names[rand @names];
        next if $name =~ /slow|never/ && rand 20 > 1;
        $count{ $kinds->{$name}->(connect_to($port, undef, $from)) }++;
    }
    return %count;
}

# One that fills its address's share, is limited past it, and empties it again.
sub crowds {
    my ($port, $from, $until) = @_;
    my %count = (ok => 0, limited => 0);
    while (time < $until) {
        my @held = map { connect_to($port, undef, $from) } 1 .. $cap;
        for (1 .. 3) {
            my ($data) = read_to_end(connect_to($port, undef, $from));
            die "'$data' past the limit" if $data ne '';
            $count{limited}++;
        }
        syswrite $_, $GREETING for @held;
        ended($_, $REPLY) for @held;
        $count{ok} += @held;
    }
    return %count;
}

# Run the code in a process, which writes what it returns.
sub counted {
    my ($writer, $code) = @_;
    return spawn(sub {
        srand $$;
        my %count = eval { $code->() };
        syswrite $writer, $@ eq '' ? "@{[ %count ]}\n" : "died $@";
        POSIX::_exit(0);
    });
}

sub holds {
    my ($daemon) = @_;
    my ($memory) = read_file("/proc/$daemon->{pid}/status") =~ /^VmRSS:\s+(\d+)/m;
    return { files => scalar(() = glob "/proc/$daemon->{pid}/fd/*"), threads => scalar(() = glob "/proc/$daemon->{pid}/task/*"), memory => $memory };
}

# All of them for a while: the sum of what they did.
sub round {
    my ($daemon, $length) = @_;
    my $until = time + $length;
    pipe my $reader, my $writer or die "pipe: $!";
    my @pids = map { my $from = "127.0.0.$_"; counted($writer, sub { clients(\%kinds, $daemon->{port}, $from, $until) }) } 2 .. 7;
    push @pids, counted($writer, sub { clients(\%proxied, $daemon->{port}, '127.0.0.8', $until) });
    push @pids, counted($writer, sub { clients(\%kept_out, $daemon->{port}, '127.0.0.10', $until) });
    push @pids, counted($writer, sub { crowds($daemon->{port}, '127.0.0.9', $until) });
    close $writer;
    my $reloads = 0;
    while (time < $until) {
        write_file($daemon->{file}, $reloads % 3 == 2 ? "$common nonsense" : $common . ($reloads % 3 ? '' : 'metrics: { interval = 7.0; };'));
        $daemon->tell('HUP');
        select undef, undef, undef, 0.05;
        $daemon->take_rest;
        $reloads++;
    }
    my %sum;
    while (my $line = <$reader>) {
        if ($line =~ /^died/) { fail $line; next }
        my %count = split ' ', $line;
        $sum{$_} += $count{$_} for keys %count;
    }
    waitpid $_, 0 for @pids;
    return ($reloads, %sum);
}

# With one arena, what the allocator keeps does not depend on how many threads met on a busy machine.
local $ENV{MALLOC_ARENA_MAX} = 1;
my $daemon = start(config => $common);
my ($reloads, %warmed) = round($daemon, $seconds / 6);
my $workers = 3 + is_sanitized();    # the main thread, an acceptor and the log writer
wait_for(sub { holds($daemon)->{threads} <= $workers && holds($daemon)->{files} < 20 });
my $before = holds($daemon);
my ($more, %did) = round($daemon, $seconds);
ok wait_for(sub { my $now = holds($daemon); $now->{threads} == $before->{threads} && $now->{files} == $before->{files} }),
    "after $seconds seconds it has as many descriptors ($before->{files}) and threads ($before->{threads}) as at the beginning";
my $after = holds($daemon);
SKIP: {
    skip 'a sanitizer keeps memory', 1 if is_sanitized();
    cmp_ok $after->{memory}, '<=', $before->{memory} + $slack, "and as much memory ($before->{memory} KiB, now $after->{memory})";
}
is $daemon->stop, 0, 'it ends';
my %counted = map { split /=/ } split ' ', ($daemon->{log} =~ /notice outcomes (.*)/)[0] // '';
my $all     = 0;
for my $outcome (sort keys %counted) {
    my $expected = ($did{$outcome} // 0) + ($warmed{$outcome} // 0);
    $all += $expected;
    is $counted{$outcome}, $expected, "$outcome: $expected, as the clients did";
}
like $daemon->{log}, qr/notice connections accepted=$all active=0 /, "all of them were $all";
cmp_ok $reloads + $more, '>', $seconds, sprintf '%d reloads meanwhile', $reloads + $more;
done_testing;
