/* SPDX-License-Identifier: MIT */
/* --with-seccomp: an allow list of what a running daemon asks of the kernel, taken from strace
 * under the whole suite. A call that is added to the daemon shows up in tests/system in such a
 * build.
 *
 * The list serves the daemon and the C library, with the modules that nsswitch.conf makes it load
 * when a reload looks up users and host names. Missing on purpose is every call that makes a
 * process, runs another program, traces, mounts, changes users or owners, or makes memory
 * executable that was written. Files can be mapped executable, because a reload loads those
 * modules. The option is not the default: a module that needs another call ends the daemon.
 *
 * The filter is installed after the start has opened its sockets, and before the first thread,
 * which inherits it. It raises SIGSYS, and the handler logs the call before the signal ends the
 * process; SCMP_ACT_KILL_PROCESS reports only to the kernel's audit log, which containers do not
 * see. The handler cannot be replaced, because rt_sigaction is refused for SIGSYS. clone3 fails
 * with ENOSYS: its flags lie in memory, where no filter sees them. The C library then uses clone,
 * which is allowed only for threads.
 *
 * The thread that made the call may hold any lock, and an attacker may control it. So the handler
 * calls only functions of signal-safety(7), waits for nothing, and the kernel ends the process. */
#include <config.h>

#include "server/process/seccomp.h"

#ifndef WITH_SECCOMP

int seccomp_enter(void)
{
    return 0;
}

#else

#include "common/checked.h"
#include "common/number.h"
#include "server/log/log.h"

#include <errno.h>
#include <paths.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT_SIZE 256
#define LINE_SIZE (TEXT_SIZE + 64)

/* The names of system calls by number, looked up early because a look-up allocates memory. */
static char *names[512];
static uint32_t architecture;

static void look_up_names(void)
{
    architecture = seccomp_arch_native();
    for (size_t number = 0; number < sizeof names / sizeof *names; number++)
        names[number] = seccomp_syscall_resolve_num_arch(architecture, (int)number);
}

static void format(const siginfo_t *info, char text[TEXT_SIZE])
{
    size_t number = (unsigned int)info->si_syscall;
    char *end = put_decimal(stpcpy(text, "system call "), number);
    if (info->si_arch == architecture && number < sizeof names / sizeof *names &&
        names[number] != NULL)
        end = stpcpy(stpcpy(stpcpy(end, " ("), names[number]), ")");
    (void)stpcpy(end, " refused: possible exploit or bug; terminating");
}

/* Send the line without syslog(3), which would take a lock. Returns whether it was sent. */
static bool send_to_syslog(unsigned int priority, const char *text)
{
    const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    char line[LINE_SIZE] = "<";
    char *end = stpcpy(put_decimal(line + 1, priority), ">sixteend[");
    end = stpcpy(stpcpy(put_decimal(end, (unsigned int)getpid()), "]: "), text);

    close(STDIN_FILENO); /* make sure that a descriptor is free */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return sendto(fd, line, (size_t)(end - line), MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&to, sizeof to) >= 0;
}

static void write_to_stderr(const char *text)
{
    char line[LINE_SIZE];
    char *end = stpcpy(stpcpy(stpcpy(line, "sixteend: "), text), "\n");
    if (poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, 0) == 1)
        (void)!write(STDERR_FILENO, line, (size_t)(end - line));
}

static void report_violation(int number, siginfo_t *info, void *context)
{
    (void)context;
    char text[TEXT_SIZE];
    int priority = log_syslog_priority(LOG_CRIT);
    if (info->si_code > 0) { /* otherwise another process sent it */
        format(info, text);
        if (priority < 0 || !send_to_syslog((unsigned int)priority, text))
            write_to_stderr(text);
    }
    (void)raise(number); /* SA_RESETHAND removed the handler */
}

/* Install the handler. Call it before the filter is there. */
static void handle_violations(void)
{
    const struct sigaction action = {.sa_sigaction = report_violation,
                                     .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER)};
    sigset_t refused;
    look_up_names();
    sigemptyset(&refused);
    sigaddset(&refused, SIGSYS);
    (void)sigaction(SIGSYS, &action, NULL);
    CHECKED(pthread_sigmask(SIG_UNBLOCK, &refused, NULL));
}

/* Allowed with any arguments, under each name that a call has on some architecture. */
static const char *const always[] = {
    /* to serve */
    "accept4", "close", "epoll_ctl", "epoll_pwait", "epoll_wait", "fcntl", "fcntl64", "getsockname",
    "getsockopt", "poll", "ppoll", "ppoll_time64", "read", "recv", "recvfrom", "send", "sendto",
    "setsockopt", "shutdown", "write", "writev",
    /* threads and their waiting */
    "clock_nanosleep", "clock_nanosleep_time64", "exit", "exit_group", "futex", "futex_time64",
    "getpid", "gettid", "nanosleep", "restart_syscall", "rseq", "rt_sigprocmask", "rt_sigreturn",
    "sched_getaffinity", "sched_yield", "set_robust_list", "sigreturn",
    /* memory; mmap and mprotect are below */
    "brk", "madvise", "mremap", "munmap", "sysinfo",
    /* the time, where the vDSO does not provide it */
    "clock_gettime", "clock_gettime64", "gettimeofday", "time",
    /* files: the configuration, metrics.file, the pid file, and what the C library reads */
    "_llseek", "access", "faccessat", "faccessat2", "flock", "fstat", "fstat64", "fstatat64",
    "ftruncate", "ftruncate64", "lseek", "newfstatat", "open", "openat", "pread64", "rename",
    "renameat", "renameat2", "stat", "stat64", "statx", "unlink", "unlinkat",
    /* a reload: listeners, and looking up users, groups and names of hosts */
    "bind", "connect", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
    "getpeername", "getrandom", "getuid", "getuid32", "listen", "readlink", "readlinkat", "recvmsg",
    "sendmmsg", "sendmsg", "uname"};

