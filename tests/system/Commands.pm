# SPDX-License-Identifier: MIT
# The commands that the documents tell a reader to run, and which test runs each of them.
#
# In Markdown, a fenced block without a language holds commands, one on a line. If its first line begins
# with a prompt, "$ " or "# ", each line with that prompt is a command, and what follows is what it
# prints. In a manual page the same holds for a display that begins with a prompt, and for each .Dl.
# Text that is marked as code in a sentence is a command if it begins with one of %PROGRAMS and has an
# argument; %FRAGMENTS lists what is not a whole command, and `sixteen --OPTION` names an option. What a
# command "prints" can follow.
#
# What no test machine can run has a mark before it: `<!-- not executed: REASON -->`, which in a
# sentence is after it, and `.\" not executed: REASON` in a manual page. %MARKS has their numbers.
#
# usage: perl Commands.pm                  list every command, and which test runs it
#        perl Commands.pm DOCUMENT TEXT    print the one command of a document that is or begins with this
package Commands;
use strict;
use warnings;
use Carp;
use Exporter 'import';
use IO::Handle;
use IO::Select;
use POSIX ();
use Time::HiRes qw(time);

our @EXPORT = qw(all_commands commands_of command_is_run form begin_session in_session see end_session run_until %MARKS %FRAGMENTS);

my %PROGRAMS = map { $_ => 1 } qw(./bootstrap ./configure ../configure apt-get autoreconf bash cat check_sixteen
    configure curl diff docker dpkg-buildpackage dpkg-deb editor git gpg grep haproxy iconv icinga2 install ip ipvsadm
    journalctl kill kubectl ln lnav make man nagios4 nstat perl pgrep podman printf promtool rpmbuild runc sed
    sh sixteen sixteend socat ss sudo sysctl systemctl systemd-analyze systemd-delta ulimit umoci);

# How many commands no test runs, by the reason of the mark. Every new mark is to be counted here.
our %MARKS = (
    'makes a release' => 3,
    'needs a cluster' => 5,
    'needs a mirror' => 11,
    'needs IPVS in the kernel' => 2,
    'needs podman' => 5,
    'takes hours' => 2,
    'takes minutes of an idle machine' => 2,
);

our %FRAGMENTS = (
    './bootstrap install' => 'without packages',
    './configure --with-plugindir=DIR' => 'names an option',
    'configure --with-seccomp' => 'names an option',
    'journalctl -t' => 'names an option',
    'kill -9' => 'names a signal',
    'man journald.conf' => 'a page of systemd',
    'promtool test rules' => 'without files',
    'systemctl enable --now' => 'without a unit',
    'systemctl reload' => 'without a unit',
    'systemctl status' => 'without a unit',
);

