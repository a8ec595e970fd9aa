# SPDX-License-Identifier: MIT
# What the system tests share: start the real daemon on a port that the kernel chooses, wait for its
# log lines instead of sleeping, connect to it, end it by its pid.
package Sixteen;
use strict;
use warnings;
use Carp;
use Errno qw(ECONNRESET EINTR);
use Exporter 'import';
use Fcntl qw(F_DUPFD O_NONBLOCK O_RDWR);
use File::Temp qw(tempdir tempfile);
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use List::Util qw(max);
use POSIX qw(WNOHANG);
use Socket qw(SOCK_DGRAM SOL_SOCKET SO_LINGER MSG_PEEK SHUT_WR);
use Test2::API qw(test2_stack);
use Time::HiRes qw(time);

our @EXPORT = qw(
    $SIXTEEND $SIXTEEN $GREETING $REPLY
    scratch write_file read_file run must keep_records wrong_records why_no_schema promtool_accepts have has_terminals is_sanitized is_filtered is_gone with_mounts with_hosts
    own_dev own_syslog own_network other_network slow_link next_datagram spawn spawn_to_read finish signal_asleep freeze
    why_no_valgrind valgrind has_more_tries in_known_words c_library
    launch start start_in_background pass_sockets connect_to listen_somewhere full_listener read_to_end answer_of
    reset_connection wait_for everything_is_read begin_load end_load);

my $build = $ENV{BUILD_DIR} // '.';
our $SIXTEEND = "$build/src/sixteend";
our $SIXTEEN  = "$build/src/sixteen";
my $C_LIBRARY = "$build/tests/system/c_library";
our $GREETING = 'Hi there, server';
our $REPLY    = 'Farewell, client';

# Seconds, far more than anything takes: only a test that fails waits until then.
my $PATIENCE = 60;

# Seconds, far more than any test takes: then it is one that hangs.
$SIG{ALRM} = sub { die "this test hangs\n" };
alarm 1800;

my %started;    # pids that are ours to end
my $main = $$;
my @records;    # of sixteen --json, that this test has read
my $python;     # that has a validator of JSON Schema
my ($words, $strange);    # errors in the words of the programs' C library: glibc's, and a pattern for them

sub scratch { return tempdir('sixteen-XXXXXX', TMPDIR => 1, CLEANUP => 1) }

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>:raw', $path or croak "$path: $!";
    print $file $text;
    close $file or croak "$path: $!";
    return $path;
}

sub read_file {
    my ($path) = @_;
    open my $file, '<:raw', $path or return '';
    local $/;
    return scalar(<$file>) // '';
}

# What the program c_library says of the programs' C library, run by a command if one is given.
sub c_library {
    my $facts = -x $C_LIBRARY ? (run(@_, $C_LIBRARY))[1] : '';
    my ($signal) = $facts =~ /^SIGRTMIN\t(\d+)$/m;
    my ($stack)  = $facts =~ /^stack\t(\d+)$/m;
    return { first_signal => $signal // POSIX::SIGRTMIN(), stack => $stack // 0,
        map { $_ => scalar($facts =~ /^$_\t1$/m) } qw(heap idn syslog) };
}

# What the programs say, with errors in the words of glibc, in which tests expect them.
sub in_known_words {
    my ($text) = @_;
    if (!$words) {
        local $?;
        $words = { map { /^words\t(.*)\t(.*)$/ } -x $C_LIBRARY ? `$C_LIBRARY` : () };
        $strange = join '|', map { quotemeta } sort { length $b <=> length $a } keys %$words;
    }
    $text =~ s/($strange)/$words->{$1}/g if %$words;
    return $text;
}

# Whether a program is installed.
sub have {
    my ($program) = @_;
    return grep { -x "$_/$program" } split(/:/, $ENV{PATH}), '/usr/sbin', '/sbin';
}

