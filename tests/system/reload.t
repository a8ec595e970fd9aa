# SPDX-License-Identifier: MIT
# HUP: a new configuration holds for new connections, whole or not at all; listeners that stay are
# not touched, and a connection ends under the configuration with which it began.
use strict;
use warnings;
use POSIX qw(mkfifo);
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

my $SECRET = 'Sixteen letters!';
my $OTHER  = 'Another farewell';

# One exchange: what came, and how it ended.
sub exchange {
    my ($port, $message, $host) = @_;
    my $peer = connect_to($port, $host);
    syswrite $peer, $message // $GREETING;
    return join ' ', read_to_end($peer);
}

# A peer that stays connected and sends nothing, or the given octets.
sub hold {
    my ($daemon, $said) = @_;
    my $peer = connect_to($daemon->{port});
    $daemon->wait_log(qr/We have accepted a connection from 127\.0\.0\.1:${\$peer->sockport}$/);
    syswrite $peer, $said if defined $said;
    return $peer;
}

# A number of the report that USR1 makes.
sub counted {
    my ($daemon, $name) = @_;
    $daemon->tell('USR1');
    my ($number) = $daemon->wait_log(qr/ connections accepted=/) =~ / $name=(\d+)/;
    return $number;
}

sub is_reloaded {
    my ($daemon, $text, $what) = @_;
    return like $daemon->reload($text), qr/ notice reloaded \Q$daemon->{file}\E$/, $what;
}

# The ports of those, and which socket each is, as text.
sub ports {
    my ($of) = @_;
    return join ' ', map { "$_:$of->{$_}" } sort keys %$of;
}

# Where each listening socket of it is, by the inode: proc(5).
sub sockets_of {
    my ($daemon) = @_;
    my %own = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]$/ ? ($1 => 1) : () } glob "/proc/$daemon->{pid}/fd/*";
    my %port;
    for (split /^/, read_file('/proc/net/tcp') . read_file('/proc/net/tcp6')) {
        my @field = split;
        $port{ hex $1 } = $field[9] if $field[3] eq '0A' && $own{ $field[9] } && $field[1] =~ /:(\w+)$/;
    }
    return \%port;
}

# Everything that a reload changes.
my $directory = scratch();
my $base = 'log: { level = "debug"; }; ';
my $daemon = start(config => "$base timeouts: { linger = 600.0; };");
my $port = $daemon->{port};
is exchange($port), "$REPLY eof", 'an exchange';
is_reloaded($daemon, "$base reply = \"$OTHER\";", 'reply is changed');
is exchange($port), "$OTHER eof", 'and is given';
is_reloaded($daemon, "$base strict = true;", 'strict');
is exchange($port, $SECRET), ' eof', 'refuses other messages';
is_reloaded($daemon, "$base strict = true; expect = \"$SECRET\";", 'expect');
is exchange($port, $SECRET), "$REPLY eof", 'has another that is right';
is exchange($port), ' eof', 'and the old one wrong';
is_reloaded($daemon, $base, 'without them');
is exchange($port, $OTHER), "$REPLY eof", 'the defaults hold';

my $held = hold($daemon);
is_reloaded($daemon, "$base limits: { connections = 1; };", 'limits.connections');
my $second = connect_to($port);
syswrite $second, $GREETING;
ok $daemon->wait_log(qr/limits\.connections reached; new connections wait/), 'lets the next one wait';
is_reloaded($daemon, "$base limits: { connections = 2; };", 'more of them');
is join(' ', read_to_end($second)), "$REPLY eof", 'let the waiting peer in';
close $second;
is_reloaded($daemon, "$base limits: { connections = 1; when_full = \"refuse\"; };", 'limits.when_full');
is exchange($port, ''), ' eof', 'refuses the next one';
ok $daemon->wait_log(qr/ outcome=limited /), 'which counts as limited';
syswrite $held, $GREETING;
is join(' ', read_to_end($held)), "$REPLY eof", 'the peer that was there is served';
close $held;

is_reloaded($daemon, "$base limits: { per_source = 1; };", 'limits.per_source');
$held = hold($daemon);
is exchange($port, ''), ' eof', 'refuses the second of an address';
ok $daemon->wait_log(qr/ outcome=limited /), 'which counts as limited';
close $held;
is_reloaded($daemon, "$base limits: { backlog = 7; };", 'limits.backlog');
$daemon->tell('USR1');
ok $daemon->wait_log(qr/ listener \S+ queued=0 limit=7$/), 'is that of the listener';

