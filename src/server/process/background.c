/* SPDX-License-Identifier: MIT */
/* fork(2), setsid(2), fork(2): the daemon is not a session leader, so it never gets a terminal. The
 * first process waits at a pipe for the daemon's status: 0 when the daemon is ready, its exit
 * status if the start fails, EX_OSERR if the pipe closes without a status. Only at ready do
 * standard input, output and error go to /dev/null, so that the start can report its errors.
 *
 * Forks come before any thread, because locks that other threads held would stay locked in the
 * child. The environment is cleared, and its octets are overwritten, because /proc/PID/environ
 * shows them otherwise. The umask is 022 and not the 0 of daemon(7): every mode that the daemon
 * gives is explicit, so it only matters for a careless library.
 *
 * In the foreground, too, descriptors that were not passed on purpose are closed, and the working
 * directory is the root. Standard input is not closed: that would not free the terminal, which
 * descriptor 2 still holds. A stricter umask stays: it is the UMask= of a service manager. */
#include <config.h>

#include "server/process/background.h"

#include "common/command_line.h"
#include "common/descriptor.h"
#include "common/number.h"
#include "server/log/log.h"
#include "server/process/signals.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* Group and others cannot write to a file that is created without an explicit mode. */
#define LEAST_UMASK 022

/* The writing end of the pipe to the waiting process, or -1. */
static int report_fd = -1;

static void close_between(int first, int last)
{
#ifdef HAVE_CLOSE_RANGE
    if (close_range((unsigned int)first, (unsigned int)last, 0) == 0)
        return;
#elif defined SYS_close_range /* the C library does not have it, the kernel may */
    if (syscall(SYS_close_range, (unsigned int)first, (unsigned int)last, 0u) == 0)
        return;
#endif
    unsigned long long number;
    DIR *open_files = opendir("/proc/self/fd");
    const struct dirent *entry;
    if (open_files == NULL) {
        log_errno(LOG_WARNING, "cannot close inherited descriptors: /proc/self/fd");
        return;
    }
    while ((entry = readdir(open_files)) != NULL) {
        if (read_whole(entry->d_name, INT_MAX, &number) && (int)number >= first &&
            (int)number <= last && (int)number != dirfd(open_files))
            close((int)number);
    }
    closedir(open_files);
}

int background_prepare(int passed, int ready_fd)
{
    int first = STDERR_FILENO + 1 + passed;
    if (ready_fd > first)
        close_between(first, ready_fd - 1);
    close_between(ready_fd >= first ? ready_fd + 1 : first, INT_MAX);
    umask(umask(LEAST_UMASK) | LEAST_UMASK);
    return chdir("/");
}

/* In the first process: wait for the daemon's status. */
_Noreturn static void wait_for_daemon(pid_t child, int fd)
{
    unsigned char status;
    ssize_t got;
    (void)waitpid(child, NULL, 0); /* it exits once it has forked the daemon */
    do
        got = read(fd, &status, sizeof status);
    while (got < 0 && errno == EINTR);
    if (got == sizeof status)
        _exit(status);
    command_line_complain("sixteend", "the daemon exited before it was ready");
    _exit(EX_OSERR);
}

static int forget_environment(void)
{
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++)
        memset(*variable, 0, strlen(*variable));
    return clearenv();
}

int background_begin(void)
{
    int ends[2];

    signals_reset();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child < 0) {
        (void)close_after_error(ends[0]);
        return close_after_error(ends[1]);
    }
    if (child > 0) {
        close(ends[1]);
        wait_for_daemon(child, ends[0]);
    }
    close(ends[0]);
    report_fd = ends[1];
    if (setsid() < 0)
        return -1;
    pid_t daemon = fork();
    if (daemon < 0)
        return -1;
    if (daemon > 0)
        _exit(EX_OK);
    umask(LEAST_UMASK);
    return forget_environment();
}

static void complain_of_terminal(void)
{
    command_line_complain("sixteend", "cannot detach from the terminal: /dev/null: %s",
                          strerror(errno));
}

/* GCC's analyzer takes what dup2(2) returns for a descriptor that must be closed. */
#if defined __GNUC__ && !defined __clang__ && __GNUC__ >= 13
#pragma GCC diagnostic ignored "-Wanalyzer-fd-leak"
#endif
static void detach_from_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        complain_of_terminal();
        return;
    }
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(null, fd) < 0)
            complain_of_terminal();
    close(null);
}

int background_finish(int status)
{
    ssize_t written;
    if (report_fd < 0)
        return 0;
    if (status == EX_OK)
        detach_from_terminal();
    unsigned char report = (unsigned char)status;
    do
        written = write(report_fd, &report, sizeof report);
    while (written < 0 && errno == EINTR);
    close(report_fd);
    report_fd = -1;
    return written == sizeof report ? 0 : -1;
}
