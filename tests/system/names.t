# SPDX-License-Identifier: MIT
# Names in `listen`, with a name server that never answers: a start that looks one up ends at the
# first signal and leaves nobody; a reload looks up nothing.
use strict;
use warnings;
use POSIX qw(:sys_wait_h);
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

own_network();
must(qw(ip link set lo up));

my $SILENT = 'canary.example.net';
my $directory = scratch();
chmod 0755, $directory;
my $hosts = write_file("$directory/hosts", "127.0.0.2 two.test\n127.0.0.3 two.test\n");
my $resolver = write_file("$directory/resolv.conf", "nameserver 127.0.0.1\n");
my $order = write_file("$directory/nsswitch.conf", "hosts: files dns\nservices: files\n");
my @prefix = with_mounts('/etc/hosts' => $hosts, '/etc/resolv.conf' => $resolver, '/etc/nsswitch.conf' => $order)
    or plan skip_all => 'needs a mount namespace, and the files of a resolver';
my $name_server = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 53, Proto => 'udp') or die "a name server: $!";

# Wait until the name server is asked for that name.
sub is_asked { return next_datagram($name_server, qr/canary\x07example\x03net/) ne '' }

# How often it was asked since it was last looked at.
sub questions {
    my $count = 0;
    $count++ while IO::Select->new($name_server)->can_read(0) && defined $name_server->recv(my $datagram, 8192);
    return $count;
}

sub listening { return 'listen = [ ' . join(', ', map { "\"$_\"" } @_) . ' ];' }

# How many processes have this in their arguments.
sub processes_of {
    my ($argument) = @_;
    return scalar grep { (eval { read_file("$_/cmdline") } // '') =~ /\0\Q$argument\E\0/ } glob '/proc/[0-9]*';
}

my %number = (TERM => 15, INT => 2);
for my $signal (qw(TERM INT)) {
    questions();
    my $daemon = launch(under => \@prefix, listen => ["$SILENT:0"]);
    ok is_asked(), 'a start that waits for a name';
    my $begun = time;
    $daemon->tell($_) for qw(HUP USR1), $signal;
    is $daemon->wait_end, -$number{$signal}, "$signal ends it, HUP and USR1 do not";
    cmp_ok time - $begun, '<', 5, 'at once';

    my $file = write_file("$directory/$signal.conf", '');
    questions();
    my $command = spawn(sub { exec @prefix, $SIXTEEND, '--daemon', '--config', $file, '--listen', "$SILENT:0" });
    ok is_asked(), 'so does a start into the background';
    is processes_of($file), 1, 'which has not forked yet';
    $begun = time;
    kill $_, $command for qw(HUP USR1), $signal;
    waitpid $command, 0;
    ok WIFSIGNALED($?) && WTERMSIG($?) == $number{$signal}, "$signal ends the command";
    cmp_ok time - $begun, '<', 5, 'at once';
    is processes_of($file), 0, 'and nobody is left';
}

# The kernel sends no signal to process 1 of a container that does not handle it.
SKIP: {
    my @first = ('unshare', '--pid', '--fork', '--kill-child');
    skip 'needs a process namespace', 3 if (run(@first, 'true'))[0] != 0;
    for my $signal (qw(TERM INT)) {
        questions();
        my $daemon = launch(under => [@prefix, @first], listen => ["$SILENT:0"]);
        ok is_asked(), 'process 1 of a container waits for a name';
        my ($first) = split ' ', read_file("/proc/$daemon->{pid}/task/$daemon->{pid}/children");
        my $begun = time;
        kill $signal, $first;
        is $daemon->wait_end, 0, "$signal ends it with status 0";
        SKIP: {
            skip 'a sanitizer delivers signals after the look-up', 1 if is_sanitized();
            cmp_ok time - $begun, '<', 5, 'at once';
        }
    }
}

# What came before it is ready is done then. The name server finds 127.0.0.1.
sub answer {
    my ($query) = @_;
    my $question = substr $query, 12, index($query, "\0", 12) + 5 - 12;
    my $is_found = substr($question, -4) eq pack 'n2', 1, 1;    # an A record
    return pack('a2 n5', $query, 0x8180, 1, $is_found ? 1 : 0, 0, 0) . $question . ($is_found ? pack 'n3 N n C4', 0xc00c, 1, 1, 0, 4, 127, 0, 0, 1 : '');
}
questions();
my $daemon = launch(under => \@prefix, listen => ["$SILENT:0"]);
my $asker = $name_server->recv(my $query, 512);
$daemon->tell($_) for qw(HUP USR1);
my $answering = spawn(sub {
    do { $name_server->send(answer($query), 0, $asker) } while $asker = $name_server->recv($query, 512);
});
ok $daemon->wait_log(qr/ ready, process /), 'a start that got HUP and USR1 becomes ready';
ok $daemon->wait_log(qr/ notice (?:reloaded|outcomes) /), 'and acts' for 1, 2;
like $daemon->{log}, qr/ notice $_ /, "upon each: $_" for qw(reloaded outcomes);
is $daemon->stop, 0, 'ends';
finish($answering);

# A name that is known, and a reload.
$daemon = start(under => \@prefix, listen => [], config => listening('two.test:0'));
my @ports = @{ $daemon->{ports} };
is scalar @ports, 2, 'a listener for each address of a name';
sub is_served {
    my ($what) = @_;
    my ($status) = run($SIXTEEN, '127.0.0.2', $ports[0]);
    return is $status, 0, $what;
}
is_served('serves');
write_file($hosts, '127.0.0.1 localhost');
questions();

# Reload that; return what the log says of it.
sub reload {
    my $from = length $daemon->{log};
    my $begun = time;
    $daemon->reload(listening(@_) . ' timeouts: { linger = 1.0; };');
    cmp_ok time - $begun, '<', 5, "a reload of @_ waits for nothing";
    return substr $daemon->{log}, $from;
}

my $said = reload('Two.test:0');
like $said, qr/ reloaded /, 'a name that stays';
unlike $said, qr/istening at/, 'keeps its addresses, though it has none any more';
for my $new ("$SILENT:0", '127.0.0.1:no-such-service', '127.0.0.1:0:', '[fe80::1%no-such-if]:0') {
    like reload('two.test:0', $new), qr/reload refused/, "$new is refused";
    is_served('and everything is as it was');
}
like $daemon->{log}, qr/ err cannot listen at \Q$SILENT\E:0: a reload does not look up new names; write the address and the port as numbers, or restart the daemon\n/,
    'with what to do';
like reload('two.test:0', 'localhost:0', '*:0'), qr/Listening at 127\.0\.0\.1.*reloaded/s, 'localhost and * are taken';
like reload('two.test:1060'), qr/Listening at 127\.0\.0\.2:1060\n.*Listening at 127\.0\.0\.3:1060\n.*reloaded/s, 'so is another port of a name';
is questions(), 0, 'and no question was asked';

# These look up no host either: a reload by the service manager begins with the first.
write_file($daemon->{file}, listening("$SILENT:0"));
for my $option ('--test', '--show-config') {
    my ($status, $out, $err) = run(@prefix, $SIXTEEND, $option, '--config', $daemon->{file});
    is "$status$err", '0', "$option takes any name";
}
is questions(), 0, 'and asks for none';
is $daemon->stop, 0, 'ends';
done_testing;
