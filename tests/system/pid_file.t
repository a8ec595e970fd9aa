# SPDX-License-Identifier: MIT
# The pid file: one daemon for each file; a file that is not a pid file is never touched, another
# daemon's is never removed, and no lock of another user prevents a start.
use strict;
use warnings;
use Cwd qw(realpath);
use Fcntl qw(LOCK_EX LOCK_NB LOCK_SH LOCK_UN);
use IO::Socket::UNIX;
use POSIX ();
use Sixteen;
use Socket qw(SOCK_STREAM);
use Test::More;

my $NO_PROCESS = 99_999_999;    # more than any kernel numbers
my $directory = realpath(scratch());
chmod 0755, $directory;
my $path = "$directory/sixteend.pid";

sub mode_of { return sprintf '%04o', (stat $_[0])[2] & 07777 }
sub inode_of { return (stat $_[0])[1] // 'none' }

sub started {
    my ($file, %more) = @_;
    return start(options => ['--pid-file', $file], %more);
}

# Start a daemon that must refuse: its status, and what it logs.
sub refused {
    my ($file) = @_;
    my $daemon = launch(options => ['--pid-file', $file]);
    return ($daemon->wait_end, $daemon->{log});
}

sub is_second {
    my ($file, $holder, $what) = @_;
    my ($status, $log) = refused($file);
    is $status, 69, "$what: status 69";
    return like $log, qr/ crit pid file \Q$file\E is locked by $holder; another sixteend is running\n/, 'with the reason';
}

# Whatever the umask is.
for my $umask (0, 022, 077) {
    my $daemon = started($path, before => sub { umask $umask });
    is read_file($path), "$daemon->{pid}\n", sprintf 'with the umask %03o: the file holds the process ID', $umask;
    is mode_of($path), '0600', 'nobody else can open it';
    is $daemon->stop, 0, 'ends';
    ok !-e $path, 'and removes it';
}

# What a daemon left that could not remove it, or was killed.
for my $left ('', "$NO_PROCESS\n", $NO_PROCESS, "1\n", '2147483647') {
    write_file($path, $left);
    chmod 0600, $path;
    my $inode = inode_of($path);
    my $daemon = started($path);
    is read_file($path), "$daemon->{pid}\n", "a file that holds '$left' is taken over" =~ s/\n/\\n/r;
    is inode_of($path), $inode, 'as it is';
    is $daemon->stop, 0, 'ends';
    ok !-e $path, 'and removes it';
}

# What is not a pid file.
my $is_left = qr/ crit (\S+) is not a pid file \(a regular file that is empty or holds a process ID\) and is not changed; name another file\n/;
my @texts = (
    ['a configuration', "listen = [ \"127.0.0.1:1060\" ];\n"], ['a comment', "# 1060\n"], ['an end of line', "\n"],
    ['octets of zero', "\0" x 8], ['a process ID and a zero', "12\0"], ['a process ID and a word', "1060 sixteend\n"],
    ['two process IDs', "1060\n1061\n"], ['a process ID and an empty line', "1060\n\n"], ['a space and a process ID', " 1060\n"],
    ['0', "0\n"], ['a negative number', "-1060\n"], ['a number with a sign', "+1060\n"],
    ['a number that is too large', "2147483648\n"], ['many digits', '1' x 100], ['many zeros', '0' x 14 . "12\n"],
);
for my $case (@texts) {
    my ($what, $text) = @$case;
    write_file($path, $text);
    chmod 0644, $path;
    my @before = (stat $path)[1, 2, 9];
    my ($status, $log) = refused($path);
    is $status, 71, "$what is not a pid file: status 71";
    is +($log =~ $is_left)[0], $path, 'with the reason';
    is read_file($path), $text, 'it is not overwritten';
    is_deeply [(stat $path)[1, 2, 9]], \@before, 'nor changed';
}
my ($status, $out, $err) = start_in_background('--pid-file', $path);
is $status, 71, 'in the background it is not either: status 71';
like $err, qr/^sixteend: \Q$path\E is not a pid file /m, 'with the reason';
ok -s $path, 'and it is there';
unlink $path;

my $file = write_file("$directory/sixteen.conf", "strict = true;\n");
my $daemon = launch(arguments => ['-f', '-e', '-c', $file, '-p', $file]);
is $daemon->wait_end, 71, 'nor is the configuration itself: status 71';
is read_file($file), "strict = true;\n", 'which is left as it is';

# What is not a regular file.
POSIX::mkfifo($path, 0600);
($status, my $log) = refused($path);
is $status, 71, 'a FIFO is not waited for: status 71';
is +($log =~ $is_left)[0], $path, 'with the reason';
ok -p $path, 'and it is there';
unlink $path;

my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => 1) or die "$path: $!";
is +(refused($path))[0], 71, 'a socket is refused: status 71';
ok -S $path, 'and it is there';
close $socket;
unlink $path;

mkdir $path;
($status, $log) = refused($path);
is $status, 71, 'a directory is refused: status 71';
like $log, qr/ crit cannot open the pid file \Q$path\E: Is a directory\n/, 'with the reason';
rmdir $path;

