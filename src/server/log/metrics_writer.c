/* SPDX-License-Identifier: MIT */
/* There is one place for statistics that wait, where newer ones replace older ones. The thread
 * copies them, and then formats and writes them without the lock.
 *
 * `lock` protects everything except `written`, which belongs to the thread. A thread holds it to
 * copy or to log, never while a file is written. It comes before the lock of the log writer: the
 * thread logs with it held, so that once metrics_writer_stop() has given up, the thread cannot log
 * to a log writer that is gone. */
#include <config.h>

#include "server/log/metrics_writer.h"

#include "common/checked.h"
#include "common/deadline.h"
#include "common/descriptor.h"
#include "server/log/log.h"
#include "server/log/prometheus.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A write that takes longer hangs: a second. */
#define PATIENCE INT64_C(1000000000)

struct job {
    char path[PATH_MAX];
    struct stats stats;
};

struct metrics_writer {
    pthread_t thread;
    pthread_mutex_t lock;  /* protects all that follows, except `written` */
    pthread_cond_t wanted; /* there is something to write, or nothing more will come */
    pthread_cond_t done;   /* the thread has written everything and ends */
    bool pending;          /* `queued` has not been taken */
    bool stopping;
    bool stopped;
    bool given_up;      /* metrics_writer_stop() did not wait until the end */
    bool failing;       /* the last write failed or hangs, and that was logged */
    int64_t since;      /* when the write that is under way began, or NEVER */
    struct job queued;  /* what was put last */
    struct job written; /* what the thread writes */
};

/* The error if the path names something that is not a metrics file; any other is an errno. */
#define FOREIGN (-1)

/* Look at what rename(2) would replace: a path that is configured by mistake must not cost a file.
 * Follows no link, and does not wait. Returns 0 if there is nothing, an empty file or what a daemon
 * wrote; otherwise an error. */
static int check_target(const char *path)
{
    static const char beginning[] = "# HELP sixteend_";
    char octets[sizeof beginning - 1];
    struct stat about;
    int error = FOREIGN;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && (errno == ELOOP || errno == ENXIO)) /* a link, a socket */
        return FOREIGN;
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    if (fstat(fd, &about) != 0) {
        error = errno;
    } else if (S_ISREG(about.st_mode)) {
        ssize_t length = read(fd, octets, sizeof octets);
        if (length < 0)
            error = errno;
        else if (length == 0 ||
                 (length == sizeof octets && memcmp(octets, beginning, sizeof octets) == 0))
            error = 0;
    }
    (void)close(fd);
    return error;
}

/* A file that is incomplete never has the name that is read. In a directory to which others can
 * write, O_EXCL opens nothing of theirs, no link and no FIFO, and they cannot guess the name to
 * take it first. */
static int replace(const char *path, const char *content)
{
    char fresh[PATH_MAX + sizeof ".new.89abcdef"];
    snprintf(fresh, sizeof fresh, "%s.new.%08x", path, (unsigned)clock_nanoseconds());
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    bool written = write_all(fd, content, strlen(content)) == 0;
    if ((written ? close(fd) : close_after_error(fd)) == 0 && rename(fresh, path) == 0)
        return 0;
    int error = errno;
    (void)unlink(fresh);
    errno = error;
    return -1;
}

/* Returns 0 or an error. */
static int write_job(const struct job *job)
{
    struct process_stats process;
    int error = check_target(job->path);
    if (error != 0)
        return error;
    process_stats_read(&process);
    char *text = prometheus_format(&job->stats, &process);
    error = text != NULL && replace(job->path, text) == 0 ? 0 : errno;
    free(text);
    return error;
}

