/* SPDX-License-Identifier: MIT */
/* There are two queues. Threads put lines into one while the log writer writes the other; then it
 * swaps them. Lines are put from the moment that the queue is created; the thread starts later.
 *
 * A line is pending until it is written, or counted as lost: it did not fit, could not be written,
 * or was still pending when the stop gave up. The thread reports losses as soon as it can write
 * again: in the order of lines, before those that follow a failure and after those that filled the
 * queue. While a loss is unreported, it tries again every second, even if no line comes.
 *
 * `lock` protects the queue that takes lines, the counts and the flags. A thread holds it to copy
 * one line or to swap, never while something is written. A line's time is taken with the lock held,
 * so that the queue is in the order of time. The queue that is being written belongs to the log
 * writer alone.
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
#include <stdlib.h>
#include <string.h>

/* Of each queue: about 6,000 lines of connections. Pages that no line reaches take no memory. */
#define QUEUE_SIZE (1 << 20)

/* What lines of connections leave free in each queue: room for a thousand of the daemon's own,
 * which a flood of connections must not displace. */
#define RESERVED (QUEUE_SIZE / 8)

#define GATHER (5 * INT64_C(1000000))

/* When the log writer tries again to write, after a failure. */
#define RETRY INT64_C(1000000000)

/* A line in a queue; the next one follows at the next multiple of the alignment. */
struct record {
    struct timespec at;
    int priority;
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
    bool started;          /* the main thread's */
    pthread_mutex_t lock;  /* protects all that follows, except `written` */
    pthread_cond_t wanted; /* there is something to write, or nothing more will come */
    pthread_cond_t done;   /* the thread has written everything and ends */
    bool asleep;           /* the thread waits for `wanted` */
    bool stopping;
    bool stopped;
    bool over;                     /* log_writer_stop() waits no more ... */
    uint64_t lost_at_end;          /* ... and this is what was lost, for good */
    uint64_t pending;              /* lines that are neither written nor lost */
    uint64_t lost[LOG_LOSSES];     /* only the thread changes the one that failed ... */
    uint64_t reported[LOG_LOSSES]; /* ... and how many of them were reported */
    struct queue *queue;           /* that takes lines */
    struct queue *written;         /* that the thread writes */
    struct queue queues[2];        /* both */
};

static size_t record_size(size_t length)
{
    const size_t align = _Alignof(struct record);
    return (sizeof(struct record) + length + 1 + align - 1) / align * align;
}

static void settle(struct log_writer *writer, struct log_result result)
{
    if (result.written + result.lost == 0)
        return;
    CHECKED(pthread_mutex_lock(&writer->lock));
    writer->pending -= result.written + result.lost;
    writer->lost[LOG_LOSS_FAILED] += result.lost;
    CHECKED(pthread_mutex_unlock(&writer->lock));
}

static void write_queue(struct log_writer *writer, const struct queue *queue)
{
    for (size_t at = 0; at < queue->used;) {
        const struct record *record = (const void *)(queue->octets + at);
        settle(writer,
               writer->sink->write(record->priority, &record->at, record->line, record->length));
        at += record_size(record->length);
    }
}

/* Report the first `lost` losses, except those that were reported before. The report is pending,
 * too, but it is not counted if it is lost: it will be written again. */
static void report(struct log_writer *writer, enum log_loss why, uint64_t lost)
{
    uint64_t unreported = lost - writer->reported[why];
    if (unreported == 0)
        return;
    CHECKED(pthread_mutex_lock(&writer->lock));
    writer->pending++;
    CHECKED(pthread_mutex_unlock(&writer->lock));
    struct log_result result = writer->sink->report(why, unreported);
    CHECKED(pthread_mutex_lock(&writer->lock));
    writer->pending -= result.written + result.lost;
    if (result.lost == 0)
        writer->reported[why] = lost;
    CHECKED(pthread_mutex_unlock(&writer->lock));
}

/* Called with the lock held. Whether a loss is unreported. */
static bool has_unreported(const struct log_writer *writer)
{
    return memcmp(writer->lost, writer->reported, sizeof writer->lost) != 0;
}

/* What the thread does next, after the lines of `written`. */
struct work {
    uint64_t slow; /* lines that did not fit, after those of `written` */
    bool more;     /* more can follow */
};