for my $target ("$directory/target", "$directory/none") {
    write_file("$directory/target", "$NO_PROCESS\n");
    symlink $target, $path;
    ($status, $log) = refused($path);
    is $status, 71, 'a symbolic link is refused: status 71';
    like $log, qr/ crit cannot open the pid file \Q$path\E; it is a symbolic link: /, 'with the reason';
    is readlink $path, $target, 'and it is there';
    is read_file("$directory/target"), "$NO_PROCESS\n", 'nothing is written where it leads';
    ok !-e "$directory/none", 'or made there';
    unlink $path;
}

SKIP: {
    skip 'needs root to make a device', 3 if $> != 0;
    skip 'this host lets nobody make a device', 3 if (run('mknod', '-m', '0666', $path, 'c', '1', '3'))[0] != 0;
    ($status, $log) = refused($path);
    is $status, 71, 'a device such as /dev/null is refused: status 71';
    like $log, qr/ crit (?:\S+ is not a pid file |cannot open the pid file \S+: Permission denied\n)/, 'with the reason';
    ok -c $path, 'and it is there';
    unlink $path;
}

# Another name of the file.
$daemon = started($path);
link $path, "$directory/link";
is_second("$directory/link", "process $daemon->{pid}", 'another name of the file that a daemon has locked');
is $daemon->stop, 0, 'ends';
is read_file("$directory/link"), "$daemon->{pid}\n", 'that name stays';
link "$directory/link", $path;
my $next = started($path);
is read_file("$directory/link"), "$daemon->{pid}\n", 'and nothing is written to it by the next one';
is read_file($path), "$next->{pid}\n", 'which has a file of its own';
is $next->stop, 0, 'ends';
ok -e "$directory/link" && !-e $path, 'and removes that';
unlink "$directory/link";

# One daemon for each file.
$daemon = started($path);
is_second($path, "process $daemon->{pid}", 'a second daemon');
is read_file($path), "$daemon->{pid}\n", 'it leaves the file to the first';
is $daemon->stop, 0, 'ends';

# Earlier versions made the file with the mode 0644. Other users can lock it; the test stands for one.
for my $lock (LOCK_SH, LOCK_EX) {
    my $kind = $lock == LOCK_SH ? 'shared' : 'exclusive';
    for my $left ('', "$NO_PROCESS\n") {
        write_file($path, $left);
        chmod 0644, $path;
        open my $other, '<', $path or die "$path: $!";
        flock $other, $lock or die "$path: $!";
        $daemon = started($path);
        is read_file($path), "$daemon->{pid}\n", "a file that others can open, with a lock ($kind) that is no daemon's, is replaced";
        is mode_of($path), '0600', 'by one that they cannot open';
        is_second($path, "process $daemon->{pid}", 'a second daemon');
        is $daemon->stop, 0, 'ends';
    }
    write_file($path, "$$\n");
    chmod 0644, $path;
    open my $earlier, '<', $path or die "$path: $!";
    flock $earlier, $lock;
    my $inode = inode_of($path);
    is_second($path, "process $$", "such a lock ($kind) of a process that lives and that the file names");
    is inode_of($path), $inode, 'the file is left to it';
    flock $earlier, LOCK_UN;
    $daemon = started($path);
    is mode_of($path), '0600', 'once it is gone, the file is replaced too';
    is $daemon->stop, 0, 'ends';
    open my $made, '>', $path or die "$path: $!";
    chmod 0600, $path;
    flock $made, $lock;
    is_second($path, 'another process', "a lock ($kind) on a file that others cannot open");
    unlink $path;
}

# One that has the old file open can lock it later.
write_file($path, '');
chmod 0644, $path;
open my $waits, '<', $path or die "$path: $!";
$daemon = started($path);
ok flock($waits, LOCK_EX | LOCK_NB), 'a process that had the old file open can lock that';
is $daemon->stop, 0, 'ends';
$daemon = started($path);
ok $daemon->{port}, 'but not the one of the next start';
is $daemon->stop, 0, 'ends';
close $waits;

# Several at once: one of them runs.
for my $left (undef, ['', 0600], ['', 0644], ["$NO_PROCESS\n", 0644]) {
    my $what = 'no file';
    if ($left) {
        write_file($path, $$left[0]);
        chmod $$left[1], $path;
        $what = sprintf "a file with mode %04o that holds '%s'", $$left[1], $$left[0] =~ s/\n/\\n/r;
    }
    my @daemons = map { launch(options => ['--pid-file', $path]) } 1 .. 6;
    $_->wait_log(qr/ ready, process \d+| exiting with status 69/) for @daemons;
    my @up = grep { $_->{log} =~ / ready, process / } @daemons;
    is scalar(@up), 1, "six starts at once, with $what: one daemon";
    is read_file($path), join('', map { "$_->{pid}\n" } @up), 'whose file it is';
    $_->stop for @daemons;
    ok !-e $path, 'it is removed';
}

