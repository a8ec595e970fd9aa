/* SPDX-License-Identifier: MIT */
/* A worker that waited for the peer's FIN would cost a sleep and a wake-up for each exchange. So
 * workers leave their half-closed sockets to the main loop, which takes and reads many of them in
 * one sweep, without blocking. Most peers have closed 4 ms after the reply; one recv(2) and one
 * close(2) are then all it costs. A socket that has not ended by then is watched by epoll(7). If
 * epoll cannot watch it, it stays until its time is over.
 *
 * A socket is closed only after recv(2) reported its end of file, or at the end of its time. What
 * poll(2) or epoll(7) report would not do: both FINs can have been sent, and yet the segment with
 * the reply be lost; close(2) with unread octets would then send a reset in its place. Before a
 * socket is closed early, what it received is read for the same reason.
 *
 * No wake-up is lost. When the workers have left nothing, the main loop sleeps, and in the same
 * hold of the monitor it asks them to write the eventfd for the next socket. While sockets come,
 * the next sweep is planned, and no worker has to wake the main loop. A peer that keeps sending
 * causes a sweep every 1 ms at most, with a few calls of recv(2) each.
 *
 * Both lists are in the order in which the exchanges ended, and every socket of `watched` is older
 * than those of `fresh`. */
#include <config.h>

#include "server/connection/lingering_close.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define FIRST_LOOK (4 * MS)
#define SWEEP_EVERY (1 * MS) /* a longer sweep would hold up the threads that serve */
#define DISCARD_STEPS 16     /* calls of recv(2) in one look, for a peer that keeps sending */
#define EVENTS 64            /* of watched sockets in one sweep */

void lingering_set_limits(struct lingering *lingering, size_t max, double seconds)
{
    lingering->max = max;
    lingering->seconds = seconds;
}

int lingering_init(struct lingering *lingering, struct workers *workers)
{
    *lingering = (struct lingering){.workers = workers, .next = NEVER};
    TAILQ_INIT(&lingering->fresh);
    TAILQ_INIT(&lingering->watched);
    lingering->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return lingering->epoll_fd >= 0 ? 0 : -1;
}

/* The analyzer does not see that finish() takes the first socket off its list.
 * NOLINTBEGIN(clang-analyzer-unix.Malloc) */

/* Close the socket, which ends its watch. */
static void finish(struct lingering *lingering, struct connection_list *list,
                   struct connection *connection)
{
    TAILQ_REMOVE(list, connection, all);
    lingering->count--;
    close(connection->fd);
    free(connection);
}

/* Discard what the socket received. MSG_TRUNC drops it without copying: tcp(7). Returns whether the
 * stream has ended. */
static bool discard(int fd)
{
    static char discarded[65536];

    for (int step = 0; step < DISCARD_STEPS; step++) {
        ssize_t got = recv(fd, discarded, sizeof discarded, MSG_TRUNC | MSG_DONTWAIT);
        if (got == 0)
            return true;
        if (got < 0)
            return errno != EAGAIN && errno != EINTR;
    }
    return false;
}

/* Close the oldest socket before its peer has. Returns false if there is none. */
static bool drop_oldest(struct lingering *lingering)
{
    struct connection_list *list =
        TAILQ_EMPTY(&lingering->watched) ? &lingering->fresh : &lingering->watched;
    struct connection *oldest = TAILQ_FIRST(list);
    if (oldest == NULL)
        return false;
    (void)discard(oldest->fd);
    finish(lingering, list, oldest);
    return true;
}

static void watch(struct lingering *lingering, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    TAILQ_REMOVE(&lingering->fresh, connection, all);
    TAILQ_INSERT_TAIL(&lingering->watched, connection, all);
    (void)epoll_ctl(lingering->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
}

static void look_at_fresh(struct lingering *lingering, int64_t now)
{
    struct connection *connection;
    while ((connection = TAILQ_FIRST(&lingering->fresh)) != NULL &&
           connection->decided + FIRST_LOOK <= now) {
        if (discard(connection->fd))
            finish(lingering, &lingering->fresh, connection);
        else
            watch(lingering, connection);
    }
}

/* Returns whether any watched socket received something. */
static bool look_at_watched(struct lingering *lingering)
{
    struct epoll_event events[EVENTS];
    if (TAILQ_EMPTY(&lingering->watched))
        return false;
    int count = epoll_wait(lingering->epoll_fd, events, EVENTS, 0);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (discard(connection->fd))
            finish(lingering, &lingering->watched, connection);
    }
    return count > 0;
}

/* Return when the oldest watched socket must be closed, whatever its peer does, or NEVER. */
static int64_t first_end(const struct lingering *lingering)
{
    const struct connection *oldest = TAILQ_FIRST(&lingering->watched);
    return oldest == NULL ? NEVER : deadline_after(oldest->decided, lingering->seconds).at;
}

/* Take what the workers left. Returns whether that was anything. */
static bool take(struct lingering *lingering)
{
    struct connection_list taken = TAILQ_HEAD_INITIALIZER(taken);
    struct connection *connection;
    bool any = workers_take_half_closed(lingering->workers, &taken);
    TAILQ_FOREACH (connection, &taken, all)
        lingering->count++;
    TAILQ_CONCAT(&lingering->fresh, &taken, all);
    return any;
}

int64_t lingering_sweep(struct lingering *lingering)
{
    int64_t now = clock_nanoseconds();
    if (lingering->next != NEVER && lingering->next > now)
        return lingering->next - now;
    bool busy = look_at_watched(lingering);
    look_at_fresh(lingering, now);
    while (first_end(lingering) <= now)
        (void)drop_oldest(lingering);
    busy |= take(lingering);
    while (lingering->count > lingering->max)
        (void)drop_oldest(lingering);
    const struct connection *first = TAILQ_FIRST(&lingering->fresh);
    lingering->next = busy || first != NULL ? now + SWEEP_EVERY : NEVER;
    if (first != NULL && first->decided + FIRST_LOOK > lingering->next)
        lingering->next = first->decided + FIRST_LOOK;
    int64_t next = sooner(lingering->next, first_end(lingering));
    return next == NEVER ? NEVER : next - now;
}

int lingering_fd(const struct lingering *lingering)
{
    return lingering->next == NEVER ? lingering->epoll_fd : -1;
}

size_t lingering_count(const struct lingering *lingering)
{
    return lingering->count;
}

bool lingering_evict(struct lingering *lingering)
{
    if (lingering->count == 0)
        (void)take(lingering);
    return drop_oldest(lingering);
}

void lingering_end(struct lingering *lingering)
{
    while (lingering_evict(lingering))
        continue;
    if (lingering->epoll_fd >= 0)
        close(lingering->epoll_fd);
}
/* NOLINTEND(clang-analyzer-unix.Malloc) */
