/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/workers.h"

#include "common/checked.h"
#include "server/connection/admission.h"
#include "server/connection/exchange.h"
#include "server/log/log.h"
#include "server/log/stats.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* 64 KiB hold the exchange and a log line many times over; less saves no memory. */
#define STACK_SIZE 65536

/* A worker is woken only while fewer than this many are awake: those take what waits, one
 * conversation after the other. HACKING.md has the figures. */
#define AWAKE_ENOUGH 2

/* So many workers end at one look, then connections have their turn. */
#define RETIRE_AT_ONCE 64

/* A thread, and what wakes it. It is parked, or awake, or waits for a peer. */
struct worker {
    struct handover *handover;
    pthread_t thread;
    TAILQ_ENTRY(worker) every;
    sem_t wake;

    /* under the handover's lock */
    bool retired;               /* to end, once it is not parked */
    bool parked;                /* sleeps until `wake` */
    int64_t since;              /* when it parked: clock_nanoseconds() */
    TAILQ_ENTRY(worker) beside; /* among the parked ones */
};

TAILQ_HEAD(worker_list, worker);

struct handover {
    struct lingerers *linger;
    int wake_fd;
    pthread_attr_t attributes;

    /* the acceptor's own */
    size_t most;
    double idle;
    struct worker_list every;
    size_t workers; /* never fewer than `live`, so that each peer may be waited for */

    pthread_mutex_t lock;             /* protects all that follows, and conversations' places */
    size_t live;                      /* conversations that were given and have not ended */
    size_t peak;                      /* the most of them that there were */
    size_t awake;                     /* workers that are neither parked nor wait for a peer */
    struct conversation_list all;     /* the live ones, for handover_cut() */
    struct conversation_list waiting; /* those of them that nobody took yet */
    struct worker_list parked;        /* whoever parked last is woken first */
    bool awaited;                     /* the acceptor waits for a conversation to end */
};

/* Some platforms have a minimum above that. */
static size_t stack_size(void)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);
    return least > STACK_SIZE ? (size_t)least : STACK_SIZE;
}

void handover_change(struct handover *handover, size_t most, double idle)
{
    handover->most = most;
    handover->idle = idle;
}

struct handover *handover_create(size_t most, double idle, struct lingerers *linger, int wake_fd)
{
    struct handover *handover = calloc(1, sizeof *handover);
    if (handover == NULL)
        return NULL;
    handover_change(handover, most, idle);
    handover->linger = linger;
    handover->wake_fd = wake_fd;
    TAILQ_INIT(&handover->every);
    TAILQ_INIT(&handover->all);
    TAILQ_INIT(&handover->waiting);
    TAILQ_INIT(&handover->parked);
    int error = pthread_attr_init(&handover->attributes);
    if (error != 0) {
        free(handover);
        errno = error;
        return NULL;
    }
    CHECKED(pthread_attr_setstacksize(&handover->attributes, stack_size()));
    CHECKED(pthread_mutex_init(&handover->lock, NULL));
    return handover;
}

static void lock(struct handover *handover)
{
    CHECKED(pthread_mutex_lock(&handover->lock));
}

static void unlock(struct handover *handover)
{
    CHECKED(pthread_mutex_unlock(&handover->lock));
}

bool handover_has_place(struct handover *handover)
{
    lock(handover);
    bool has_place = handover->live < handover->most;
    handover->awaited |= !has_place;
    unlock(handover);
    return has_place;
}

bool handover_is_idle(struct handover *handover)
{
    lock(handover);
    bool idle = handover->live == 0;
    handover->awaited |= !idle;
    unlock(handover);
    return idle;
}

/* These three are called with the lock held, which park() gives up while it sleeps. */

static void unpark(struct worker *worker)
{
    TAILQ_REMOVE(&worker->handover->parked, worker, beside);
    worker->parked = false;
    worker->handover->awake++;
    CHECKED(sem_post(&worker->wake) == 0 ? 0 : errno);
}

