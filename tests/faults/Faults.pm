# SPDX-License-Identifier: MIT
# Make each call of sixteend that can fail do so, by shim.so, and judge the result. A scenario runs
# once without a fault, to learn which call sites it passes; then each of them fails with each of
# the errors in Calls.pm, once and for good. A site that only a failure leads to fails together with
# the fault that led there. Only Calls.pm names functions of the program: those whose failures need
# no report.
package Faults;
use strict;
use warnings;
use Calls;
use Carp;
use Errno;
use Exporter 'import';
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX qw(WNOHANG);
use Sixteen;
use Socket qw(SHUT_WR SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(time sleep);

our @EXPORT = qw($SHIM need_shim place_of own_user open_to talk converse
    learn_start start_case learn_service service_case end_service learn_drain drain configuration known_from
    manager_before manager_inside
    begin see_up see_end stop_at_once is_served judge_end tail
    run_faults finish_faults settles);

our $SHIM = ($ENV{BUILD_DIR} // '.') . '/tests/faults/shim.so';

# Seconds; a daemon that needs more hangs.
my $PATIENCE = 20;

my ($CONTROL, $FAULT, $FAULTS, $SITE) = ('L l7', 'Z24 Q L L L l L L L L', 32, 'Q Z24 L L');
my ($FAULT_SIZE, $SITE_SIZE, $SITES) = (64, 40, 1024);

# A fault for good hits every call of that name, except in a build that counts coverage, which makes
# calls of its own in the program.
my $FOR_GOOD = read_file($SIXTEEND) =~ /__gcov_/ ? 0xffffffff : 0;

# Skip the test where the shim cannot be used.
sub need_shim {
    plan skip_all => 'a sanitizer stands before the same calls' if is_sanitized();
    plan skip_all => 'QUICK is set' if $ENV{QUICK};
    plan skip_all => "$SHIM is not built" if !-e $SHIM;
    plan skip_all => 'a static program takes no shim' if read_file($SIXTEEND) !~ /\0\.interp\0/;
    plan skip_all => 'needs debugging information, to tell call sites apart'
        if read_file($SIXTEEND) !~ /\.debug_line/;
    return;
}

my %places;    # site => [function, file:line]

# Return function and line of a call: those of the instruction before the return address.
sub place_of {
    my @unknown = grep { !$places{$_} } @_;
    if (@unknown) {
        my (undef, $out) = run('addr2line', '-a', '-f', '-i', '-e', $SIXTEEND, map { sprintf '%x', $_ - 1 } @unknown);
        for my $text (split /^(?=0x)/m, $out) {
            my ($address, @frames) = split /\n/, $text;
            my $site = hex($address) + 1;
            # what is inlined from the C library's headers is not ours
            splice @frames, 0, 2 while @frames > 2 && $frames[1] !~ m{/src/};
            $places{$site} = [$frames[0], $frames[1] =~ s{.*/(?=src/)}{}r =~ s{ \(.*}{}r];
        }
    }
    return @{ $places{ $_[0] } // ['?', '?'] };
}

# ---- one daemon with the shim before it

sub control_write {
    my ($daemon, $at, $octets) = @_;
    sysseek $daemon->{control}, $at, 0;
    syswrite($daemon->{control}, $octets) == length $octets or croak "control: $!";
    return;
}

sub control_read {
    my ($daemon, $at, $size) = @_;
    sysseek $daemon->{control}, $at, 0;
    sysread $daemon->{control}, my ($octets), $size;
    return $octets;
}

sub number_of {
    my ($error) = @_;
    my %eai = (EAI_AGAIN => 3, EAI_NONAME => 2, EAI_MEMORY => 10);
    return 1000 + $eai{$error} if $eai{$error};
    return $error =~ /^\d+$/ ? $error : $error eq 'short' ? -1 : Errno->can($error)->();
}

# A fault is call, site, error, pass, times (0: for good). Up to two at once.
sub arm {
    my ($daemon, @faults) = @_;
    $daemon->{faults} = [@faults];
    for my $i (0 .. $#faults) {
        my $fault = $faults[$i];
        my $at = $FAULTS + $i * $FAULT_SIZE;
        control_write($daemon, $at, pack $FAULT, $fault->{call}, $fault->{site}, 0, $fault->{pass},
            $fault->{times} || $FOR_GOOD, number_of($fault->{error}), 1, 0, 0, 0);
        control_write($daemon, $at + 32, pack 'L', 1);
    }
    return;
}

# How often each fault fired.
sub fired {
    my ($daemon) = @_;
    return map { (unpack $FAULT, control_read($daemon, $FAULTS + $_ * $FAULT_SIZE, $FAULT_SIZE))[8] }
        0 .. $#{ $daemon->{faults} };
}

sub lift {
    my ($daemon) = @_;
    control_write($daemon, $FAULTS + $_ * $FAULT_SIZE + 32, pack 'L', 0) for 0, 1;
    return;
}

# The call sites passed so far: "call site" => how often.
sub sites {
    my ($daemon) = @_;
    my %count;
    my $octets = control_read($daemon, $FAULTS + 2 * $FAULT_SIZE, $SITES * $SITE_SIZE);
    for (my $i = 0; $i < $SITES; $i++) {
        my ($at, $call, $count) = unpack $SITE, substr $octets, $i * $SITE_SIZE, $SITE_SIZE;
        last if $at == 0;
        $count{"$call $at"} = $count;
    }
    return \%count;
}

# Processes that the program made, and itself.
sub processes {
    my ($daemon) = @_;
    my ($count, @pids) = unpack $CONTROL, control_read($daemon, 0, 32);
    return $count == 0 ? $daemon->{pid} : @pids[0 .. $count - 1];
}

# Return a user and a group to become: nobody if we are root, otherwise ourselves.
sub own_user {
    my $user = $> == 0 ? 'nobody' : getpwuid $>;
    return ($user, scalar getgrgid((getpwnam $user)[3]));
}

# Short times, so that the numbers of threads and sockets soon are what they were.
our $QUICK = 'timeouts: { idle_worker = 0.01; linger = 0.01; drain = 0.1; };';

sub configuration {
    my ($scenario, $directory) = @_;
    return "$QUICK\n" . ($scenario->{config} // '') =~ s{DIRECTORY}{$directory}gr;
}

# Start sixteend with its arguments, and with faults that are armed from the beginning.
sub begin {
    my ($scenario, @faults) = @_;
    my $directory = scratch();
    chmod 0755, $directory;
    my $path = write_file("$directory/control", "\0" x ($FAULTS + 2 * $FAULT_SIZE + $SITES * $SITE_SIZE));
    open my $control, '+<:raw', $path or croak "$path: $!";
    my $daemon = bless { control => $control, directory => $directory, log => '', seen => 0, faults => [],
        silence => $scenario->{under} ? 0.1 : 0.3 }, 'Sixteen';
    arm($daemon, @faults);
    write_file("$directory/conf", configuration($scenario, $directory));
    $daemon->{held} = [$scenario->{before}->($directory)] if $scenario->{before};
    pipe(my $log, my $writer) or croak "pipe: $!";
    $daemon->{pid} = spawn(sub {
        $ENV{FAULTS} = $path;
        $ENV{LD_PRELOAD} = $SHIM if !$scenario->{under};
        chdir $directory;
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>&', $writer;
        open STDERR, '>&', $writer;
        $scenario->{inside}->(@{ $daemon->{held} }) if $scenario->{inside};
        POSIX::close($_) for grep { $_ > 2 + ($scenario->{passed} // 0) } map { m{(\d+)$} } glob '/proc/self/fd/*';
        exec @{ $scenario->{under} // [] }, $SIXTEEND, @{ $scenario->{arguments} };
    });
    close $writer;
    $log->blocking(0);
    $daemon->{handle} = $log;
    return $daemon;
}

# Port numbers that a process listens at, as the kernel knows them.
sub ports_of {
    my ($pid) = @_;
    my %mine = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]/ ? ($1 => 1) : () } glob "/proc/$pid/fd/*";
    return map { /^ *\d+: \S+:(\w{4}) \S+ 0A (?:\S+ +){5}(\d+)/ && $mine{$2} ? hex $1 : () }
        split /\n/, read_file('/proc/net/tcp');
}

sub reap {
    my ($daemon) = @_;
    return $daemon->{status} if defined $daemon->{status};
    return if waitpid($daemon->{pid}, WNOHANG) <= 0;
    $daemon->{status} = $? & 127 ? -($? & 127) : $? >> 8;
    finish($daemon->{pid});
    return $daemon->{status};
}

# Wait until it is ready, or has ended; return 'up', 'ended' or 'hangs'. A daemon whose log is
# broken is ready when it listens and has started a thread, which comes after that; one that fails
# closes its listeners before it starts the thread for its last lines.
sub see_up {
    my ($daemon) = @_;
    my $until = time + $PATIENCE;
    while (time < $until) {
        my $more = $daemon->take_in(time + $daemon->{silence});
        if ($daemon->{log} =~ /ready, process (\d+)\n|; process (\d+); logging/) {
            $daemon->{served_by} = $1 // $2;
            last if defined $1 || defined reap($daemon);
        }
        if (!$more) {
            my $status = reap($daemon);
            return 'ended' if defined $status && $status != 0;
            ($daemon->{served_by}) = grep { tasks_of($_) > 1 && ports_of($_) } processes($daemon);
            last if defined $daemon->{served_by};
            return 'ended' if defined $status;
            sleep 0.002;
        }
    }
    return 'hangs' if !defined $daemon->{served_by};
    # a line may have come in part only
    $daemon->{ports} = [$daemon->{log} =~ /istening at .*?\b[\d.]+:(\d+)(?=[,;\n])/g];
    $daemon->{ports} = [ports_of($daemon->{served_by})] if !@{ $daemon->{ports} };
    return 'up';
}

# A second signal ends the drain; the same would be one with the first.
sub stop_at_once {
    my ($daemon) = @_;
    kill $_, $daemon->{served_by} for qw(TERM INT);
    return;
}

sub see_end {
    my ($daemon) = @_;
    my $until = time + $PATIENCE;
    my @pids = processes($daemon);
    while (time < $until) {
        $daemon->take_in(time + 0.002) or sleep 0.002;
        reap($daemon);
        next if !defined $daemon->{status};
        last if !grep { !is_gone($_) } @pids = processes($daemon);
    }
    $daemon->take_rest;
    my @left = grep { !is_gone($_) } @pids;
    kill 'KILL', @left if @left;
    sleep 0.01 while @left && !defined reap($daemon);
    return @left ? 'hangs' : 'ended';
}

sub tasks_of {
    my ($pid) = @_;
    return scalar(() = glob "/proc/$pid/task/*");
}

# Descriptors and threads.
sub counts {
    my ($daemon) = @_;
    return (scalar(() = glob "/proc/$daemon->{served_by}/fd/*"), tasks_of($daemon->{served_by}));
}

# Wait until they are what they were, or less; return a complaint if they are not.
sub settles {
    my ($daemon, $fds, $tasks) = @_;
    my $until = time + $PATIENCE / 2;
    my @now;
    do {
        @now = counts($daemon);
        return if $now[0] <= $fds && $now[1] <= $tasks;
        sleep 0.003;
    } while (time < $until);
    return "descriptors $now[0], not $fds; threads $now[1], not $tasks";
}

# ---- clients

sub open_to {
    my ($port, $from) = @_;
    return IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port, Timeout => $PATIENCE, LocalHost => $from // '127.0.0.1');
}

# Read all of them to end of file, for at most these seconds; return what came from each.
sub talk {
    my ($seconds, @peers) = @_;
    my $until = time + $seconds;
    my $open  = IO::Select->new(grep { defined } @peers);
    my %came  = map { $_ => '' } $open->handles;
    while ($open->count > 0 && time < $until) {
        for my $peer ($open->can_read($until - time)) {
            $open->remove($peer) if !sysread $peer, $came{$peer}, 4096, length $came{$peer};
        }
    }
    return map { defined ? $came{$_} : undef } @peers;
}

sub is_served {
    my ($port) = @_;
    my $peer = open_to($port) or return 0;
    local $SIG{PIPE} = 'IGNORE';
    syswrite $peer, $GREETING;
    return ((talk($PATIENCE, $peer))[0] // '') eq $REPLY;
}

# ---- the walk over all faults

my %known;      # "call site" that some run passed without a fault, in this phase
my %points;     # call sites that failed, in this phase
my $total = 0;
my @unfired;    # faults at sites that were passed before, but not when they were to fail

# Those call sites that are new, and in the program's own source: a build that counts coverage
# has others.
sub new_sites {
    my ($sites) = @_;
    my @new = grep { !$known{$_} && $sites->{$_} > 0 } sort keys %$sites;
    $known{$_} = 1 for @new;
    place_of(map { (split / /)[1] } @new) if @new;
    return grep { (place_of((split / /)[1]))[1] =~ m{^src/} } @new;
}

sub fault_name {
    my ($fault) = @_;
    return sprintf '%s %s%s in %s at %s', $fault->{call}, $fault->{error},
        $fault->{times} == 0 ? ' for good' : $fault->{pass} > 0 ? ", call $fault->{pass} + 1" : '', place_of($fault->{site});
}

# Return the line of a fault. A line that the compiler has copied has several sites.
sub line_of {
    my ($fault) = @_;
    return join ' ', $fault->{call}, place_of($fault->{site});
}

# Return every fault of a site that was passed this often.
sub faults_of {
    my ($key, $count) = @_;
    my ($call, $site) = split / /, $key;
    my @faults;
    my ($function) = place_of($site);
    for my $error (split / /, $FAILS{$call} // croak "Calls.pm does not say how $call fails") {
        my $once = $error =~ s/!$//;
        next if $CANNOT{"$call $error in $function"};
        my %fault = (call => $call, site => $site, error => $error, pass => 0);
        push @faults, { %fault, times => 1 };
        push @faults, { %fault, times => 1, pass => $count - 1 } if $count > 1 && $count < 5;
        push @faults, { %fault, times => 0 } if !$once;
    }
    return @faults;
}

# Return whether the words report the fault, or the fault needs no report.
sub said {
    my ($scenario, $words, @faults) = @_;
    return 1 if !@faults;
    for my $fault (@faults) {
        my ($function) = place_of($fault->{site});
        my ($call, $error) = @$fault{qw(call error)};
        return 1 if grep { exists $QUIET{$_} } $call, $error, "$call $error", "$call in $function",
            "$call $error in $function", "$scenario->{name}: $call", "$scenario->{name}: $call $error", $fault->{times} > 0 ? "once: $call $error" : ();
        return 1 if grep { $words =~ $_ } map { $SAYS{$_} // () } $call, "$call $error", "$call in $function",
            "$call $error in $function";
        my $number = number_of($error);
        my $text = $number < 0 || $number >= 1000 ? '' : do { local $! = $number; "$!" };
        $text = qr/name resolution|not known/ if $number >= 1000;
        $text = qr/Cannot allocate memory|Memory allocation failure/ if $error =~ /(?:ENO|EAI_)MEM/;
        return 1 if $number == 0 ? $words =~ /\S/ : $words =~ /$text/;
    }
    return 0;
}

# Make a case of every fault of the scenario. `learn` runs it without: it returns a hash of sites
# passed since the phase began; `case` with faults: what went wrong, as a list, and a hash of sites.
sub run_faults {
    my ($scenario, $learn, $case) = @_;
    my $passed = $learn->($scenario);
    my @queue = map { [$_] } map { faults_of($_, $passed->{$_}) } new_sites($passed);
    while (my $faults = shift @queue) {
        my ($wrong, $sites, @fired);
        for my $try (1 .. 25) {    # what another thread does may come after the phase, or not each time
            ($wrong, $sites, @fired) = $case->($scenario, @$faults);
            last if @$wrong || !grep { $_ == 0 } @fired;
        }
        my $name = "$scenario->{name}: " . join ', and ', map { fault_name($_) } @$faults;
        push @$wrong, 'a busy loop' if $$faults[-1]{error} ne 'short' && grep { $_ > 2000 } @fired;
        if (!@$wrong && grep { $_ == 0 } @fired) {
            # not led there by the first, then, but by chance
            push @queue, [$$faults[1]] if @$faults > 1;
            push @unfired, [line_of($$faults[0]), $name] if @$faults == 1;
            next;
        }
        $total++;
        $points{"$$faults[-1]{call} $$faults[-1]{site}"} = 1;
        ok !@$wrong, $name or diag join "\n", @$wrong;
        next if @$faults > 1;
        push @queue, map { [$$faults[0], $_] } map { faults_of($_, 1) } new_sites($sites);
    }
    return;
}

# Another test covers the call sites of this scenario.
sub known_from {
    my ($learn, $scenario) = @_;
    $known{$_} = 1 for keys %{ $learn->($scenario) };
    return;
}

# A service manager: a socket for notifications, and two that listen already.
sub manager_before {
    my ($directory) = @_;
    my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$directory/notify") or croak "notify: $!";
    chmod 0666, "$directory/notify";
    my ($one)   = listen_somewhere();
    my ($other) = listen_somewhere();
    return ($notify, "$directory/notify", $one, $other);
}

sub manager_inside {
    my ($notify, $path, $one, $other) = @_;
    @ENV{qw(NOTIFY_SOCKET WATCHDOG_USEC LISTEN_FDS LISTEN_PID)} = ($path, 100_000, 2, $$);
    # each by way of a number that neither has
    my @far = map { POSIX::dup2(fileno $_, 50 + fileno $_); 50 + fileno $_ } $one, $other;
    POSIX::dup2($far[$_], 3 + $_) for 0, 1;
    return;
}

# Return what is wrong with how it ended.
sub judge_end {
    my ($daemon, $words, @right) = @_;
    my $status = $daemon->{status} // 'unknown';
    return if grep { $status eq $_ } @right;
    return ($status =~ /^-/ ? "killed by signal " . -$status : "ended with status $status") . ":\n" . tail($words);
}

sub tail {
    my @lines = split /^/, $_[0];
    splice @lines, 0, -12, "[...]\n" if @lines > 12;
    return join '', @lines;
}

# The phase of the start: faults from the first instruction.
sub learn_start {
    my ($scenario) = @_;
    my $daemon = begin($scenario);
    $scenario->{plain} = see_up($daemon);
    my $sites = sites($daemon);
    if ($scenario->{plain} eq 'up') {
        my ($fds, $tasks) = counts($daemon);
        $fds += $scenario->{passed} // 0;    # it may fail to close those
        $fds++ if grep({ $_ eq '--daemon' } @{ $scenario->{arguments} }) && c_library()->{syslog};    # from its first line on
        $scenario->{counts} = [$fds, $tasks];
    }
    stop_at_once($daemon) if $scenario->{plain} eq 'up';
    see_end($daemon);
    $scenario->{status} = $daemon->{status};
    return $sites;
}

sub start_case {
    my ($scenario, @faults) = @_;
    my $daemon = begin($scenario, @faults);
    my @wrong;
    my $state = see_up($daemon);
    my @fired = fired($daemon);
    my $sites = $state eq 'up' ? sites($daemon) : undef;
    if ($state eq 'up') {
        lift($daemon);
        for my $port (@{ $daemon->{ports} }) {
            next if is_served($port);
            $state = 'ended' if ends_soon($daemon);    # it was on its way to that
            last if $state eq 'ended';
            push @wrong, "the next client is not served at port $port:\n" . tail($daemon->{log});
        }
    }
    if ($state eq 'up') {
        push @wrong, settles($daemon, @{ $scenario->{counts} }) if $scenario->{plain} eq 'up';
        stop_at_once($daemon);
    }
    push @wrong, "hangs:\n" . tail($daemon->{log}) if $state eq 'hangs' || see_end($daemon) eq 'hangs';
    $daemon->take_rest;
    see_end($daemon) if $state eq 'hangs';
    my $words = $daemon->{log};
    my @right = $state eq 'up' ? 0 : (69, 71, 78, $scenario->{plain} eq 'up' ? () : $scenario->{status});
    push @right, 64 if grep { $_->{call} =~ /^(?:getcwd|fcntl)$/ } @faults;
    push @wrong, judge_end($daemon, $words, @right) if !@wrong;
    push @wrong, "nothing reports it:\n" . tail($words) if !@wrong && !grep({ $_ == 0 } @fired) && !said($scenario, $words, @faults);
    return (\@wrong, $sites // sites($daemon), @fired);
}

sub ends_soon {
    my ($daemon) = @_;
    my $until = time + 1;
    while (!defined reap($daemon) && time < $until) {
        $daemon->take_in(time + 0.01) or sleep 0.002;
    }
    return defined $daemon->{status};
}

# The phase of service, and whatever else happens to a ready daemon: `stimulus` makes it happen. One
# daemon serves many cases.
sub serving {
    my ($scenario) = @_;
    my $daemon = $scenario->{daemon};
    if (!$daemon) {
        $daemon = $scenario->{daemon} = begin($scenario);
        see_up($daemon) eq 'up' or croak "$scenario->{name}: not up:\n$daemon->{log}";
        $scenario->{counts} //= [counts($daemon)];
    }
    return $daemon;
}

# Run the stimulus until the daemon has settled; return the call sites that it passed.
sub passed {
    my ($scenario, $stimulus) = @_;
    my $daemon = serving($scenario);
    my ($before, %passed);
    for (1 .. 3) {
        $before = sites($daemon);
        $stimulus->($daemon);
        $scenario->{after}->($daemon) if $scenario->{after};
        my $unsettled = settles($daemon, @{ $scenario->{counts} });
        croak "$scenario->{name}: $unsettled" if $unsettled;
        my $after = sites($daemon);
        $after->{$_} > ($before->{$_} // 0) and $passed{$_} = $after->{$_} - ($before->{$_} // 0) for keys %$after;
    }
    return \%passed;
}

sub learn_service {
    my ($scenario) = @_;
    if ($scenario->{beside}) {
        local $scenario->{after};    # is of the phase itself
        $known{$_} = 1 for keys %{ passed($scenario, $scenario->{beside}) };
    }
    return passed($scenario, $scenario->{stimulus});
}

sub service_case {
    my ($scenario, @faults) = @_;
    my $daemon = serving($scenario);
    my $is_fresh = !$daemon->{used}++;
    my $before = sites($daemon);
    my $mark = length $daemon->{log};
    arm($daemon, @faults);
    $scenario->{stimulus}->($daemon);
    my @fired;
    my $until = time + 0.15;    # until sockets are looked at, and listeners close
    sleep 0.003 while grep({ $_ == 0 } @fired = fired($daemon)) && time < $until;
    lift($daemon);
    my (@wrong, $words);
    $scenario->{after}->($daemon) if $scenario->{after};
    for my $port (@{ $daemon->{ports} }) {
        next if is_served($port) || ends_soon($daemon);
        push @wrong, "the next client is not served at port $port";
    }
    if (defined reap($daemon)) {
        push @wrong, 'hangs' if see_end($daemon) eq 'hangs';
        $words = substr $daemon->{log}, $mark;
        push @wrong, judge_end($daemon, $words, 71);
    } else {
        push @wrong, settles($daemon, @{ $scenario->{counts} });
        $daemon->take_rest;
        $words = substr $daemon->{log}, $mark;
    }
    if (!@wrong && !grep({ $_ == 0 } @fired) && !said($scenario, $words, @faults)) {
        # a warning may have come too soon before to come again
        if (!$is_fresh) {
            push @wrong, end_service($scenario);
            return service_case($scenario, @faults) if !@wrong;
        }
        push @wrong, 'nothing reports it';
    }
    push @wrong, tail($words) if @wrong;
    my %passed = %{ sites($daemon) };
    $passed{$_} -= $before->{$_} for keys %$before;
    end_service($scenario) if @wrong || defined $daemon->{status};
    return (\@wrong, \%passed, @fired);
}

# Ends the daemon of service_case(): what is wrong with that.
sub end_service {
    my ($scenario) = @_;
    my $daemon = delete $scenario->{daemon} or return;
    return if defined $daemon->{status};
    kill 'TERM', $daemon->{served_by};
    return 'hangs' if see_end($daemon) eq 'hangs';
    return judge_end($daemon, $daemon->{log}, 0);
}

# The phase of the end. `active` makes connections that last, and returns what continues them.
sub drain {
    my ($scenario, @faults) = @_;
    my $daemon = begin($scenario);
    see_up($daemon) eq 'up' or croak "$scenario->{name}: not up";
    my $go_on = $scenario->{active}->($daemon);
    my $before = sites($daemon);
    my $mark = length $daemon->{log};
    arm($daemon, @faults);
    kill 'STOP', $daemon->{served_by};    # so that some are queued when TERM is read
    my @queued = map { open_to($daemon->{ports}[0]) // () } 1, 2;
    syswrite $_, $GREETING for @queued;
    kill $_, $daemon->{served_by} for qw(TERM CONT);
    $go_on->();
    my @wrong = see_end($daemon) eq 'hangs' ? 'hangs' : ();
    my @fired = fired($daemon);
    my $words = substr $daemon->{log}, $mark;
    my @right = (0, $words =~ /crit cannot accept connections: / ? 71 : ());
    push @wrong, judge_end($daemon, $words, @right) if !@wrong;
    push @wrong, 'nothing reports it' if !@wrong && !grep({ $_ == 0 } @fired) && !said($scenario, $words, @faults);
    push @wrong, tail($words) if @wrong;
    my %passed = %{ sites($daemon) };
    $passed{$_} -= $before->{$_} for keys %$before;
    return (\@wrong, \%passed, @fired);
}

sub learn_drain {
    my ($scenario) = @_;
    my %passed;
    for (1 .. 3) {
        my ($wrong, $sites) = drain($scenario);
        croak "$scenario->{name}: @$wrong" if @$wrong;
        $passed{$_} = 1 for grep { $sites->{$_} > 0 } keys %$sites;
    }
    return \%passed;
}

# Peers of every kind at once; those that have not ended after a while are left.
sub converse {
    my ($daemon) = @_;
    my ($port, $wildcard) = @{ $daemon->{ports} }[0, -1];    # one, if the others could not be opened
    local $SIG{PIPE} = 'IGNORE';
    my ($one, $other, $halves, $excess, $short, $reset, $silent) =
        map { open_to($_) // return } $port, $wildcard, ($port) x 5;
    my ($proxied, $malformed) = map { open_to($port, '127.0.0.7') // return } 1, 2;
    my $denied = open_to($port, '127.0.0.8') // return;
    syswrite $proxied, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n$GREETING";
    syswrite $malformed, $GREETING;
    syswrite $one,    $GREETING;
    shutdown $one, SHUT_WR;    # its end of file is there at the first look
    syswrite $other,  $GREETING;
    syswrite $halves, substr $GREETING, 0, 8;
    syswrite $excess, $GREETING x 9;
    syswrite $short,  'short';
    shutdown $short, SHUT_WR;
    reset_connection($reset);
    sleep 0.003;
    syswrite $halves, substr $GREETING, 8;
    talk(0.15, $one, $other, $halves, $excess, $short, $proxied, $malformed, $denied);
    close $_ for $halves, $excess;
    sleep 0.015;    # the other one's time to linger is over
    return;
}

# Report the sum, and write what sites.t reads.
sub finish_faults {
    my ($phase) = @_;
    my $sites = keys %points;
    note "$total fault points: $sites call sites";
    note "did not come again: $$_[1]" for @unfired;
    # sites.t demands of every line that it failed in some phase; here chance may spare a few
    my %failed = map { (line_of({ call => $$_[0], site => $$_[1] }) => 1) } map { [split / /] } keys %points;
    my %spared = map { ($$_[0] => 1) } grep { !$failed{ $$_[0] } } @unfired;
    cmp_ok scalar(keys %spared), '<=', keys(%failed) / 20, 'what was to fail did fail'
        or diag join "\n", sort keys %spared;
    write_file(($ENV{BUILD_DIR} // '.') . "/tests/faults/$phase.sites",
        join '', "$total\n", map { "$_\n" } sort keys %points) if $total > 0;
    done_testing;
    return;
}

1;
