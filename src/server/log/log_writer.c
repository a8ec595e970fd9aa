/* SPDX-License-Identifier: MIT */
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

/* Each of the two: some 6,000 lines of connections. Pages that no line ever reached
 * take no memory. */
#define QUEUE_SIZE (1 << 20)

/* While lines come, the log_writer looks for them so often, and nobody has to wake it. */
#define GATHER (5 * INT64_C(1000000))

/* A line in a queue; the next one follows at the next multiple of the alignment. */
struct record {
    struct timespec at;
    int level;
    size_t length;
    char line[]; /* with its NUL */
};

struct queue {
    size_t used;
    char *octets;
};

struct log_writer {
    const struct log_writer_output *output;
    pthread_t thread;
    pthread_mutex_t lock;  /* protects all that follows */
    pthread_cond_t wanted; /* there is a line, or no more will come */
    pthread_cond_t done;   /* the thread has written everything and ends */
    bool asleep;           /* the thread waits for `wanted` */
    bool stopping;
    bool finished;
    unsigned long lost;   /* lines that found no room */
    unsigned long told;   /* how many of them were told of */
    void *document;       /* to be published, or NULL */
    struct queue queue;   /* where lines are put … */
    struct queue written; /* … and the one being written, which is the thread's own */
};

static size_t record_size(size_t length)
{
    const size_t align = _Alignof(struct record);
    return (sizeof(struct record) + length + 1 + align - 1) / align * align;
}

static void write_queue(const struct log_writer *log_writer, const struct queue *queue)
{
    for (size_t at = 0; at < queue->used;) {
        const struct record *record = (const void *)(queue->octets + at);
        log_writer->output->write(record->level, &record->at, record->line, record->length);
        at += record_size(record->length);
    }
}

static void write_loss(const struct log_writer *log_writer, unsigned long lost)
{
    char line[128];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int length =
        snprintf(line, sizeof line,
                 "%lu log lines were lost: they came faster than they could be written", lost);
    log_writer->output->write(LOG_WARNING, &now, line, (size_t)length);
}

/* What the thread does next, beside the lines of `written`. */
struct work {
    unsigned long lost; /* lines of which nobody was told */
    void *document;
    bool more; /* something may come after it */
};

/* Wait for something to do, and swap the queues. */
static struct work take_work(struct log_writer *log_writer)
{
    CHECKED(pthread_mutex_lock(&log_writer->lock));
    while (log_writer->queue.used == 0 && log_writer->document == NULL && !log_writer->stopping) {
        log_writer->asleep = true;
        CHECKED(pthread_cond_wait(&log_writer->wanted, &log_writer->lock));
    }
    log_writer->asleep = false;
    struct queue empty = log_writer->written;
    empty.used = 0;
    log_writer->written = log_writer->queue;
    log_writer->queue = empty;
    struct work work = {log_writer->lost - log_writer->told, log_writer->document,
                        !log_writer->stopping};
    log_writer->told = log_writer->lost;
    log_writer->document = NULL;
    CHECKED(pthread_mutex_unlock(&log_writer->lock));
    return work;
}

static void *write_lines(void *argument)
{
    static const struct timespec gather = {.tv_nsec = GATHER};
    struct log_writer *log_writer = argument;
    struct work work;

    do {
        work = take_work(log_writer);
        write_queue(log_writer, &log_writer->written);
        if (work.lost > 0)
            write_loss(log_writer, work.lost);
        log_writer->output->flush();
        if (work.document != NULL)
            log_writer->output->publish(work.document);
        if (work.more)
            (void)nanosleep(&gather, NULL);
    } while (work.more || work.document != NULL); /* publishing it may have put a line */

    CHECKED(pthread_mutex_lock(&log_writer->lock));
    log_writer->finished = true;
    CHECKED(pthread_cond_signal(&log_writer->done));
    CHECKED(pthread_mutex_unlock(&log_writer->lock));
    return NULL;
}