# Test that promtool(1) finds nothing wrong in a metrics file.
sub promtool_accepts {
    my ($file, $what) = @_;
    my $builder = Test::More->builder;
    return $builder->skip('promtool is not installed') if !have('promtool');
    my ($status, $out, $err) = run('sh', '-c', 'promtool check metrics <"$1"', 'sh', $file);
    return $builder->is_eq("$status$out$err", '0', "promtool accepts $what");
}

# Call it first in a test whose figures a busy machine can spoil: it runs the test up to five times, in
# processes of their own, until all of it passes, and ends with what the last one said. A program that
# is wrong fails each time.
sub has_more_tries {
    return if $ENV{SIXTEEN_TRY};
    local $ENV{SIXTEEN_TRY} = 1;
    my ($status, $out, $err);
    for my $try (1 .. 5) {
        ($status, $out, $err) = run($^X, (map { "-I$_" } @INC), $0);
        last if $status eq 0;
        print "# try $try: $_\n" for $out =~ /^(not ok .*)$/mg;
    }
    print $out;
    print STDERR $err;
    POSIX::_exit($status eq 0 ? 0 : 1);
}

# Run a command to its end: its status (or -signal), standard output and error.
sub run {
    my @command = @_;
    my (undef, $out) = tempfile(UNLINK => 1);
    my (undef, $err) = tempfile(UNLINK => 1);
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', $out;
        open STDERR, '>', $err;
        exec @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? -($? & 127) : $? >> 8;
    my @text = map { in_known_words(read_file($_)) } $out, $err;
    unlink $out, $err;
    keep_records($text[0]) if $text[0] =~ /\A\{/ && grep { $_ eq $SIXTEEN } @command;
    return ($status, @text);
}

# Keep what sixteen --json wrote: at its end, the test compares each whole line with the schema.
# run() keeps it by itself.
sub keep_records {
    my ($text) = @_;
    croak 'only the process of the test keeps records' if $$ != $main;
    (test2_stack()->all)[0]->follow_up(\&check_records) if !@records;
    push @records, $text =~ /^(.*\n)/mg;
    return;
}

sub check_records {
    SKIP: {
        my $why = why_no_schema();
        Test::More::skip($why, 1) if $why;
        my @wrong = wrong_records(@records);
        Test::More::ok(!@wrong, @records . ' records conform to docs/sixteen.schema.json');
        Test::More::diag(@wrong > 6 ? (@wrong[0 .. 5], "...\n") : @wrong) if @wrong;
    }
    return;
}

# Return why no record can be compared with the schema, or nothing.
sub why_no_schema {
    ($python) = grep { (run($_, '-c', 'from jsonschema import Draft202012Validator'))[0] == 0 } '/usr/bin/python3', 'python3'
        if !defined $python;
    return $python ? '' : "Python's jsonschema module, 4.0 or later, is not installed";
}

# Return what is wrong with records, in lines.
sub wrong_records {
    my @lines = @_;
    my $source = $ENV{SOURCE_DIR} // '../..';
    my $file = write_file(scratch() . '/records', join '', @lines);
    my ($status, $out, $err) = run($python, "$source/tests/system/records.py", "$source/docs/sixteen.schema.json", $file);
    return "$out$err" =~ /^(.*\n)/mg;
}

# The same for a command that must succeed.
sub must {
    my ($status, $out, $err) = run(@_);
    croak "@_: $out$err" if $status != 0;
    return;
}

# Whether a terminal can be opened, which needs devpts.
sub has_terminals { return have('script') && (run('script', '-qec', 'true', '/dev/null'))[0] == 0 }

# Whether the programs were built with a sanitizer.
sub is_sanitized { return read_file($SIXTEEND) =~ /__(?:asan|tsan|ubsan)_/ }

# Whether they have a filter of system calls: configured --with-seccomp.
sub is_filtered { return read_file($SIXTEEND) =~ /\bseccomp_load\b/ }

# Whether a process has ended, though its parent may not have waited for it.
sub is_gone {
    my ($pid) = @_;
    return read_file("/proc/$pid/stat") !~ /\) [^ZX]/;
}

