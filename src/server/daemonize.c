/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* The writing end of the pipe to the process that waits, or -1. */
static int report_fd = -1;

int daemonize_check_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0)
            return -1;
    } while (fd <= STDERR_FILENO);
    return close(fd);
}

static void close_inherited(void)
{
#ifdef HAVE_CLOSE_RANGE
    if (close_range(STDERR_FILENO + 1, ~0U, 0) == 0)
        return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = STDERR_FILENO + 1; fd < most; fd++)
        close(fd);
}

/* The process that was called: wait for the daemon's word. */
_Noreturn static void wait_for_daemon(int fd)
{
    unsigned char status;
    ssize_t got;
    do
        got = read(fd, &status, sizeof status);
    while (got < 0 && errno == EINTR);
    _exit(got == sizeof status ? status : EX_OSERR);
}

/* In the child. Its own child is no session leader, so it never gets a terminal. */
static int become_daemon(int fd)
{
    if (setsid() < 0)
        return -1;
    pid_t daemon = fork();
    if (daemon < 0)
        return -1;
    if (daemon > 0)
        _exit(EX_OK);
    umask(022);
    report_fd = fd;
    return clearenv() != 0 ? -1 : chdir("/");
}

int daemonize_begin(void)
{
    int ends[2];

    close_inherited();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child > 0) {
        close(ends[1]);
        wait_for_daemon(ends[0]);
    }
    close(ends[0]);
    return become_daemon(ends[1]);
}

static void let_go_of_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)dup2(null, fd);
    close(null);
}

void daemonize_finish(int status)
{
    if (report_fd < 0)
        return;
    if (status == EX_OK)
        let_go_of_terminal();
    unsigned char report = (unsigned char)status;
    ssize_t written = write(report_fd, &report, sizeof report);
    (void)written;
    close(report_fd);
    report_fd = -1;
}
