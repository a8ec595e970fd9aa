# SPDX-License-Identifier: MIT
# The catalogue: every server in the comparison, and how it is started.
#
# A row has
#   id, name      the name in the CSV, and in the table
#   short         sixteend only: a word for the heads of a table
#   kind          ours, bare (the limit), peer, or more (peers that are often not installed)
#   reads         octets that the server must have read before it replies
#   needs         programs or files without which the row is left out
#   package       the Debian package that has them
#   command       code that gets port, where, build, source, workers, timeout and connections,
#                 writes the files that the server needs, and returns its command
#   helper        code that returns the command of an additional process, which prints "ready"
#   batch         the server sets SCHED_BATCH itself
#   lossy         the server cannot avoid resets: nginx's `return` closes with octets unread
#   forks         the server has a process for each connection
#   holds         the row takes part in the run with held connections
#   version       a command that prints the server's version
package Bench::Rows;
use strict;
use warnings;
use Bench::Proc qw(read_file);
use Exporter 'import';

our @EXPORT_OK = qw(all_rows missing);

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
    return $path;
}

# Copy a file of bench/peers and substitute its words between at signs.
sub fill_in {
    my ($with, $name, %word) = @_;
    my $text = read_file("$with->{source}/bench/peers/$name");
    %word = (%word, PORT => $with->{port}, TIMEOUT => $with->{timeout}, DIRECTORY => $with->{where},
        WORKERS => $with->{workers}, PEERS => "$with->{source}/bench/peers", BUILD => "$with->{build}/bench",
        USER => scalar getpwuid $>,
        CONNECTIONS => $with->{connections});
    1 while $text =~ s/\@([A-Z]+(?:_[A-Z]+)*)\@/$word{$1}/g;    # the value of a word can contain words
    return write_file("$with->{where}/$name", $text);
}

sub bare {
    my ($threads, $more, $batch, $safe) = @_;
    my @options = ('-t', $threads, ($more ? '-m' : ()), ($safe ? '-s' : ()), ($batch ? '-b' : ()));
    return {
        id => join('-', 'bare', $threads, ($more ? 'more' : ()), ($safe ? 'safe' : ()), ($batch ? 'batch' : ())),
        name    => join(', ', 'bare loop', ($threads > 1 ? "$threads threads" : ()),
            ($more ? 'MSG_MORE' : ()), ($safe ? 'safe close' : ()), ($batch ? 'SCHED_BATCH' : ())),
        kind    => 'bare', reads => 16, batch => $batch,
        command => sub { my ($with) = @_; return ("$with->{build}/bench/bare", @options, $with->{port}) },
    };
}

# The command of sixteend; `log` is the log group of its configuration.
sub sixteend {
    my ($with, $log) = @_;
    my $config = write_file("$with->{where}/sixteen.conf", "log: { $log };\n"
        . "timeouts: { exchange = $with->{timeout}.0; };\n"
        . "limits: { connections = $with->{connections}; per_source = 0; };\n");    # the load has one address
    my @shim = $with->{no_batch} ? ('env', "LD_PRELOAD=$with->{build}/bench/no_batch.so") : ();
    return (@shim, "$with->{build}/src/sixteend", '--foreground', '--config', $config,
        '--listen', "127.0.0.1:$with->{port}");
}

# A command prefix that gives a command the reader's socket as /dev/log, in a separate /dev: the
# host's /dev does not always have a /dev/log and must not get one.
sub with_dev_log {
    my ($with) = @_;
    my $dev = "$with->{where}/dev";
    my $script = "mount --bind /dev/null '$dev/null' && mount --rbind '$dev' /dev && exec \"\$@\"";
    return ('unshare', '--mount', 'sh', '-c', $script, 'sh');
}

sub syslog_reader {
    my ($with) = @_;
    mkdir "$with->{where}/dev";
    write_file("$with->{where}/dev/null", '');
    return ("$with->{build}/bench/syslog_reader", "$with->{where}/dev/log");
}

