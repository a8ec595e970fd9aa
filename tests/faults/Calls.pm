# SPDX-License-Identifier: MIT
# What is known of the calls that sixteend makes: how they fail, which never do, and what is said
# of a failure.
package Calls;
use strict;
use warnings;
use Exporter 'import';
use File::Find;
use Sixteen;

our @EXPORT = qw(%FAILS %QUIET %CANNOT %SAYS base_name reason_never functions_of missing_functions);

# What each call is made to fail with: an errno for every branch that is known, EAI_… for those of
# getaddrinfo(3), "short" for a transfer of one octet. Behind a "!" what can't last: for good, a
# kernel would not say it.
our %FAILS = (
    accept4 => 'EAGAIN! EINTR! ECONNABORTED ETIMEDOUT EMFILE ENFILE ENOBUFS EINVAL',
    access => 'EACCES ENOENT',
    asprintf => 'ENOMEM',
    bind => 'EACCES EADDRINUSE EADDRNOTAVAIL ENOMEM',
    calloc => 'ENOMEM',
    capget => 'EPERM',
    capset => 'EPERM',
    chdir => 'EACCES',
    clearenv => 'ENOMEM',
    close => 'EIO EINTR',
    close_range => 'ENOSYS ENOMEM',
    closedir => 'EIO',
    connect => 'ECONNREFUSED EPROTOTYPE EACCES',
    dprintf => 'ENOSPC EIO',
    dup2 => 'EMFILE EBUSY!',
    eventfd => 'EMFILE ENFILE ENOMEM',
    fchmod => 'EPERM EIO',
    fclose => 'EIO ENOSPC',
    fcntl => 'EACCES',
    fdopen => 'ENOMEM',
    fflush => 'ENOSPC EIO',
    flock => 'EAGAIN ENOLCK EINTR!',
    fopen => 'ENOENT EACCES EMFILE ENOMEM',
    fork => 'EAGAIN ENOMEM',
    fread => 'EIO EISDIR',
    fstat => 'EIO',
    fsync => 'EIO ENOSPC',
    ftruncate => 'EIO EINTR!',
    getaddrinfo => 'EAI_MEMORY EAI_AGAIN EAI_NONAME EMFILE',
    getcwd => 'ENOENT',
    getgrnam => 'EIO 0',
    getgroups => 'EINVAL',
    getpwnam => 'EIO 0',
    getrlimit => 'EPERM',
    getsockname => 'ENOBUFS',
    getsockopt => 'ENOMEM',
    listen => 'EADDRINUSE EOPNOTSUPP',
    malloc => 'ENOMEM',
    mkostemp => 'EACCES ENOSPC',
    mkstemp => 'EACCES ENOSPC',
    nanosleep => 'EINTR!',
    open => 'ENOENT EACCES EMFILE ELOOP',
    open_memstream => 'ENOMEM',
    opendir => 'ENOENT EMFILE ENOMEM',
    pipe2 => 'EMFILE ENFILE',
    poll => 'EINTR! ENOMEM',
    ppoll => 'EINTR! ENOMEM',
    prctl => 'EINVAL',
    pread => 'EIO short',
    pthread_attr_init => 'ENOMEM',
    pthread_cond_timedwait => 'ETIMEDOUT',
    pthread_create => 'EAGAIN EPERM',
    read => 'EINTR! EAGAIN!',
    readdir => 'EBADF',
    realloc => 'ENOMEM',
    recv => 'EAGAIN! EINTR! ECONNRESET ETIMEDOUT ENOMEM short',
    rename => 'EACCES ENOSPC',
    sched_getscheduler => 'EPERM',
    sched_setscheduler => 'EPERM',
    seccomp_attr_set => 'EOPNOTSUPP',
    seccomp_init => 'ENOMEM',
    seccomp_load => 'EINVAL EPERM',
    seccomp_rule_add_array => 'ENOMEM',
    sem_wait => 'EINTR!',
    send => 'EAGAIN! EINTR! EPIPE ECONNRESET ENOBUFS short',
    sendto => 'EAGAIN! EINTR! ECONNREFUSED ENOENT',
    setegid => 'EPERM',
    seteuid => 'EPERM',
    setgid => 'EPERM',
    setgroups => 'EPERM EINVAL',
    setresgid => 'EPERM EAGAIN',
    setresuid => 'EPERM EAGAIN',
    setrlimit => 'EPERM EINVAL',
    setsid => 'EPERM',
    setsockopt => 'ENOMEM EINVAL',
    setuid => 'EPERM',
    shutdown => 'ENOTCONN ENOBUFS',
    signalfd => 'EMFILE ENOMEM',
    socket => 'EMFILE ENOBUFS EAFNOSUPPORT',
    stat => 'ENOENT! EACCES!',
    strdup => 'ENOMEM',
    strndup => 'ENOMEM',
    sysconf => 'EINVAL',
    tsearch => 'ENOMEM',
    unlink => 'EACCES ENOENT',
    waitpid => 'EINTR! ECHILD',
    write => 'EINTR! EAGAIN! EIO EPIPE short',
);

