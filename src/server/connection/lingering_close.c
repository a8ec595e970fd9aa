/* SPDX-License-Identifier: MIT */
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
#define FIRST_LOOK (4 * MS)  /* most peers have closed by then */
#define PAUSES 7             /* 4, 8, … 256 ms: each is twice the one before */
#define SWEEP_EVERY (2 * MS) /* many at once cost less, and delay fewer who wait to be accepted */
#define DISCARD_STEPS 16     /* at one look: a peer that sends for ever gets no more of our time */

struct lingerers {
    int wake_fd;

    /* the sweeping thread's own: each socket has its place by age, and in the queue of
     * those with the same pause, where whoever came first is due first */
    size_t most;
    double seconds;
    struct conversation_list ages;
    struct conversation_list queues[PAUSES];
    size_t count;
    int64_t next; /* when the next sweep is */

    pthread_mutex_t lock; /* protects all that follows */
    struct conversation_list incoming;
    int64_t planned; /* what those who come in know of `next` */
};

void linger_change(struct lingerers *linger, size_t most, double seconds)
{
    linger->most = most;
    linger->seconds = seconds;
}

struct lingerers *linger_create(size_t most, double seconds, int wake_fd)
{
    struct lingerers *linger = calloc(1, sizeof *linger);
    if (linger == NULL)
        return NULL;
    linger_change(linger, most, seconds);
    linger->wake_fd = wake_fd;
    linger->next = linger->planned = NEVER;
    TAILQ_INIT(&linger->ages);
    TAILQ_INIT(&linger->incoming);
    for (size_t i = 0; i < PAUSES; i++)
        TAILQ_INIT(&linger->queues[i]);
    CHECKED(pthread_mutex_init(&linger->lock, NULL));
    return linger;
}

void linger_add(struct lingerers *linger, struct conversation *conversation)
{
    int64_t look = conversation->decided + FIRST_LOOK;
    conversation->pause = 0;
    CHECKED(pthread_mutex_lock(&linger->lock));
    TAILQ_INSERT_TAIL(&linger->incoming, conversation, all);
    bool wake = linger->planned > look;
    if (wake)
        linger->planned = look;
    CHECKED(pthread_mutex_unlock(&linger->lock));
    if (wake)
        eventfd_write(linger->wake_fd, 1);
}

/* When a socket is closed whatever its peer does. */
static int64_t end_of(const struct lingerers *linger, const struct conversation *conversation)
{
    return deadline_after(conversation->decided, linger->seconds).at;
}

/* Give a socket that was looked at by `now` its place among those that are looked at as
 * seldom as it is. */
static void queue(struct lingerers *linger, struct conversation *conversation, int64_t now)
{
    conversation->look = now + (FIRST_LOOK << conversation->pause);
    TAILQ_INSERT_TAIL(&linger->queues[conversation->pause], conversation, turn);
}

static void finish(struct lingerers *linger, struct conversation *conversation)
{
    TAILQ_REMOVE(&linger->queues[conversation->pause], conversation, turn);
    TAILQ_REMOVE(&linger->ages, conversation, all);
    linger->count--;
    close(conversation->fd);
    free(conversation);
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

/* Close one before its peer has: what came is read, or close(2) would reset. */
static void drop(struct lingerers *linger, struct conversation *conversation)
{
    bool came;
    (void)at_end(conversation->fd, &came);
    finish(linger, conversation);
}

static void look_at(struct lingerers *linger, struct conversation *conversation, int64_t now)
{
    bool came = false;
    if (at_end(conversation->fd, &came)) {
        finish(linger, conversation);
        return;
    }
    TAILQ_REMOVE(&linger->queues[conversation->pause], conversation, turn);
    if (came)
        conversation->pause = 0;
    else if (conversation->pause < PAUSES - 1)
        conversation->pause++;
    queue(linger, conversation, now);
}

/* Look at those that are due, and close those whose time is over. */
static void look_around(struct lingerers *linger, int64_t now)
{
    struct conversation *first;
    for (size_t i = 0; i < PAUSES; i++)
        /* TAILQ_REMOVE() took the last one off: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        while ((first = TAILQ_FIRST(&linger->queues[i])) != NULL && first->look <= now)
            look_at(linger, first, now);
    while ((first = TAILQ_FIRST(&linger->ages)) != NULL && end_of(linger, first) <= now)
        drop(linger, first);
}

/* Returns when somebody is to be looked at or closed next; or NEVER. */
static int64_t next_look(const struct lingerers *linger)
{
    const struct conversation *first = TAILQ_FIRST(&linger->ages);
    int64_t next = first != NULL ? end_of(linger, first) : NEVER;
    for (size_t i = 0; i < PAUSES; i++) {
        first = TAILQ_FIRST(&linger->queues[i]);
        if (first != NULL && first->look < next)
            next = first->look;
    }
    return next;
}

/* Take in who came since the last time, and say when the next sweep will be, at `next` or,
 * if one of them needs that, earlier, but not before `earliest`. Whoever comes later and is
 * due before that wakes us. */
static int64_t take_in(struct lingerers *linger, int64_t next, int64_t earliest)
{
    struct conversation_list incoming = TAILQ_HEAD_INITIALIZER(incoming);
    struct conversation *conversation;

    CHECKED(pthread_mutex_lock(&linger->lock));
    TAILQ_CONCAT(&incoming, &linger->incoming, all);
    conversation = TAILQ_FIRST(&incoming);
    if (conversation != NULL && conversation->decided + FIRST_LOOK < next)
        next = conversation->decided + FIRST_LOOK;
    if (next < earliest)
        next = earliest;
    linger->planned = next;
    CHECKED(pthread_mutex_unlock(&linger->lock));

    for (conversation = TAILQ_FIRST(&incoming); conversation != NULL;
         conversation = TAILQ_NEXT(conversation, all)) {
        queue(linger, conversation, conversation->decided);
        linger->count++;
    }
    TAILQ_CONCAT(&linger->ages, &incoming, all);
    while (linger->count > linger->most)
        /* TAILQ_REMOVE() took the last one off: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        drop(linger, TAILQ_FIRST(&linger->ages));
    return next;
}

int64_t linger_sweep(struct lingerers *linger, bool soon)
{
    int64_t now = clock_nanoseconds();
    /* nobody who came in meanwhile is due before that */
    if (linger->next <= now || linger->next > now + FIRST_LOOK) {
        look_around(linger, now);
        int64_t next = next_look(linger);
        if (soon && next > now + FIRST_LOOK)
            next = now + FIRST_LOOK;
        linger->next = take_in(linger, next, now + SWEEP_EVERY);
    }
    return linger->next == NEVER ? NEVER : linger->next - now;
}

size_t linger_count(const struct lingerers *linger)
{
    return linger->count;
}

bool linger_shed(struct lingerers *linger)
{
    (void)take_in(linger, 0, 0);
    if (linger->count == 0)
        return false;
    drop(linger, TAILQ_FIRST(&linger->ages));
    return true;
}

void linger_destroy(struct lingerers *linger)
{
    if (linger == NULL)
        return;
    (void)take_in(linger, 0, 0);
    while (linger->count > 0)
        /* TAILQ_REMOVE() took the last one off: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        drop(linger, TAILQ_FIRST(&linger->ages));
    CHECKED(pthread_mutex_destroy(&linger->lock));
    free(linger);
}
