/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/workers.h"

#include "common/checked.h"
#include "server/connection/admission.h"
#include "server/connection/exchange.h"
#include "server/log/log.h"

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
 * connection after the other. HACKING.md has the figures. */
#define AWAKE_MAX 2

/* So many workers end at one look, then connections have their turn. */
#define END_BATCH 64

/* A thread, and what wakes it. It is parked, or awake, or waits for a peer. */
struct worker {
    struct workers *workers;
    pthread_t thread;
    TAILQ_ENTRY(worker) all; /* in `workers->all` */
    sem_t wake;

    /* under the lock of `workers` */
    bool ending;              /* must end as soon as it is not idle */
    bool idle;                /* sleeps until `wake` */
    int64_t since;            /* when it became idle: clock_nanoseconds() */
    TAILQ_ENTRY(worker) rest; /* in `workers->idle` */
};

TAILQ_HEAD(worker_list, worker);

struct workers {
    struct lingering *lingering;
    int wake_fd;
    pthread_attr_t attributes;

    /* the main loop's own */
    size_t max;          /* active connections: limits.connections */
    double idle_timeout; /* timeouts.idle_worker */
    struct worker_list all;
    size_t count; /* of workers: never fewer than `active` */

    pthread_mutex_t lock;               /* protects all that follows, and connections' entries */
    size_t active;                      /* connections that were submitted and have not ended */
    size_t peak;                        /* the largest `active` so far */
    size_t awake;                       /* workers that are neither idle nor wait for a peer */
    struct connection_list active_list; /* for workers_cut() */
    struct connection_list waiting;     /* the active connections that no worker has taken yet */
    struct worker_list idle;            /* the worker that became idle last is first */
    bool loop_waits;                    /* the main loop waits for a connection to end */
};

/* Some platforms have a minimum above that. */
static size_t stack_size(void)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);
    return least > STACK_SIZE ? (size_t)least : STACK_SIZE;
}

void workers_set_limits(struct workers *workers, size_t max, double idle_timeout)
{
    workers->max = max;
    workers->idle_timeout = idle_timeout;
}

struct workers *workers_create(struct lingering *lingering, int wake_fd)
{
    struct workers *workers = calloc(1, sizeof *workers);
    if (workers == NULL)
        return NULL;
    workers->lingering = lingering;
    workers->wake_fd = wake_fd;
    TAILQ_INIT(&workers->all);
    TAILQ_INIT(&workers->active_list);
    TAILQ_INIT(&workers->waiting);
    TAILQ_INIT(&workers->idle);
    int error = pthread_attr_init(&workers->attributes);
    if (error != 0) {
        free(workers);
        errno = error;
        return NULL;
    }
    CHECKED(pthread_attr_setstacksize(&workers->attributes, stack_size()));
    CHECKED(pthread_mutex_init(&workers->lock, NULL));
    return workers;
}

static void lock(struct workers *workers)
{
    CHECKED(pthread_mutex_lock(&workers->lock));
}

static void unlock(struct workers *workers)
{
    CHECKED(pthread_mutex_unlock(&workers->lock));
}

bool workers_have_slot(struct workers *workers)
{
    lock(workers);
    bool has_slot = workers->active < workers->max;
    workers->loop_waits |= !has_slot;
    unlock(workers);
    return has_slot;
}

bool workers_are_done(struct workers *workers)
{
    lock(workers);
    bool done = workers->active == 0;
    workers->loop_waits |= !done;
    unlock(workers);
    return done;
}

/* These three are called with the lock held, which park() gives up while it sleeps. */

static void wake_worker(struct worker *worker)
{
    TAILQ_REMOVE(&worker->workers->idle, worker, rest);
    worker->idle = false;
    worker->workers->awake++;
    CHECKED(sem_post(&worker->wake) == 0 ? 0 : errno);
}

