/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

int descriptors_open_standard(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0)
            return -1;
    } while (fd <= STDERR_FILENO);
    return close(fd);
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