/* Wait until there is something to write, and swap the queues. */
static struct work take_work(struct log_writer *writer)
{
    const struct timespec retry = timespec_from(clock_nanoseconds() + RETRY);
    int error = 0;
    CHECKED(pthread_mutex_lock(&writer->lock));
    while (writer->queue->used == 0 && !writer->stopping && error != ETIMEDOUT) {
        writer->asleep = true;
        if (writer->pending > 0 || has_unreported(writer)) /* the rest of a line, or a loss */
            error = pthread_cond_timedwait(&writer->wanted, &writer->lock, &retry);
        else
            CHECKED(pthread_cond_wait(&writer->wanted, &writer->lock));
    }
    writer->asleep = false;
    struct queue *empty = writer->written;
    empty->used = 0;
    writer->written = writer->queue;
    writer->queue = empty;
    struct work work = {writer->lost[LOG_LOSS_SLOW], !writer->stopping};
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
        report(writer, LOG_LOSS_FAILED, writer->lost[LOG_LOSS_FAILED]);
        write_queue(writer, writer->written);
        settle(writer, writer->sink->flush());
        report(writer, LOG_LOSS_SLOW, work.slow);
        if (work.more)
            (void)nanosleep(&gather, NULL);
    } while (work.more);
    report(writer, LOG_LOSS_FAILED, writer->lost[LOG_LOSS_FAILED]);

    CHECKED(pthread_mutex_lock(&writer->lock));
    writer->stopped = true;
    CHECKED(pthread_cond_signal(&writer->done));
    CHECKED(pthread_mutex_unlock(&writer->lock));
    return NULL;
}

void log_writer_destroy(struct log_writer *writer)
{
    CHECKED(pthread_cond_destroy(&writer->done));
    CHECKED(pthread_cond_destroy(&writer->wanted));
    CHECKED(pthread_mutex_destroy(&writer->lock));
    free(writer);
}

struct log_writer *log_writer_create(const struct log_sink *sink)
{
    struct log_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->sink = sink;
    writer->queue = &writer->queues[0];
    writer->written = &writer->queues[1];
    CHECKED(pthread_mutex_init(&writer->lock, NULL));
    cond_init_monotonic(&writer->wanted);
    cond_init_monotonic(&writer->done);
    return writer;
}

int log_writer_start(struct log_writer *writer)
{
    errno = pthread_create(&writer->thread, NULL, run, writer);
    writer->started = errno == 0;
    return writer->started ? 0 : -1;
}

/* Called with the lock held. */
static void append(struct queue *queue, int priority, const char *line, size_t length)
{
    struct record *record = (void *)(queue->octets + queue->used);
    clock_gettime(CLOCK_REALTIME, &record->at);
    record->priority = priority;
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

void log_writer_put(struct log_writer *writer, int priority, enum log_subject subject,
                    const char *line, size_t length)
{
    size_t limit = subject == LOG_OF_CONNECTION ? QUEUE_SIZE - RESERVED : QUEUE_SIZE;
    CHECKED(pthread_mutex_lock(&writer->lock));
    if (writer->queue->used + record_size(length) <= limit) {
        append(writer->queue, priority, line, length);
        writer->pending++;
    } else {
        writer->lost[LOG_LOSS_SLOW]++;
    }
    unlock_and_wake(writer);
}

/* Called with the lock held. */
static uint64_t count_lost(const struct log_writer *writer)
{
    return writer->over ? writer->lost_at_end
                        : writer->lost[LOG_LOSS_SLOW] + writer->lost[LOG_LOSS_FAILED];
}

uint64_t log_writer_lost(struct log_writer *writer)
{
    CHECKED(pthread_mutex_lock(&writer->lock));
    uint64_t lost = count_lost(writer);
    CHECKED(pthread_mutex_unlock(&writer->lock));
    return lost;
}

uint64_t log_writer_unreported(struct log_writer *writer)
{
    CHECKED(pthread_mutex_lock(&writer->lock));
    uint64_t unreported =
        count_lost(writer) - writer->reported[LOG_LOSS_SLOW] - writer->reported[LOG_LOSS_FAILED];
    CHECKED(pthread_mutex_unlock(&writer->lock));
    return unreported;
}

bool log_writer_stop(struct log_writer *writer, double seconds)
{
    const struct timespec until = timespec_from(deadline_after(clock_nanoseconds(), seconds).at);
    int error = 0;
    CHECKED(pthread_mutex_lock(&writer->lock));
    writer->stopping = true;
    CHECKED(pthread_cond_signal(&writer->wanted));
    CHECKED(pthread_mutex_unlock(&writer->lock));
    if (!writer->started && log_writer_start(writer) != 0)
        (void)run(writer);
    CHECKED(pthread_mutex_lock(&writer->lock));
    while (!writer->stopped && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&writer->done, &writer->lock, &until);
    if (!writer->over)
        writer->lost_at_end = count_lost(writer) + writer->pending;
    writer->over = true;
    bool stopped = writer->stopped;
    CHECKED(pthread_mutex_unlock(&writer->lock));
    if (stopped && writer->started)
        CHECKED(pthread_join(writer->thread, NULL));
    return stopped;
}