# The imports that are not made to fail, and why. Anything else makes imports.t fail.
our @NEVER = (
    [qr/^_(?:ITM_|_cxa_|_gmon_|_libc_start|_stack_chk_|_assert_fail)|^abort$|^_?exit$/,
        'the start and the end of a program'],
    [qr/^opt(?:arg|ind|opt)$|^std(?:out|err)$|^(?:__)?environ$/, 'a variable'],
    [qr/^config_/, "libconfig's own: out of memory, version 1.5 ends the program"],
    [qr/^(?:mem|str|stp)(?!dup|ndup)|^bcmp$|^(?:__ctype_b_loc|__errno_location|gmtime_r|inet_ntop|inet_pton)$/,
        'computes, and has the room that it needs'],
    [qr/^v?snprintf$|^tfind$|^tdelete$|^twalk(?:_r)?$|^tdestroy$|^qsort$/, 'computes, and has the room that it needs'],
    [qr/^(?:fputs|puts|putc|putchar|printf|fprintf|vfprintf|fwrite|perror)$/,
        'whether it was written is asked of fflush and ferror; or it is the last word of all'],
    [qr/^ferror$|^gai_strerror$|^freeaddrinfo$|^free$|^dirfd$|^umask$|^getopt_long$|^getenv$|^time$/,
        'does not fail'],
    [qr/^get(?:pid|uid|gid|euid|egid)$|^sched_yield$/, 'does not fail'],
    [qr/^openlog$|^syslog$|^closelog$/, 'tells no failure; their system calls fail in syscalls.t'],
    [qr/^clock_gettime$/, 'the clocks that it is asked for are always there'],
    [qr/^eventfd_(?:read|write)$/, 'a counter that is read before it has 64 bits is never full'],
    [qr/^if_indextoname$/, 'needs a peer with a link-local address; tests/unit has it'],
    [qr/^pthread_(?:mutex|cond(?!_timed)|condattr)_|^pthread_(?:attr_(?!init)|join|sigmask)/,
        'fails only when misused, which CHECKED tells and ends'],
    [qr/^sem_(?:init|destroy|post)$/, 'fails only when misused, which CHECKED tells and ends'],
    [qr/^seccomp_(?:release|arch_native|syscall_resolve_name)$/, 'does not fail'],
    [qr/^seccomp_syscall_resolve_num_arch$/, 'a number that has no name is told alone'],
    [qr/^sig(?:nal|action|emptyset|addset|fillset)$|^raise$/, 'fails only for a signal that there is not'],
);