static void call_worker(struct handover *handover)
{
    struct worker *worker = TAILQ_FIRST(&handover->parked);
    if (worker != NULL && handover->awake < AWAKE_ENOUGH && !TAILQ_EMPTY(&handover->waiting))
        unpark(worker);
}

static void park(struct worker *worker)
{
    struct handover *handover = worker->handover;
    worker->since = clock_nanoseconds();
    worker->parked = true;
    handover->awake--;
    TAILQ_INSERT_HEAD(&handover->parked, worker, beside);
    unlock(handover);
    while (sem_wait(&worker->wake) != 0)
        CHECKED(errno == EINTR ? 0 : errno);
    lock(handover);
}

/* The peer is to be waited for: meanwhile another takes this worker's place. */
static void hold_aside(struct handover *handover, struct conversation *conversation)
{
    lock(handover);
    handover->awake--;
    call_worker(handover);
    unlock(handover);

    exchange_hold(conversation);

    lock(handover);
    handover->awake++;
    unlock(handover);
}

static void wake_acceptor(const struct handover *handover)
{
    eventfd_write(handover->wake_fd, 1);
}

/* Tell of it, and close the socket or let it linger. Once the conversation is off the list,
 * handover_cut() knows nothing of the socket. Of one too many it is the acceptor who warns. */
static void finish(struct handover *handover, struct conversation *conversation)
{
    lock(handover);
    TAILQ_REMOVE(&handover->all, conversation, all);
    unlock(handover);

    admission_leave(conversation);
    stats_outcome(conversation);
    log_conversation(conversation);
    if (conversation->outcome == OUTCOME_LIMITED)
        wake_acceptor(handover);
    free(conversation->preface);
    snapshot_release(conversation->snapshot);
    if (conversation->half_closed) {
        linger_add(handover->linger, conversation);
    } else {
        close(conversation->fd);
        free(conversation);
    }
}

static void hold(struct handover *handover, struct conversation *conversation)
{
    if (!exchange_try(conversation))
        hold_aside(handover, conversation);
    finish(handover, conversation);
}

/* Take a conversation that waits, or sleep until one does. Returns NULL when it is time to
 * end instead. */
static struct conversation *next_conversation(struct worker *worker)
{
    struct handover *handover = worker->handover;
    struct conversation *next;

    lock(handover);
    while (!worker->retired && TAILQ_EMPTY(&handover->waiting))
        park(worker);
    if (worker->retired) {
        handover->awake--;
        next = NULL;
    } else {
        next = TAILQ_FIRST(&handover->waiting);
        TAILQ_REMOVE(&handover->waiting, next, turn);
    }
    unlock(handover);
    return next;
}

static void count_end(struct handover *handover)
{
    lock(handover);
    handover->live--;
    bool tell = handover->awaited;
    handover->awaited = false;
    unlock(handover);
    if (tell)
        wake_acceptor(handover);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct conversation *conversation;
    while ((conversation = next_conversation(worker)) != NULL) {
        hold(worker->handover, conversation);
        count_end(worker->handover);
    }
    return NULL;
}

/* One more worker, which is awake. Returns 0, or an error number. */
static int hire(struct handover *handover)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return ENOMEM;
    worker->handover = handover;
    CHECKED(sem_init(&worker->wake, 0, 0) == 0 ? 0 : errno);
    lock(handover);
    handover->awake++;
    unlock(handover);
    int error = pthread_create(&worker->thread, &handover->attributes, work, worker);
    if (error != 0) {
        lock(handover);
        handover->awake--;
        unlock(handover);
        CHECKED(sem_destroy(&worker->wake) == 0 ? 0 : errno);
        free(worker);
        return error;
    }
    TAILQ_INSERT_TAIL(&handover->every, worker, every);
    handover->workers++;
    return 0;
}