static void prepare(struct log_writer *log_writer)
{
    pthread_condattr_t monotonic;
    CHECKED(pthread_mutex_init(&log_writer->lock, NULL));
    CHECKED(pthread_cond_init(&log_writer->wanted, NULL));
    CHECKED(pthread_condattr_init(&monotonic));
    CHECKED(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC));
    CHECKED(pthread_cond_init(&log_writer->done, &monotonic));
    CHECKED(pthread_condattr_destroy(&monotonic));
}

static void destroy(struct log_writer *log_writer)
{
    CHECKED(pthread_cond_destroy(&log_writer->done));
    CHECKED(pthread_cond_destroy(&log_writer->wanted));
    CHECKED(pthread_mutex_destroy(&log_writer->lock));
    free(log_writer->document);
    free(log_writer->queue.octets);
    free(log_writer->written.octets);
    free(log_writer);
}

struct log_writer *log_writer_create(const struct log_writer_output *output)
{
    struct log_writer *log_writer = calloc(1, sizeof *log_writer);
    if (log_writer == NULL)
        return NULL;
    log_writer->output = output;
    prepare(log_writer);
    log_writer->queue.octets = malloc(QUEUE_SIZE);
    log_writer->written.octets = malloc(QUEUE_SIZE);
    int error = ENOMEM;
    if (log_writer->queue.octets != NULL && log_writer->written.octets != NULL)
        error = pthread_create(&log_writer->thread, NULL, write_lines, log_writer);
    if (error == 0)
        return log_writer;
    destroy(log_writer);
    errno = error;
    return NULL;
}

/* Called with the lock held. */
static void append(struct queue *queue, int level, const char *line, size_t length)
{
    struct record *record = (void *)(queue->octets + queue->used);
    clock_gettime(CLOCK_REALTIME, &record->at);
    record->level = level;
    record->length = length;
    memcpy(record->line, line, length);
    record->line[length] = '\0';
    queue->used += record_size(length);
}

/* Called with the lock held, which it gives back: see to it that the thread looks. */
static void unlock_and_wake(struct log_writer *log_writer)
{
    bool wake = log_writer->asleep;
    log_writer->asleep = false;
    CHECKED(pthread_mutex_unlock(&log_writer->lock));
    if (wake)
        CHECKED(pthread_cond_signal(&log_writer->wanted));
}

void log_writer_put(struct log_writer *log_writer, int level, const char *line, size_t length)
{
    CHECKED(pthread_mutex_lock(&log_writer->lock));
    if (record_size(length) <= QUEUE_SIZE - log_writer->queue.used)
        append(&log_writer->queue, level, line, length);
    else
        log_writer->lost++;
    unlock_and_wake(log_writer);
}

void log_writer_put_metrics(struct log_writer *log_writer, void *document)
{
    CHECKED(pthread_mutex_lock(&log_writer->lock));
    void *replaced = log_writer->document;
    log_writer->document = document;
    unlock_and_wake(log_writer);
    free(replaced);
}

unsigned long log_writer_lost(struct log_writer *log_writer)
{
    CHECKED(pthread_mutex_lock(&log_writer->lock));
    unsigned long lost = log_writer->lost;
    CHECKED(pthread_mutex_unlock(&log_writer->lock));
    return lost;
}

/* Returns whether the thread has written everything by the deadline. */
static bool wait_until_stopped(struct log_writer *log_writer, struct deadline deadline)
{
    const struct timespec until = timespec_from(deadline.at);
    int error = 0;
    CHECKED(pthread_mutex_lock(&log_writer->lock));
    log_writer->stopping = true;
    CHECKED(pthread_cond_signal(&log_writer->wanted));
    while (!log_writer->finished && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&log_writer->done, &log_writer->lock, &until);
    bool finished = log_writer->finished;
    CHECKED(pthread_mutex_unlock(&log_writer->lock));
    return finished;
}

bool log_writer_stop(struct log_writer *log_writer, double seconds)
{
    if (log_writer == NULL)
        return true;
    if (!wait_until_stopped(log_writer, deadline_after(clock_nanoseconds(), seconds)))
        return false;
    CHECKED(pthread_join(log_writer->thread, NULL));
    destroy(log_writer);
    return true;
}
