/* SPDX-License-Identifier: MIT */
/* The file is locked before it is truncated, so a second daemon never destroys the first one's
 * process id, and can report it. After flock(2) the inode of the path is compared with that of the
 * descriptor: the last holder may have removed the file between open(2) and flock(2), and then the
 * lock is on a file without a name. The lock is taken after the forks of background.c; the
 * descriptor holds it as long as the daemon lives. */
#include <config.h>

#include "server/process/pid_file.h"

#include "common/descriptor.h"
#include "server/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Leaves errno at EWOULDBLOCK. */
static void log_holder(const char *path, int fd)
{
    char text[32] = "";
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    text[length > 0 ? strspn(text, "0123456789") : 0] = '\0';
    log_line(LOG_CRIT, "pid file %s is locked by %s%s; another sixteend is running", path,
             text[0] != '\0' ? "process " : "another process", text);
    errno = EWOULDBLOCK;
}

/* Returns 1; 0 if `path` names another file by now; or -1 and errno with the reason logged. */
static int lock(const char *path, int fd)
{
    struct stat named;
    struct stat locked;

    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            log_holder(path, fd);
        else
            log_errno(LOG_CRIT, "cannot lock the pid file %s", path);
        return -1;
    }
    int result = stat(path, &named);
    if (result != 0 && errno == ENOENT)
        return 0;
    if (result != 0 || fstat(fd, &locked) != 0) {
        log_errno(LOG_CRIT, "cannot stat the pid file %s", path);
        return -1;
    }
    return named.st_dev == locked.st_dev && named.st_ino == locked.st_ino;
}

static int open_locked(const char *path)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0) {
            log_errno(LOG_CRIT, "cannot open the pid file %s%s", path,
                      errno == ENOENT ? "; its directory does not exist" : "");
            return -1;
        }
        int locked = lock(path, fd);
        if (locked > 0)
            return fd;
        close_after_error(fd);
        if (locked < 0)
            return -1;
    }
}

int pid_file_take(const char *path)
{
    int fd = open_locked(path);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
        log_errno(LOG_CRIT, "cannot write the pid file %s", path);
        return close_after_error(fd);
    }
    return fd;
}

void pid_file_release(const char *path, int fd)
{
    if (fd < 0)
        return;
    if (unlink(path) != 0 && ftruncate(fd, 0) != 0)
        log_errno(LOG_WARNING, "cannot empty the pid file %s", path);
    close(fd);
}