# Which test runs a command, by document, section and text; the first row that matches counts.
my $ANY = qr/.*/s;
my $BOOTED = qr{(?:sudo )?systemctl (?!reload haproxy)|journalctl |systemd-(?:analyze|delta) |install -D |editor |ln -s |kill "|.*/etc/(?:sixteen\.|tmpfiles\.d/)|sixteend .*--config /\S*/sixteen\.conf};
my @OWNERS = (
    [$ANY, $ANY, qr/make image\z/, 'tests/system/image.t'],
    ['HACKING.md', $ANY, qr/make install\z/, 'tests/system/install.t'],
    ['HACKING.md', $ANY, qr/(?:\.\.\/configure|autoreconf|make) $ANY/, '.ci/run'],
    ['SECURITY.md', $ANY, qr/make /, '.ci/run'],
    ['README.md', 'Install', qr/make (?:un)?install\z/, 'tests/system/install.t'],
    ['README.md', 'Install', qr/autoreconf|\.\/configure|make|sudo/, '.ci/run'],
    ['bench/README.md', $ANY, qr/make /, '.ci/run'],
    ['docs/comparison.md', $ANY, qr/make /, '.ci/run'],
    ['docs/upgrading.md', $ANY, qr/make|sudo make/, '.ci/run'],
    ['docs/upgrading.md', $ANY, $ANY, 'tests/systemd/commands.t'],
    [qr/docs\/(?:growing|operations)\.md/, $ANY, qr/(?:check_)?sixteen /, 'tests/system/examples.t'],
    ['examples/monitoring/README.md', $ANY, qr/make install\z/, 'tests/system/install.t'],
    ['examples/monitoring/README.md', $ANY, qr/icinga2 daemon|nagios4 -v/, 'tests/system/monitoring.t'],
    ['examples/log/README.md', $ANY, qr/lnav/, 'tests/system/logfmt.t'],
    ['examples/haproxy/README.md', $ANY, qr/api/, 'tests/system/balancer.t'],
    [$ANY, $ANY, $BOOTED, 'tests/systemd/commands.t'],
    ['README.md', qr/Is the path up\?|More modes/, qr/(?!man)/, 'tests/system/examples.t'],
    ['man/sixteen.1', qr/.*\?/, $ANY, 'tests/system/examples.t'],
    [$ANY, $ANY, $ANY, 'tests/system/commands.t'],
);

my $source = $ENV{SOURCE_DIR} // (__FILE__ =~ s{[^/]+\z}{}r) . '../..';
my $build = $ENV{BUILD_DIR} // "$source/build";

# ---- what the documents have

sub read_text {
    my ($path) = @_;
    open my $file, '<', $path or croak "$path: $!";
    local $/;
    return readline $file;
}

# Return the documents, in order; docs/matrix.md is a result. Manual pages are read as they are installed.
sub documents {
    my @markdown = map { glob "$source/$_" } qw(README.md HACKING.md SECURITY.md docs/*.md bench/README.md examples/README.md examples/*/README.md);
    my @manuals = map { s/\.in\z//r } glob "$source/man/*.in";
    return map { substr $_, 1 + length $source } grep { !m{/docs/matrix\.md\z} && (-e || /\.\d\z/) } @markdown, @manuals;
}

# Whether the shell wants another line.
sub is_open {
    my ($text) = @_;
    return 1 if $text =~ /(?:\\|\||&&)\z/;
    return $text !~ /\A(?:(?<=\s)#[^\n]*|'[^']*'|"(?:[^"\\]|\\.)*"|[^'"])*+\z/s;
}

# Cut the lines of a display into commands and what they print.
sub session {
    my ($line, $has_bare, @lines) = @_;
    my ($prompt) = ($lines[0] // '') =~ /^([\$#] )/;
    return if !defined $prompt && !$has_bare;
    $prompt //= '';
    my @commands;
    for (@lines) {
        if (@commands && $commands[-1]{output} eq '' && is_open($commands[-1]{text})) {
            $commands[-1]{text} .= "\n$_";
        } elsif (/^\Q$prompt\E(.*\S.*)/) {
            push @commands, { line => $line, text => $1, output => '' };
        } elsif (@commands) {
            $commands[-1]{output} .= "$_\n";
        }
        $line++;
    }
    return @commands;
}

# Whether text in a sentence is a command.
sub is_command {
    my ($text) = @_;
    return 0 if $text =~ /^sixteen --?[\w-]+\z/;
    return $text =~ /^(\S+) \S/ && exists $PROGRAMS{$1} && !exists $FRAGMENTS{$text} ? 1 : 0;
}

sub in_markdown {
    my ($document) = @_;
    my $text = read_text("$source/$document");
    my ($section, $mark, $block, $line, @found) = ('', undef, 0, 1);
    while ($text =~ /\G(?:\#+\ (?<section>[^\n]*)\n
        | <!--\ not\ executed:\ (?<mark>[^\n]*?)\ -->\n
        | (?<indent>\ *)```(?<language>\S*)\n(?<inside>.*?)^\ *```\n
        | (?<paragraph>(?:(?!\ *```|\#+\ |<!--\ not\ executed)[^\n]*\S[^\n]*\n)+)
        | \s*\n)/gmsx) {
        my $all = $&;
        if (defined $+{section}) {
            $section = $+{section};
        } elsif (defined $+{mark}) {
            $mark = $+{mark};
        } elsif (defined $+{inside}) {
            $block++;
            my ($indent, $language, $inside) = @+{qw(indent language inside)};
            push @found, map { { %$_, section => $section, block => $block, mark => $mark } } session($line + 1, 1, split /\n/, $inside =~ s/^$indent//mgr) if $language eq '';
            $mark = undef;
        } elsif (defined(my $paragraph = $+{paragraph})) {
            while ($paragraph =~ /(?<!`)`([^`]+)`(?!`)(?:\s*<!-- not executed: (.*?) -->|\s+prints\s+`([^`]+)`)?/g) {
                my ($code, $reason, $output, $at) = ($1, $2, $3 // '', $line + substr($paragraph, 0, $-[0]) =~ tr/\n//);
                $code =~ s/\s+/ /g;
                push @found, { line => $at, text => $code, output => $output, section => $section, block => 0, mark => $reason } if is_command($code);
            }
        }
        $line += $all =~ tr/\n//;
    }
    return @found;
}

sub from_roff {
    my ($text) = @_;
    $text =~ s/\\e$/\\/;
    $text =~ s/\\-/-/g;
    $text =~ s/\\\(aq/'/g;
    $text =~ s/\\\(dq/"/g;
    return $text =~ s/\\&//gr;
}

sub in_manual {
    my ($document) = @_;
    my @lines = split /\n/, read_text(-e "$build/$document" ? "$build/$document" : "$source/$document.in");
    my ($section, $mark, $block, @found) = ('', undef, 0);
    for (my $i = 0; $i < @lines; $i++) {
        my ($begin, @inside) = ($i + 1);
        if ($lines[$i] =~ /^\.S[hs] (.*)/) {
            $section = $1;
        } elsif ($lines[$i] =~ /^\.\\" not executed: (.*)/) {
            $mark = $1;
        } elsif ($lines[$i] =~ /^\.Dl (.*)/) {
            $block++;
            my $text = from_roff($1);
            push @found, map { { %$_, section => $section, block => $block, mark => $mark } } session($begin, is_command($text), $text);
            $mark = undef;
        } elsif ($lines[$i] =~ /^\.Bd -literal/) {
            push @inside, from_roff($lines[$i]) while $lines[++$i] !~ /^\.Ed/;
            $block++;
            push @found, map { { %$_, section => $section, block => $block, mark => $mark } } session($begin + 1, 0, @inside);
            $mark = undef;
        } elsif ($lines[$i] =~ /^\.Ql (.*?)(?: [.,;:)]+)*$/) {
            my $text = from_roff($1);
            next if !is_command($text);
            push @found, { line => $begin, text => $text, output => '', section => $section, block => 0, mark => $mark };
            $mark = undef;
        }
    }
    return @found;
}

sub owner {
    my ($command) = @_;
    for (@OWNERS) {
        my ($document, $section, $text, $test) = @$_;
        return $test if $command->{document} =~ /\A(?:$document)\z/ && $command->{section} =~ /\A(?:$section)/ && $command->{text} =~ /\A(?:$text)/;
    }
    return;
}

# Return every command, of these documents or of all, as a hash: document, line, section, text, output; block, the number of its display
# in the document, or 0 in a sentence; mark, why it is not executed; owner, the test that runs it.
sub all_commands {
    my @documents = @_ ? @_ : documents();
    my @all;
    for my $document (@documents) {
        for my $command ($document =~ /\.md\z/ ? in_markdown($document) : in_manual($document)) {
            $command->{document} = $document;
            $command->{owner} = owner($command) if !defined $command->{mark};
            push @all, $command;
        }
    }
    return @all;
}

# ---- the test that runs them

my %left;    # what this test has not run yet

sub key { return "$_[0]{document}:$_[0]{line}: $_[0]{text}" }

# Return the commands that the running test must run, each block as a list. A command in a sentence is
# a block; if several sentences have it, it comes once. The test ends with a failure if
# command_is_run() was not called for one of them.
sub commands_of {
    my ($test) = @_;
    my (@blocks, %in_sentence);
    for my $command (grep { ($_->{owner} // '') eq $test } all_commands()) {
        if ($command->{block} == 0) {
            next if $in_sentence{ $command->{text} }++;
            push @blocks, [$command];
        } elsif (@blocks && $blocks[-1][0]{document} eq $command->{document} && $blocks[-1][0]{block} == $command->{block}) {
            push @{ $blocks[-1] }, $command;
        } else {
            push @blocks, [$command];
        }
        $left{ key($command) } = 1;
    }
    require Test2::API;
    (Test2::API::test2_stack()->all)[0]->follow_up(sub { Test::More::is(join("\n", sort keys %left), '', "every command that is this test's was executed") });
    return @blocks;
}

sub command_is_run {
    my ($command) = @_;
    delete $left{ key($command) };
    return;
}

# Reduce what a command printed, or a document shows, to what is the same each time. A document folds
# lines.
sub form {
    my ($text) = @_;
    $text =~ s/ \\\n\s*/ /g;
    $text =~ s/\d{4}-\d\d-\d\dT[\d:.]+Z/T/g;
    $text =~ s/\b(sixteend \d+\.\d+\.\d+\S* ready, process|; process) \d+/$1 N/g;
    $text =~ s/(?<=sixteend )\d+\.\d+\.\d+\S*/V/g;
    $text =~ s/\d+\.\d{3}\b/N/g;
    $text =~ s/\b(time|max)=\d\.\d{6}s/$1=Ns/g;
    $text =~ s/\b(us|connect|send|first|last|end|rtt|syn_retrans)=\d+/$1=N/g;
    $text =~ s/((?:peer=|socket name |connection from |and )[\d.]*[\d\]]:)\d+/$1N/g;
    $text =~ s/(peer=\S+:|socket name \S+:)\d+/$1N/g;
    $text =~ s/\btime \d+ ms/time N ms/g;
    $text =~ s/", (?=\w+=")/",/g;
    $text =~ s/ +$//mg;
    $text =~ s/((?:^errors: .*\n)+)/join '', sort split m{^}, $1/mge;    # of several targets, in any order
    $text =~ s/\n+\z//;
    return $text =~ s/ +/ /gr;
}

# ---- a shell that gets one command after the other, as a reader types them

# Start one by a command that ends with this shell.
sub begin_session {
    my (@command) = @_;
    pipe my $input, my $typed or croak "pipe: $!";
    pipe my $screen, my $output or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        POSIX::setpgid(0, 0);
        open STDIN, '<&', $input;
        open STDOUT, '>&', $output;
        open STDERR, '>&', $output;
        close $_ for $typed, $screen;
        @SIG{qw(INT QUIT TERM)} = ('DEFAULT') x 3;
        exec @command or POSIX::_exit(127);
    }
    POSIX::setpgid($pid, $pid);
    $typed->autoflush(1);
    return { pid => $pid, typed => $typed, screen => $screen, text => '' };
}

# Read until the code is true of all that the commands printed, or there is no more, or time is up.
sub see {
    my ($session, $true) = @_;
    my $until = time + 60;
    while (!$true->($session->{text})) {
        my $left = $until - time;
        return 0 if $left <= 0 || !IO::Select->new($session->{screen})->can_read($left);
        return 0 if !sysread $session->{screen}, $session->{text}, 65536, length $session->{text};
    }
    return 1;
}

# Execute a command: its status and what it printed. What a program in the background prints can come
# later: wait until the code is true of the text.
sub in_session {
    my ($session, $text, $is_complete) = @_;
    my $end = sprintf 'end %08x', rand 0xffffffff;
    $session->{text} = '';
    local $SIG{PIPE} = 'IGNORE';
    print { $session->{typed} } "{ $text\n} </dev/null\necho \"\n$end \$?.\"\n";
    my $status = see($session, sub { $_[0] =~ /\n\Q$end\E \d+\.\n/ }) && $session->{text} =~ s/\n\Q$end\E (\d+)\.\n// ? $1 : 'no end';
    see($session, $is_complete) if $is_complete && $status eq '0';
    return ($status, $session->{text});
}

# End the shell and what it left in the background.
sub end_session {
    my ($session) = @_;
    close $session->{typed};
    kill 'TERM', -$session->{pid};
    waitpid $session->{pid}, 0;
    my $status = $?;
    select undef, undef, undef, 0.01 while kill 0, -$session->{pid};
    return $status & 127 ? -($status & 127) : $status >> 8;
}

# Execute a command that runs until it is interrupted, and interrupt it when the code is true of what
# it printed: its status and all of that.
sub run_until {
    my ($text, $is_enough, @prefix) = @_;
    my $session = begin_session(@prefix, 'sh', '-c', $text);
    my $is_seen = see($session, $is_enough);
    kill 'TERM', -$session->{pid};
    see($session, sub { 0 });
    return ($is_seen ? end_session($session) : 'nothing', $session->{text});
}

if (!caller) {
    my ($document, $text) = @ARGV;
    if (defined $text) {
        my @same = map { $_->{text} =~ s/\s+# .*//r } all_commands($document);
        my %found = map { $_ => 1 } grep { $_ eq $text } @same;
        %found = map { $_ => 1 } grep { index($_, $text) == 0 } @same if !%found;
        keys %found == 1 or die "$document: " . keys(%found) . " commands begin with '$text'\n";
        print keys %found, "\n";
    } else {
        for (all_commands()) {
            printf "%s:%d: %s: %s%s\n", @$_{qw(document line)}, $_->{owner} // "NOT EXECUTED ($_->{mark})", $_->{text}, $_->{output} eq '' ? '' : '   -> ' . (split /\n/, $_->{output})[0];
        }
    }
}

1;
