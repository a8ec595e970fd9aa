# SPDX-License-Identifier: MIT
# The calls that sixteend makes: with which errors each fails, which never fail, and what the log
# says about a failure.
package Calls;
use strict;
use warnings;
use Exporter 'import';
use File::Find;
use Sixteen;

our @EXPORT = qw(%FAILS %QUIET %CANNOT %SAYS base_name reason_never functions_of missing_functions);

# The errors with which each call is made to fail: an errno for every branch that is known, EAI_…
# for getaddrinfo(3), "short" for a transfer of one octet. An error with a "!" cannot last, so it is
# not injected for good.
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
    epoll_create1 => 'EMFILE ENFILE ENOMEM',
    epoll_ctl => 'ENOMEM ENOSPC',
    epoll_wait => 'EINTR!',
    eventfd => 'EMFILE ENFILE ENOMEM',
    fchmod => 'EPERM EIO',
    fchown => 'EPERM',
    fclose => 'EIO ENOSPC',
    fcntl => 'EACCES',
    fdopen => 'ENOMEM',
    fflush => 'ENOSPC EIO',
    fmemopen => 'ENOMEM',
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
    lstat => 'ENOENT! EACCES!',
    malloc => 'ENOMEM',
    mkostemp => 'EACCES ENOSPC',
    mkstemp => 'EACCES ENOSPC',
    nanosleep => 'EINTR!',
    open => 'ENOENT EACCES EMFILE ELOOP',
    opendir => 'ENOENT EMFILE ENOMEM',
    pipe2 => 'EMFILE ENFILE',
    poll => 'EINTR! ENOMEM',
    prctl => 'EINVAL',
    pread => 'EIO short',
    pthread_cond_timedwait => 'ETIMEDOUT!',
    pthread_create => 'EAGAIN EPERM',
    pthread_getschedparam => 'EPERM',
    pthread_setschedparam => 'EPERM',
    read => 'EINTR! EAGAIN!',
    readdir => 'EBADF',
    realloc => 'ENOMEM',
    recv => 'EAGAIN! EINTR! ECONNRESET ETIMEDOUT ENOMEM short',
    rename => 'EACCES ENOSPC',
    sched_getaffinity => 'EINVAL',
    seccomp_attr_set => 'EOPNOTSUPP',
    seccomp_init => 'ENOMEM',
    seccomp_load => 'EINVAL EPERM',
    seccomp_rule_add_array => 'ENOMEM',
    sem_clockwait => 'EINTR! ETIMEDOUT',
    sem_timedwait => 'EINTR! ETIMEDOUT',
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
    strdup => 'ENOMEM',
    strndup => 'ENOMEM',
    syscall => 'ENOSYS ENOMEM',
    sysconf => 'EINVAL',
    tsearch => 'ENOMEM',
    unlink => 'EACCES ENOENT',
    waitpid => 'EINTR! ECHILD',
    write => 'EINTR! EAGAIN! EIO EPIPE ENOSPC EFBIG short',
);

# The imports that are not made to fail, and why. imports.t fails for any other.
our @NEVER = (
    [qr/^_(?:ITM_|_cxa_|_gmon_|_libc_start|_stack_chk_|_assert_fail)|^abort$|^_?exit$/,
        'the start and the end of a program'],
    [qr/^opt(?:arg|ind|opt)$|^std(?:out|err)$|^(?:__)?environ$/, 'a variable'],
    [qr/^config_/, "libconfig's own: out of memory, version 1.5 ends the program"],
    [qr/^(?:mem|str|stp)(?!dup|ndup)|^bcmp$|^(?:__ctype_b_loc|__errno_location|gmtime_r|inet_ntop|inet_pton)$/,
        'computes, and has the room that it needs'],
    [qr/^v?snprintf$|^sscanf$|^getpagesize$|^__sched_cpucount$|^tfind$|^tdelete$|^twalk(?:_r)?$|^tdestroy$|^qsort$/, 'computes, and has the room that it needs'],
    [qr/^(?:fputs|puts|putc|putchar|printf|fprintf|vfprintf|fwrite|perror)$/,
        'fflush and ferror report the failure later; or no other output is left'],
    [qr/^ferror$|^gai_strerror$|^freeaddrinfo$|^free$|^dirfd$|^umask$|^setvbuf$|^getopt_long$|^getenv$|^time$/,
        'does not fail'],
    [qr/^get(?:pid|uid|gid|euid|egid|resuid|resgid)$|^sched_yield$/, 'does not fail'],
    [qr/^openlog$|^syslog$|^closelog$/, 'reports no failure; their system calls fail in syscalls.t'],
    [qr/^(?:hton|ntoh)[sl]$|^is(?:alnum|cntrl|xdigit)$/, 'computes, and has the room that it needs'],
    [qr/^clock_gettime$/, 'the clocks that are read always exist'],
    [qr/^kill$/, 'asks whether a process lives: a failure is an answer'],
    [qr/^eventfd_(?:read|write)$/, 'a counter that is read before it has 64 bits is never full'],
    [qr/^if_(?:indextoname|nametoindex)$/, 'needs a link-local address; tests/unit has it'],
    [qr/^pthread_(?:mutex|cond(?!_timed)|condattr)_|^pthread_(?:attr_|detach|join|kill|self|sigmask)/,
        'fails only when misused, on which CHECKED aborts'],
    [qr/^sem_(?:init|destroy|post)$/, 'fails only when misused, on which CHECKED aborts'],
    [qr/^seccomp_(?:release|arch_native|syscall_resolve_name(?:_arch)?)$/, 'does not fail'],
    [qr/^sig(?:nal|action|emptyset|addset|delset|fillset)$|^__libc_current_sigrt/, 'fails only for a signal that does not exist'],
);