static void wake_if_needed(struct workers *workers)
{
    struct worker *worker = TAILQ_FIRST(&workers->idle);
    if (worker != NULL && workers->awake < AWAKE_MAX && !TAILQ_EMPTY(&workers->waiting))
        wake_worker(worker);
}

static void sleep_until_woken(struct worker *worker)
{
    struct workers *workers = worker->workers;
    worker->since = clock_nanoseconds();
    worker->idle = true;
    workers->awake--;
    TAILQ_INSERT_HEAD(&workers->idle, worker, rest);
    unlock(workers);
    while (sem_wait(&worker->wake) != 0)
        CHECKED(errno == EINTR ? 0 : errno);
    lock(workers);
}

/* The peer is to be waited for: meanwhile another takes this worker's place. */
static void finish_waiting(struct workers *workers, struct connection *connection)
{
    lock(workers);
    workers->awake--;
    wake_if_needed(workers);
    unlock(workers);

    exchange_finish(connection);

    lock(workers);
    workers->awake++;
    unlock(workers);
}

static void wake_main_loop(const struct workers *workers)
{
    eventfd_write(workers->wake_fd, 1);
}

/* Tell of it, and close the socket or let it linger. Once the connection is off the list,
 * workers_cut() knows nothing of the socket. Of one too many it is the acceptor who warns. */
static void finish(struct workers *workers, struct connection *connection)
{
    lock(workers);
    TAILQ_REMOVE(&workers->active_list, connection, all);
    unlock(workers);

    admission_leave(connection);
    connection_report(connection);
    if (connection->outcome == OUTCOME_LIMITED)
        wake_main_loop(workers);
    free(connection->proxy);
    settings_unref(connection->settings);
    connection->proxy = NULL;
    connection->settings = NULL;
    if (connection->half_closed) {
        lingering_add(workers->lingering, connection);
    } else {
        close(connection->fd);
        free(connection);
    }
}

static void serve(struct workers *workers, struct connection *connection)
{
    if (!exchange_try(connection))
        finish_waiting(workers, connection);
    finish(workers, connection);
}

/* Take a connection that waits, or sleep until one does. Returns NULL when it is time to
 * end instead. */
static struct connection *next_connection(struct worker *worker)
{
    struct workers *workers = worker->workers;
    struct connection *next;

    lock(workers);
    while (!worker->ending && TAILQ_EMPTY(&workers->waiting))
        sleep_until_woken(worker);
    if (worker->ending) {
        workers->awake--;
        next = NULL;
    } else {
        next = TAILQ_FIRST(&workers->waiting);
        TAILQ_REMOVE(&workers->waiting, next, queue);
    }
    unlock(workers);
    return next;
}

static void count_end(struct workers *workers)
{
    lock(workers);
    workers->active--;
    bool loop_waits = workers->loop_waits;
    workers->loop_waits = false;
    unlock(workers);
    if (loop_waits)
        wake_main_loop(workers);
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct connection *connection;
    while ((connection = next_connection(worker)) != NULL) {
        serve(worker->workers, connection);
        count_end(worker->workers);
    }
    return NULL;
}

/* One more worker, which is awake. Returns 0, or an error number. */
static int start_worker(struct workers *workers)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return ENOMEM;
    worker->workers = workers;
    CHECKED(sem_init(&worker->wake, 0, 0) == 0 ? 0 : errno);
    lock(workers);
    workers->awake++;
    unlock(workers);
    int error = pthread_create(&worker->thread, &workers->attributes, run_worker, worker);
    if (error != 0) {
        lock(workers);
        workers->awake--;
        unlock(workers);
        CHECKED(sem_destroy(&worker->wake) == 0 ? 0 : errno);
        free(worker);
        return error;
    }
    TAILQ_INSERT_TAIL(&workers->all, worker, all);
    workers->count++;
    return 0;
}

