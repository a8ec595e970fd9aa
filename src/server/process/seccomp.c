/* SPDX-License-Identifier: MIT */
/* What a running daemon may ask of the kernel. The lists come from strace under the whole suite;
 * whoever adds a call to the daemon finds out by tests/system in a build --with-seccomp.
 *
 * There are two who ask: the daemon, and the C library with the modules that nsswitch.conf has
 * it load when a reload looks up users and names of hosts. Missing on purpose: all that makes a
 * process or another program of this one, traces, mounts, changes who it is or what it owns,
 * or has memory that can be written and executed. */
#include <config.h>

#include "server/process/seccomp.h"

#include "server/log/log.h"
#include "server/process/violation.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whatever their arguments are. What an architecture does not have is left out there; so each is
 * listed by all the names that it has somewhere. */
static const char *const always[] = {
    /* to serve */
    "accept4", "close", "fcntl", "fcntl64", "getsockname", "getsockopt", "poll", "ppoll",
    "ppoll_time64", "read", "recv", "recvfrom", "send", "sendto", "setsockopt", "shutdown", "write",
    "writev",
    /* threads, and what they wait for */
    "clock_nanosleep", "clock_nanosleep_time64", "exit", "exit_group", "futex", "futex_time64",
    "getpid", "gettid", "nanosleep", "restart_syscall", "rseq", "rt_sigprocmask", "rt_sigreturn",
    "sched_getaffinity", "sched_yield", "set_robust_list", "sigreturn",
    /* memory: beside mmap and mprotect, below */
    "brk", "madvise", "mremap", "munmap", "sysinfo",
    /* the time, where it is no matter of the vDSO */
    "clock_gettime", "clock_gettime64", "gettimeofday", "time",
    /* files: the configuration, metrics.file, the pid file, what the C library reads */
    "_llseek", "access", "faccessat", "faccessat2", "flock", "fstat", "fstat64", "fstatat64",
    "ftruncate", "ftruncate64", "lseek", "newfstatat", "open", "openat", "pread64", "rename",
    "renameat", "renameat2", "stat", "stat64", "statx", "unlink", "unlinkat",
    /* a reload: listeners, and looking up users, groups and names of hosts */
    "bind", "connect", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
    "getpeername", "getrandom", "getuid", "getuid32", "listen", "readlink", "readlinkat", "recvmsg",
    "sendmmsg", "sendmsg", "uname"};

/* Where s390 has its second argument, others have the first. */
#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

/* Where an argument is as it should be; one line of several is enough. */
static const struct {
    const char *call;
    struct scmp_arg_cmp argument;
} sometimes[] = {
    /* a thread, no process */
    {"clone", {CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD}},
    /* written or executed, never both, and what was written is not executed later */
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
    /* what the resolver and stdio ask; not TIOCSTI, which types in the starter's terminal */
    {"ioctl", {1, SCMP_CMP_EQ, FIONREAD, 0}},
    {"ioctl", {1, SCMP_CMP_EQ, TCGETS, 0}},
    /* the end of a start into the background, and perror(3) */
    {"dup", {0, SCMP_CMP_LE, STDERR_FILENO, 0}},
    {"dup2", {1, SCMP_CMP_LE, STDERR_FILENO, 0}},
    {"dup3", {1, SCMP_CMP_LE, STDERR_FILENO, 0}},
    /* at the end, in abort(3), and the C library's own, from 32 on; but not SIGSYS */
    {"rt_sigaction", {0, SCMP_CMP_EQ, SIGTERM, 0}},
    {"rt_sigaction", {0, SCMP_CMP_EQ, SIGINT, 0}},
    {"rt_sigaction", {0, SCMP_CMP_EQ, SIGABRT, 0}},
    {"rt_sigaction", {0, SCMP_CMP_MASKED_EQ, 32, 32}},
    /* limits of its own */
    {"prlimit64", {0, SCMP_CMP_EQ, 0, 0}},
    /* libcap asks it, which comes with some modules of nsswitch.conf */
    {"prctl", {0, SCMP_CMP_EQ, PR_CAPBSET_READ, 0}}};

/* A call that this libseccomp has never heard of can't be made by the C library beside it. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *call, unsigned int count,
               const struct scmp_arg_cmp *arguments)
{
    int number = seccomp_syscall_resolve_name(call);
    return number == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add_array(filter, action, number, count, arguments);
}

/* Returns 0, or an errno that is negative, as libseccomp does. */
static int fill(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp own = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof always / sizeof *always; i++)
        error = add(filter, SCMP_ACT_ALLOW, always[i], 0, NULL);
    for (size_t i = 0; error == 0 && i < sizeof sometimes / sizeof *sometimes; i++)
        error = add(filter, SCMP_ACT_ALLOW, sometimes[i].call, 1, &sometimes[i].argument);
    if (error == 0) /* abort(3), and the end of violation.c */
        error = add(filter, SCMP_ACT_ALLOW, "tgkill", 1, &own);
    if (error == 0) /* its flags are where no filter sees them; without it, it is clone */
        error = add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
    return error;
}

static const struct {
    enum scmp_filter_attr name;
    uint32_t value;
} attributes[] = {{SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP}, /* calls of another architecture */
                  {SCMP_FLTATR_CTL_TSYNC, 1},     /* threads that some library has begun */
                  {SCMP_FLTATR_API_SYSRAWRC, 1}}; /* the kernel's own errno */

/* SCMP_ACT_TRAP and not SCMP_ACT_KILL_PROCESS, which tells nobody but the kernel's own log. */
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
    violation_watch();
    errno = -install();
    if (errno == 0) {
        log_line(LOG_NOTICE, "system calls that a running daemon does not make are refused");
        return 0;
    }
    log_errno(LOG_CRIT, "cannot have the kernel refuse system calls; configured --with-seccomp");
    return -1;
}
