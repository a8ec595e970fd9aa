# SPDX-License-Identifier: MIT
# The commands that README, docs, examples and manual pages tell a reader to run: each has a test that
# executes it, or a mark that says why none can, and the marks are counted. What no other test executes,
# this one does, as it is written there, in a network that has the addresses of the documents, and
# compares what it prints.
use strict;
use warnings;
use Cwd qw(abs_path);
use Commands;
use IO::Socket::IP;
use Sixteen;
use Test::More;

plan skip_all => 'QUICK is set, or a sanitizer makes the program slow' if $ENV{QUICK} || is_sanitized();
own_network();
my $source = abs_path($ENV{SOURCE_DIR});

# ---- each has a test or a mark

my @all = all_commands();
my (%marks, %tests);
$marks{ $_->{mark} }++ for grep { defined $_->{mark} } @all;
is_deeply \%marks, \%MARKS, 'no more and no fewer commands than %MARKS says are marked as not executed';
push @{ $tests{ $_->{owner} } }, $_ for grep { defined $_->{owner} } @all;
cmp_ok scalar(@all), '>', 150, 'the documents have commands';
note scalar(@all) . ' commands; ' . join ', ', map({ scalar @{ $tests{$_} } . " in $_" } sort keys %tests), map { "$marks{$_} not executed: $_" } sort keys %marks;