is_reloaded($daemon, "$base timeouts: { exchange = 0.3; };", 'timeouts.exchange');
my $begun = time;
is exchange($port, ''), ' eof', 'cuts a silent peer';
like $daemon->wait_log(qr/ outcome=slow /), qr/ us=(?:3|[4-9]|\d\d)\d{5}$/, 'then and not before';
is_reloaded($daemon, "$base timeouts: { linger = 600.0; };", 'timeouts.linger');
my $lingerer = connect_to($port);
syswrite $lingerer, $GREETING;
read_to_end($lingerer);
ok wait_for(sub { counted($daemon, 'lingering') == 1 }), 'waits for the end of file';
is_reloaded($daemon, "$base timeouts: { linger = 0.05; };", 'for less time');
ok wait_for(sub { counted($daemon, 'lingering') == 0 }), 'and no longer, which holds for lingering sockets too';
cmp_ok counted($daemon, 'workers'), '>=', 1, 'workers are idle';
is_reloaded($daemon, "$base timeouts: { idle_worker = 0.05; };", 'timeouts.idle_worker');
ok wait_for(sub { counted($daemon, 'workers') == 0 }), 'ends them';

my $file = "$directory/sixteend.prom";
is_reloaded($daemon, "$base metrics: { file = \"$file\"; interval = 86400.0; };", 'metrics.file');
ok wait_for(sub { -e $file }), 'is written at once';
my ($before) = read_file($file) =~ /^sixteend_connections_accepted_total (\d+)$/m;
is exchange($port), "$REPLY eof", 'an exchange';
is_reloaded($daemon, "$base metrics: { file = \"$file\"; interval = 0.1; };", 'metrics.interval');
is exchange($port), "$REPLY eof", 'one more';
ok wait_for(sub { my ($now) = read_file($file) =~ /^sixteend_connections_accepted_total (\d+)$/m; $now == $before + 2 }), 'is how soon they are there';
is_reloaded($daemon, $base, 'no metrics.file');
unlink $file;
is exchange($port), "$REPLY eof", 'is none';
ok !-e $file, 'any more';

write_file($daemon->{file}, "log: { level = \"err\"; }; reply = \"$OTHER\";");
$daemon->tell('HUP');
ok wait_for(sub { exchange($port) eq "$OTHER eof" }), 'log.level';
is exchange($port, 'Nobody shall see'), "$OTHER eof", 'silences';
is_reloaded($daemon, 'log: { level = "info"; }; timeouts: { drain = 0.2; exchange = 600.0; };', 'and the other way');
is exchange($port), "$REPLY eof", 'is logged';
ok $daemon->wait_log(qr/ info outcome=ok /), 'again';
unlike $daemon->{log}, qr/Nobody shall see/, 'only from then on';
$held = connect_to($port);
syswrite $held, 'Hi';
wait_for(sub { everything_is_read($port, $held) });
is $daemon->stop, 0, 'timeouts.drain ends it';
like $daemon->{log}, qr/ outcome=slow .* octets=2 /, 'with the peer that is there';

# A connection that began under other settings.
$daemon = start(config => "$base reply = \"$OTHER\"; timeouts: { exchange = 600.0; };");
$held = hold($daemon, substr $SECRET, 0, 8);
is_reloaded($daemon, "$base strict = true; timeouts: { exchange = 1.0; };", 'while a peer is connected');
my $late = hold($daemon);
is_reloaded($daemon, "$base timeouts: { exchange = 600.0; };", 'twice');
is join(' ', read_to_end($late)), ' eof', 'each keeps the deadline it began with';
like $daemon->wait_log(qr/ outcome=slow /), qr/ us=[1-9]\d{6}$/, 'not a longer one';
syswrite $held, substr $SECRET, 8;
is join(' ', read_to_end($held)), "$OTHER eof", 'nor a shorter one, and the reply and the rules';
is $daemon->stop, 0, 'ends';

