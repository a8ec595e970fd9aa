/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static bool standard_are_open(void)
{
    int fd = STDIN_FILENO;
    while (fd <= STDERR_FILENO && fcntl(fd, F_GETFD) >= 0)
        fd++;
    return fd > STDERR_FILENO;
}

int descriptors_open_standard(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = fcntl(fd, F_DUPFD, STDIN_FILENO);
    if (fd >= 0)
        return close(fd);
    int error = errno;
    bool are_open = standard_are_open();
    errno = error;
    return are_open ? 0 : -1;
}

int close_after_error(int fd)
{
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int write_all(int fd, const void *octets, size_t length)
{
    const char *from = octets;
    while (length > 0) {
        ssize_t written = write(fd, from, length);
        if (written < 0 && errno != EINTR)
            return -1;
        if (written > 0) {
            from += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

ssize_t write_when_ready(int fd, const void *octets, size_t length, int milliseconds)
{
    struct pollfd out = {.fd = fd, .events = POLLOUT};
    for (;;) {
        int ready = poll(&out, 1, milliseconds);
        if (ready == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t written = write(fd, octets, length);
        if (written >= 0 || (errno != EINTR && errno != EAGAIN))
            return written;
    }
}

/* A pipe that poll(2) reports as ready has room for PIPE_BUF octets. */
int write_text_when_ready(int fd, const char *text, int milliseconds)
{
    while (*text != '\0') {
        ssize_t written = write_when_ready(fd, text, strnlen(text, PIPE_BUF), milliseconds);
        if (written <= 0)
            return -1;
        text += written;
    }
    return 0;
}