# Run the code in a process of its own, which does not outlive the test: its pid.
sub spawn {
    my ($code) = @_;
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        $SIG{TERM} = 'DEFAULT';    # a handler of Perl's would wait for the end of a system call
        $code->();
        POSIX::_exit(127);
    }
    $started{$pid} = 1;
    return $pid;
}

# Run a command so that the test reads all that it says: its pid, and from where. Ctrl-C reaches it
# even if the process that runs the tests ignores it.
sub spawn_to_read {
    my @command = @_;
    pipe my $reader, my $writer or croak "pipe: $!";
    my $pid = spawn(sub {
        open STDOUT, '>&', $writer;
        open STDERR, '>&', $writer;
        close $reader;
        @SIG{qw(INT QUIT)} = ('DEFAULT') x 2;
        exec @command;
    });
    return ($pid, $reader);
}

# End what spawn() began.
sub finish {
    my ($pid) = @_;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    delete $started{$pid};
    return;
}

# A prefix for run() and start() that gives the command a file system view of its own,
# in which each path of the hash shows another file or directory, inner ones first; nothing if this
# host forbids that. Needs no root where ordinary users may make namespaces.
sub with_mounts {
    my %shown = @_;
    my $script = join '', map { "mount --rbind '$shown{$_}' '$_' && " } reverse sort keys %shown;
    my @prefix = ('unshare', '--mount', ($> == 0 ? () : '--map-root-user'), 'sh', '-c', "$script exec \"\$@\"", 'sh');
    return (run(@prefix, 'true'))[0] == 0 ? @prefix : ();
}

# The same with a hosts(5) of the test's own.
sub with_hosts {
    my ($text) = @_;
    my $directory = scratch();
    chmod 0755, $directory;
    my $hosts = write_file("$directory/hosts", $text);
    chmod 0644, $hosts;
    return with_mounts('/etc/hosts' => $hosts);
}

# A /dev for the test alone: its path, and a prefix as with_mounts() makes it that shows it; without
# the prefix where this host forbids that.
sub own_dev {
    my $directory = scratch();
    mkdir "$directory/dev";
    chmod 0755, $directory;
    my $null = write_file("$directory/dev/null", '');
    return ("$directory/dev", with_mounts($null => '/dev/null', '/dev' => "$directory/dev"));
}

# The same with a /dev/log in it that the test reads: that socket, its path, the prefix.
sub own_syslog {
    my ($dev, @prefix) = own_dev();
    my $log = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dev/log") or croak "$dev/log: $!";
    chmod 0666, "$dev/log";
    return ($log, "$dev/log", @prefix);
}

# Run the whole test in a network that ends with this process, or skip it. As an ordinary user the
# test is root in there.
sub own_network {
    return if $ENV{APART};
    my @apart = ('unshare', '--net', $> == 0 ? () : '--map-root-user');
    Test::More::plan(skip_all => 'iproute2 is not installed') if !have('ip');
    Test::More::plan(skip_all => 'this host lets only root make networks') if (run(@apart, 'true'))[0] != 0;
    $ENV{APART} = 1;
    exec @apart, $^X, '-w', (map { "-I$_" } @INC), $0 or die "unshare: $!";
}

