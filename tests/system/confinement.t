# SPDX-License-Identifier: MIT
# What an intruder in the daemon finds: no descriptor of the process that started it, no place to
# write, and no core with what peers sent.
use strict;
use warnings;
use POSIX ();
use Sixteen;
use Test::More;

# Each numbered for where it leads.
sub descriptors {
    my ($pid) = @_;
    return map { my $leads = readlink; m{/(\d+)$} && defined $leads ? ($1 => $leads) : () } glob "/proc/$pid/fd/*";
}

# In the foreground, with what a careless starter leaves open.
my $directory = scratch();
my $open = write_file("$directory/open", '');
my $daemon = start(before => sub {
    open my $file, '<', $open;
    POSIX::dup2(fileno $file, $_) for 5, 77;
    umask 0;
    chdir $directory;
});
my %fds = descriptors($daemon->{pid});
is join(' ', grep { $fds{$_} eq $open } sort keys %fds), '', 'descriptors that it inherits are closed';
cmp_ok scalar(keys %fds), '>=', 5, 'but not the standard three, and its own';
is readlink "/proc/$daemon->{pid}/cwd", '/', 'it leaves the working directory';
my $status = read_file("/proc/$daemon->{pid}/status");
like $status, qr/^Umask:\s+0022$/m, 'and the umask 0';
like $status, qr/^NoNewPrivs:\s+1$/m, 'exec gives it no new privileges';
like $daemon->reload("strict = false;"), qr/ notice reloaded /, 'it finds its file again';
is $daemon->stop, 0, 'ends';

$daemon = start(before => sub { umask 0077 });
like read_file("/proc/$daemon->{pid}/status"), qr/^Umask:\s+0077$/m, 'a stricter umask stays';
is $daemon->stop, 0, 'ends';

my ($listener) = listen_somewhere();
$daemon = start(listen => [], before => sub { POSIX::dup2(fileno $listener, 9); pass_sockets($listener, $listener) });
%fds = descriptors($daemon->{pid});
is join(' ', grep { $fds{$_} eq $fds{3} } sort keys %fds), '3 4', 'of a socket that is passed twice, and inherited, those that are passed';
is $daemon->stop, 0, 'ends';

# In the background nothing of the starter's variables is left in memory.
my ($began, $out, $err, $pid, $port) = do {
    local $ENV{A_SECRET} = 'of the starter';
    start_in_background();
};
is $began, 0, 'in the background';
is read_file("/proc/$pid/environ") =~ s/\0//gr, '', 'its environment is empty';

# No core: neither a file nor for a program, whatever the limit was.
sub like_no_core { return like read_file("/proc/$_[0]/limits"), qr/^Max core file size +[01] +[01] /m, "no core, $_[1]" }
like_no_core($pid, 'in the background');
kill 'SEGV', $pid;
ok wait_for(sub { is_gone($pid) }), 'it crashes';
my @prefix = ('sh', '-c', 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', 'sh');
for my $case (['in the foreground', ''], ['as another user', 'daemon: { user = "nobody"; };']) {
    my ($how, $config) = @$case;
    SKIP: {
        skip 'needs root: only root can become another user', 3 if $config && $> != 0;
        skip 'a sanitizer has a say in it', 3 if is_sanitized();
        $daemon = start(under => \@prefix, config => $config);
        like_no_core($daemon->{pid}, $how);
        my $peer = connect_to($daemon->{port});
        syswrite $peer, $GREETING;
        read_to_end($peer);
        kill 'SEGV', $daemon->{pid};
        is $daemon->wait_end, -POSIX::SIGSEGV(), 'it crashes';
        is ${^CHILD_ERROR_NATIVE} & 0x80, 0, 'and leaves none';
    }
}
done_testing;
