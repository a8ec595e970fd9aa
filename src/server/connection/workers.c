/* SPDX-License-Identifier: MIT */
/* Who owns what. Once the main loop has submitted a connection, the workers own it; from
 * next_connection() on, one worker alone. Only that worker closes the socket and frees the
 * connection, or passes both to the lingering close. Only the main loop submits connections, and
 * starts and joins workers; the list of all workers, their number and the idle timeout are its own.
 * `lock` protects the rest: the active connections, those that wait for a worker, the idle workers,
 * the counts, each worker's state, and a connection's entries in these lists.
 *
 * Why a worker may wait for its peer as long as it must. There are never fewer workers than active
 * connections, because workers_submit() starts another if all of them have one. If that thread
 * cannot be started, the new connection fails at once, and no other connection needs a thread
 * later.
 *
 * Why no wake-up is lost. A worker is idle, awake, or waits for its peer. While a connection waits,
 * at least one worker has no connection, and it is awake or idle. Each change of state is made
 * together with its check, in one hold of the lock:
 *   - a worker becomes idle only if no connection waits;
 *   - a worker that starts to wait for its peer wakes an idle one, if a connection waits and fewer
 *     than AWAKE_MAX workers are awake; the main loop does the same after each batch;
 *   - an idle worker is ended only while no connection waits.
 *
 * So while a connection waits, either a worker is awake and will look for it, or the one that stops
 * being awake wakes another. A post to a worker's semaphore stays until the worker takes it. In the
 * same way, the main loop finds too many connections active and sets `loop_waits` in one hold of
 * the lock; the worker that ends the next connection sees it and writes the eventfd.
 *
 * Why workers_cut() cannot hit a foreign socket. It shuts sockets down with the lock held, and a
 * worker takes its connection off the list before it closes the socket. So no descriptor in the
 * list can have been reused.
 *
 * The worker that became idle last is woken first, so that surplus workers stay idle and end. */
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

/* Enough for the exchange and a log line many times over; less saves no memory. */
#define STACK_SIZE 65536

/* A worker is woken only while fewer than this many are awake: an awake worker takes one waiting
 * connection after the other. HACKING.md has the figures. */
#define AWAKE_MAX 2

/* Workers that end in one turn of the main loop, before connections have their turn again. */
#define END_BATCH 64

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

/* Some platforms have a larger minimum. */
static size_t stack_size(void)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);
    return least > STACK_SIZE ? (size_t)least : STACK_SIZE;
}

void workers_set_idle_timeout(struct workers *workers, double seconds)
{
    workers->idle_timeout = seconds;
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

bool workers_have_fewer(struct workers *workers, size_t limit)
{
    lock(workers);
    bool fewer = workers->active < limit;
    workers->loop_waits |= !fewer;
    unlock(workers);
    return fewer;
}

/* The next three are called with the lock held; sleep_until_woken() releases it while it sleeps. */

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

/* Hold an exchange that must wait for its peer, while another worker is awake instead. */
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

/* Report the connection, and close its socket or let it linger. Once it is off the list,
 * workers_cut() cannot reach the socket. The main loop logs the warning of a limit. */
static void finish(struct workers *workers, struct connection *connection)
{
    lock(workers);
    TAILQ_REMOVE(&workers->active_list, connection, all);
    unlock(workers);

    admission_leave(connection);
    connection_report(connection);
    if (connection->outcome == OUTCOME_LIMITED)
        eventfd_write(workers->wake_fd, 1);
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

/* Take a waiting connection, or sleep until there is one. Returns NULL if the worker must end. */
static struct connection *next_connection(struct worker *worker)
{
    struct workers *workers = worker->workers;
    struct connection *next;

    lock(workers);
    while (!worker->ending && TAILQ_EMPTY(&workers->waiting))
        sleep_until_woken(worker);
    next = worker->ending ? NULL : TAILQ_FIRST(&workers->waiting);
    if (next != NULL)
        TAILQ_REMOVE(&workers->waiting, next, queue);
    else
        workers->awake--;
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
        eventfd_write(workers->wake_fd, 1);
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct workers *workers = worker->workers;
    struct connection *connection;
    while ((connection = next_connection(worker)) != NULL) {
        if (!exchange_try(connection))
            finish_waiting(workers, connection);
        finish(workers, connection);
        count_end(workers);
    }
    return NULL;
}

/* Start one more worker, which is awake. Returns 0, or an error number. */
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

/* Make the worker end once it has no connection. Called with the lock held. */
static void end_worker(struct worker *worker)
{
    worker->ending = true;
    if (worker->idle)
        wake_worker(worker);
}

/* Join a worker that ends. */
static void join_worker(struct worker *worker)
{
    struct workers *workers = worker->workers;
    CHECKED(pthread_join(worker->thread, NULL));
    TAILQ_REMOVE(&workers->all, worker, all);
    workers->count--;
    CHECKED(sem_destroy(&worker->wake) == 0 ? 0 : errno);
    free(worker);
}

/* Return a worker whose idle time is over, or NULL, and in `*wait` the time until the next one can
 * be. No worker ends while a connection waits. Called with the lock held. */
static struct worker *expired_worker(const struct workers *workers, int64_t *wait)
{
    int64_t now = clock_nanoseconds();
    struct deadline longest = deadline_after(now, workers->idle_timeout);
    struct worker *worker = TAILQ_LAST(&workers->idle, worker_list); /* idle for longest */
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
    if (workers == NULL)
        return;
    lock(workers);
    assert(workers->active == 0);
    for (worker = TAILQ_FIRST(&workers->all); worker != NULL; worker = TAILQ_NEXT(worker, all))
        end_worker(worker);
    unlock(workers);
    while ((worker = TAILQ_FIRST(&workers->all)) != NULL)
        /* TAILQ_REMOVE() took the last one off: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        join_worker(worker);
    CHECKED(pthread_mutex_destroy(&workers->lock));
    CHECKED(pthread_attr_destroy(&workers->attributes));
    free(workers);
}