# What only a restart can change.
my $config = 'reply = "Farewell, client";';
$daemon = start(arguments => ['--config', my $named = write_file("$directory/fixed.conf", $config)]);
$daemon->{file} = $named;
my ($identity) = read_file("/proc/$daemon->{pid}/status") =~ /^(Uid:.*\nGid:.*)$/m;
my $pid_file = "$directory/pid";
my @fixed = (['background', 'true'], ['pid_file', "\"$pid_file\""], ['user', '"no-such-user"'], ['group', '"no-such-group"']);
is_reloaded($daemon, "$config daemon: {" . join(' ', map { "$_->[0] = $_->[1];" } @fixed) . '};', 'what is fixed');
my $fixed = join ', ', map { "daemon.$_->[0]" } @fixed;
like $daemon->{log}, qr/ warning \Q$fixed\E: a change takes effect at the next restart\n/, 'is warned of, in one line';
like read_file("/proc/$daemon->{pid}/status"), qr/^\Q$identity\E$/m, 'user and group are as they were, and the new ones are not looked up';
ok !-e $pid_file, 'no pid file is made';
is exchange($daemon->{port}), "$REPLY eof", 'it serves in the foreground';
ok $daemon->wait_log(qr/ info outcome=ok /), 'and logs to standard error as before';
is_reloaded($daemon, $config, 'without them');
is scalar(() = $daemon->{log} =~ /takes effect at the next restart/g), 1, 'there is nothing to warn of';
is $daemon->stop, 0, 'ends';

# A file that was cut off can still be right. It is taken, and what it lost is named.
$daemon = start(listen => [], config => 'listen = [ "127.0.0.1:0" ]; strict = false; access: { deny = [ "192.0.2.1" ]; };');
is_reloaded($daemon, 'listen = [ "127.0.0.1:0" ];', 'half of a file');
like $daemon->{log}, qr/ warning access\.deny: no longer set, so the default applies\n/, 'names the key that has its default again, and no key that had it before';
is_reloaded($daemon, 'listen = [ "127.0.0.1:0" ]; reply = "Another farewell"; log: { level = "debug"; };', 'more');
is_reloaded($daemon, 'listen = [ "127.0.0.1:0" ]; daemon: { group = "none"; };', 'and less');
like $daemon->{log}, qr/ warning daemon\.group: a change takes effect at the next restart; reply, log\.level: no longer set, so the default applies\n/, 'is named with what cannot change';
is $daemon->stop, 0, 'ends';

# What the command line said.
my ($taken, $taken_port) = listen_somewhere();
$daemon = start(options => ['--verbose', '--pid-file', $pid_file]);
is_reloaded($daemon, "listen = [ \"127.0.0.1:$taken_port\" ]; log: { to = \"syslog\"; level = \"crit\"; }; daemon: { pid_file = \"$directory/other\"; background = true; };",
    'options win over a file that says otherwise');
is exchange($daemon->{port}), "$REPLY eof", '--listen';
ok $daemon->wait_log(qr/ debug We have accepted/), '--verbose, --stderr';
like read_file($pid_file), qr/^$daemon->{pid}$/m, '--pid-file';
unlike $daemon->{log}, qr/takes effect at the next restart/, 'and --foreground, without a warning';
is $daemon->stop, 0, 'ends';
ok !-e $pid_file, 'the pid file goes';

# Listeners come and go.
my $roomy = 'timeouts: { exchange = 600.0; }; log: { level = "debug"; };';
sub listening { return 'listen = [ ' . join(', ', map { "\"$_\"" } @_) . " ]; $roomy" }
$daemon = start(listen => [], config => listening('127.0.0.1:0'));
my ($first) = $port = $daemon->{port};
my $inode = sockets_of($daemon)->{$port};
ok $inode, 'a listener';
freeze($daemon->{pid});
my @queued = map { connect_to($port) } 1 .. 3;
syswrite $_, $GREETING for @queued;
write_file($daemon->{file}, listening('[::1]:0', '127.0.0.1:0'));
$daemon->tell('HUP');
$daemon->tell('CONT');
my ($six) = $daemon->wait_log(qr/Listening at \[::1\]/) =~ /:(\d+)$/;
ok $daemon->wait_log(qr/ reloaded /), 'one more, while connections are queued';
is sockets_of($daemon)->{$port}, $inode, 'the first has its socket still';
is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @queued), 3, 'and the queued peers are served';
undef @queued;
is exchange($six, $GREETING, '::1'), "$REPLY eof", 'so is the new address';

