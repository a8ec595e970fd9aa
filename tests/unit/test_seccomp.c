/* SPDX-License-Identifier: MIT */
/* The filter of --with-seccomp for every architecture that libseccomp knows: its program runs here,
 * over calls that are only described. */
#include <config.h>

#include "server/process/seccomp.h"
#include "support.h"

#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define NONE 0
#define THREAD                                                                          \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static const char *const architectures[] = {
    "x86_64", "x86",      "x32",     "arm",         "aarch64",   "mips",        "mipsel", "mips64",
    "ppc",    "mipsel64", "ppc64",   "ppc64le",     "mips64n32", "mipsel64n32", "s390",   "s390x",
    "parisc", "parisc64", "riscv64", "loongarch64", "m68k",      "sh",          "sheb"};

/* The program for the architecture of this turn; 0 if this libseccomp does not know it. */
static uint32_t architecture;
static struct sock_filter program[BPF_MAXINSNS];
static size_t program_length;

static uint32_t of_target(uint32_t value)
{
    return architecture & __AUDIT_ARCH_LE ? le32toh(value) : be32toh(value);
}

static uint16_t code_of_target(uint16_t value)
{
    return architecture & __AUDIT_ARCH_LE ? le16toh(value) : be16toh(value);
}

/* Returns whether there is one. */
static bool build(int turn)
{
    architecture = seccomp_arch_resolve_name(architectures[turn]);
    if (architecture == 0)
        return false;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    need(filter != NULL, "a filter");
    if (architecture != seccomp_arch_native()) {
        need(seccomp_arch_remove(filter, seccomp_arch_native()) == 0, "no architecture");
        need(seccomp_arch_add(filter, architecture) == 0, "an architecture");
    }
    ck_assert_int_eq(seccomp_fill(filter, architecture), 0);
    int fd = memfd_create("filter", MFD_CLOEXEC);
    need(fd >= 0 && seccomp_export_bpf(filter, fd) == 0, "a program");
    ssize_t size = pread(fd, program, sizeof program, 0);
    need(size > 0, "its text");
    program_length = (size_t)size / sizeof *program;
    close(fd);
    seccomp_release(filter);
    return true;
}

/* What the kernel does with this program: its result for the words of a struct seccomp_data. */
static uint32_t run(const uint32_t words[static sizeof(struct seccomp_data) / 4])
{
    uint32_t a = 0;
    for (size_t at = 0; at < program_length; at++) {
        const struct sock_filter *now = &program[at];
        uint32_t k = of_target(now->k);
        bool holds;
        switch (code_of_target(now->code)) {
        case BPF_LD | BPF_W | BPF_ABS: a = words[k / 4]; continue;
        case BPF_ALU | BPF_AND | BPF_K: a &= k; continue;
        case BPF_RET | BPF_K: return k;
        case BPF_JMP | BPF_JA: at += k; continue;
        case BPF_JMP | BPF_JEQ | BPF_K: holds = a == k; break;
        case BPF_JMP | BPF_JGT | BPF_K: holds = a > k; break;
        case BPF_JMP | BPF_JGE | BPF_K: holds = a >= k; break;
        case BPF_JMP | BPF_JSET | BPF_K: holds = (a & k) != 0; break;
        default: give_up("an instruction that this test does not know");
        }
        at += holds ? now->jt : now->jf;
    }
    give_up("a program without an end");
}

