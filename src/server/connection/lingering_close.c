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
 * hold of the monitor it asks them to write the eventfd when the next connection ends. While
 * sockets come, the next sweep is planned, and no worker has to wake the main loop. A peer that
 * keeps sending causes a sweep every 1 ms at most, with a few calls of recv(2) each.
 *
 * The list is in the order in which the exchanges ended: first the sockets that epoll(7) watches,
 * then, from `fresh` on, those that have not been looked at. */
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

int lingering_init(struct lingering *lingering, struct workers *workers)
{
    *lingering = (struct lingering){.workers = workers, .next = NEVER};
    TAILQ_INIT(&lingering->sockets);
    lingering->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return lingering->epoll_fd >= 0 ? 0 : -1;
}

/* The analyzer does not see that finish() takes the first socket off its list.
 * NOLINTBEGIN(clang-analyzer-unix.Malloc) */

/* Close the socket, which ends its watch. */
static void finish(struct lingering *lingering, struct connection *connection)
{
    if (lingering->fresh == connection)
        lingering->fresh = TAILQ_NEXT(connection, all);
    TAILQ_REMOVE(&lingering->sockets, connection, all);
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
    struct connection *oldest = TAILQ_FIRST(&lingering->sockets);
    if (oldest == NULL)
        return false;
    (void)discard(oldest->fd);
    finish(lingering, oldest);
    return true;
}

static void look_at_fresh(struct lingering *lingering, int64_t now)
{
    struct connection *connection;
    while ((connection = lingering->fresh) != NULL && connection->decided + FIRST_LOOK <= now) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        lingering->fresh = TAILQ_NEXT(connection, all);
        if (discard(connection->fd))
            finish(lingering, connection);
        else
            (void)epoll_ctl(lingering->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
    }
}

/* Return when the oldest watched socket must be closed, whatever its peer does, or NEVER. */
static int64_t first_end(const struct lingering *lingering)
{
    const struct connection *oldest = TAILQ_FIRST(&lingering->sockets);
    return oldest == lingering->fresh ? NEVER
                                      : deadline_after(oldest->decided, lingering->seconds).at;
}

/* Returns whether any watched socket received something. */
static bool look_at_watched(struct lingering *lingering)
{
    struct epoll_event events[EVENTS];
    if (first_end(lingering) == NEVER)
        return false;
    int count = epoll_wait(lingering->epoll_fd, events, EVENTS, 0);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (discard(connection->fd))
            finish(lingering, connection);
    }
    return count > 0;
}

/* Take what the workers left. Returns whether that was anything. */
static bool take(struct lingering *lingering)
{
    struct connection_list taken = {0};
    struct connection *connection;
    bool any = workers_take_half_closed(lingering->workers, &taken);
    TAILQ_FOREACH (connection, &taken, all)
        lingering->count++;
    if (lingering->fresh == NULL)
        lingering->fresh = TAILQ_FIRST(&taken);
    TAILQ_CONCAT(&lingering->sockets, &taken, all);
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
    const struct connection *first = lingering->fresh;
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