freeze($daemon->{pid});
@queued = map { connect_to($port) } 1 .. 3;
syswrite $_, $GREETING for @queued;
write_file($daemon->{file}, listening('[::1]:0'));
$daemon->tell('HUP');
$daemon->tell('CONT');
ok $daemon->wait_log(qr/No longer listening at 127\.0\.0\.1:$port$/), 'one fewer';
ok $daemon->wait_log(qr/ reloaded /), 'while connections are queued';
is scalar(grep { join(' ', read_to_end($_)) eq "$REPLY eof" } @queued), 3, 'which are served';
undef @queued;
ok wait_for(sub { !exists sockets_of($daemon)->{$port} }), 'then its socket is closed';
ok !IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port), 'and nothing listens there';
is_reloaded($daemon, listening('127.0.0.5:0'), 'another instead');
ok wait_for(sub { keys %{ sockets_of($daemon) } == 1 }), 'is the only one';
my ($other) = keys %{ sockets_of($daemon) };
is exchange($other, $GREETING, '127.0.0.5'), "$REPLY eof", 'and serves';
is $daemon->stop, 0, 'ends';

# Away and back at once. Who is queued keeps the socket open meanwhile.
$daemon = start(listen => [], config => 'limits: { connections = 1; }; ' . listening('127.0.0.1:0'));
($port, $inode) = ($daemon->{port}, sockets_of($daemon)->{ $daemon->{port} });
$held = hold($daemon);
@queued = (connect_to($port));
syswrite $queued[0], $GREETING;
is_reloaded($daemon, 'limits: { connections = 1; }; ' . listening('127.0.0.5:0'), 'a listener is left');
is_reloaded($daemon, 'limits: { connections = 9; }; ' . listening('127.0.0.1:0', '127.0.0.5:0'), 'and wanted again');
is sockets_of($daemon)->{$port}, $inode, 'it is the same socket';
is exchange($port), "$REPLY eof", 'a new peer is served';
is join(' ', read_to_end($queued[0])), "$REPLY eof", 'and the one that came before';
close $held;
undef @queued;

# Addresses that cannot be opened.
my $sockets = sockets_of($daemon);
for my $wrong ([["127.0.0.1:$taken_port"], qr/cannot listen at 127\.0\.0\.1:$taken_port: Address already in use; another process uses it/],
    [["127.0.0.1:$port", "127.0.0.1:$taken_port", '127.0.0.6:0'], qr/cannot listen at 127\.0\.0\.1:$taken_port: Address already in use; another process uses it/],
    [['127.0.0.1:0', '127.0.0.7:0', "127.0.0.1:$taken_port"], qr/cannot listen at 127\.0\.0\.1:$taken_port: /],
    [["127.0.0.1:$port", "*:$port"], qr/cannot listen at 0\.0\.0\.0:$port: Address already in use; the configuration lists it twice/],
    [['192.0.2.1:0'], qr/cannot listen at 192\.0\.2\.1:0: Cannot assign requested address; no interface of this host has that address/],
    [['no-such-host.invalid:0'], qr/cannot listen at no-such-host\.invalid:0: /]) {
    my ($addresses, $said) = @$wrong;
    my $from = length $daemon->{log};
    like $daemon->reload(listening(@$addresses) . " reply = \"$OTHER\";"), qr/ err reload refused; the running configuration stays in effect$/, "refused: @$addresses";
    like substr($daemon->{log}, $from), qr/ err $said/, 'with the reason';
    ok wait_for(sub { ports(sockets_of($daemon)) eq ports($sockets) }), 'the listeners are those that were there';
    is exchange($port), "$REPLY eof", 'and all else is as it was';
}
is scalar(() = $daemon->{log} =~ / notice Listening at 127\.0\.0\.7:/g), scalar(() = $daemon->{log} =~ / No longer listening at 127\.0\.0\.7:/g), 'what was opened before the mistake was found is closed';
is $daemon->stop, 0, 'ends';

