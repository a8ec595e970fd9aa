/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/replace_file.h"

#include "common/deadline.h"
#include "common/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The longest `beginning`. */
#define BEGINNING_MAX 64

/* Return 0 if the file can be replaced; otherwise an error. */
static int check_file(int fd, const char *beginning)
{
    char octets[BEGINNING_MAX];
    struct stat about;

    if (fstat(fd, &about) != 0)
        return errno;
    if (!S_ISREG(about.st_mode))
        return REPLACE_FOREIGN;
    ssize_t length = read(fd, octets, strlen(beginning));
    if (length < 0)
        return errno;
    return length == 0 || ((size_t)length == strlen(beginning) &&
                           memcmp(octets, beginning, (size_t)length) == 0)
               ? 0
               : REPLACE_FOREIGN;
}

/* Look at what rename(2) would replace. Follows no link, and does not wait. Returns 0 if there is
 * nothing, or what can be replaced; otherwise an error. */
static int check_target(const char *path, const char *beginning)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && (errno == ELOOP || errno == ENXIO)) /* a link, a socket */
        return REPLACE_FOREIGN;
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    int error = check_file(fd, beginning);
    (void)close(fd);
    return error;
}

/* A file that is incomplete never has the name that is read. In a directory to which others can
 * write, O_EXCL opens nothing of theirs, no link and no FIFO, and they cannot guess the name to
 * take it first. */
static int replace(const char *path, const char *text)
{
    char fresh[PATH_MAX + sizeof ".new.89abcdef"];
    snprintf(fresh, sizeof fresh, "%s.new.%08x", path, (unsigned)clock_nanoseconds());
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    bool written = write_all(fd, text, strlen(text)) == 0;
    if ((written ? close(fd) : close_after_error(fd)) == 0 && rename(fresh, path) == 0)
        return 0;
    int error = errno;
    (void)unlink(fresh);
    return error;
}

int replace_file(const char *path, const char *beginning, const char *text)
{
    int error = check_target(path, beginning);
    return error == 0 ? replace(path, text) : error;
}
