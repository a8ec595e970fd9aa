/* SPDX-License-Identifier: MIT */
/* A worker that waited for the peer's FIN would cost a sleep and a wake-up for each exchange. So
 * workers pass their half-closed sockets on, and the main loop looks at many of them in one sweep,
 * without blocking: first 4 ms after the reply, when most peers have closed, then after pauses that
 * double up to 256 ms. A socket that received octets starts again at 4 ms. Before a socket is
 * closed early, what it received is read, for the reason in lingering_close.h.
 *
 * `lock` protects `incoming`, the sockets that workers added since the last sweep, and `planned`,
 * the time of the next sweep as workers know it. The rest belongs to the main loop: the list by
 * age, and one queue for each pause. The sockets of a queue all have the same pause, so the first
 * is due first.
 *
 * No wake-up is lost. The main loop takes `incoming` and sets `planned` in one hold of the lock. A
 * worker adds its socket and compares in one hold, too: if its first look is due before `planned`,
 * the worker lowers `planned` and writes the eventfd; otherwise the planned sweep comes in time.
 * While workers get connections, the main loop plans its next sweep within 4 ms, so that workers
 * rarely have to wake it. */
#include <config.h>

#include "server/connection/lingering_close.h"

#include "common/checked.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define FIRST_LOOK (4 * MS)
#define PAUSES 7             /* 4, 8, … 256 ms */
#define SWEEP_EVERY (2 * MS) /* larger sweeps cost less, and delay fewer accepts */
#define DISCARD_STEPS 16     /* calls of recv(2) in one look, for a peer that keeps sending */

struct lingering {
    int wake_fd;

    /* the main loop's own */
    size_t max;     /* limits.connections */
    double seconds; /* timeouts.linger */
    struct connection_list by_age;
    struct connection_list queues[PAUSES];
    size_t count;
    int64_t next; /* when the next sweep is due */

    pthread_mutex_t lock; /* protects all that follows */
    struct connection_list incoming;
    int64_t planned; /* `next`, or earlier if a worker lowered it */
};

void lingering_set_limits(struct lingering *lingering, size_t max, double seconds)
{
    lingering->max = max;
    lingering->seconds = seconds;
}

struct lingering *lingering_create(int wake_fd)
{
    struct lingering *lingering = calloc(1, sizeof *lingering);
    if (lingering == NULL)
        return NULL;
    lingering->wake_fd = wake_fd;
    lingering->next = lingering->planned = NEVER;
    TAILQ_INIT(&lingering->by_age);
    TAILQ_INIT(&lingering->incoming);
    for (size_t i = 0; i < PAUSES; i++)
        TAILQ_INIT(&lingering->queues[i]);
    CHECKED(pthread_mutex_init(&lingering->lock, NULL));
    return lingering;
}

void lingering_add(struct lingering *lingering, struct connection *connection)
{
    int64_t look = connection->decided + FIRST_LOOK;
    connection->pause_index = 0;
    CHECKED(pthread_mutex_lock(&lingering->lock));
    TAILQ_INSERT_TAIL(&lingering->incoming, connection, all);
    bool wake = lingering->planned > look;
    if (wake)
        lingering->planned = look;
    CHECKED(pthread_mutex_unlock(&lingering->lock));
    if (wake)
        eventfd_write(lingering->wake_fd, 1);
}

/* Return when a socket must be closed, whatever its peer does. */
static int64_t end_of(const struct lingering *lingering, const struct connection *connection)
{
    return deadline_after(connection->decided, lingering->seconds).at;
}

/* Queue a socket for its next look, after its pause from `now` on. */
static void queue(struct lingering *lingering, struct connection *connection, int64_t now)
{
    connection->look = now + (FIRST_LOOK << connection->pause_index);
    TAILQ_INSERT_TAIL(&lingering->queues[connection->pause_index], connection, queue);
}

static void finish(struct lingering *lingering, struct connection *connection)
{
    TAILQ_REMOVE(&lingering->queues[connection->pause_index], connection, queue);
    TAILQ_REMOVE(&lingering->by_age, connection, all);
    lingering->count--;
    close(connection->fd);
    free(connection);
}

/* Discard what the socket received, and set `*received` if that was anything. MSG_TRUNC drops it
 * without copying: tcp(7). Returns whether the stream has ended. */