# An address twice: by its number, which on this address is ours, and of the kernel's choice.
my $own = sprintf '127.77.%d.%d:1060', $$ >> 8 & 255, $$ & 255;
$daemon = start(listen => [], config => listening($own));
$sockets = sockets_of($daemon);
like $daemon->reload(listening($own, $own)), qr/refused/, 'refused: an address twice';
like $daemon->{log}, qr/ err cannot listen at \Q$own\E: Address already in use; the configuration lists it twice\n/, 'with the reason';
is_deeply sockets_of($daemon), $sockets, 'the listener is the one that was there';
is $daemon->stop, 0, 'ends';
$daemon = start(listen => [], config => listening('127.0.0.1:0', '127.0.0.1:0'));
$sockets = sockets_of($daemon);
is_reloaded($daemon, listening('127.0.0.1:0', '127.0.0.1:0', '127.0.0.5:0'), 'two of one address');
is_deeply { map { $_ => sockets_of($daemon)->{$_} } keys %$sockets }, $sockets, 'have their sockets still';
is $daemon->stop, 0, 'ends';

# The log of one in the background, at a /dev/log of the test's own.
SKIP: {
    my ($log, undef, @prefix) = own_syslog();
    skip 'needs a mount namespace', 13 if !@prefix;
    my $next_line = sub { return next_datagram($log, @_) };
    $config = 'daemon: { background = true; };';
    my $background = write_file("$directory/background.conf", $config);
    my (undef, $out) = run(@prefix, $SIXTEEND, '--config', $background, '--listen', '127.0.0.1:0');
    my ($pid) = $out =~ /process (\d+)/ or skip "no start: $out", 13;
    ($port) = $out =~ /127\.0\.0\.1:(\d+)/;
    $next_line->(qr/ready, process/);
    write_file($background, "$config log: { facility = \"local3\"; };");
    kill 'HUP', $pid;
    like $next_line->(qr/reloaded/), qr/^<157>/, 'in the background: log.facility';
    is exchange($port), "$REPLY eof", 'an exchange';
    like $next_line->(qr/outcome=ok peer/), qr/^<158>/, 'is logged there';
    write_file($background, 'daemon: { background = false; };');
    kill 'HUP', $pid;
    ok $next_line->(qr/^<(?:28|156)>.*daemon\.background: a change takes effect at the next restart/), 'daemon.background is warned of';
    ok $next_line->(qr/reloaded/), 'and the log goes on to syslog';
    write_file($background, 'log: { to = "stderr"; };');
    kill 'HUP', $pid;
    like $next_line->(qr/log\.to|reloaded/), qr/^<27>.*log\.to must be "syslog" in the background, not "stderr"/, 'standard error is refused there';
    ok $next_line->(qr/reload refused/), 'as a whole';
    kill 'TERM', $pid;
    ok $next_line->(qr/exiting with status 0/), 'it ends';
    wait_for(sub { is_gone($pid) }) or kill 'KILL', $pid;

    # In the foreground it may change sides.
    $daemon = start(under => \@prefix, arguments => ['--config', my $sides = write_file("$directory/sides.conf", '')]);
    $daemon->{file} = $sides;
    write_file($sides, 'log: { to = "syslog"; };');
    $daemon->tell('HUP');
    ok $next_line->(qr/reloaded/), 'in the foreground: log.to';
    is exchange($daemon->{port}), "$REPLY eof", 'an exchange';
    ok $next_line->(qr/outcome=ok peer/), 'is logged to syslog';
    is_reloaded($daemon, 'log: { to = "stderr"; };', 'and to standard error again');
    is $daemon->stop, 0, 'ends';
}

# The default file.
SKIP: {
    my $etc = scratch();
    my @prefix = $ENV{SYSCONFDIR} && -d $ENV{SYSCONFDIR} ? with_mounts($ENV{SYSCONFDIR} => $etc) : ();
    skip 'needs a mount namespace, and the directory of the default file', 13 if !@prefix;
    write_file("$etc/sixteen.conf", "reply = \"$OTHER\";");
    $daemon = start(under => \@prefix, arguments => []);
    is exchange($daemon->{port}), "$OTHER eof", 'without --config the default file is read';
    $daemon->{file} = "$etc/sixteen.conf";
    like $daemon->reload("reply = \"$REPLY\";"), qr/reloaded/, 'and read again';
    is exchange($daemon->{port}), "$REPLY eof", 'anew';
    unlink "$etc/sixteen.conf";
    like $daemon->reload(undef), qr/refused/, 'if it is gone, that is no wish for the defaults';
    like $daemon->{log}, qr{ err \S+/sixteen\.conf: cannot read: No such file or directory\n}, 'and is reported';
    is $daemon->stop, 0, 'ends';

    $daemon = start(under => \@prefix, arguments => []);
    like $daemon->reload(undef), qr/reloaded the built-in defaults/, 'without a default file there are the built-in defaults';
    $daemon->{file} = "$etc/sixteen.conf";
    like $daemon->reload('# nothing'), qr/ reloaded /, 'a file that sets nothing';
    like $daemon->reload("reply = \"$OTHER\";"), qr/ reloaded /, 'one that sets something';
    unlink "$etc/sixteen.conf";
    like $daemon->reload(undef), qr/refused/, 'and is gone';
    like $daemon->{log}, qr{ err \S+/sixteen\.conf: it does not exist any more, and the running configuration has settings from it}, 'is missed, too';
    is exchange($daemon->{port}), "$OTHER eof", 'and stays in effect';
    is $daemon->stop, 0, 'ends';
}