int handover_give(struct handover *handover, struct conversation *conversation)
{
    lock(handover);
    if (handover->live == handover->workers) {
        unlock(handover);
        int error = hire(handover);
        if (error != 0)
            return error;
        lock(handover);
    }
    handover->live++;
    if (handover->peak < handover->live)
        handover->peak = handover->live;
    TAILQ_INSERT_TAIL(&handover->all, conversation, all);
    TAILQ_INSERT_TAIL(&handover->waiting, conversation, turn);
    unlock(handover);
    return 0;
}

void handover_call(struct handover *handover)
{
    lock(handover);
    call_worker(handover);
    unlock(handover);
}

/* Called with the lock held. */
static void retire(struct worker *worker)
{
    worker->retired = true;
    if (worker->parked)
        unpark(worker);
}

/* Wait for a retired worker to end. */
static void bury(struct worker *worker)
{
    struct handover *handover = worker->handover;
    CHECKED(pthread_join(worker->thread, NULL));
    TAILQ_REMOVE(&handover->every, worker, every);
    handover->workers--;
    CHECKED(sem_destroy(&worker->wake) == 0 ? 0 : errno);
    free(worker);
}

/* Returns the worker that has been idle for too long, or NULL, and in `wait` the
 * nanoseconds until somebody may have been. Whoever may be needed for a conversation that
 * waits is not idle. Called with the lock held. */
static struct worker *idle_worker(const struct handover *handover, int64_t *wait)
{
    int64_t now = clock_nanoseconds();
    struct deadline longest = deadline_after(now, handover->idle);
    struct worker *worker = TAILQ_LAST(&handover->parked, worker_list); /* whoever parked first */
    if (worker != NULL && TAILQ_EMPTY(&handover->waiting))
        longest = deadline_after(worker->since, handover->idle);
    *wait = deadline_left(longest, now);
    return *wait == 0 ? worker : NULL;
}

int64_t handover_retire(struct handover *handover)
{
    struct worker *retired[RETIRE_AT_ONCE];
    size_t count = 0;
    int64_t wait;

    if (handover->workers == 0)
        return NEVER;
    lock(handover);
    while (count < RETIRE_AT_ONCE && (retired[count] = idle_worker(handover, &wait)) != NULL)
        retire(retired[count++]);
    unlock(handover);
    for (size_t i = 0; i < count; i++)
        /* TAILQ_REMOVE() took the last one off: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        bury(retired[i]);
    return handover->workers > 0 ? wait : NEVER;
}

struct census handover_census(struct handover *handover)
{
    const struct worker *worker;
    struct census census = {.workers = handover->workers};
    lock(handover);
    census.live = handover->live;
    census.peak = handover->peak;
    for (worker = TAILQ_FIRST(&handover->parked); worker != NULL;
         worker = TAILQ_NEXT(worker, beside))
        census.parked++;
    unlock(handover);
    return census;
}

void handover_cut(struct handover *handover)
{
    struct conversation *conversation;
    lock(handover);
    for (conversation = TAILQ_FIRST(&handover->all); conversation != NULL;
         conversation = TAILQ_NEXT(conversation, all)) {
        atomic_store(&conversation->cut, true);
        shutdown(conversation->fd, SHUT_RDWR);
    }
    unlock(handover);
}

void handover_destroy(struct handover *handover)
{
    struct worker *worker;
    struct worker *next;
    if (handover == NULL)
        return;
    lock(handover);
    assert(handover->live == 0);
    for (worker = TAILQ_FIRST(&handover->every); worker != NULL; worker = TAILQ_NEXT(worker, every))
        retire(worker);
    unlock(handover);
    for (worker = TAILQ_FIRST(&handover->every); worker != NULL; worker = next) {
        next = TAILQ_NEXT(worker, every);
        bury(worker);
    }
    CHECKED(pthread_mutex_destroy(&handover->lock));
    CHECKED(pthread_attr_destroy(&handover->attributes));
    free(handover);
}
