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

/* Each of the two: some 6,000 lines of conversations. Pages that no line ever reached
 * take no memory. */
#define QUEUE_SIZE (1 << 20)

/* While lines come, the scribe looks for them so often, and nobody has to wake it. */
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

struct scribe {
    const struct scribe_output *output;
    pthread_t thread;
    pthread_mutex_t lock;  /* protects all that follows */
    pthread_cond_t wanted; /* there is a line, or no more will come */
    pthread_cond_t done;   /* the thread has written everything and ends */
    bool asleep;           /* the thread waits for `wanted` */
    bool finishing;
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

static void write_queue(const struct scribe *scribe, const struct queue *queue)
{
    for (size_t at = 0; at < queue->used;) {
        const struct record *record = (const void *)(queue->octets + at);
        scribe->output->write(record->level, &record->at, record->line, record->length);
        at += record_size(record->length);
    }
}

static void write_loss(const struct scribe *scribe, unsigned long lost)
{
    char line[128];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int length =
        snprintf(line, sizeof line,
                 "%lu log lines were lost: they came faster than they could be written", lost);
    scribe->output->write(LOG_WARNING, &now, line, (size_t)length);
}

/* What the thread does next, beside the lines of `written`. */
struct work {
    unsigned long lost; /* lines of which nobody was told */
    void *document;
    bool more; /* something may come after it */
};

/* Wait for something to do, and swap the queues. */
static struct work take_work(struct scribe *scribe)
{
    CHECKED(pthread_mutex_lock(&scribe->lock));
    while (scribe->queue.used == 0 && scribe->document == NULL && !scribe->finishing) {
        scribe->asleep = true;
        CHECKED(pthread_cond_wait(&scribe->wanted, &scribe->lock));
    }
    scribe->asleep = false;
    struct queue empty = scribe->written;
    empty.used = 0;
    scribe->written = scribe->queue;
    scribe->queue = empty;
    struct work work = {scribe->lost - scribe->told, scribe->document, !scribe->finishing};
    scribe->told = scribe->lost;
    scribe->document = NULL;
    CHECKED(pthread_mutex_unlock(&scribe->lock));
    return work;
}

static void *write_lines(void *argument)
{
    static const struct timespec gather = {.tv_nsec = GATHER};
    struct scribe *scribe = argument;
    struct work work;

    do {
        work = take_work(scribe);
        write_queue(scribe, &scribe->written);
        if (work.lost > 0)
            write_loss(scribe, work.lost);
        scribe->output->flush();
        if (work.document != NULL)
            scribe->output->publish(work.document);
        if (work.more)
            (void)nanosleep(&gather, NULL);
    } while (work.more || work.document != NULL); /* publishing it may have put a line */

    CHECKED(pthread_mutex_lock(&scribe->lock));
    scribe->finished = true;
    CHECKED(pthread_cond_signal(&scribe->done));
    CHECKED(pthread_mutex_unlock(&scribe->lock));
    return NULL;
}

static void prepare(struct scribe *scribe)
{
    pthread_condattr_t monotonic;
    CHECKED(pthread_mutex_init(&scribe->lock, NULL));
    CHECKED(pthread_cond_init(&scribe->wanted, NULL));
    CHECKED(pthread_condattr_init(&monotonic));
    CHECKED(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC));
    CHECKED(pthread_cond_init(&scribe->done, &monotonic));
    CHECKED(pthread_condattr_destroy(&monotonic));
}

static void destroy(struct scribe *scribe)
{
    CHECKED(pthread_cond_destroy(&scribe->done));
    CHECKED(pthread_cond_destroy(&scribe->wanted));
    CHECKED(pthread_mutex_destroy(&scribe->lock));
    free(scribe->document);
    free(scribe->queue.octets);
    free(scribe->written.octets);
    free(scribe);
}

struct scribe *scribe_create(const struct scribe_output *output)
{
    struct scribe *scribe = calloc(1, sizeof *scribe);
    if (scribe == NULL)
        return NULL;
    scribe->output = output;
    prepare(scribe);
    scribe->queue.octets = malloc(QUEUE_SIZE);
    scribe->written.octets = malloc(QUEUE_SIZE);
    int error = ENOMEM;
    if (scribe->queue.octets != NULL && scribe->written.octets != NULL)
        error = pthread_create(&scribe->thread, NULL, write_lines, scribe);
    if (error == 0)
        return scribe;
    destroy(scribe);
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
static void unlock_and_wake(struct scribe *scribe)
{
    bool wake = scribe->asleep;
    scribe->asleep = false;
    CHECKED(pthread_mutex_unlock(&scribe->lock));
    if (wake)
        CHECKED(pthread_cond_signal(&scribe->wanted));
}

void scribe_put(struct scribe *scribe, int level, const char *line, size_t length)
{
    CHECKED(pthread_mutex_lock(&scribe->lock));
    if (record_size(length) <= QUEUE_SIZE - scribe->queue.used)
        append(&scribe->queue, level, line, length);
    else
        scribe->lost++;
    unlock_and_wake(scribe);
}

void scribe_publish(struct scribe *scribe, void *document)
{
    CHECKED(pthread_mutex_lock(&scribe->lock));
    void *replaced = scribe->document;
    scribe->document = document;
    unlock_and_wake(scribe);
    free(replaced);
}

unsigned long scribe_lost(struct scribe *scribe)
{
    CHECKED(pthread_mutex_lock(&scribe->lock));
    unsigned long lost = scribe->lost;
    CHECKED(pthread_mutex_unlock(&scribe->lock));
    return lost;
}

/* Returns whether the thread has written everything by the deadline. */
static bool wait_until_finished(struct scribe *scribe, struct deadline deadline)
{
    const struct timespec until = timespec_from(deadline.at);
    int error = 0;
    CHECKED(pthread_mutex_lock(&scribe->lock));
    scribe->finishing = true;
    CHECKED(pthread_cond_signal(&scribe->wanted));
    while (!scribe->finished && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&scribe->done, &scribe->lock, &until);
    bool finished = scribe->finished;
    CHECKED(pthread_mutex_unlock(&scribe->lock));
    return finished;
}

bool scribe_finish(struct scribe *scribe, double seconds)
{
    if (scribe == NULL)
        return true;
    if (!wait_until_finished(scribe, deadline_after(clock_nanoseconds(), seconds)))
        return false;
    CHECKED(pthread_join(scribe->thread, NULL));
    destroy(scribe);
    return true;
}