# A disk that hangs: the kernel does not return from pread(2) of the file that a link leads to now.
SKIP: {
    my ($quick, $slow, $link) = (write_file("$directory/quick.conf", $base), write_file("$directory/slow.conf", $base), "$directory/link.conf");
    my $reads = '?pread,?pread64';
    my @strace = ('strace', '-D', '--follow-forks', '--quiet=all', '--signal=none', '--output', '/dev/null', '--trace-path', $slow, '--trace', $reads);
    skip 'needs strace', 22 if !have('strace');
    skip 'a leak sanitizer cannot be traced', 22 if is_sanitized();
    skip 'may not trace', 22 if (run(@strace, 'true'))[0] != 0;

    # Start one, and wait until it says that a reload hangs.
    my $hanging = sub {
        my ($seconds) = @_;
        unlink $link;
        symlink $quick, $link;
        $daemon = start(under => [@strace, '--inject', "$reads:delay_enter=${seconds}000000:when=1"], arguments => ['--foreground', '--stderr', '--config', $link]);
        unlink $link;
        symlink $slow, $link;
        $daemon->tell('HUP');
        ok $daemon->wait_log(qr/ warning cannot read the configuration yet: its disk does not answer$/), "a disk that hangs for $seconds s is reported";
        is exchange($daemon->{port}), "$REPLY eof", 'clients are served';
        ok $daemon->wait_log(qr/ outcome=ok /), 'the log goes on';
        ok defined counted($daemon, 'active'), 'USR1 is acted upon';
        return;
    };
    $hanging->(5);
    unlike $daemon->{log}, qr/ reloaded /, 'nothing is reloaded';
    for (1 .. 3) {
        $daemon->tell('HUP');
        ok defined counted($daemon, 'active'), 'while other signals come';
    }
    ok $daemon->wait_log(qr/ notice reloaded \Q$link\E$/), "$_ reload" for 'the first', 'and one more';
    is $daemon->stop, 0, 'ends';
    is scalar(() = $daemon->{log} =~ / reloaded /g), 2, 'and these are all';

    $hanging->(3600);
    my ($tracer) = read_file("/proc/$daemon->{pid}/status") =~ /^TracerPid:\t(\d+)$/m;
    $held = hold($daemon, 'Hi there');
    $begun = time;
    $daemon->tell('TERM');
    ok $daemon->wait_log(qr/ notice stopping$/), 'TERM is acted upon';
    ok $daemon->wait_log(qr/ notice the reload that is under way is dropped$/), 'and ends the reload';
    cmp_ok time - $begun, '<', 5, 'at once';
    syswrite $held, ', server';
    is join(' ', read_to_end($held)), "$REPLY eof", 'a connection that has begun ends as always';
    close $held;
    ok $daemon->wait_log(qr/ notice exiting with status 0$/), 'the daemon does all to end';
    kill 'KILL', $tracer;
    is $daemon->wait_end, 0, 'and only the disk keeps it';
    unlike $daemon->{log}, qr/ reloaded | refused/, 'without a reload';
}

