/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: when a peer sends "do NAME", the thread that receives it makes a system call that
 * no running daemon makes, as an attacker in control of it would. */
#include <config.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static char page[65536] __attribute__((aligned(65536))); /* of any size that pages have */

static void do_execve(void)
{
    char *none[] = {NULL};
    (void)execve("/bin/true", none, none);
}

static void do_fork(void)
{
    if (fork() == 0)
        _exit(0);
}

static void do_mmap(void)
{
    (void)mmap(NULL, sizeof page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
               -1, 0);
}

static void do_mprotect(void)
{
    (void)mprotect(page, sizeof page, PROT_READ | PROT_EXEC);
}

static void do_setuid(void)
{
    (void)!setuid(0);
}

static void do_socket(void)
{
    (void)socket(AF_PACKET, SOCK_RAW, 0);
}

static void do_ioctl(void)
{
    (void)ioctl(STDERR_FILENO, TIOCSTI, "!");
}

static void do_kill(void)
{
    (void)kill(1, 0);
}

static void do_ptrace(void)
{
    (void)ptrace(PTRACE_DETACH, 1, NULL, NULL); /* which is not traced */
}

/* To survive the signal. */
static void do_sigaction(void)
{
    (void)signal(SIGSYS, SIG_IGN);
}

static void do_unknown(void)
{
    (void)syscall(9999);
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {{"execve", do_execve},       {"fork", do_fork},      {"mmap", do_mmap},
            {"mprotect", do_mprotect},   {"setuid", do_setuid},  {"socket", do_socket},
            {"ioctl", do_ioctl},         {"kill", do_kill},      {"ptrace", do_ptrace},
            {"sigaction", do_sigaction}, {"unknown", do_unknown}};

static void obey(const char *message, ssize_t length)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        size_t size = strlen(acts[i].name);
        if (length > 3 + (ssize_t)size && memcmp(message, "do ", 3) == 0 &&
            memcmp(message + 3, acts[i].name, size) == 0 && message[3 + size] == ' ')
            acts[i].act();
    }
}

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        abort();
    return found;
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t got = ((__typeof__(&recv))real("recv"))(fd, buffer, size, flags);
    obey(buffer, got);
    return got;
}

/* Its name under _FORTIFY_SOURCE.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags);
ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags)
{
    ssize_t got = ((__typeof__(&__recv_chk))real("__recv_chk"))(fd, buffer, size, room, flags);
    obey(buffer, got);
    return got;
}
/* NOLINTEND(bugprone-reserved-identifier) */