/* The flags are the second argument on s390, and the first elsewhere. */
#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

/* Allowed with such an argument; one matching row is enough. */
static const struct {
    const char *call;
    struct scmp_arg_cmp argument;
} sometimes[] = {
    /* threads, not processes */
    {"clone", {CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD}},
    /* memory that is writable or executable, never both, and not one after the other */
    {"mmap", {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    {"mmap", {2, SCMP_CMP_MASKED_EQ, PROT_WRITE, 0}},
    {"mmap2", {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    {"mmap2", {2, SCMP_CMP_MASKED_EQ, PROT_WRITE, 0}},
    {"mprotect", {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    /* listeners, syslog(3), the resolver, and the kernel's list of addresses */
    {"socket", {0, SCMP_CMP_EQ, AF_INET, 0}},
    {"socket", {0, SCMP_CMP_EQ, AF_INET6, 0}},
    {"socket", {0, SCMP_CMP_EQ, AF_UNIX, 0}},
    {"socket", {0, SCMP_CMP_EQ, AF_NETLINK, 0}},
    /* for the resolver and stdio; not TIOCSTI, which types into the terminal */
    {"ioctl", {1, SCMP_CMP_EQ, FIONREAD, 0}},
    {"ioctl", {1, SCMP_CMP_EQ, TCGETS, 0}},
    /* the end of a start into the background, and perror(3) */
    {"dup", {0, SCMP_CMP_LE, STDERR_FILENO, 0}},
    {"dup2", {1, SCMP_CMP_LE, STDERR_FILENO, 0}},
    {"dup3", {1, SCMP_CMP_LE, STDERR_FILENO, 0}},
    /* at the end, in abort(3), and the C library's own signals from 32 on; not SIGSYS */
    {"rt_sigaction", {0, SCMP_CMP_EQ, SIGTERM, 0}},
    {"rt_sigaction", {0, SCMP_CMP_EQ, SIGINT, 0}},
    {"rt_sigaction", {0, SCMP_CMP_EQ, SIGABRT, 0}},
    {"rt_sigaction", {0, SCMP_CMP_MASKED_EQ, 32, 32}},
    /* limits of this process */
    {"prlimit64", {0, SCMP_CMP_EQ, 0, 0}},
    /* for libcap, which some modules of nsswitch.conf load */
    {"prctl", {0, SCMP_CMP_EQ, PR_CAPBSET_READ, 0}}};

/* Skip a call that this libseccomp does not know: the C library does not make it either. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *call, unsigned int count,
               const struct scmp_arg_cmp *arguments)
{
    int number = seccomp_syscall_resolve_name(call);
    return number == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add_array(filter, action, number, count, arguments);
}

/* Returns 0 or a negative errno, as libseccomp does. */
static int fill(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp own = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof always / sizeof *always; i++)
        error = add(filter, SCMP_ACT_ALLOW, always[i], 0, NULL);
    for (size_t i = 0; error == 0 && i < sizeof sometimes / sizeof *sometimes; i++)
        error = add(filter, SCMP_ACT_ALLOW, sometimes[i].call, 1, &sometimes[i].argument);
    if (error == 0) /* to interrupt an acceptor, abort(3), and raise(3) in the handler */
        error = add(filter, SCMP_ACT_ALLOW, "tgkill", 1, &own);
    if (error == 0) /* the C library then uses clone */
        error = add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
    return error;
}

static const struct {
    enum scmp_filter_attr name;
    uint32_t value;
} attributes[] = {{SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP}, /* calls of other architectures */
                  {SCMP_FLTATR_CTL_TSYNC, 1},               /* threads that a library has started */
                  {SCMP_FLTATR_API_SYSRAWRC, 1}};           /* the kernel's own errno */

static int install(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (filter == NULL)
        return -ENOMEM;
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof attributes / sizeof *attributes; i++)
        error = seccomp_attr_set(filter, attributes[i].name, attributes[i].value);
    if (error == 0)
        error = fill(filter);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}

int seccomp_enter(void)
{
    handle_violations();
    errno = -install();
    if (errno == 0) {
        log_line(LOG_NOTICE, "seccomp filter installed");
        return 0;
    }
    log_errno(LOG_CRIT, "cannot install the seccomp filter");
    return -1;
}

#endif