# Files that are refused: how to make each, and what is said. Root reads any file, so there the
# daemon runs as nobody and cannot read a file of root.
my @as_nobody = $> == 0 ? ('daemon: { user = "nobody"; };') : ();
my %bad = (
    'a syntax error' => [sub { write_file($_[0], "strict = true;\nreply = ;\n") }, qr/:2: syntax error in 'reply = ;'/],
    'a wrong value' => [sub { write_file($_[0], "\n\nlimits: { connections = 0; };\n") }, qr/:3: limits\.connections must be a whole number from 1 to 1000000, not 0/],
    'an unknown key' => [sub { write_file($_[0], "colour = 1;\n") }, qr/:1: unknown key 'colour'/],
    '@include of a directory' => [sub { write_file($_[0], "# more:\n\@include \"/etc\"\n") }, qr/:2: \@include in '\@include "\/etc"'; it is not supported/],
    'a NUL octet' => [sub { write_file($_[0], "strict = true;\n\0") }, qr/:2: a NUL octet in ''/],
    'an empty file' => [sub { write_file($_[0], '') }, qr/: it sets no key, and the running configuration has settings from it; restart the daemon to go back to the defaults/],
    'only white space' => [sub { write_file($_[0], " \n\t\r\n") }, qr/: it sets no key/],
    'only comments' => [sub { write_file($_[0], "# listen\n// and\n/* so on */") }, qr/: it sets no key/],
    'only an empty group' => [sub { write_file($_[0], "limits: { };\n") }, qr/: it sets no key/],
    'no file' => [sub { }, qr/: cannot read: No such file or directory/],
    'a directory' => [sub { mkdir $_[0] }, qr/: cannot read: Is a directory/],
    'a FIFO' => [sub { mkfifo $_[0], 0666 }, qr/: cannot read: it must be a regular file/],
    'a link to nowhere' => [sub { symlink '/nowhere', $_[0] }, qr/: cannot read: No such file or directory/],
    'a device without end' => [sub { symlink '/dev/zero', $_[0] }, qr/: cannot read: File too large/],
    'a file that it may not read' => [sub { chmod 0, write_file($_[0], '') }, qr/: cannot read: Permission denied/],
);
my @kinds = sort keys %bad;

sub clear {
    my ($path) = @_;
    return -d $path && !-l $path ? rmdir $path : unlink $path;
}

# Reload a file of a kind.
sub reload_bad {
    my ($running, $kind) = @_;
    clear($running->{file});
    $bad{$kind}[0]->($running->{file});
    my $line = $running->reload(undef);
    clear($running->{file});
    return $line;
}

# A daemon whose folder other users can read.
sub start_readable {
    my (%with) = @_;
    my $place = scratch();
    chmod 0755, $place;
    my $path = write_file("$place/sixteen.conf", $with{config});
    my $running = start(%with, arguments => ['--foreground', '--stderr', '--config', $path]);
    $running->{file} = $path;
    return $running;
}