/* Called with the lock held. */
static void report(struct metrics_writer *writer, int error)
{
    errno = error;
    if (error == FOREIGN && !writer->failing)
        log_line(LOG_WARNING,
                 "metrics.file: %s exists and is not a metrics file of sixteend; it is not "
                 "replaced: remove it, or name another file",
                 writer->written.path);
    else if (error != 0 && !writer->failing)
        log_errno(LOG_WARNING, "metrics.file: cannot write %s", writer->written.path);
    else if (error == 0 && writer->failing)
        log_line(LOG_NOTICE, "metrics.file: %s is written again", writer->written.path);
    writer->failing = error != 0;
}

/* Called with the lock held; waits until there is something to write. Returns false if nothing more
 * will come. */
static bool take_job(struct metrics_writer *writer)
{
    while (!writer->pending && !writer->stopping)
        CHECKED(pthread_cond_wait(&writer->wanted, &writer->lock));
    if (!writer->pending)
        return false;
    if (strcmp(writer->written.path, writer->queued.path) != 0)
        writer->failing = false; /* nothing was said about this file */
    writer->written = writer->queued;
    writer->pending = false;
    return true;
}

static void *run(void *argument)
{
    struct metrics_writer *writer = argument;

    CHECKED(pthread_mutex_lock(&writer->lock));
    while (!writer->given_up && take_job(writer)) {
        writer->since = clock_nanoseconds();
        CHECKED(pthread_mutex_unlock(&writer->lock));
        int error = write_job(&writer->written);
        CHECKED(pthread_mutex_lock(&writer->lock));
        writer->since = NEVER;
        if (!writer->given_up)
            report(writer, error);
    }
    writer->stopped = true;
    CHECKED(pthread_cond_signal(&writer->done));
    CHECKED(pthread_mutex_unlock(&writer->lock));
    return NULL;
}

static void destroy(struct metrics_writer *writer)
{
    CHECKED(pthread_cond_destroy(&writer->done));
    CHECKED(pthread_cond_destroy(&writer->wanted));
    CHECKED(pthread_mutex_destroy(&writer->lock));
    free(writer);
}

struct metrics_writer *metrics_writer_create(void)
{
    struct metrics_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->since = NEVER;
    CHECKED(pthread_mutex_init(&writer->lock, NULL));
    CHECKED(pthread_cond_init(&writer->wanted, NULL));
    cond_init_monotonic(&writer->done);
    int error = pthread_create(&writer->thread, NULL, run, writer);
    if (error == 0)
        return writer;
    destroy(writer);
    errno = error;
    return NULL;
}

/* Called with the lock held. */
static void report_hang(struct metrics_writer *writer)
{
    if (writer->failing)
        return;
    log_line(LOG_WARNING, "metrics.file: cannot write %s: its disk does not answer",
             writer->written.path);
    writer->failing = true;
}

void metrics_writer_put(struct metrics_writer *writer, const char *path, const struct stats *stats)
{
    CHECKED(pthread_mutex_lock(&writer->lock));
    if (clock_nanoseconds() - writer->since > PATIENCE)
        report_hang(writer);
    snprintf(writer->queued.path, sizeof writer->queued.path, "%s", path);
    writer->queued.stats = *stats;
    writer->pending = true;
    CHECKED(pthread_cond_signal(&writer->wanted));
    CHECKED(pthread_mutex_unlock(&writer->lock));
}

bool metrics_writer_stop(struct metrics_writer *writer, double seconds)
{
    if (writer == NULL)
        return true;
    const struct timespec until = timespec_from(deadline_after(clock_nanoseconds(), seconds).at);
    int error = 0;
    CHECKED(pthread_mutex_lock(&writer->lock));
    writer->stopping = true;
    CHECKED(pthread_cond_signal(&writer->wanted));
    while (!writer->stopped && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&writer->done, &writer->lock, &until);
    bool stopped = writer->stopped;
    writer->given_up = !stopped;
    if (!stopped)
        report_hang(writer);
    CHECKED(pthread_mutex_unlock(&writer->lock));
    if (!stopped)
        return false;
    CHECKED(pthread_join(writer->thread, NULL));
    destroy(writer);
    return true;
}
