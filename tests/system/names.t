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

for my $signal (qw(TERM INT)) {
    my $daemon = launch(under => \@prefix, listen => ["$SILENT:0"]);
    ok is_asked(), 'a start that waits for a name';
    my $begun = time;
    $daemon->tell($signal);
    $daemon->wait_end;
    cmp_ok time - $begun, '<', 5, "$signal ends it at once";

    my $file = write_file("$directory/$signal.conf", '');
    questions();
    my $command = spawn(sub { exec @prefix, $SIXTEEND, '--daemon', '--config', $file, '--listen', "$SILENT:0" });
    ok is_asked(), 'so does a start into the background';
    is processes_of($file), 1, 'which has not forked yet';
    $begun = time;
    kill $signal, $command;
    waitpid $command, 0;
    ok WIFSIGNALED($?), "$signal ends the command";
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

# A name that is known, and a reload.
my $daemon = start(under => \@prefix, listen => [], config => listening('two.test:0'));
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
