/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: when a peer sends "break in", the thread that receives it makes the system calls
 * of an intruder, and reports the result of each to standard error. Without the filter, the kernel
 * gives most of them another result. */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    long number;
    long arguments[4];
} attempts[] = {
    {"execve", SYS_execve, {(long)"/nonexistent", 0, 0, 0}},
    {"execveat", SYS_execveat, {AT_FDCWD, (long)"/nonexistent", 0, 0}},
    {"clone3", SYS_clone3, {0, 0, 0, 0}},
    {"unshare", SYS_unshare, {CLONE_FS, 0, 0, 0}},
    {"setns", SYS_setns, {-1, 0, 0, 0}},
    {"ptrace", SYS_ptrace, {PTRACE_DETACH, 1, 0, 0}},
    {"process_vm_readv", SYS_process_vm_readv, {0, 0, 0, 0}},
    {"mount", SYS_mount, {0, 0, 0, 0}},
    {"chroot", SYS_chroot, {(long)"/nonexistent", 0, 0, 0}},
    {"keyctl", SYS_keyctl, {-1, 0, 0, 0}},
    {"bpf", SYS_bpf, {-1, 0, 0, 0}},
    {"perf_event_open", SYS_perf_event_open, {0, 0, 0, 0}},
    {"userfaultfd", SYS_userfaultfd, {-1, 0, 0, 0}},
    {"io_uring_setup", SYS_io_uring_setup, {0, 0, 0, 0}},
    {"finit_module", SYS_finit_module, {-1, 0, 0, 0}},
    {"setuid", SYS_setuid, {-1, 0, 0, 0}},
    {"ioctl of TIOCSTI", SYS_ioctl, {-1, TIOCSTI, 0, 0}},
#ifndef SYS_socketcall
    {"socket of AF_ALG", SYS_socket, {AF_ALG, -1, 0, 0}},
#endif
#ifdef __x86_64__
    {"a call of x32", 0x40000000L + SYS_getpid, {0, 0, 0, 0}},
#endif
    {"an unknown call", 9999, {0, 0, 0, 0}},
    {"a pipe", SYS_pipe2, {0, 0, 0, 0}},
};

static void report(const char *name, long result)
{
    dprintf(STDERR_FILENO, "intruder: %s: %s\n", name, result < 0 ? strerror(errno) : "done");
}

static void break_in(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    report("fork", child);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        report(attempts[i].name,
               syscall(attempts[i].number, attempts[i].arguments[0], attempts[i].arguments[1],
                       attempts[i].arguments[2], attempts[i].arguments[3]));
}

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        abort();
    return found;
}

static ssize_t obey(const char *message, ssize_t length)
{
    if (length >= 8 && memcmp(message, "break in", 8) == 0)
        break_in();
    return length;
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    return obey(buffer, ((__typeof__(&recv))real("recv"))(fd, buffer, size, flags));
}

/* Its name under _FORTIFY_SOURCE.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags);
ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags)
{
    return obey(buffer,
                ((__typeof__(&__recv_chk))real("__recv_chk"))(fd, buffer, size, room, flags));
}
/* NOLINTEND(bugprone-reserved-identifier) */