static bool discard(int fd, bool *received)
{
    static char discarded[65536];

    for (int step = 0; step < DISCARD_STEPS; step++) {
        ssize_t got = recv(fd, discarded, sizeof discarded, MSG_TRUNC | MSG_DONTWAIT);
        if (got == 0)
            return true;
        if (got < 0)
            return errno != EAGAIN && errno != EINTR;
        *received = true;
    }
    return false;
}

/* Close a socket before its peer has. */
static void drop(struct lingering *lingering, struct connection *connection)
{
    bool received;
    (void)discard(connection->fd, &received);
    finish(lingering, connection);
}

static void look_at(struct lingering *lingering, struct connection *connection, int64_t now)
{
    bool received = false;
    if (discard(connection->fd, &received)) {
        finish(lingering, connection);
        return;
    }
    TAILQ_REMOVE(&lingering->queues[connection->pause_index], connection, queue);
    if (received)
        connection->pause_index = 0;
    else if (connection->pause_index < PAUSES - 1)
        connection->pause_index++;
    queue(lingering, connection, now);
}

/* Look at the sockets that are due, and close those whose time is over. */
static void look_at_due(struct lingering *lingering, int64_t now)
{
    struct connection *first;
    for (size_t i = 0; i < PAUSES; i++)
        /* TAILQ_REMOVE() took the last one off: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        while ((first = TAILQ_FIRST(&lingering->queues[i])) != NULL && first->look <= now)
            look_at(lingering, first, now);
    while ((first = TAILQ_FIRST(&lingering->by_age)) != NULL && end_of(lingering, first) <= now)
        drop(lingering, first);
}

/* Return when the next socket must be looked at or closed. */
static int64_t next_look(const struct lingering *lingering)
{
    const struct connection *first = TAILQ_FIRST(&lingering->by_age);
    int64_t next = first != NULL ? end_of(lingering, first) : NEVER;
    for (size_t i = 0; i < PAUSES; i++) {
        first = TAILQ_FIRST(&lingering->queues[i]);
        if (first != NULL && first->look < next)
            next = first->look;
    }
    return next;
}

/* Take in the sockets that were added, and plan the next sweep: at `next`, or earlier if one of
 * them needs that, but not before `earliest`. Returns when it is. */
static int64_t take_incoming(struct lingering *lingering, int64_t next, int64_t earliest)
{
    struct connection_list incoming = TAILQ_HEAD_INITIALIZER(incoming);
    struct connection *connection;

    CHECKED(pthread_mutex_lock(&lingering->lock));
    TAILQ_CONCAT(&incoming, &lingering->incoming, all);
    connection = TAILQ_FIRST(&incoming);
    if (connection != NULL && connection->decided + FIRST_LOOK < next)
        next = connection->decided + FIRST_LOOK;
    if (next < earliest)
        next = earliest;
    lingering->planned = next;
    CHECKED(pthread_mutex_unlock(&lingering->lock));

    for (connection = TAILQ_FIRST(&incoming); connection != NULL;
         connection = TAILQ_NEXT(connection, all)) {
        queue(lingering, connection, connection->decided);
        lingering->count++;
    }
    TAILQ_CONCAT(&lingering->by_age, &incoming, all);
    while (lingering->count > lingering->max)
        /* TAILQ_REMOVE() took the last one off: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        drop(lingering, TAILQ_FIRST(&lingering->by_age));
    return next;
}

int64_t lingering_sweep(struct lingering *lingering, bool soon)
{
    int64_t now = clock_nanoseconds();
    /* A sweep within FIRST_LOOK is early enough for every socket that was added meanwhile. */
    if (lingering->next <= now || lingering->next > now + FIRST_LOOK) {
        look_at_due(lingering, now);
        int64_t next = next_look(lingering);
        if (soon && next > now + FIRST_LOOK)
            next = now + FIRST_LOOK;
        lingering->next = take_incoming(lingering, next, now + SWEEP_EVERY);
    }
    return lingering->next == NEVER ? NEVER : lingering->next - now;
}

size_t lingering_count(const struct lingering *lingering)
{
    return lingering->count;
}

bool lingering_evict(struct lingering *lingering)
{
    (void)take_incoming(lingering, 0, 0);
    if (lingering->count == 0)
        return false;
    /* TAILQ_REMOVE() took the last one off: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    drop(lingering, TAILQ_FIRST(&lingering->by_age));
    return true;
}

void lingering_destroy(struct lingering *lingering)
{
    if (lingering == NULL)
        return;
    while (lingering_evict(lingering))
        continue;
    CHECKED(pthread_mutex_destroy(&lingering->lock));
    free(lingering);
}
