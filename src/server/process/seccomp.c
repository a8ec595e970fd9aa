/* SPDX-License-Identifier: MIT */
/* --with-seccomp: a deny list of what the daemon never asks of the kernel once it runs, and what a
 * break-in would want: other programs and processes, the memory of others, mounts, namespaces, the
 * rights of another user, and parts of the kernel that are best known for their bugs. The answer is
 * EPERM, and the daemon runs on. Every other call is allowed: which ones are made depends on the C
 * library, its version and the architecture.
 *
 * The filter is installed after the start has opened its sockets. It also applies to threads that a
 * library has started, and the daemon's own threads inherit it. It says nothing about executable
 * memory: some architectures need a stack that is executable, and a file that was written can be
 * mapped anyway.
 *
 * A filter sees the arguments of a call, but not the memory that they point to. The flags of clone3
 * are in memory, so it fails with ENOSYS; the C library then uses clone, whose flags are an
 * argument. The kernel takes 32 bits of each argument that is compared, so the filter ignores the
 * others: an attacker could set them. Calls of another architecture that the same kernel runs, such
 * as i386 and x32 on x86-64, fail altogether: the daemon makes none. */
#include <config.h>

#include "server/process/seccomp.h"

#ifndef WITH_SECCOMP

int seccomp_enter(void)
{
    return 0;
}

#else

#include "server/log/log.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define REFUSE SCMP_ACT_ERRNO(EPERM)

/* Denied with any arguments, under each name that a call has on some architecture. */
static const char *const denied[] = {
    /* programs, processes and namespaces; for clone see below */
    "execve", "execveat", "fork", "setns", "unshare", "vfork",
    /* other processes */
    "kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
    /* file systems, and files beyond them */
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
    "open_by_handle_at", "open_tree", "open_tree_attr", "pivot_root", "quotactl", "quotactl_fd",
    "swapoff", "swapon", "umount", "umount2",
    /* the kernel: its modules, its keys, its log, its hardware, and a start of another one */
    "acct", "add_key", "bpf", "create_module", "delete_module", "finit_module", "init_module",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kexec_file_load",
    "kexec_load", "keyctl", "lookup_dcookie", "modify_ldt", "perf_event_open", "reboot",
    "request_key", "syslog", "userfaultfd", "vm86", "vm86old",
    /* the host's clock and name */
    "adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime", "clock_settime64",
    "setdomainname", "sethostname", "settimeofday", "stime",
    /* users, groups and capabilities, which were chosen before */
    "capset", "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups",
    "setgroups32", "setregid", "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32",
    "setreuid", "setreuid32", "setuid", "setuid32"};

/* Skip a call that this libseccomp does not know. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *call, unsigned int count,
               const struct scmp_arg_cmp *arguments)
{
    int number = seccomp_syscall_resolve_name(call);
    return number == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add_array(filter, action, number, count, arguments);
}

/* Deny a call if these bits of an argument have this value. */
static int deny_if(scmp_filter_ctx filter, const char *call, unsigned int argument, uint32_t bits,
                   uint32_t value)
{
    const struct scmp_arg_cmp compared = {argument, SCMP_CMP_MASKED_EQ, bits, value};
    return add(filter, REFUSE, call, 1, &compared);
}

/* Leave clone to threads that stay in their namespaces. */
static int deny_clones(scmp_filter_ctx filter, uint32_t architecture)
{
    static const uint32_t namespaces[] = {CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS,
                                          CLONE_NEWPID,    CLONE_NEWUTS, CLONE_NEWUSER};
    unsigned int flags = architecture == SCMP_ARCH_S390 || architecture == SCMP_ARCH_S390X ? 1 : 0;
    int error = deny_if(filter, "clone", flags, CLONE_THREAD, 0);
    for (size_t i = 0; error == 0 && i < sizeof namespaces / sizeof *namespaces; i++)
        error = deny_if(filter, "clone", flags, namespaces[i], namespaces[i]);
    return error == 0 ? add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL) : error;
}

/* Leave sockets to what listeners, syslog(3) and the C library need. Where the kernel has
 * socketcall, whose arguments lie in memory, libseccomp would deny every socket instead. */
static int deny_sockets(scmp_filter_ctx filter, uint32_t architecture)
{
    int error = 0;
    if (seccomp_syscall_resolve_name_arch(architecture, "socketcall") >= 0)
        return 0;
    for (uint32_t family = AF_INET + 1; error == 0 && family < 64; family++) {
        if (family != AF_INET6 && family != AF_NETLINK)
            error = deny_if(filter, "socket", 0, UINT32_MAX, family);
    }
    return error;
}

/* Deny what types into a terminal: a shell there would run it. */
static int deny_typing(scmp_filter_ctx filter)
{
    int error = deny_if(filter, "ioctl", 1, UINT32_MAX, TIOCSTI);
    return error == 0 ? deny_if(filter, "ioctl", 1, UINT32_MAX, TIOCLINUX) : error;
}

int seccomp_fill(void *filter, uint32_t architecture)
{
    int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, REFUSE);
    for (size_t i = 0; error == 0 && i < sizeof denied / sizeof *denied; i++)
        error = add(filter, REFUSE, denied[i], 0, NULL);
    if (error == 0)
        error = deny_clones(filter, architecture);
    if (error == 0)
        error = deny_sockets(filter, architecture);
    return error == 0 ? deny_typing(filter) : error;
}

static int install(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return -ENOMEM;
    int error = seccomp_fill(filter, seccomp_arch_native());
    if (error == 0) /* the threads of a library, too */
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (error == 0) /* the kernel's own errno */
        error = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}

int seccomp_enter(void)
{
    errno = -install();
    if (errno == 0) {
        log_line(LOG_NOTICE, "seccomp filter installed");
        return 0;
    }
    log_errno(LOG_CRIT, "cannot install the seccomp filter");
    return -1;
}

#endif