# Failures that nobody is told of, by call, with the error or the function that makes it where
# only that one is meant.
our %QUIET = (
    'close_range' => 'then they are closed one by one',
    'opendir in close_from' => 'nothing else tells what is open',
    'readdir in close_from' => 'likewise',
    'fflush in tell_terminal' => 'it is up, whether anybody reads that or not',
    'waitpid in wait_for_daemon' => 'the pipe says what became of the daemon',
    'drain: accept4 EMFILE' => 'a socket that lingers gives its descriptor up',
    'drain: accept4 ENFILE' => 'likewise',
    'service: getsockname' => 'the address of the listener stands for it',
    'shutdown in workers_cut' => 'the connection ends all the same',
    'unlink in pid_file_release' => 'the file is emptied instead',
    'recv in at_end' => 'the socket is closed, and the reply has gone over',
    'getsockopt in listener_queue' => 'the queue is taken for empty',
    'close' => 'the descriptor is gone whatever close(2) says',
    'closedir' => 'likewise',
    'fclose' => 'of a file that was read',
    'EINTR' => 'the call is made again',
    'EAGAIN' => 'the call is made again, or waited for',
    'short' => 'the rest is asked for',
    'accept4 ECONNABORTED' => 'concerns one connection, which is gone',
    'accept4 ETIMEDOUT' => 'likewise',
    'connect EPROTOTYPE' => 'a stream socket, which syslog(3) takes too',
    'setgroups EPERM' => 'does no harm where there are no groups to give up',
    'strdup in learn_names' => 'a number that has no name is told alone',
    'socket in look_for_syslog' => 'syslog(3) makes its own',
    'stat ENOENT' => 'the file is made anew',
    'access ENOENT' => 'then there is no such file',
    'write' => 'nobody is left who could be told',
    'poll' => 'the write that follows says what is wrong',
    'pthread_cond_timedwait' => 'the log hangs, so nobody can be told',
    'sched_getscheduler' => 'another policy makes it slower, and nothing else',
    'sched_setscheduler' => 'another policy makes it slower, and nothing else',
    'sysconf' => 'the least size of a stack is then our own',
    'getrlimit' => 'the limit stays, and descriptors that lack are told of',
);

# What a call can't fail with in this function.
our %CANNOT = (
    (map { ("write $_ in background_finish" => 1) } qw(EAGAIN EIO EPIPE)),    # a pipe with a reader
    'read EAGAIN in wait_for_daemon' => 1,    # it blocks
);

# What says so in other words than those of the errno.
our %SAYS = (
    'access' => qr/sixteen\.conf/,
    'setrlimit' => qr/the hard limit is \d+/,
    'getgroups' => qr/cannot become user/,
    'getsockopt in is_listening_tcp' => qr/is not a listening TCP socket/,
    (map { ($_ => qr/could be regained/) } 'setuid', 'setgid', 'setegid', 'setgroups in can_regain_root'),
    'seteuid' => qr/could be regained/,
    'recv ECONNRESET' => qr/ (?:reset|probe) /,
    'recv ETIMEDOUT' => qr/ (?:reset|probe) /,
    'send ECONNRESET' => qr/ reset /,
    'send EPIPE' => qr/ reset /,
    'shutdown ENOTCONN' => qr/ reset /,
);

sub base_name { return $_[0] =~ s/^__(\w+?)_(?:chk|2)$/$1/r }

sub reason_never {
    my ($call) = @_;
    return (map { $$_[1] } grep { $call =~ $$_[0] } @NEVER)[0];
}

# Return the functions in keys of the form "call in function".
sub functions_of {
    my %named = map { / in (\w+)$/ ? ($1 => 1) : () } @_;
    return sort keys %named;
}

# Return those of these functions that the source does not define.
sub missing_functions {
    my @wanted = @_;
    my $code = '';
    find({ no_chdir => 1, wanted => sub { $code .= read_file($_) if /\.c$/ } }, "$ENV{SOURCE_DIR}/src");
    return grep { $code !~ /^[a-z_].*\b$_\(/m } @wanted;
}

1;