$config = join ' ', @as_nobody, "reply = \"$OTHER\"; timeouts: { exchange = 600.0; };";
$daemon = start_readable(config => $config, options => ['--verbose']);
$held = hold($daemon, substr $GREETING, 0, 8);
for my $kind (@kinds) {
    my $from = length $daemon->{log};
    (my $name = $kind) =~ s/[#]//g;
    like reload_bad($daemon, $kind), qr/ err reload refused; the running configuration stays in effect$/, "refused: $name";
    like substr($daemon->{log}, $from), qr/ err \Q$daemon->{file}\E$bad{$kind}[1].*\n/, 'with the reason';
    is exchange($daemon->{port}), "$OTHER eof", 'everything is as it was';
}
is_reloaded($daemon, $config =~ s/\Q$OTHER\E/$REPLY/r, 'a right one after them');
is exchange($daemon->{port}), "$REPLY eof", 'is taken';
syswrite $held, substr $GREETING, 8;
is join(' ', read_to_end($held)), "$OTHER eof", 'the peer that was there all the time is served';
close $held;
is $daemon->stop, 0, 'ends';

# Good and bad ones in turn, a thousand times, while clients come. A sanitizer makes each take
# a multiple of its time; and what it keeps of freed memory would be taken for growth.
my $RELOADS = is_sanitized() || $ENV{QUICK} ? 100 : 300;
my $same = join ' ', @as_nobody, 'log: { level = "notice"; };';
my @good = (
    "$same timeouts: { idle_worker = 0.05; };",
    "$same timeouts: { idle_worker = 0.05; linger = 1.5; exchange = 8.0; }; limits: { connections = 300; backlog = 100; };",
    "$same listen = [ \"127.0.0.1:0\", \"[::1]:0\" ]; timeouts: { idle_worker = 0.05; };",
    "$same timeouts: { idle_worker = 0.05; }; limits: { when_full = \"refuse\"; per_source = 500; }; expect = \"$SECRET\";",
);
$_ = "listen = [ \"127.0.0.1:0\" ]; $_" for grep { !/listen/ } @good;

# Descriptors, threads, and kilobytes of memory.
sub size_of {
    my ($running) = @_;
    my @descriptors = glob "/proc/$running->{pid}/fd/*";
    my $status = read_file("/proc/$running->{pid}/status");
    my ($threads) = $status =~ /^Threads:\s+(\d+)/m;
    my ($resident) = $status =~ /^VmRSS:\s+(\d+)/m;
    my ($data) = $status =~ /^VmData:\s+(\d+)/m;
    return { descriptors => scalar @descriptors, threads => $threads, resident => $resident, data => $data };
}

# Reload this often; return what went wrong.
sub reload_in_turn {
    my ($running, $times) = @_;
    my @surprises;
    for my $i (0 .. $times - 1) {
        my ($kind, $line) = ($kinds[$i / 2 % @kinds]);
        if ($i % 2 == 0) {
            $line = $running->reload($good[$i / 2 % @good]);
            push @surprises, "good $i: $line" if $line !~ / reloaded /;
            $running->{log} = '';    # keeps what is searched short
            $running->{seen} = 0;
        } else {
            $line = reload_bad($running, $kind);
            push @surprises, "$kind: $line" if $line !~ / refused;/;
        }
        last if $line eq '';
    }
    like $running->reload($good[0]), qr/ reloaded /, 'a good one at last';
    return @surprises;
}

# Wait until no worker and no lingering socket is left.
sub settled {
    my ($running, $as) = @_;
    my $now;
    wait_for(sub { $now = size_of($running); $now->{threads} <= $as->{threads} && $now->{descriptors} <= $as->{descriptors} });
    return $now;
}

# With one arena, what the allocator keeps does not depend on how many threads met on a busy machine.
{
    local $ENV{MALLOC_ARENA_MAX} = 1;
    $daemon = start_readable(listen => [], config => $good[0]);
}
my $at_start = size_of($daemon);
my $load = begin_load(4, ['127.0.0.1', $daemon->{port}]);
is_deeply [reload_in_turn($daemon, 4 * @kinds)], [], 'each kind once, to begin with';
my (undef, @wrong_before) = end_load($load);
my $was = settled($daemon, $at_start);
$load = begin_load(4, ['127.0.0.1', $daemon->{port}]);
$begun = time;
my @surprises = reload_in_turn($daemon, $RELOADS);
my ($exchanges, @wrong) = end_load($load);
is "@surprises", '', "$RELOADS reloads, each taken or refused as it should be";
is "@wrong_before@wrong", '', "and not one of $exchanges exchanges failed";
cmp_ok $exchanges, '>=', 100, 'under load';
my $is = settled($daemon, $at_start);
note sprintf '%d reloads and %d exchanges in %.1f s; resident %d, then %d kB; data %d, then %d kB', $RELOADS, $exchanges, time - $begun,
    $was->{resident}, $is->{resident}, $was->{data}, $is->{data};
is $is->{descriptors}, $at_start->{descriptors}, 'as many descriptors as at the start';
is $is->{threads}, $at_start->{threads}, 'and threads';
SKIP: {
    skip 'a sanitizer keeps what is freed', 2 if is_sanitized();
    cmp_ok $is->{resident} - $was->{resident}, '<', 1024, 'memory does not grow';
    cmp_ok $is->{data} - $was->{data}, '<', 1024, 'nor what is asked for';
}
is $daemon->stop, 0, 'ends, and a sanitizer finds no leak';

SKIP: {
    my $why = why_no_valgrind();
    skip $why, 5 if $why ne '';
    # The user that the daemon becomes writes it.
    my $place = scratch();
    chmod 0777, $place;
    my $report = "$place/valgrind";
    $daemon = start_readable(listen => [], config => $good[0], under => [valgrind($report)]);
    $load = begin_load(2, ['127.0.0.1', $daemon->{port}]);
    is_deeply [reload_in_turn($daemon, 2 * @kinds)], [], 'under valgrind';
    ($exchanges, @wrong) = end_load($load);
    is "@wrong", '', 'no exchange fails';
    is $daemon->stop, 0, 'and there is no leak';
    is read_file($report), '', 'and no error';
}
done_testing;
