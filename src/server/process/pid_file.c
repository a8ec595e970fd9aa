/* SPDX-License-Identifier: MIT */
/* The file is locked before it is truncated, so a second daemon never destroys the first one's
 * process ID, and can report it. After flock(2) the inode of the path is compared with that of the
 * descriptor: the last holder may have removed the file between open(2) and flock(2), and then the
 * lock is on a file without a name. The lock is taken after the forks of background.c; the
 * descriptor holds it as long as the daemon lives.
 *
 * Every process that can open a file can lock it, even one that can only read it. So the mode is
 * 0600. If other users can open the file, the daemon replaces it with a new one. Otherwise a
 * process that has the old file open could lock it later. If such a file is locked already, the
 * lock counts only if the process that the file names is alive. A file with another name, a hard
 * link, is replaced too: what is written would be seen under that name. Where that is not possible,
 * the file is used as it is.
 *
 * The path can be a mistake, and the file can change while the daemon runs. So only an empty file
 * or one that holds a process ID is written to, and only the file that was locked is removed, if it
 * still has its name and the daemon's process ID. */
#include <config.h>

#include "server/process/pid_file.h"

#include "common/descriptor.h"
#include "common/number.h"
#include "server/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A daemon that has just locked the file gets this time, 150 ms in all, to write to it. In a file
 * system that does not keep modes a new file is like the one that it replaces. */
#define ATTEMPTS 3
static const struct timespec between = {.tv_nsec = 50000000};

/* Return the process ID that the file holds, or 0 if it is empty; or -1 and errno, which is EINVAL
 * if it holds anything else. */
static pid_t read_pid(int fd)
{
    char text[16] = "";
    unsigned long long pid;
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    if (length <= 0)
        return (pid_t)length;
    size_t digits = strspn(text, "0123456789");
    size_t end = digits + (text[digits] == '\n');
    text[digits] = '\0';
    if (end == (size_t)length && end < sizeof text - 1 && read_whole(text, INT_MAX, &pid) &&
        pid > 0)
        return (pid_t)pid;
    errno = EINVAL;
    return -1;
}

/* Read the process ID as read_pid() does, but log why if the result is -1. */
static pid_t examine(const char *path, int fd, struct stat *status)
{
    if (fstat(fd, status) != 0) {
        log_errno(LOG_CRIT, "cannot stat the pid file %s", path);
        return -1;
    }
    errno = EINVAL;
    pid_t pid = S_ISREG(status->st_mode) ? read_pid(fd) : -1;
    if (pid < 0 && errno == EINVAL)
        log_line(LOG_CRIT,
                 "%s is not a pid file (a regular file that is empty or holds a process ID) and is "
                 "not changed; name another file",
                 path);
    else if (pid < 0)
        log_errno(LOG_CRIT, "cannot read the pid file %s", path);
    return pid;
}

/* Returns 1 if `path` names the file of `fd`; 0 if it names another one or none; -1 and errno. */
static int is_named(const char *path, int fd)
{
    struct stat named;
    struct stat opened;
    if (lstat(path, &named) != 0)
        return errno == ENOENT ? 0 : -1;
    if (fstat(fd, &opened) != 0)
        return -1;
    return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* Whether processes of other users can have locked the file. */
static bool is_open_to_others(const struct stat *status)
{
    bool is_ours = status->st_uid == 0 || status->st_uid == geteuid();
    return !is_ours || (status->st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

static bool is_alive(pid_t pid)
{
    return pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}

/* What the functions below return. FAILED comes with errno, and the reason is logged. */
enum { FAILED = -1, AGAIN, LOCKED };

static int refuse_second(const char *path, int fd)
{
    pid_t pid = read_pid(fd);
    if (pid > 0)
        log_line(LOG_CRIT, "pid file %s is locked by process %ld; another sixteend is running",
                 path, (long)pid);
    else
        log_line(LOG_CRIT, "pid file %s is locked by another process; another sixteend is running",
                 path);
    errno = EWOULDBLOCK;
    return FAILED;
}

/* Another process has locked the file, but perhaps only to prevent a start. */
static int replace_locked(const char *path, int fd, int attempt)
{
    if (attempt < ATTEMPTS) {
        (void)nanosleep(&between, NULL);
        return AGAIN;
    }
    int named = is_named(path, fd);
    if (named == 0 || (named > 0 && unlink(path) == 0))
        return AGAIN;
    log_errno(LOG_CRIT, "cannot replace the pid file %s, which another process has locked", path);
    return FAILED;
}

static int lock(const char *path, int fd, int attempt)
{
    struct stat status;
    pid_t pid = examine(path, fd, &status);
    if (pid < 0)
        return FAILED;
    bool is_open = is_open_to_others(&status);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return is_open && !is_alive(pid) ? replace_locked(path, fd, attempt)
                                             : refuse_second(path, fd);
        log_errno(LOG_CRIT, "cannot lock the pid file %s", path);
        return FAILED;
    }
    int named = is_named(path, fd);
    if (named < 0)
        log_errno(LOG_CRIT, "cannot stat the pid file %s", path);
    if (named > 0 && (is_open || status.st_nlink > 1) && attempt < ATTEMPTS && unlink(path) == 0)
        return AGAIN;
    return named;
}

static int open_locked(const char *path)
{
    for (int attempt = 0;; attempt++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                      S_IRUSR | S_IWUSR);
        if (fd < 0) {
            log_errno(LOG_CRIT, "cannot open the pid file %s%s", path,
                      errno == ENOENT  ? "; its directory does not exist"
                      : errno == ELOOP ? "; it is a symbolic link"
                                       : "");
            return -1;
        }
        int result = lock(path, fd, attempt);
        if (result == LOCKED)
            return fd;
        close_after_error(fd);
        if (result == FAILED)
            return -1;
    }
}

int pid_file_take(const char *path)
{
    int fd = open_locked(path);
    if (fd < 0)
        return -1;
    if (fchmod(fd, S_IRUSR | S_IWUSR) != 0)
        log_errno(LOG_WARNING,
                  "cannot set the mode of the pid file %s; other users can lock it, and so prevent "
                  "a start",
                  path);
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
    int named = is_named(path, fd);
    if (named == 0 || read_pid(fd) != getpid())
        log_line(LOG_WARNING, "pid file %s was removed or changed meanwhile; it is left as it is",
                 path);
    else if ((named < 0 || unlink(path) != 0) && ftruncate(fd, 0) != 0)
        log_errno(LOG_WARNING, "cannot empty the pid file %s", path);
    close(fd);
}