# The end of a daemon whose file is no longer there, or is another's.
my $is_kept = qr/ warning pid file \Q$path\E was removed or changed meanwhile; it is left as it is\n/;
for my $case (
    ['removed', sub { unlink $path }, undef],
    ['removed, and a configuration has its name', sub { unlink $path; write_file($path, "strict = true;\n") }, "strict = true;\n"],
    ['replaced by a file with its process ID', sub { write_file("$path.new", read_file($path)); rename "$path.new", $path }, 'the same'],
    ['overwritten with a configuration', sub { write_file($path, "strict = true;\n") }, "strict = true;\n"],
    ['overwritten with another process ID', sub { write_file($path, "$NO_PROCESS\n") }, "$NO_PROCESS\n"],
    ['emptied', sub { write_file($path, '') }, ''],
    ['moved away', sub { rename $path, "$path.moved" }, undef],
    ['moved away, and a symbolic link leads there', sub { rename $path, "$path.moved"; symlink "$path.moved", $path }, 'the same'],
    ['replaced by a directory', sub { unlink $path; mkdir $path }, 'a directory'],
) {
    my ($what, $change, $left) = @$case;
    $daemon = started($path);
    $change->();
    is $daemon->stop, 0, "the file was $what: ends";
    like $daemon->{log}, $is_kept, 'with a warning';
    is -d $path ? 'a directory' : -e $path ? read_file($path) : undef, ($left // '') eq 'the same' ? "$daemon->{pid}\n" : $left, 'and leaves it as it is';
    is read_file("$path.moved"), "$daemon->{pid}\n", 'the moved one too' if -e "$path.moved";
    rmdir $path;
    unlink $path, "$path.moved";
}
$daemon = started($path);
unlink $path;
$next = started($path);
is $daemon->stop, 0, 'the file was removed, and another daemon has made its own: ends';
is read_file($path), "$next->{pid}\n", "that one's file stays";
is_second($path, "process $next->{pid}", 'and is locked');
is $next->stop, 0, 'ends';
ok !-e $path, 'and removes it';

# A directory that the daemon cannot change once it is another user.
SKIP: {
    skip 'needs root: only root can become another user', 9 if $> != 0;
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    my $config = 'daemon: { user = "nobody"; };';
    for my $hidden (0755, 0700) {
        mkdir "$directory/own";
        chmod $hidden, "$directory/own";
        my $own = "$directory/own/pid";
        $daemon = started($own, config => $config);
        is $daemon->stop, 0, sprintf 'a directory of root with the mode %04o: ends', $hidden;
        is read_file($own), '', 'and empties the file';
        is mode_of($own), '0600', 'which others cannot open';
        unlink $own;
    }
    my @other = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups');
    $daemon = started("$directory/own/pid", config => $config);
    isnt +(run(@other, 'flock', '--nonblock', '--shared', "$directory/own/pid", 'true'))[0], 0, 'another user cannot lock the file';
    is $daemon->stop, 0, 'ends';

    # A file of its own in a directory that it cannot change.
    my $prepared = write_file("$directory/own/prepared", '');
    chmod 0755, "$directory/own";
    chmod 0644, $prepared;
    chown $uid, $gid, $prepared;
    $daemon = launch(arguments => ['-f', '-e', '-c', '/dev/null', '-p', $prepared], under => \@other);
    $daemon->wait_log(qr/ ready, /);
    is mode_of($prepared) . read_file($prepared), "0600$daemon->{pid}\n", 'an ordinary user uses a file that it cannot replace';
    is $daemon->stop, 0, 'ends';
    is read_file($prepared), '', 'and empties it';
    chmod 0666, $prepared;
    chown 0, 0, $prepared;
    $daemon = launch(arguments => ['-f', '-e', '-c', '/dev/null', '-p', $prepared], under => \@other);
    $daemon->wait_log(qr/ ready, /);
    like $daemon->{log}, qr/ warning cannot set the mode of the pid file \Q$prepared\E; other users can lock it, and so prevent a start: Operation not permitted\n/, 'and warns of one whose mode it cannot set';
    is $daemon->stop, 0, 'ends';
    open my $other, '<', $prepared or die "$prepared: $!";
    flock $other, LOCK_SH;
    $daemon = launch(arguments => ['-f', '-e', '-c', '/dev/null', '-p', $prepared], under => \@other);
    is $daemon->wait_end, 71, 'if another process has locked that: status 71';
    like $daemon->{log}, qr/ crit cannot replace the pid file \Q$prepared\E, which another process has locked: Permission denied\n/, 'with the reason';
}
# On 32-bit systems, where times of 32 bits end in 2038.
SKIP: {
    my (undef, $time) = run('sh', '-c', 'touch -d "2040-01-01 00:00 UTC" "$1" && stat -c %Y "$1"', 'sh', $path);
    skip "no file can have a time in 2040: $time", 2 if $time ne "2208988800\n";
    is started($path)->stop, 0, 'a pid file of the year 2040 is taken';
    ok !-e $path, 'and removed';
}
done_testing;