# .ci/run takes what it executes from the documents, too: `documented DOCUMENT 'TEXT'`, or `in_build`.
my $of_ci = delete $tests{'.ci/run'};
my %taken;
my $ci = read_file("$source/.ci/run");
while ($ci =~ /\b(?:documented|in_build) (\w\S+) (["'])(.+?)\2/g) {
    my ($document, $text) = ($1, $3);
    my ($status, $out, $err) = run($^X, "$source/tests/system/Commands.pm", $document, $text);
    is "$status$err", '0', "$document has a command that begins with '$text'";
    $taken{ $out =~ s/\n\z//r } = 1;
}
is join("\n", grep { !$taken{$_} } map { $_->{text} =~ s/\s+# .*//r } @$of_ci), '', '.ci/run executes every command that is its';
ok read_file("$source/$_") =~ /^use Commands;.*\bcommands_of\('\Q$_\E'\)/ms, "$_ takes its commands from the documents" for sort keys %tests;

my %in_text = map { $_->{text} => 1 } @all;
my $text = join '', map { read_file($_) } glob "$source/{*.md,{docs,bench,examples}/*.md,examples/*/*.md,man/*.in}";
$text =~ s/\\-/-/g;
$text =~ s/`\K([^`]+)(?=`)/$1 =~ s{\s+}{ }gr/ge;
is join("\n", grep { index($text, $_) < 0 } sort keys %FRAGMENTS), '', 'every entry of %FRAGMENTS is needed';

# ---- the machine of the documents

must(qw(ip link set lo up));
my $home = scratch();
chmod 0755, $home;
chdir $home or die "chdir: $!";
mkdir $_ for qw(bin man);
for my $program ($SIXTEEND, $SIXTEEN) {
    symlink abs_path($program), 'bin/' . $program =~ s{.*/}{}r;
}
symlink abs_path($SIXTEEN), 'bin/check_sixteen';
for (glob "$ENV{BUILD_DIR}/man/*.[1-8]") {
    my ($page, $section) = m{([^/]+\.(\d))\z};
    mkdir "man/man$section";
    write_file("man/man$section/$page", read_file($_));
}
symlink '/usr/bin/mandoc', 'bin/man' if !have('man');
# What is not there: the daemon of a router, and HAProxy as a service.
for (['birdc', '"disable sixteen" | "enable sixteen"'], ['systemctl', '"reload haproxy"']) {
    my ($program, $known) = @$_;
    write_file("bin/$program", "#!/bin/sh\necho \"\$*\"\ncase \"\$*\" in $known) ;; *) exit 1 ;; esac\n");
    chmod 0755, "bin/$program";
}
write_file('one', "127.0.0.1\n");
write_file('two', "localhost:1060 # the other\n");
$ENV{PATH} = "$home/bin:$ENV{PATH}:/usr/sbin:/sbin";
@ENV{qw(MANPATH MANPAGER PAGER NSTAT_HISTORY)} = ("$home/man", "cat", "cat", "$home/nstat");
write_file('hosts', "127.0.0.1 localhost HOST BALANCER canary.example.net\n");
chmod 0644, 'hosts';
my %shown = ('/etc/hosts' => "$home/hosts");
$shown{'/etc/haproxy/haproxy.cfg'} = "$source/examples/haproxy/haproxy.cfg" if -e '/etc/haproxy/haproxy.cfg';
my @here = with_mounts(%shown);
plan skip_all => 'needs a mount namespace' if !@here;

# The folder in which the commands of a document are meant.
sub folder {
    my ($command) = @_;
    return "$source/examples/anycast" if $command->{text} =~ /^sh announce /;
    return $source if $command->{document} =~ m{^(?:HACKING|bench/README)\.md$};
    return $home;
}

# What a command needs that is not installed here.
sub lacks {
    my ($text) = @_;
    for my $program ($text =~ /(?:^|[|&] )(fping|haproxy|jq|man|mtr|nc|pgrep|socat|ss|sysctl) /g) {
        return "$program is not installed" if !have($program);
    }
    return '/etc/haproxy/haproxy.cfg is not installed' if $text =~ m{/etc/haproxy/haproxy\.cfg} && !$shown{'/etc/haproxy/haproxy.cfg'};
    return;
}

# What a program prints that runs until it is interrupted, before it is.
my @RUNS_ON = (
    [qr/^sh announce /, qr/^enable sixteen$/m],
    [qr/^sixteend --config \/dev\/null --verbose$/, undef],    # it prints nothing
    [qr/^sixteend (?!--test|--show-config|--version)[^&]*$/, qr/ ready, process /],
);

# A server with all addresses, at which every client of the documents may look; and one of another kind.
my $daemon;
sub begin_daemon {
    $daemon //= start(config => "limits: { per_source = 0; };\n", listen => ['*:1060']);
    return;
}
sub end_daemon {
    is $daemon->stop, 0, 'the daemon for the clients ends' if $daemon;
    undef $daemon;
    return;
}

# Return what a block must not find of those before it: the addresses of lo.
sub clean {
    my ($status, $out) = run(qw(ip -o address show dev lo));
    run(qw(ip address del), $_, qw(dev lo)) for grep { !/^(?:127|::1)/ } $out =~ /inet6? (\S+)/g;
    run(qw(ip route flush table local to 192.0.2.0/24));
    return;
}

# Compare what a command printed with what the document shows. A daemon in the background writes
# lines that begin with the time among those of others.
sub is_shown {
    my ($printed, $shown) = @_;
    $printed =~ s/^\S+Z (?:warning running as root.*|notice seccomp filter installed)\n//mg;
    $printed =~ s/^\d{4}-\S+Z .*\n//mg if $shown !~ /^\d{4}-\S+Z /m;
    return form($printed) eq form($shown);
}

my $said = '';    # all that the commands of the block printed
sub execute {
    my ($session, $command) = @_;
    my ($name) = "$command->{document}:$command->{line}: $command->{text}" =~ /(.*)/;
    my $is_complete = $command->{output} eq '' ? undef : sub { is_shown($_[0], $command->{output}) };
    my ($status, $printed);
    for my $run (@RUNS_ON) {
        my ($which, $until) = @$run;
        next if $command->{text} !~ $which;
        my $enough = $until ? sub { $_[0] =~ $until } : sub { wait_for(sub { (run($SIXTEEN))[0] == 0 }) };
        ($status, $printed) = run_until("cd '" . folder($command) . "'; exec $command->{text}", $enough, @here);
        last;
    }
    # A client on a busy machine has more tries.
    my $is_right = sub { $is_complete ? $is_complete->($printed) : $status eq 0 };
    my $try = 0;
    while (!defined $status || (!$is_right->() && $command->{text} =~ /^(?:check_)?sixteen\b/ && $try < 3)) {
        ($status, $printed) = in_session($session, $command->{text}, $try++ == 2 ? $is_complete : $command->{text} =~ /&$/ ? $is_complete : undef);
        last if $command->{text} =~ /&$/;
    }
    command_is_run($command);
    $said .= $printed;
    $session->{text} = '';
    return is form($printed), form($command->{output}), $name if $is_complete && !$is_complete->($printed);
    return is($status, 0, $name) || diag $printed if !$is_complete;
    return pass $name;
}

# ---- they do what they say

for my $block (commands_of('tests/system/commands.t')) {
    my $first = $block->[0];
    if ($first->{text} =~ /^sixteend / || grep { $_->{text} =~ /^sh announce/ } @$block) {
        end_daemon();
    } else {
        begin_daemon();
    }
    my $server;
    if ($first->{text} =~ /192\.0\.2\.1 -p 22 /) {
        must(qw(ip address add 192.0.2.1/32 dev lo));
        $server = IO::Socket::IP->new(LocalHost => '192.0.2.1', LocalPort => 22, Listen => 9) or die $@;
    }
    $said = '';
    my $session = begin_session(@here, 'sh');
    in_session($session, "cd '" . folder($first) . "'");
    for my $command (@$block) {
        SKIP: {
            my $why = lacks($command->{text});
            command_is_run($command) if $why;
            skip "$command->{text}: $why", 1 if $why;
            begin_daemon() if $command->{text} =~ /^sh announce/;
            execute($session, $command);
        }
    }
    if ($first->{document} eq 'README.md' && $first->{text} =~ /&$/) {
        my ($shown) = read_file("$source/README.md") =~ /^and what the daemon logs:\n\n```text\n(.*?)^```/ms;
        see($session, sub { "$said$_[0]" =~ / outcome=/ });
        $said .= $session->{text};
        is form(join '', $said =~ /^(\S+Z (?:debug|info) .*\n)/mg), form($shown), 'README.md: what the daemon logs';
    }
    end_session($session);
    close $server if $server;
    clean();
}
end_daemon();
done_testing;