int workers_submit(struct workers *workers, struct connection *connection)
{
    lock(workers);
    if (workers->active == workers->count) {
        unlock(workers);
        int error = start_worker(workers);
        if (error != 0)
            return error;
        lock(workers);
    }
    workers->active++;
    if (workers->peak < workers->active)
        workers->peak = workers->active;
    TAILQ_INSERT_TAIL(&workers->active_list, connection, all);
    TAILQ_INSERT_TAIL(&workers->waiting, connection, queue);
    unlock(workers);
    return 0;
}

void workers_wake(struct workers *workers)
{
    lock(workers);
    wake_if_needed(workers);
    unlock(workers);
}

/* Called with the lock held. */
static void end_worker(struct worker *worker)
{
    worker->ending = true;
    if (worker->idle)
        wake_worker(worker);
}

/* Wait for a retired worker to end. */
static void join_worker(struct worker *worker)
{
    struct workers *workers = worker->workers;
    CHECKED(pthread_join(worker->thread, NULL));
    TAILQ_REMOVE(&workers->all, worker, all);
    workers->count--;
    CHECKED(sem_destroy(&worker->wake) == 0 ? 0 : errno);
    free(worker);
}

/* Returns the worker that has been idle for too long, or NULL, and in `wait` the
 * nanoseconds until somebody may have been. Whoever may be needed for a connection that
 * waits is not idle. Called with the lock held. */
static struct worker *expired_worker(const struct workers *workers, int64_t *wait)
{
    int64_t now = clock_nanoseconds();
    struct deadline longest = deadline_after(now, workers->idle_timeout);
    struct worker *worker = TAILQ_LAST(&workers->idle, worker_list); /* whoever parked first */
    if (worker != NULL && TAILQ_EMPTY(&workers->waiting))
        longest = deadline_after(worker->since, workers->idle_timeout);
    *wait = deadline_left(longest, now);
    return *wait == 0 ? worker : NULL;
}

int64_t workers_end_idle(struct workers *workers)
{
    struct worker *ending[END_BATCH];
    size_t count = 0;
    int64_t wait;

    if (workers->count == 0)
        return NEVER;
    lock(workers);
    while (count < END_BATCH && (ending[count] = expired_worker(workers, &wait)) != NULL)
        end_worker(ending[count++]);
    unlock(workers);
    for (size_t i = 0; i < count; i++)
        /* TAILQ_REMOVE() took the last one off: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        join_worker(ending[i]);
    return workers->count > 0 ? wait : NEVER;
}

void workers_gauges(struct workers *workers, struct gauges *gauges)
{
    const struct worker *worker;
    lock(workers);
    gauges->active = workers->active;
    gauges->peak = workers->peak;
    gauges->workers = workers->count;
    gauges->idle = 0;
    for (worker = TAILQ_FIRST(&workers->idle); worker != NULL; worker = TAILQ_NEXT(worker, rest))
        gauges->idle++;
    unlock(workers);
}

void workers_cut(struct workers *workers)
{
    struct connection *connection;
    lock(workers);
    for (connection = TAILQ_FIRST(&workers->active_list); connection != NULL;
         connection = TAILQ_NEXT(connection, all)) {
        atomic_store(&connection->cut, true);
        shutdown(connection->fd, SHUT_RDWR);
    }
    unlock(workers);
}

void workers_destroy(struct workers *workers)
{
    struct worker *worker;
    struct worker *next;
    if (workers == NULL)
        return;
    lock(workers);
    assert(workers->active == 0);
    for (worker = TAILQ_FIRST(&workers->all); worker != NULL; worker = TAILQ_NEXT(worker, all))
        end_worker(worker);
    unlock(workers);
    for (worker = TAILQ_FIRST(&workers->all); worker != NULL; worker = next) {
        next = TAILQ_NEXT(worker, all);
        join_worker(worker);
    }
    CHECKED(pthread_mutex_destroy(&workers->lock));
    CHECKED(pthread_attr_destroy(&workers->attributes));
    free(workers);
}
