/* SPDX-License-Identifier: MIT */
/* There is one place for a content that waits, where a newer one replaces an older one. The thread
 * takes it, and then formats and writes it without the lock.
 *
 * `lock` protects everything except `written.content`, which belongs to the thread. A thread holds
 * it to take, to put or to report, never while a file is written. It comes before the locks of what
 * reports: the thread reports with it held, so that once file_writer_stop() has given up, the
 * thread cannot report to a log that is gone. */
#include <config.h>

#include "common/file_writer.h"

#include "common/checked.h"
#include "common/deadline.h"
#include "common/thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A write that takes longer hangs: a second. */
#define PATIENCE INT64_C(1000000000)

struct job {
    char path[PATH_MAX];
    void *content; /* NULL: none */
};

struct file_writer {
    const struct file_kind *kind;
    pthread_t thread;
    pthread_mutex_t lock;  /* protects all that follows, except `written.content` */
    pthread_cond_t wanted; /* there is something to write, or nothing more will come */
    pthread_cond_t done;   /* the thread has written everything and ends */
    int64_t since;         /* when the write that is under way began, or NEVER */
    bool stopping;
    bool stopped;
    bool given_up;         /* file_writer_stop() did not wait until the end */
    char failed[PATH_MAX]; /* the file whose failure was reported, and no success since; or empty */
    struct job queued;     /* what was put last */
    struct job written;    /* what the thread writes, or wrote last */
};

/* Returns 0 or an error. */
static int write_job(const struct file_kind *kind, struct job *job)
{
    char *text = kind->format(job->content);
    int error = text != NULL ? replace_file(job->path, kind->beginning, text) : errno;
    if (text != job->content)
        free(text);
    free(job->content);
    job->content = NULL;
    return error;
}

/* Called with the lock held. */
static void report(struct file_writer *writer, const char *path, int error)
{
    bool was_reported = strcmp(writer->failed, path) == 0;
    if (was_reported != (error != 0))
        writer->kind->report(path, error);
    snprintf(writer->failed, sizeof writer->failed, "%s", error != 0 ? path : "");
}

/* Called with the lock held; waits until there is something to write. Returns false if nothing more
 * will come. */
static bool take_job(struct file_writer *writer)
{
    while (writer->queued.content == NULL && !writer->stopping)
        CHECKED(pthread_cond_wait(&writer->wanted, &writer->lock));
    if (writer->queued.content == NULL)
        return false;
    writer->written = writer->queued;
    writer->queued.content = NULL;
    return true;
}

static void *run(void *argument)
{
    struct file_writer *writer = argument;

    CHECKED(pthread_mutex_lock(&writer->lock));
    while (!writer->given_up && take_job(writer)) {
        writer->since = clock_nanoseconds();
        CHECKED(pthread_mutex_unlock(&writer->lock));
        int error = write_job(writer->kind, &writer->written);
        CHECKED(pthread_mutex_lock(&writer->lock));
        writer->since = NEVER;
        if (!writer->given_up)
            report(writer, writer->written.path, error);
    }
    writer->stopped = true;
    CHECKED(pthread_cond_signal(&writer->done));
    CHECKED(pthread_mutex_unlock(&writer->lock));
    return NULL;
}

static void destroy(struct file_writer *writer)
{
    CHECKED(pthread_cond_destroy(&writer->done));
    CHECKED(pthread_cond_destroy(&writer->wanted));
    CHECKED(pthread_mutex_destroy(&writer->lock));
    free(writer->queued.content);
    free(writer);
}

struct file_writer *file_writer_create(const struct file_kind *kind)
{
    struct file_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->kind = kind;
    writer->since = NEVER;
    CHECKED(pthread_mutex_init(&writer->lock, NULL));
    CHECKED(pthread_cond_init(&writer->wanted, NULL));
    cond_init_monotonic(&writer->done);
    int error = thread_start(&writer->thread, run, writer);
    if (error == 0)
        return writer;
    destroy(writer);
    errno = error;
    return NULL;
}

void file_writer_put(struct file_writer *writer, const char *path, void *content)
{
    int error = errno;
    CHECKED(pthread_mutex_lock(&writer->lock));
    if (clock_nanoseconds() - writer->since > PATIENCE)
        report(writer, writer->written.path, FILE_WRITER_HANGS);
    if (content == NULL) {
        report(writer, path, error);
    } else {
        snprintf(writer->queued.path, sizeof writer->queued.path, "%s", path);
        free(writer->queued.content);
        writer->queued.content = content;
    }
    CHECKED(pthread_cond_signal(&writer->wanted));
    CHECKED(pthread_mutex_unlock(&writer->lock));
}

bool file_writer_stop(struct file_writer *writer, double seconds)
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
        report(writer, writer->written.path, FILE_WRITER_HANGS);
    CHECKED(pthread_mutex_unlock(&writer->lock));
    if (!stopped)
        return false;
    CHECKED(pthread_join(writer->thread, NULL));
    destroy(writer);
    return true;
}