sub nginx {
    my ($id, $name, $reads, %with) = @_;
    return {
        id => $id, name => $name, kind => 'peer', reads => $reads, lossy => $reads == 0,
        holds => $reads > 0 && !$with{log},
        needs   => ['nginx', '/usr/lib/nginx/modules/ngx_stream_module.so', @{ $with{needs} // [] }],
        package => $with{package} // 'nginx-light, libnginx-mod-stream',
        version => ['nginx', '-v'],
        command => sub {
            my ($run) = @_;
            my $log  = $with{log} ? "$run->{where}/access.log exchange" : 'off';
            my $file = fill_in($run, 'nginx.conf', ACCESS_LOG => $log,
                PREREAD => $with{preread} // '', MODULES => $with{modules} // '');
            return ('nginx', '-p', $run->{where}, '-e', 'stderr', '-c', $file);
        },
    };
}

sub ours {
    return (
        {
            id => 'sixteend-file', name => 'sixteend, log to a file', short => 'file', kind => 'ours', reads => 16,
            holds => 1, command => sub { return sixteend($_[0], 'to = "stderr"') },
        },
        {
            id => 'sixteend-syslog', name => 'sixteend, log to syslog(3)', short => 'syslog', kind => 'ours', reads => 16,
            needs   => ['unshare', 'root'], package => 'util-linux', helper => \&syslog_reader,
            command => sub { return (with_dev_log($_[0]), sixteend($_[0], 'to = "syslog"')) },
        },
        {
            id => 'sixteend-quiet', name => 'sixteend, log.level = "warning"', short => 'no log', kind => 'ours', reads => 16,
            command => sub { return sixteend($_[0], 'to = "stderr"; level = "warning"') },
        });
}

sub loops {
    return map {
        my $batch = $_;
        ((map { my $more = $_; map { bare($_, $more, $batch) } 1, 2 } 0, 1), bare(2, 1, $batch, 1))
    } 0, 1;
}

sub nginxes {
    my $script = '/usr/lib/nginx/modules/ngx_stream_js_module.so';
    my $js = "load_module $script;";
    my $preread = 'preread_buffer_size 16; ssl_preread on;';
    return (
        nginx('nginx-return', 'nginx return (answers without reading)', 0),
        nginx('nginx-return-log', 'nginx return, access log (answers without reading)', 0, log => 1),
        nginx('nginx-preread', 'nginx ssl_preread (waits for 5 octets)', 5, preread => $preread),
        nginx('nginx-preread-log', 'nginx ssl_preread, access log (waits for 5 octets)', 5,
            preread => $preread, log => 1),
        nginx('nginx-js', 'nginx js_preread (waits for all 16)', 16, modules => $js, needs => [$script],
            package => 'nginx-light, libnginx-mod-stream-js',
            preread => 'js_import s from @PEERS@/sixteen.js; js_preread s.wait_for_message;'),
    );
}

sub peers {
    return (
        nginxes(),
        {
            id => 'haproxy', name => 'HAProxy, Lua service', kind => 'peer', reads => 16, holds => 1,
            needs   => ['haproxy'], package => 'haproxy', version => ['haproxy', '-v'],
            command => sub { return ('haproxy', '-db', '-f', fill_in($_[0], 'haproxy.cfg')) },
        },
        {
            %{ compiled('go', 'Go, net.Listen and goroutines', 'golang-go', ['go', 'version']) },
            kind => 'peer', holds => 1,
        },
        {
            id => 'python', name => 'Python, ThreadingTCPServer', kind => 'peer', reads => 16,
            needs   => ['python3'], package => 'python3', version => ['python3', '--version'],
            command => sub { return ('python3', script($_[0], 'server.py')) },
        });
}

# A server that is built from bench/peers, if its compiler is installed.
sub compiled {
    my ($id, $name, $package, $version) = @_;
    return {
        id => $id, name => $name, kind => 'more', reads => 16,
        needs   => ["bench/server-$id"], package => $package, version => $version,
        command => sub { my ($with) = @_; return ("$with->{build}/bench/server-$id", @{$with}{qw(port timeout)}) },
    };
}

sub script {
    my ($with, $name) = @_;
    return ("$with->{source}/bench/peers/$name", @{$with}{qw(port timeout)});
}

sub more {
    return (
        compiled('rust', 'Rust, std::thread', 'rustc', ['rustc', '--version']),
        {
            id => 'node', name => 'Node, net', kind => 'more', reads => 16,
            needs   => ['node'], package => 'nodejs', version => ['node', '--version'],
            command => sub { return ('node', script($_[0], 'server.js')) },
        },
        {
            id => 'seed', name => 'the teaching program (one at a time)', kind => 'more', reads => 16,
            needs   => ['python3'], package => 'python3',
            command => sub {
                my ($with) = @_;
                return ('python3', "$with->{source}/tests/system/seed.py", 'server', '127.0.0.1', $with->{port});
            },
        },
        forking());
}

# openbsd-inetd, which starts a program for each connection.
sub inetd {
    my ($id, $name, $program) = @_;
    return {
        id => $id, name => $name, needs => ['inetd'], package => 'openbsd-inetd',
        command => sub {
            my ($with) = @_;
            return ('inetd', '-i', '-q', 4096, fill_in($with, 'inetd.conf', PROGRAM => $program));
        },
    };
}

# The servers that start a program for each connection: bench/answer, except in one row.
sub forking {
    return (
        inetd('inetd', 'inetd', '@BUILD@/answer'),
        inetd('inetd-script', 'inetd, shell script', '@PEERS@/answer.sh'),
        {
            id => 'socat', name => 'socat, fork', needs => ['socat'], package => 'socat',
            command => sub {
                my ($with) = @_;
                return ('socat', "TCP-LISTEN:$with->{port},bind=127.0.0.1,reuseaddr,fork,backlog=4096",
                    "EXEC:$with->{build}/bench/answer,nofork");
            },
        },
        {
            id => 'xinetd', name => 'xinetd', needs => ['xinetd'], package => 'xinetd',
            command => sub {
                my ($with) = @_;
                return ('xinetd', '-dontfork', '-stayalive', '-pidfile', "$with->{where}/pid",
                    '-f', fill_in($with, 'xinetd.conf'));
            },
        },
        {
            id => 'tcpserver', name => 'tcpserver', needs => ['tcpserver'], package => 'ucspi-tcp',
            command => sub {
                my ($with) = @_;
                return ('tcpserver', '-H', '-R', '-l0', '-b4096', "-c$with->{connections}", '127.0.0.1', $with->{port},
                    "$with->{build}/bench/answer");
            },
        });
}

sub all_rows {
    my @rows = (ours(), loops(), peers(), more());
    for my $row (@rows) {
        @{$row}{qw(kind reads forks)} = ('more', 16, 1) if !$row->{kind};
    }
    return @rows;
}

# Why a row cannot run on this machine; '' if it can.
sub missing {
    my ($row, $build) = @_;
    for my $need (@{ $row->{needs} // [] }) {
        next if $need eq 'root' ? $> == 0
            : $need =~ m{^/} ? -e $need
            : $need =~ m{/}  ? -x "$build/$need"
            :                  grep { -x "$_/$need" } split /:/, $ENV{PATH};
        return 'requires root, for a separate /dev/log' if $need eq 'root';
        return "requires Debian's $row->{package}";
    }
    return '';
}

1;
