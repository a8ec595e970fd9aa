/* SPDX-License-Identifier: MIT */
/* There are two queues. Threads put lines into one while the log writer writes the other; then it
 * swaps them. A line that does not fit is counted as lost, and the count is logged when there is
 * room again.
 *
 * `lock` protects the queue that takes lines, the counts and the flags. A thread
 * holds it to copy one line or to swap, never while something is written. A line's time is taken
 * with the lock held, so that the queue is in the order of time. The queue that is being written
 * belongs to the log writer alone.
 *
 * No wake-up is lost. While lines come, the log writer looks every 5 ms, and no thread pays for a
 * wake-up for each line. When it finds nothing it sets `asleep` and waits, all in one hold of the
 * lock, which pthread_cond_wait(3) releases. A thread that puts something clears `asleep` in the
 * same hold, and signals after it released the lock, so that the log writer does not wake up only
 * to wait for the lock. A line that comes alone is therefore written at once. */
#include <config.h>

#include "server/log/log_writer.h"

#include "common/checked.h"
#include "common/deadline.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* Of each queue: about 6,000 lines of connections. Pages that no line reaches take no memory. */
#define QUEUE_SIZE (1 << 20)

#define GATHER (5 * INT64_C(1000000))

/* A line in a queue; the next one follows at the next multiple of the alignment. */
struct record {
    struct timespec at;
    int severity;
    size_t length;
    char line[]; /* with its NUL */
};

struct queue {
    size_t used;
    _Alignas(struct record) char octets[QUEUE_SIZE];
};

struct log_writer {
    const struct log_sink *sink;
    pthread_t thread;
    pthread_mutex_t lock;  /* protects all that follows, except `written` */
    pthread_cond_t wanted; /* there is something to write, or nothing more will come */
    pthread_cond_t done;   /* the thread has written everything and ends */
    bool asleep;           /* the thread waits for `wanted` */
    bool stopping;
    bool stopped;
    unsigned long lost;     /* lines that did not fit */
    unsigned long reported; /* how many of them were logged */
    struct queue *queue;    /* that takes lines */
    struct queue *written;  /* that the thread writes */
    struct queue queues[2]; /* both */
};

static size_t record_size(size_t length)
{
    const size_t align = _Alignof(struct record);
    return (sizeof(struct record) + length + 1 + align - 1) / align * align;
}

static void write_queue(const struct log_writer *writer, const struct queue *queue)
{
    for (size_t at = 0; at < queue->used;) {
        const struct record *record = (const void *)(queue->octets + at);
        writer->sink->write(record->severity, &record->at, record->line, record->length);
        at += record_size(record->length);
    }
}

static void write_loss(const struct log_writer *writer, unsigned long lost)
{
    char line[128];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int length =
        snprintf(line, sizeof line, "%lu log lines lost: the log writer could not keep up", lost);
    writer->sink->write(LOG_WARNING, &now, line, (size_t)length);
}

/* What the thread does next, after the lines of `written`. */
struct work {
    unsigned long lost; /* lines whose loss is not logged yet */
    bool more;          /* more can follow */
};

/* Wait until there is something to write, and swap the queues. */
static struct work take_work(struct log_writer *writer)
{
    CHECKED(pthread_mutex_lock(&writer->lock));
    while (writer->queue->used == 0 && !writer->stopping) {
        writer->asleep = true;
        CHECKED(pthread_cond_wait(&writer->wanted, &writer->lock));
    }
    writer->asleep = false;
    struct queue *empty = writer->written;
    empty->used = 0;
    writer->written = writer->queue;
    writer->queue = empty;
    struct work work = {writer->lost - writer->reported, !writer->stopping};
    writer->reported = writer->lost;
    CHECKED(pthread_mutex_unlock(&writer->lock));
    return work;
}

static void *run(void *argument)
{
    static const struct timespec gather = {.tv_nsec = GATHER};
    struct log_writer *writer = argument;
    struct work work;

    do {
        work = take_work(writer);
        write_queue(writer, writer->written);
        if (work.lost > 0)
            write_loss(writer, work.lost);
        writer->sink->flush();
        if (work.more)
            (void)nanosleep(&gather, NULL);
    } while (work.more);

    CHECKED(pthread_mutex_lock(&writer->lock));
    writer->stopped = true;
    CHECKED(pthread_cond_signal(&writer->done));
    CHECKED(pthread_mutex_unlock(&writer->lock));
    return NULL;
}

static void destroy(struct log_writer *writer)
{
    CHECKED(pthread_cond_destroy(&writer->done));
    CHECKED(pthread_cond_destroy(&writer->wanted));
    CHECKED(pthread_mutex_destroy(&writer->lock));
    free(writer);
}

struct log_writer *log_writer_create(const struct log_sink *sink)
{
    pthread_condattr_t monotonic;
    struct log_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->sink = sink;
    writer->queue = &writer->queues[0];
    writer->written = &writer->queues[1];
    CHECKED(pthread_mutex_init(&writer->lock, NULL));
    CHECKED(pthread_cond_init(&writer->wanted, NULL));
    CHECKED(pthread_condattr_init(&monotonic));
    CHECKED(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC));
    CHECKED(pthread_cond_init(&writer->done, &monotonic));
    CHECKED(pthread_condattr_destroy(&monotonic));
    int error = pthread_create(&writer->thread, NULL, run, writer);
    if (error == 0)
        return writer;
    destroy(writer);
    errno = error;
    return NULL;
}

/* Called with the lock held. */
static void append(struct queue *queue, int severity, const char *line, size_t length)
{
    struct record *record = (void *)(queue->octets + queue->used);
    clock_gettime(CLOCK_REALTIME, &record->at);
    record->severity = severity;
    record->length = length;
    memcpy(record->line, line, length);
    record->line[length] = '\0';
    queue->used += record_size(length);
}

static void unlock_and_wake(struct log_writer *writer)
{
    bool wake = writer->asleep;
    writer->asleep = false;
    CHECKED(pthread_mutex_unlock(&writer->lock));
    if (wake)
        CHECKED(pthread_cond_signal(&writer->wanted));
}

void log_writer_put(struct log_writer *writer, int severity, const char *line, size_t length)
{
    CHECKED(pthread_mutex_lock(&writer->lock));
    if (record_size(length) <= QUEUE_SIZE - writer->queue->used)
        append(writer->queue, severity, line, length);
    else
        writer->lost++;
    unlock_and_wake(writer);
}

unsigned long log_writer_lost(struct log_writer *writer)
{
    CHECKED(pthread_mutex_lock(&writer->lock));
    unsigned long lost = writer->lost;
    CHECKED(pthread_mutex_unlock(&writer->lock));
    return lost;
}

bool log_writer_stop(struct log_writer *writer, double seconds)
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
    CHECKED(pthread_mutex_unlock(&writer->lock));
    if (!stopped)
        return false;
    CHECKED(pthread_join(writer->thread, NULL));
    destroy(writer);
    return true;
}
