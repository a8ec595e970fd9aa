# SPDX-License-Identifier: MIT
# Kernels and containers that lack something: what is not needed is not required, and what is lost is
# said, once and truthfully. `without` answers system calls as such a kernel does, or as the filter of
# a container; namespaces hide files.
use strict;
use warnings;
use Errno qw(EAFNOSUPPORT EINVAL ENOPROTOOPT ENOSYS EPERM);
use Sixteen;
use Socket qw(AF_INET6 IPPROTO_IP IPPROTO_IPV6 IPPROTO_TCP);
use Test::More;
use Time::HiRes qw(time);

my $WITHOUT = ($ENV{BUILD_DIR} // '.') . '/tests/system/without';
my ($IP_RECVERR, $IP_MINTTL, $IPV6_RECVERR, $IPV6_MINHOPCOUNT, $TCP_INFO) = (11, 21, 25, 73, 11);

plan skip_all => 'a sanitizer needs what is taken away here' if is_sanitized();
my ($status, $out, $err) = run($WITHOUT, '--', 'true');
plan skip_all => (split m{\n}, $err)[0] if $status == 77;

# Commands that run another one without these.
sub without { return ($WITHOUT, map({ join '/', @$_ } @_), '--') }
sub no_option { my ($call, $error, $level, $name) = @_; return [$call, $error, 1, $level, 2, $name] }

my @MINTTL = map { my $error = $_; [no_option('setsockopt', $error, IPPROTO_IP, $IP_MINTTL), no_option('setsockopt', $error, IPPROTO_IPV6, $IPV6_MINHOPCOUNT)] } ENOPROTOOPT, 0;
my @TCP_INFO = map { [no_option('getsockopt', $_, IPPROTO_TCP, $TCP_INFO)] } ENOPROTOOPT, 0;

sub is_served {
    my ($daemon, $what) = @_;
    my $builder = Test::More->builder;
    return $builder->is_eq(answer_of(connect_to($daemon->{port})), "$REPLY eof", "$what: a client is served");
}

# ---- What the daemon does without

# A connection that waits for the slot keeps the second listener from its end, so that the address can
# come back to it.
for my $missing ([], @MINTTL) {
    my $how = !@$missing ? 'with IP_MINTTL' : $$missing[0][1] ? 'without IP_MINTTL' : 'where IP_MINTTL is ignored';
    my $rest = 'limits: { connections = 1; }; timeouts: { exchange = 60.0; };';
    my $both = "listen = [ \"127.0.0.1:0\", \"127.0.0.2:0\" ]; $rest";
    my $daemon = start(under => [without(@$missing)], listen => [], config => $both);
    my $active = connect_to($daemon->{port});
    ok wait_for(sub { $daemon->tell('USR1'); $daemon->take_in(time + 0.1); $daemon->{log} =~ / active=1 / }), "$how: a connection takes the slot";
    my $waiting = connect_to($daemon->{ports}[1], '127.0.0.2');
    ok $daemon->wait_log(qr/limits\.connections reached/), 'another waits';
    like $daemon->reload("listen = [ \"127.0.0.1:0\" ]; $rest"), qr/reloaded/, 'its listener stops accepting';
    like $daemon->reload($both), qr/reloaded/, 'and accepts again';
    is answer_of($active), "$REPLY eof", 'the slot is free';
    is answer_of($waiting), "$REPLY eof", 'the one that waited is served';
    is answer_of(connect_to($daemon->{ports}[1], '127.0.0.2')), "$REPLY eof", 'and so is a new one';
    is $daemon->stop, 0, 'it ends';
    unlike $daemon->{log}, qr/cannot reopen/, 'nothing says that nobody gets in';
    my @warnings = $daemon->{log} =~ / warning (cannot block .*)/g;
    is "@warnings", @$missing ? 'cannot block new handshakes on a closing listener; some peers may be reset: Protocol not available' : '',
        'one warning says what is lost';
}

for my $missing (@TCP_INFO) {
    my $how = $$missing[0][1] ? 'without TCP_INFO' : 'where TCP_INFO is empty';
    my $directory = scratch();
    my $daemon = start(under => [without(@$missing)], config => "metrics: { file = \"$directory/metrics\"; };");
    is_served($daemon, $how);
    $daemon->tell('USR1');
    like $daemon->wait_log(qr/ listener /), qr/ notice listener 127\.0\.0\.1:$daemon->{port} queue=unknown$/, 'the report says so';
    is $daemon->stop, 0, 'it ends';
    my $metrics = read_file("$directory/metrics");
    like $metrics, qr/^# TYPE sixteend_listener_queue_length gauge$/m, 'the metrics are there';
    unlike $metrics, qr/^sixteend_listener_queue/m, 'but the queue is left out';
    promtool_accepts("$directory/metrics", 'the rest');

    my $server = start();
    ($status, $out, $err) = run(without(@$missing), $SIXTEEN, '--json', '--metrics', "$directory/watch", '127.0.0.1', $server->{port});
    like "$status$err$out", qr/\A0\{.*"retransmissions":null,"syn_retransmissions":null,.*\n.*"retransmissions":null,"retransmissions_in":null,/, 'the client says null';
    unlike read_file("$directory/watch"), qr/^sixteen_\w*retransmissions_total\{/m, 'its metrics leave it out';
    ($status, $out, $err) = run(without(@$missing), $SIXTEEN, '-c', 1, '127.0.0.1', $server->{port});
    like "$status$err$out", qr/\A0outcome=ok (?!.*retrans)/, 'and its text';
    is $server->stop, 0, 'the server ends';
}

for my $error (ENOSYS, EPERM) {
    $! = $error;
    my $words = "$!";
    for my $case (['sched_setscheduler', qr/ notice cannot set SCHED_BATCH; connections take more processor time: $words$/m],
        ['sched_getaffinity', qr/ready/], ['close_range', qr/ready/]) {
        my ($call, $said) = @$case;
        my $daemon = start(under => [without([$call, $error])], before => sub { open my $null, '<', '/dev/null'; POSIX::dup2(fileno $null, 77) });
        is_served($daemon, "$call: $words");
        like $daemon->{log}, $said, 'it says what is lost';
        ok !-e "/proc/$daemon->{pid}/fd/77", 'descriptors that it inherits are closed';
        is $daemon->stop, 0, 'it ends';
    }
}

{
    my $daemon = start(under => [without(['socket', EAFNOSUPPORT, 0, AF_INET6])], listen => ['*:0']);
    is_served($daemon, 'without IPv6');
    like $daemon->{log}, qr/ warning cannot listen at \[::\]:0; continuing without it: Address family not supported by protocol$/m, 'it says so';
    ($status, $out, $err) = run(without(['socket', EAFNOSUPPORT, 0, AF_INET6]), $SIXTEEN, '--quiet', 'localhost', $daemon->{port});
    is "$status$err", '0', 'a client without IPv6 does not mind';
    ($status, $out, $err) = run(without(['socket', EAFNOSUPPORT, 0, AF_INET6]), $SIXTEEN, '--quiet', '::1', $daemon->{port});
    is "$status$err", "1sixteen: connect to [::1]:$daemon->{port}: Address family not supported by protocol\n", 'unless it is asked for it';
    is $daemon->stop, 0, 'it ends';
}

# ---- What it needs

for my $case (['signalfd4', qr/cannot open a signalfd/], ['eventfd2', qr/cannot create the main loop \(eventfd, epoll\)/], ['epoll_create1', qr/cannot create the main loop \(eventfd, epoll\)/]) {
    my ($call, $said) = @$case;
    # Where signalfd4(2) is missing, some C libraries call signalfd(2).
    my $daemon = launch(under => [without([$call, $call eq 'signalfd4' ? EPERM : ENOSYS])]);
    is $daemon->wait_end, 71, "without $call it does not start";
    like $daemon->{log}, qr/ crit $said: (?:Function not implemented|Operation not permitted)$/m, 'and says why';
}
for my $call (qw(eventfd2 epoll_create1 timerfd_create)) {
    ($status, $out, $err) = run(without([$call, ENOSYS]), $SIXTEEN, '127.0.0.1', 1);
    like "$status$err", qr/\A2sixteen: this kernel lacks eventfd, epoll or timerfd\nsixteen: .*: Function not implemented\n\z/, "nor does the client without $call";
}

# Security is not given up: PR_SET_NO_NEW_PRIVS.
{
    my $daemon = launch(under => [without(['prctl', EINVAL, 0, 38])]);
    is $daemon->wait_end, 71, 'without no_new_privs it does not start';
    like $daemon->{log}, qr/ crit cannot set no_new_privs: Invalid argument$/m, 'and says why';
}

# The filter of an older container runtime. The GNU C library tries another call only after ENOSYS.
for my $error (ENOSYS, EPERM) {
    my $daemon = launch(under => [without(['clone3', $error])]);
    my $line = $daemon->wait_log(qr/ready, process|exiting/);
    ok $line =~ /ready/ || $error == EPERM, 'no thread can be started' or $daemon->show_log('its log:');
    like $daemon->{log}, qr/ crit cannot start the log writer: Operation not permitted$/m, 'it says why' if $line !~ /ready/;
    kill 'TERM', $daemon->{pid};
    $daemon->wait_end;
}

{
    my $daemon = start();
    ($status, $out, $err) = run(without(no_option('setsockopt', ENOPROTOOPT, IPPROTO_IP, $IP_RECVERR), no_option('setsockopt', ENOPROTOOPT, IPPROTO_IPV6, $IPV6_RECVERR)),
        $SIXTEEN, '--path', '127.0.0.1', $daemon->{port});
    like "$status$out$err", qr/\A2.*^verdict: this kernel does not name the router that answers; --path requires Linux 5\.8$/ms, 'without IP_RECVERR there is no path';
    is $daemon->stop, 0, 'the server ends';
}

# ---- Files

# Commands that run another one where these directories are empty.
sub empty { return with_mounts(map { $_ => scratch() } @_) }

SKIP: {
    skip 'this host lets nobody mount', 1 if !empty('/proc');
    my $daemon = start(under => [empty('/proc')]);
    is_served($daemon, 'without /proc');
    unlike $daemon->{log}, qr/ (?:warning|err) cannot/, 'nothing is lost';
    is $daemon->stop, 0, 'it ends';

    $daemon = start(under => [empty('/proc'), without(['close_range', ENOSYS])]);
    is_served($daemon, 'without close_range and /proc');
    like $daemon->{log}, qr{ warning cannot close inherited descriptors: /proc/self/fd: No such file or directory$}m, 'it says what is lost';
    is $daemon->stop, 0, 'it ends';

    # No hosts, services, passwd, resolv.conf.
    $daemon = start(under => [empty('/etc')], listen => ['localhost:0']);
    is_served($daemon, 'without /etc');
    ($status, $out, $err) = run(empty('/etc'), $SIXTEEN, '--quiet', '127.0.0.1', $daemon->{port});
    is "$status$err", '0', 'nor does the client need it for an address';
    ($status, $out, $err) = run(empty('/etc'), $SIXTEEN, '--quiet', 'localhost', $daemon->{port});
    is "$status$err", '0', 'or for localhost';
    is $daemon->stop, 0, 'it ends';
    $daemon = launch(under => [empty('/etc')], config => 'daemon: { user = "nobody"; };');
    is $daemon->wait_end, 78, 'a user cannot be looked up';
    like $daemon->{log}, qr/ crit .*: daemon\.user must be the name of an existing user, or "", not 'nobody'$/m, 'which it says';

    $daemon = start(under => [empty('/dev')]);
    is_served($daemon, 'without /dev');
    unlike $daemon->{log}, qr/ (?:warning|err) cannot/, 'nothing is lost';
    ($status, $out, $err) = run(empty('/dev'), $SIXTEEN, '--quiet', '127.0.0.1', $daemon->{port});
    is "$status$err", '0', 'nor does the client need it';
    is $daemon->stop, 0, 'it ends';
}

SKIP: {
    my @read_only = ('unshare', '--mount', 'sh', '-c', 'mount -o remount,bind,ro / && exec "$@"', 'sh');
    skip 'this host lets nobody remount', 1 if $> != 0 || (run(@read_only, 'true'))[0] != 0;
    my $daemon = start(under => \@read_only);
    is_served($daemon, 'on a read-only root');
    is $daemon->stop, 0, 'it ends';
    unlike $daemon->{log}, qr/ (?:warning cannot|err) /, 'nothing is lost';
}

# A user namespace in which only root exists.
SKIP: {
    my @alone = ('unshare', '--user', '--map-root-user');
    skip 'this host lets nobody make user namespaces', 1 if (run(@alone, 'true'))[0] != 0;
    skip 'needs root: an ordinary user can read no file of another', 1 if $> != 0;
    my $daemon = launch(under => \@alone, config => 'daemon: { user = "nobody"; };');
    is $daemon->wait_end, 71, 'a user that the namespace does not map';
    like $daemon->{log}, qr/ crit cannot change to user nobody and its group; the user namespace does not map it: Invalid argument$/m, 'is named with the reason';
}
done_testing;
