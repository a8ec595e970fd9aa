# SPDX-License-Identifier: MIT
# The example of examples/haproxy, its own files with other addresses and paths: three hosts
# behind a real HAProxy under load, of which one is drained, one just stopped, one reloaded
# and then killed. The test notes what clients lose; except for the kill it is nothing.
use strict;
use warnings;
use Commands;
use Fcntl qw(F_SETFD);
use IO::Socket::IP;
use IO::Socket::UNIX;
use Sixteen;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'haproxy is not installed' if !have('haproxy');

my $folder = ($ENV{SOURCE_DIR} // '../..') . '/examples/haproxy';
my $directory = scratch();
my $said = "$directory/haproxy.log";
my $DENIED = '127.0.0.66';
my $GREEDY = '127.0.0.77';

# A file of the example with this in the place of that.
sub example {
    my ($name, @pairs) = @_;
    my $text = read_file("$folder/$name");
    while (my ($that, $this) = splice @pairs, 0, 2) {
        $text =~ s/\Q$that\E/$this/g or BAIL_OUT("$name has no '$that'");
    }
    return $text;
}

sub listener_at { return IO::Socket::IP->new(LocalHost => $_[0], LocalPort => 0, Listen => 64) }

# HAProxy connects from another address than a host's, so that none of its ports is one
# that a host wants back. The third is never started again.
my $has_v6 = defined listener_at('::1');
my %address = (one => '127.0.0.2', two => '127.0.0.3', three => $has_v6 ? '[::1]' : '127.0.0.4');
my $conf = example('sixteen.conf', '192.0.2.2' => '127.0.0.1', '2001:db8::2' => '::1',
    '198.51.100.0/24' => "$DENIED/32");

sub start_host {
    my ($name, $port) = @_;
    my $host = start(config => $conf, listen => ["$address{$name}:" . ($port // 0)]);
    $host->{name} = $name;
    return $host;
}

my %host = map { $_ => start_host($_) } sort keys %address;
my @front = map { listener_at($_) } '127.0.0.1', $has_v6 ? '::1' : '127.0.0.1';
my @at = map { [$_->sockhost, $_->sockport] } @front;
my $cfg = example('haproxy.cfg', '/dev/log' => 'fd@2', '/run/haproxy' => $directory,
    'bind *:1060' => 'bind fd@' . fileno $front[0], 'bind :::1060' => 'bind fd@' . fileno $front[1],
    '192.0.2.11:1060' => "$address{one}:$host{one}{port}", '192.0.2.12:1060' => "$address{two}:$host{two}{port}",
    '[2001:db8::13]:1060' => "$address{three}:$host{three}{port}");
# Only root can give up root, and only what Debian's package made is there.
$cfg =~ s/^ +(?:chroot|user|group) .*\n//gm if $> != 0 || !-d '/var/lib/haproxy';

my $haproxy = spawn(sub {
    fcntl $_, F_SETFD, 0 for @front;
    open STDERR, '>>', $said;
    exec 'haproxy', '-db', '-f', write_file("$directory/haproxy.cfg", $cfg);
});
close $_ for @front;

# One command of the runtime API.
sub runtime {
    my ($command) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => "$directory/admin.sock") or return '';
    syswrite $socket, "$command\n";
    return (read_to_end($socket))[0];
}

# The commands of examples/haproxy/README.md that take a host out and back in, with HAProxy's socket where
# they look for it.
my ($block) = commands_of('tests/system/balancer.t');
mkdir "$directory/run" or die "run: $!";
symlink $directory, "$directory/run/haproxy" or die "haproxy: $!";
my @there = have('socat') ? with_mounts('/run' => "$directory/run") : ();
my $shell = @there ? begin_session(@there, 'sh') : undef;

# Execute the next of them: what it printed. Where that is not possible, do the same by the other command.
sub documented {
    my ($instead) = @_;
    my $command = shift @$block;
    command_is_run($command);
    return runtime($instead) if !$shell;
    my ($status, $out) = in_session($shell, $command->{text});
    is $status, 0, "examples/haproxy/README.md: $command->{text}" or diag $out;
    return $out;
}

# What HAProxy knows of a host.
sub known {
    my ($name) = @_;
    my ($head, @rows) = split /\n/, runtime('show stat') =~ s/^# //r;
    my ($row) = grep { /^hosts,$name,/ } @rows or return { status => '' };
    my %field;
    @field{ split /,/, $head } = split /,/, $row;
    return \%field;
}

# Wait for that, and meanwhile read what the hosts write, because otherwise they would block.
sub wait_hosts {
    my ($true) = @_;
    return wait_for(sub {
        die "HAProxy has ended:\n" . read_file($said) if is_gone($haproxy);
        $_->take_rest for values %host;
        return $true->();
    });
}

# Wait until a host has served this many more.
sub wait_served {
    my ($name, $more) = @_;
    my $before = () = $host{$name}{log} =~ / outcome=ok peer=/g;
    return wait_hosts(sub { $before + $more <= (() = $host{$name}{log} =~ / outcome=ok peer=/g) });
}

sub is_status {
    my ($name, $status) = @_;
    ok wait_hosts(sub { known($name)->{status} =~ /^$status/ }), "$name is $status" or diag runtime('show stat');
    return;
}

# Run the code under load; note and return what clients lost.
sub lost_during {
    my ($what, $code) = @_;
    my $load = begin_load(6, @at);
    $code->();
    my ($held, @wrong) = end_load($load);
    note sprintf '%s: %d exchanges, the slowest %.0f ms, lost: %s', $what, $held, 1000 * $load->{slowest}, join(', ', @wrong) || 'none';
    cmp_ok $held, '>', 50, "$what: there is load";
    return "@wrong";
}

is_status($_, 'UP') for sort keys %address;
ok wait_hosts(sub { 3 == grep { read_file($said) =~ m{check for server hosts/$_ succeeded} } keys %address }), 'each is found up by an exchange' or diag read_file($said);

# A client from that address, by way of the balancer.
sub client_from {
    my ($from) = @_;
    return connect_to($at[0][1], $at[0][0], $from);
}

# How many lines of all hosts' logs match.
sub lines_like {
    my ($pattern) = @_;
    return scalar map { $_->{log} =~ /$pattern/g } values %host;
}

# The hosts see the address of the client, not of the balancer.
my $here = qr/local=127\.0\.0\.1:$at[0][1] via=\S+:\d+ /;
my $client = client_from('127.0.0.1');
syswrite $client, $GREETING;
is join(' ', read_to_end($client)), "$REPLY eof", 'a client gets the reply';
ok wait_hosts(sub { lines_like(qr/ outcome=ok peer=127\.0\.0\.1:${\$client->sockport} $here/) }), 'and its own address is in the log of a host';
$client = client_from($DENIED);
syswrite $client, $GREETING;
is +(read_to_end($client))[0], '', 'a client in access.deny gets nothing';
ok wait_hosts(sub { lines_like(qr/ notice outcome=denied peer=\Q$DENIED\E:${\$client->sockport} $here/) }), 'and is denied by its own address';
my @many = map { client_from($GREEDY) } 1 .. 3 * 64 + 3;
ok wait_hosts(sub { lines_like(qr/ notice outcome=limited peer=\Q$GREEDY\E:\d+ $here/) >= 3 }), 'a client with too many connections is limited by its own address';
my ($status, $out, $err) = run($SIXTEEN, @{ $at[0] });
is "$status$err", '0', 'and no other client is';
@many = ();

is lost_during('drain', sub {
    documented('');    # defines api
    documented('set server hosts/one state drain');
    ok wait_hosts(sub { known('one')->{scur} eq '0' }), 'drain: one has no client any more';
    like documented('show stat'), qr/^(?:hosts,)?one,(?:.*,)?0,(?:.*,)?DRAIN/m, 'and that is shown';
    is $host{one}->stop, 0, 'and is stopped';
    is_status('one', 'DOWN');
    $host{one} = start_host('one', $host{one}{port});
    documented('set server hosts/one state ready');
    is_status('one', 'UP');
}), '', 'drain: no client lost anything';

is lost_during('stop', sub {
    for my $round (1 .. ($ENV{QUICK} ? 2 : 5)) {
        $host{two} = start_host('two', $host{two}{port}) if $round > 1;
        wait_served('two', 20);
        is $host{two}->stop, 0, 'stop: two is stopped without notice to the balancer';
    }
    is_status('two', 'DOWN');
    $host{two} = start_host('two', $host{two}{port});
    is_status('two', 'UP');
}), '', 'stop: no client lost anything';

is lost_during('reload', sub {
    for my $round (1 .. 5) {
        wait_served('three', 20);
        like $host{three}->reload($conf =~ s/per_source = \K\d+/64 + $round/er), qr/ notice reloaded/, 'reload: three has another configuration';
    }
}), '', 'reload: no client lost anything';

lost_during('kill', sub {
    wait_served('three', 20);
    my $killed = time;
    kill 'KILL', $host{three}{pid};
    $host{three}->wait_end;
    is_status('three', 'DOWN');
    note sprintf 'found down after %.1f s', time - $killed;
});
is lost_during('afterwards', sub { wait_served('two', 200) }), '', 'with three dead no client loses anything';

my $log = read_file($said);
like $log, qr/ peer=\S+ local=\S+ via=\S+ server=(?:one|three) octets=16 end=-- retries=\+[1-3] /, 'HAProxy logs which client was sent on to another host';
unlike $log, qr/ octets=16 end=-- retries=0 /, 'and not which one was served at the first';
end_session($shell) if $shell;
finish($haproxy);
is $host{$_}->stop, 0, "$_ ends" for qw(one two);
done_testing;