# Failures that need no report, by call, and with the error, the function or both if only that is
# meant; after "once: ", only if the call works again.
our %QUIET = (
    (map { ($_ => 'the descriptors are then closed one by one') } qw(close_range syscall)),
    'open in descriptors_open_standard' => 'no descriptor needs it, unless one is closed',
    'fcntl in descriptors_open_standard' => 'likewise',
    'readdir in close_between' => 'nothing else lists the open descriptors',
    (map { ("$_ in count_descriptors" => 'what is not known is left out of the metrics') } qw(opendir readdir)),
    (map { ("$_ in read_stat" => 'likewise') } qw(open read)),
    'open ENOENT in check_target' => 'then there is no such file',
    'fflush in print_ready' => 'the daemon is ready, even if the terminal is gone',
    'waitpid in wait_for_daemon' => 'the pipe carries the exit status',
    'once: accept4 EMFILE' => 'the oldest lingering socket is closed; only without one is it a shortage',
    'once: accept4 ENFILE' => 'likewise',
    'drain: accept4 EMFILE' => 'likewise',
    'drain: accept4 ENFILE' => 'likewise',
    'background: malloc' => 'an acceptor reports it to syslog(3), when the command has returned',
    'drain: setsockopt' => 'of a connection that is accepted then, whose peer may come too late',
    'service: getsockname' => 'the address of the listener is used instead',
    'shutdown in workers_cut' => 'the connection ends anyway',
    'unlink in pid_file_release' => 'the file is emptied instead',
    'drain: lstat EACCES' => 'likewise',
    'drain: fstat EIO' => 'likewise',
    'unlink in lock' => 'the file is used as it is',
    'recv in discard' => 'the socket is closed, after the reply',
    'getsockopt in takes' => 'then listen may be warned of, which has no effect in any case',
    'setsockopt in listener_share' => 'otherwise bind(2) fails, unless the port was shared before',
    'listen in listeners_change' => 'the kernel takes any backlog from a socket that listens',
    'getsockopt in tcp_info_read' => 'the report says that the queue is unknown; the line has no field',
    'close' => 'the descriptor is closed even if close(2) fails',
    'closedir' => 'likewise',
    'fclose' => 'of a file that was read',
    'EINTR' => 'the call is made again',
    'EAGAIN' => 'the call is made again, or waited for',
    'short' => 'the rest is asked for',
    'accept4 ECONNABORTED' => 'concerns one connection, which is gone',
    'accept4 ETIMEDOUT' => 'likewise',
    'connect EPROTOTYPE' => 'a stream socket, which syslog(3) accepts too',
    'sendto in notify' => 'it is sent over the connection then',
    'setgroups EPERM' => 'does no harm if there are no groups to drop',
    'socket in connect_to_syslog' => 'syslog(3) opens its own',
    'lstat ENOENT' => 'the file is created again',
    'access ENOENT' => 'then there is no such file',
    'write' => 'the lines are counted as lost, and reported later: log.t',
    'poll' => 'the next write reports the failure',
    'poll in wait_for_events' => 'the next turn checks everything',
    'pthread_cond_timedwait' => 'the log hangs; or the thread looks again',
    'epoll_ctl' => 'the socket is closed when its time is over',
    'sched_getaffinity' => 'then one worker is awake at a time',
    'sysconf' => 'the stack then has the size of THREAD_STACK',
    (map { ("$_ ETIMEDOUT" => 'the worker ends early') } qw(sem_clockwait sem_timedwait)),
    'getrlimit' => 'the limit stays; a shortage of descriptors is logged',
);

# Errors that a call cannot have in this function.
our %CANNOT = (
    (map { ("write $_ in background_finish" => 1) } qw(EAGAIN EIO EPIPE ENOSPC EFBIG)),    # a pipe with a reader
    'read EAGAIN in wait_for_daemon' => 1,    # it blocks
    (map { ("signalfd $_ in change_reported" => 1) } qw(EMFILE ENOMEM)),    # it is open
);

# What the log says where it does not have the words of the errno.
our %SAYS = (
    'access' => qr/sixteen\.conf/,
    'open ELOOP in check_target' => qr/is not a metrics file of sixteend/,
    'setrlimit' => qr/the hard limit is \d+/,
    'getgroups' => qr/cannot change to user/,
    'pread' => qr/is locked by another process|was removed or changed/,
    'getsockopt in is_listening_tcp' => qr/is not a listening TCP socket/,
    (map { ($_ => qr/could be regained/) } 'setuid', 'setgid', 'setegid', 'setgroups in can_regain_root'),
    'seteuid' => qr/could be regained/,
    'recv ECONNRESET' => qr/ outcome=(?:reset|probe) /,
    'recv ETIMEDOUT' => qr/ outcome=(?:reset|probe) /,
    'send ECONNRESET' => qr/ outcome=reset /,
    'send EPIPE' => qr/ outcome=reset /,
    'shutdown ENOTCONN' => qr/ outcome=reset /,
);

# The name in the source of what _FORTIFY_SOURCE and glibc's headers rename, also for times and sizes of
# 64 bits.
sub base_name {
    my ($name) = @_;
    $name =~ s/^__(\w+?)_(?:chk|2)$/$1/;
    $name =~ s/^__isoc\d+_//;
    $name =~ s{^_*(\w+?)(?:64)?(?:_time)?64(_r)?$}{$1 . ($2 // '')}e;
    return $name;
}

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
