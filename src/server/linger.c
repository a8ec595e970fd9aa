/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/linger.h"

#include "common/checked.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define FIRST_LOOK (1 * MS) /* most peers have closed by then */
#define LAST_LOOK (256 * MS)
#define DISCARD_STEPS 16 /* at one look: a peer that sends for ever gets no more of our time */

struct lingering {
    int fd;
    struct deadline until;
    int64_t look;  /* when to look next */
    int64_t pause; /* and how long to wait after that; doubles while nothing comes */
};

struct lingerers {
    size_t most;
    double seconds;
    int wake_fd;
    pthread_mutex_t lock; /* protects all that follows */
    size_t first;         /* the oldest of the ring */
    size_t count;
    int64_t look; /* the earliest of all looks */
    struct lingering ring[];
};

struct lingerers *linger_create(size_t most, double seconds, int wake_fd)
{
    struct lingerers *linger = calloc(1, sizeof *linger + most * sizeof linger->ring[0]);
    if (linger == NULL)
        return NULL;
    linger->most = most;
    linger->seconds = seconds;
    linger->wake_fd = wake_fd;
    CHECKED(pthread_mutex_init(&linger->lock, NULL));
    return linger;
}

static struct lingering *place(struct lingerers *linger, size_t index)
{
    return &linger->ring[(linger->first + index) % linger->most];
}

static void drop_first(struct lingerers *linger)
{
    close(place(linger, 0)->fd);
    linger->first = (linger->first + 1) % linger->most;
    linger->count--;
}

void linger_add(struct lingerers *linger, int fd)
{
    int64_t now = clock_nanoseconds();
    CHECKED(pthread_mutex_lock(&linger->lock));
    if (linger->count == linger->most)
        drop_first(linger);
    bool first = linger->count == 0;
    if (first || linger->look > now + FIRST_LOOK)
        linger->look = now + FIRST_LOOK;
    *place(linger, linger->count++) =
        (struct lingering){fd, deadline_after(now, linger->seconds), now + FIRST_LOOK, FIRST_LOOK};
    CHECKED(pthread_mutex_unlock(&linger->lock));
    if (first)
        eventfd_write(linger->wake_fd, 1);
}

/* Discard what the peer sent. MSG_TRUNC drops it without copying it: tcp(7). */
static bool at_end(int fd, bool *came)
{
    static char discarded[65536];

    for (int step = 0; step < DISCARD_STEPS; step++) {
        ssize_t got = recv(fd, discarded, sizeof discarded, MSG_TRUNC | MSG_DONTWAIT);
        if (got == 0)
            return true;
        if (got < 0)
            return errno != EAGAIN && errno != EINTR;
        *came = true;
    }
    return false;
}

/* Look at one socket; false if that was the last time. */
static bool look_at(struct lingering *socket, int64_t now)
{
    bool came = false;
    if (at_end(socket->fd, &came) || deadline_left(socket->until, now) == 0) {
        close(socket->fd);
        return false;
    }
    if (came)
        socket->pause = FIRST_LOOK;
    else if (socket->pause < LAST_LOOK)
        socket->pause *= 2;
    socket->look = now + socket->pause;
    if (socket->look > socket->until.at)
        socket->look = socket->until.at;
    return true;
}

/* Look at all that are due, and close the gaps of those that are gone. */
static void look_around(struct lingerers *linger, int64_t now)
{
    size_t kept = 0;
    linger->look = INT64_MAX;
    for (size_t i = 0; i < linger->count; i++) {
        struct lingering *socket = place(linger, i);
        if (socket->look <= now && !look_at(socket, now))
            continue;
        if (socket->look < linger->look)
            linger->look = socket->look;
        *place(linger, kept++) = *socket;
    }
    linger->count = kept;
}

int64_t linger_sweep(struct lingerers *linger)
{
    int64_t next = -1;
    CHECKED(pthread_mutex_lock(&linger->lock));
    if (linger->count > 0) {
        int64_t now = clock_nanoseconds();
        if (linger->look <= now)
            look_around(linger, now);
        if (linger->count > 0)
            next = linger->look > now ? linger->look - now : 0;
    }
    CHECKED(pthread_mutex_unlock(&linger->lock));
    return next;
}

void linger_destroy(struct lingerers *linger)
{
    if (linger == NULL)
        return;
    while (linger->count > 0)
        drop_first(linger);
    CHECKED(pthread_mutex_destroy(&linger->lock));
    free(linger);
}