# One more network, for a test in its own: the pid that holds it, and a prefix for run() and start()
# that runs the command there.
sub other_network {
    my $holder = spawn(sub { exec 'unshare', '--net', 'sleep', '3600' });
    my $own = readlink '/proc/self/ns/net';
    wait_for(sub { (readlink("/proc/$holder/ns/net") // $own) ne $own });
    return ($holder, 'nsenter', "--net=/proc/$holder/ns/net");
}

# A device of the test's network: what is read from it was sent there, what is written arrives.
sub tun {
    my ($name) = @_;
    my ($TUNSETIFF, $IFF_TUN, $IFF_NO_PI) = (0x400454ca, 0x0001, 0x1000);
    sysopen my $tun, '/dev/net/tun', O_RDWR | O_NONBLOCK or return;
    return ioctl($tun, $TUNSETIFF, pack 'a16Sx22', $name, $IFF_TUN | $IFF_NO_PI) ? $tun : undef;
}

# What a capture says of an IPv4 or IPv6 packet with TCP: its ports, the letters of its flags, and how
# many octets of data it has. Nothing for another packet.
sub segment {
    my ($packet) = @_;
    my $is_ipv4 = ord($packet) >> 4 == 4;
    return if ord(substr $packet, $is_ipv4 ? 9 : 6, 1) != 6;
    my $header = $is_ipv4 ? (ord($packet) & 15) * 4 : 40;
    my $length = $is_ipv4 ? unpack('x2n', $packet) : 40 + unpack('x4n', $packet);
    my ($from, $to, $words, $flags) = unpack 'nnx8CC', substr $packet, $header;
    my $letters = join '', map { $flags & (1 << $_) ? substr('FSRPA', $_, 1) : '' } 0 .. 4;
    return ($from, $to, $letters, $length - $header - ($words >> 4) * 4);
}

# A link that takes this many seconds each way between the test's network and the one of a process, for
# kernels without netem: two devices and a process between them. 10.78.0.1 and fd78::1 are here,
# 10.78.0.2 and fd78::2 there. Returns where to read what passes the end there, as lines of the time,
# '>' or '<', and segment(); nothing if this host makes no such devices. With code that is true of
# segment(), the link loses that packet on its way from there.
sub slow_link {
    my ($seconds, $holder, $is_lost) = @_;
    my ($near, $far) = (tun('near'), tun('far'));
    return if !$near || !$far;
    must(qw(ip link set far netns), $holder);
    my @there = ('nsenter', "--net=/proc/$holder/ns/net");
    for (['near', 1], ['far', 2, @there]) {
        my ($device, $host, @where) = @$_;
        must(@where, qw(ip address add), "10.78.0.$host/24", 'dev', $device);
        must(@where, qw(ip address add), "fd78::$host/64", 'dev', $device, 'nodad');
        must(@where, qw(ip link set), $device, 'up');
    }
    pipe my $capture, my $writer or croak "pipe: $!";
    spawn(sub {
        my @under_way;
        my $passes = sub {
            my ($time, $direction, $packet) = @_;
            my @segment = segment($packet) or return;
            syswrite $writer, join(' ', $time, $direction, @segment) . "\n";
        };
        while (1) {
            IO::Select->new($near, $far)->can_read(@under_way ? max(0, $under_way[0][0] - time) : undef);
            for my $from ($near, $far) {
                while (sysread $from, my $packet, 65536) {
                    my $now = time;
                    my @segment = $from == $far ? segment($packet) : ();
                    next if $is_lost && @segment && $is_lost->(@segment);
                    push @under_way, [$now + $seconds, $from == $near ? $far : $near, $packet];
                    $passes->($now, '>', $packet) if $from == $far;
                }
            }
            while (@under_way && $under_way[0][0] <= time) {
                my (undef, $to, $packet) = @{ shift @under_way };
                $passes->(time, '<', $packet) if $to == $far;
                syswrite $to, $packet;
            }
        }
    });
    return $capture;
}

# The next datagram that matches, or '' if none comes.
sub next_datagram {
    my ($socket, $pattern) = @_;
    while (IO::Select->new($socket)->can_read($PATIENCE)) {
        $socket->recv(my $datagram, 8192);
        return $datagram if $datagram =~ $pattern;
    }
    return '';
}

# Send a signal to a client once it sleeps, or has ended: ThreadSanitizer can lose one that comes while
# the program runs.
sub signal_asleep {
    my ($signal, $pid) = @_;
    wait_for(sub { read_file("/proc/$pid/stat") =~ /\) [SZ]/ });
    return kill $signal, $pid;
}

# Stop a process until SIGCONT, and wait until it has stopped.
sub freeze {
    my ($pid) = @_;
    kill 'STOP', $pid;
    return wait_for(sub { read_file("/proc/$pid/stat") =~ /\) [Tt]/ });
}

# Start the daemon in the foreground. Named arguments: config => text of its file;
# options => [...], listen => [...] (one IPv4 port of the kernel's choice, if not given);
# arguments => [...] instead of those that say foreground, standard error and that file;
# under => [command that runs it]; before => code that the new process runs first.
# The file's path is then in {file}.
sub launch {
    my %with = @_;
    my $directory = scratch();
    my $file = write_file("$directory/sixteen.conf", $with{config} // '');
    my @listen = map { ('--listen', $_) } @{ $with{listen} // ['127.0.0.1:0'] };
    my @arguments = @{ $with{arguments} // ['--foreground', '--stderr', '--config', $file] };
    my @command = (@{ $with{under} // [] }, $SIXTEEND, @arguments, @listen, @{ $with{options} // [] });
    pipe my $log, my $writer or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        open STDIN,  '<',  '/dev/null';
        open STDERR, '>&', $writer;
        $with{before}->() if $with{before};
        exec @command or POSIX::_exit(127);
    }
    close $writer;
    $log->blocking(0);
    $started{$pid} = 1;
    return bless { pid => $pid, handle => $log, log => '', seen => 0, file => $file }, __PACKAGE__;
}

# The same, and wait until it is ready.
sub start {
    my $daemon = launch(@_);
    $daemon->wait_log(qr/ready, process (\d+)/);
    $daemon->{ports} = [$daemon->{log} =~ /Listening at \S+:(\d+)\n/g];
    $daemon->{port}  = $daemon->{ports}[0];
    return $daemon;
}

# In the new process: pass these handles on as a service manager does, sd_listen_fds(3).
# An undefined one stands for a descriptor that is closed.
sub pass_sockets {
    my @passed = map { defined $_ ? fcntl($_, F_DUPFD, 100) : undef } @_;
    for my $i (0 .. $#passed) {
        if (defined $passed[$i]) {
            POSIX::dup2($passed[$i], 3 + $i);
            POSIX::close($passed[$i]);
        } else {
            POSIX::close(3 + $i);
        }
    }
    @ENV{qw(LISTEN_FDS LISTEN_PID)} = (scalar @passed, $$);
    return;
}

# Read what the daemon wrote; return false at end of file or after the time.
sub take_in {
    my ($self, $until) = @_;
    my $left = $until - time;
    return 0 if $left <= 0 || !IO::Select->new($self->{handle})->can_read($left);
    $self->{piece} //= '';
    my $got = sysread $self->{handle}, $self->{piece}, 65536, length $self->{piece};
    return $! == EINTR if !defined $got;
    $self->{log} .= in_known_words($1) if $self->{piece} =~ s/\A(.*\n)//s || $got == 0 && $self->{piece} =~ s/\A(.+)//s;
    return $got;
}

# Return what it has written that was not read yet.
sub take_rest {
    my ($self) = @_;
    my $before = length $self->{log};
    1 while IO::Select->new($self->{handle})->can_read(0) && $self->take_in(time + 1);
    return substr $self->{log}, $before;
}

# Wait until a line that was not yet waited for matches, and return it.
sub wait_log {
    my ($self, $pattern) = @_;
    my $until = time + $PATIENCE;
    while (1) {
        my $rest = substr $self->{log}, $self->{seen};
        while ($rest =~ /\G(.*)\n/gc) {
            my ($line, $end) = ($1, pos $rest);
            next if $line !~ $pattern;
            $self->{seen} += $end;
            return $line;
        }
        $self->take_in($until) or last;
    }
    $self->show_log("waited in vain for $pattern in:");
    return '';
}

# What a failed test shows of the log.
sub show_log {
    my ($self, $why) = @_;
    my @lines = split /^/, $self->{log};
    splice @lines, 0, -20, "[...]\n" if @lines > 20;
    Test::More::diag(join '', "$why\n", @lines);
    return;
}

# What it says of a reload: the line, 'reloaded ...' or 'reload refused ...'.
sub reload {
    my ($self, $text) = @_;
    write_file($self->{file}, $text) if defined $text;
    $self->tell('HUP');
    return $self->wait_log(qr/ notice reloaded | err reload refused;/);
}

sub tell {
    my ($self, $signal) = @_;
    kill $signal, $self->{pid};
    return;
}

# Wait for its end: its exit status, or -signal. Its whole log is then in {log}.
sub wait_end {
    my ($self) = @_;
    my $until = time + $PATIENCE;
    1 while $self->take_in($until);
    if (time >= $until) {
        $self->show_log('does not end:');
        kill 'KILL', $self->{pid};
    }
    waitpid $self->{pid}, 0;
    delete $started{ $self->{pid} };
    return $? & 127 ? -($? & 127) : $? >> 8;
}

sub stop {
    my ($self) = @_;
    $self->tell('TERM');
    return $self->wait_end;
}

# Why valgrind can't watch the programs, or nothing.
sub why_no_valgrind {
    return 'valgrind is not installed' if !have('valgrind');
    return 'a sanitizer watches this build already' if is_sanitized();
    return 'valgrind does not know seccomp(2), without which this build does not start' if is_filtered();
    my $wrong = (run('valgrind', '--quiet', $SIXTEEND, '--version'))[2];
    return $wrong eq '' ? '' : 'valgrind cannot read what this compiler wrote: ' . (split /\n/, $wrong)[0];
}

# A command that runs the daemon and makes it fail for a leak or an error, which is in the report.
sub valgrind {
    my ($report) = @_;
    return ('valgrind', '--quiet', '--vgdb=no', '--leak-check=full', '--show-leak-kinds=all',
        '--errors-for-leak-kinds=all', '--error-exitcode=99', "--log-file=$report");
}

# Start it in the background, on IPv4 and a port of the kernel's choice: status,
# output, error, and if it is ready its pid and port. An array first is a prefix.
sub start_in_background {
    my @prefix = ref $_[0] ? @{ shift() } : ();
    my ($status, $out, $err) = run(@prefix, $SIXTEEND, '--daemon', '--config', '/dev/null',
        '--listen', '127.0.0.1:0', @_);
    my ($port) = $out =~ /listening at 127\.0\.0\.1:(\d+)/;
    my ($pid)  = $out =~ /process (\d+)/;
    $started{$pid} = 1 if defined $pid;
    return ($status, $out, $err, $pid, $port);
}

# A connection to 127.0.0.1 or another host, from an address of its own if one is given.
sub connect_to {
    my ($port, $host, $from) = @_;
    my $socket = IO::Socket::IP->new(PeerHost => $host // '127.0.0.1', PeerPort => $port, defined $from ? (LocalHost => $from) : ())
        or croak "connect to port $port: $@";
    return $socket;
}

# A listening socket of the test's own, for clients to talk to: it and its port.
sub listen_somewhere {
    my $socket = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 5)
        or croak "listen: $@";
    return ($socket, $socket->sockport);
}

# One whose queue is full, so that SYNs are dropped and a handshake never ends: what holds it so,
# and its port.
sub full_listener {
    socket my $full, Socket::PF_INET(), Socket::SOCK_STREAM(), 0 or croak "socket: $!";
    bind $full, Socket::pack_sockaddr_in(0, Socket::inet_aton('127.0.0.1')) or croak "bind: $!";
    listen $full, 0;
    my $port = (Socket::unpack_sockaddr_in(getsockname $full))[0];
    my @filling = map { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port, Blocking => 0) } 1 .. 4;
    return ([$full, @filling], $port);
}

# Read until the peer's end of file: what came, and how it ended ('eof', 'reset',
# 'silence').
sub read_to_end {
    my ($socket) = @_;
    my $data  = '';
    my $until = time + $PATIENCE;
    while (1) {
        my $left = $until - time;
        return ($data, 'silence') if $left <= 0 || !IO::Select->new($socket)->can_read($left);
        my $got = sysread $socket, $data, 65536, length $data;
        return ($data, 'eof') if defined $got && $got == 0;
        return ($data, $! == ECONNRESET ? 'reset' : "$!") if !defined $got && $! != EINTR;
    }
}

# Send the message to a server: its answer and how it ended, as "Farewell, client eof".
sub answer_of {
    my ($peer) = @_;
    syswrite $peer, $GREETING;
    return join ' ', read_to_end($peer);
}

# Whether the daemon at this port took all that came from the peer off its socket: proc(5).
sub everything_is_read {
    my ($port, $peer) = @_;
    my $row = sprintf ':%04X \\w+:%04X 01 \\w+:00000000 ', $port, $peer->sockport;
    return read_file('/proc/net/tcp') =~ /$row/;
}

# Close with RST instead of FIN.
sub reset_connection {
    my ($socket) = @_;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0;
    close $socket;
    return;
}

# Processes that hold one exchange after the other with each of these addresses, until
# end_load(), which returns how many they held and what went wrong, as texts; {slowest} is
# then the longest in seconds.
sub begin_load {
    my ($processes, @addresses) = @_;
    pipe my $until, my $holder or croak "pipe: $!";
    pipe my $results, my $writer or croak "pipe: $!";
    my @pids = map { spawn(sub {
        close $holder;
        my ($count, $slowest, %wrong) = (0, 0);
        until (IO::Select->new($until)->can_read(0)) {
            my ($host, $port) = @{ $addresses[$count++ % @addresses] };
            my $begun = time;
            my $peer = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port);
            if (!$peer) {
                $wrong{"connect: $@"}++;
                next;
            }
            syswrite $peer, $GREETING;
            my $got = join ' ', read_to_end($peer);
            $wrong{"'$got'"}++ if $got ne "$REPLY eof";
            $slowest = max($slowest, time - $begun);
        }
        syswrite $writer, join("\t", $count, $slowest, map { s/\s+/ /gr . " x $wrong{$_}" } sort keys %wrong) . "\n";
        POSIX::_exit(0);
    }) } 1 .. $processes;
    return { holder => $holder, results => $results, pids => \@pids, slowest => 0 };
}

sub end_load {
    my ($load) = @_;
    close delete $load->{holder};
    my ($count, @wrong) = (0);
    for my $pid (@{ $load->{pids} }) {
        waitpid $pid, 0;
        push @wrong, "a client ended with status $?" if $? != 0;
        delete $started{$pid};
    }
    $load->{results}->blocking(0);
    for (split /\n/, do { local $/; readline($load->{results}) // '' }) {
        my ($held, $slowest, @more) = split /\t/;
        $count += $held;
        $load->{slowest} = max($load->{slowest}, $slowest);
        push @wrong, @more;
    }
    return ($count, @wrong);
}

# Wait until the code is true, for what gives no signal of its own.
sub wait_for {
    my ($true) = @_;
    my $until = time + $PATIENCE;
    while (time < $until) {
        my $result = $true->();
        return $result if $result;
        select undef, undef, undef, 0.01;
    }
    return;
}

# A test that gets a signal still ends what it started.
$SIG{$_} = sub { exit 1 if $$ == $main; POSIX::_exit(1) } for qw(INT TERM);

END {
    if ($$ == $main) {
        my $status = $?;
        kill 'KILL', keys %started if %started;
        waitpid $_, 0 for keys %started;
        $? = $status;
    }
}

1;