/* The errno that this call gets, or 0 if it is allowed. */
static int answer(uint32_t of, int number, unsigned int argument, uint64_t value)
{
    uint32_t words[sizeof(struct seccomp_data) / 4] = {(uint32_t)number, of};
    size_t low = 4 + 2 * (size_t)argument;
    size_t high = low + 1;
    if (!(architecture & __AUDIT_ARCH_LE)) {
        high = low;
        low = high + 1;
    }
    words[low] = (uint32_t)value;
    words[high] = (uint32_t)(value >> 32);
    uint32_t action = run(words);
    if (action == SECCOMP_RET_ALLOW)
        return 0;
    ck_assert_uint_eq(action & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
    return (int)(action & SECCOMP_RET_DATA);
}

/* The kernel itself knows no x32: its calls have a bit more. */
static uint32_t own(void)
{
    return architecture == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : architecture;
}

static void assert_answer(int expected, const char *call, unsigned int argument, uint64_t value)
{
    int number = seccomp_syscall_resolve_name_arch(architecture, call);
    if (number < 0) /* not on this architecture */
        return;
    int got = answer(own(), number, argument, value);
    ck_assert_msg(got == expected, "%s(%u: %#llx) on %#x: %s, not %s", call, argument,
                  (unsigned long long)value, architecture, strerror(got), strerror(expected));
}

START_TEST(what_a_break_in_wants_is_denied)
{
    static const char *const calls[] = {"acct",
                                        "add_key",
                                        "adjtimex",
                                        "bpf",
                                        "capset",
                                        "chroot",
                                        "clock_adjtime",
                                        "clock_adjtime64",
                                        "clock_settime",
                                        "clock_settime64",
                                        "create_module",
                                        "delete_module",
                                        "execve",
                                        "execveat",
                                        "finit_module",
                                        "fork",
                                        "fsconfig",
                                        "fsmount",
                                        "fsopen",
                                        "fspick",
                                        "init_module",
                                        "io_uring_enter",
                                        "io_uring_register",
                                        "io_uring_setup",
                                        "ioperm",
                                        "iopl",
                                        "kcmp",
                                        "kexec_file_load",
                                        "kexec_load",
                                        "keyctl",
                                        "lookup_dcookie",
                                        "modify_ldt",
                                        "mount",
                                        "mount_setattr",
                                        "move_mount",
                                        "open_by_handle_at",
                                        "open_tree",
                                        "perf_event_open",
                                        "pidfd_getfd",
                                        "pivot_root",
                                        "process_madvise",
                                        "process_vm_readv",
                                        "process_vm_writev",
                                        "ptrace",
                                        "quotactl",
                                        "quotactl_fd",
                                        "reboot",
                                        "request_key",
                                        "setdomainname",
                                        "setfsgid",
                                        "setfsuid",
                                        "setgid",
                                        "setgroups",
                                        "sethostname",
                                        "setns",
                                        "setregid",
                                        "setresgid",
                                        "setresgid32",
                                        "setresuid",
                                        "setresuid32",
                                        "setreuid",
                                        "settimeofday",
                                        "setuid",
                                        "setuid32",
                                        "stime",
                                        "swapoff",
                                        "swapon",
                                        "syslog",
                                        "umount",
                                        "umount2",
                                        "unshare",
                                        "userfaultfd",
                                        "vfork",
                                        "vm86"};
    if (!build(_i))
        return;
    for (size_t i = 0; i < COUNT(calls); i++) {
        assert_answer(EPERM, calls[i], 0, NONE);
        assert_answer(EPERM, calls[i], 1, UINT64_MAX);
    }
}
END_TEST

/* Whatever C library makes them. */
START_TEST(what_daemons_do_is_allowed)
{
    static const char *const calls[] = {"accept",
                                        "accept4",
                                        "bind",
                                        "brk",
                                        "clock_gettime",
                                        "clock_gettime64",
                                        "clock_nanosleep",
                                        "close",
                                        "connect",
                                        "dup3",
                                        "epoll_ctl",
                                        "epoll_pwait",
                                        "exit_group",
                                        "fchmod",
                                        "fcntl",
                                        "fcntl64",
                                        "flock",
                                        "fstat",
                                        "fsync",
                                        "futex",
                                        "futex_time64",
                                        "getdents64",
                                        "getpid",
                                        "getrandom",
                                        "getsockname",
                                        "getsockopt",
                                        "gettid",
                                        "ioctl",
                                        "ipc",
                                        "kill",
                                        "listen",
                                        "lseek",
                                        "madvise",
                                        "membarrier",
                                        "mmap",
                                        "mmap2",
                                        "mprotect",
                                        "munmap",
                                        "newfstatat",
                                        "open",
                                        "openat",
                                        "openat2",
                                        "pipe2",
                                        "poll",
                                        "ppoll",
                                        "ppoll_time64",
                                        "prctl",
                                        "pread64",
                                        "prlimit64",
                                        "read",
                                        "readv",
                                        "recvfrom",
                                        "recvmsg",
                                        "rename",
                                        "renameat2",
                                        "restart_syscall",
                                        "rseq",
                                        "rt_sigaction",
                                        "rt_sigprocmask",
                                        "rt_sigreturn",
                                        "sched_getaffinity",
                                        "sched_setscheduler",
                                        "sched_yield",
                                        "seccomp",
                                        "sendmmsg",
                                        "sendmsg",
                                        "sendto",
                                        "set_robust_list",
                                        "set_tid_address",
                                        "setitimer",
                                        "setrlimit",
                                        "setsockopt",
                                        "shutdown",
                                        "socket",
                                        "stat",
                                        "statx",
                                        "sysinfo",
                                        "tgkill",
                                        "time",
                                        "tkill",
                                        "ugetrlimit",
                                        "umask",
                                        "uname",
                                        "unlink",
                                        "unlinkat",
                                        "write",
                                        "writev"};
    if (!build(_i))
        return;
    for (size_t i = 0; i < COUNT(calls); i++)
        assert_answer(0, calls[i], 0, NONE);
    for (unsigned int call = 1; call <= 20; call++) /* SYS_SOCKET and the others */
        assert_answer(0, "socketcall", 0, call);
    assert_answer(0, "ioctl", 1, SIOCGIFNAME);
    ck_assert_int_eq(answer(own(), architecture == SCMP_ARCH_X32 ? 0x40000000 + 9999 : 9999, 0, 0),
                     0);
    ck_assert_int_eq(answer(own(), -1, 0, 0), 0); /* what strace makes of a call that it has fail */
}
END_TEST

START_TEST(clone_makes_threads_and_nothing_else)
{
    static const uint64_t namespaces[] = {CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS,
                                          CLONE_NEWPID,    CLONE_NEWUTS, CLONE_NEWUSER};
    if (!build(_i))
        return;
    bool swapped = architecture == SCMP_ARCH_S390 || architecture == SCMP_ARCH_S390X;
    unsigned int flags = swapped ? 1 : 0;
    assert_answer(0, "clone", flags, THREAD);
    assert_answer(EPERM, "clone", flags, SIGCHLD);
    assert_answer(EPERM, "clone", flags, CLONE_VM | CLONE_VFORK | SIGCHLD);
    assert_answer(EPERM, "clone", flags, UINT64_MAX - CLONE_THREAD);
    assert_answer(EPERM, "clone", 1 - flags, UINT64_MAX); /* the stack */
    for (size_t i = 0; i < COUNT(namespaces); i++) {
        assert_answer(EPERM, "clone", flags, THREAD | namespaces[i]);
        assert_answer(EPERM, "clone", flags, SIGCHLD | namespaces[i]);
    }
    assert_answer(ENOSYS, "clone3", 0, NONE); /* and the C library takes clone */
}
END_TEST

/* With socketcall no family is seen. */
START_TEST(sockets_are_of_the_families_that_a_daemon_needs)
{
    static const int needed[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    static const int others[] = {AF_AX25,      AF_KEY, AF_PACKET, AF_RDS,     AF_CAN, AF_TIPC,
                                 AF_BLUETOOTH, AF_ALG, AF_VSOCK,  AF_QIPCRTR, AF_SMC, AF_XDP};
    if (!build(_i))
        return;
    bool unseen = seccomp_syscall_resolve_name_arch(architecture, "socketcall") >= 0;
    for (size_t i = 0; i < COUNT(needed); i++)
        assert_answer(0, "socket", 0, (uint64_t)needed[i]);
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_answer(unseen ? 0 : EPERM, "socket", 0, (uint64_t)others[i]);
        assert_answer(unseen ? 0 : EPERM, "socket", 0, (uint64_t)others[i] | UINT64_C(1) << 32);
    }
}
END_TEST

START_TEST(nothing_is_typed_into_a_terminal)
{
    if (!build(_i))
        return;
    assert_answer(EPERM, "ioctl", 1, TIOCSTI);
    assert_answer(EPERM, "ioctl", 1, TIOCLINUX);
    assert_answer(EPERM, "ioctl", 1, TIOCSTI | UINT64_C(1) << 63);
    assert_answer(0, "ioctl", 1, TIOCGWINSZ);
}
END_TEST

START_TEST(calls_of_other_architectures_are_denied)
{
    if (!build(_i))
        return;
    for (int number = 0; number < 500; number++)
        ck_assert_int_eq(answer(own() ^ 1, number, 0, NONE), EPERM);
    if (architecture == SCMP_ARCH_X86_64) { /* x32 */
        for (int number = 0; number < 600; number++)
            ck_assert_int_eq(answer(own(), 0x40000000 + number, 0, NONE), EPERM);
    }
}
END_TEST

Suite *seccomp_suite(void)
{
    Suite *suite = suite_create("seccomp");
    TCase *filter = add_case(suite, "filter", NULL);
    int turns = COUNT(architectures);
    tcase_add_loop_test(filter, what_a_break_in_wants_is_denied, 0, turns);
    tcase_add_loop_test(filter, what_daemons_do_is_allowed, 0, turns);
    tcase_add_loop_test(filter, clone_makes_threads_and_nothing_else, 0, turns);
    tcase_add_loop_test(filter, sockets_are_of_the_families_that_a_daemon_needs, 0, turns);
    tcase_add_loop_test(filter, nothing_is_typed_into_a_terminal, 0, turns);
    tcase_add_loop_test(filter, calls_of_other_architectures_are_denied, 0, turns);
    return suite;
}
