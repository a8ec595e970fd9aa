/* SPDX-License-Identifier: MIT */
/* Who owns what. Once an acceptor has submitted a connection, the workers own it; from take() on,
 * one worker alone. Only that worker closes the socket and frees the connection, or puts it on the
 * list of half-closed ones, which the main loop takes. Everything in struct workers is protected by
 * the monitor, which a worker enters once for each connection: there it ends one and takes the
 * next.
 *
 * Why a worker may wait for its peer as long as it must. There are never fewer workers than active
 * connections, because workers_submit() starts another if all of them have one. If that thread
 * cannot be started, the new connection fails at once, and no other connection needs a thread
 * later.
 *
 * Why no wake-up is lost. A worker is idle, awake, or waits for its peer. While a connection waits
 * for a worker, at least one worker has no connection, and it is awake or idle. Each change of
 * state is made together with its check, without leaving the monitor in between:
 *   - a worker becomes idle only if no connection waits;
 *   - workers_submit(), and a worker that starts to wait for its peer, call an idle worker, if a
 *     connection waits and fewer than `awake_max` workers are awake;
 *   - an idle worker ends only while no connection waits, and only if it was not called.
 * So while a connection waits, either a worker is awake and will look for it, or the one that stops
 * being awake calls another. A call is a post to the worker's semaphore after the monitor is left;
 * the worker cannot end before it has taken the post, so the semaphore is still there.
 *
 * Why few are awake. An awake worker takes one waiting connection after the other, and needs no
 * wake-up for that. So an idle worker is woken only while fewer are awake than there are processors
 * to run them. HACKING.md has the figures.
 *
 * Why workers_cut() cannot hit a foreign socket. It shuts sockets down in the monitor, and a worker
 * takes its connection off the list before it closes the socket. So no descriptor in the list can
 * have been reused.
 *
 * Workers are detached, and their struct is on their own stack. The worker that became idle last is
 * woken first, so that surplus workers stay idle and end. */
#include <config.h>

#include "server/connection/workers.h"

#include "common/checked.h"
#include "server/connection/admission.h"
#include "server/connection/exchange.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Enough for the exchange and a log line many times over; less saves no memory. */
#define STACK_SIZE 65536

struct worker {
    sem_t wake;
    bool idle;                /* sleeps until `wake` */
    TAILQ_ENTRY(worker) rest; /* in `workers->idle` */
};

static size_t stack_size(void)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);
    return least > STACK_SIZE ? (size_t)least : STACK_SIZE;
}

/* The number of processors that this process may use. */
static size_t awake_max(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    return count > 1 ? (size_t)count : 1;
}

void workers_init(struct workers *workers, struct monitor *monitor)
{
    *workers = (struct workers){.monitor = monitor, .awake_max = awake_max(), .loop_sleeps = true};
    TAILQ_INIT(&workers->active_list);
    TAILQ_INIT(&workers->waiting);
    TAILQ_INIT(&workers->half_closed);
    TAILQ_INIT(&workers->idle);
}

int workers_start_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t detached;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    CHECKED(pthread_attr_setstacksize(&attributes, stack_size()));
    if (thread == NULL)
        CHECKED(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
    error = pthread_create(thread == NULL ? &detached : thread, &attributes, run, argument);
    CHECKED(pthread_attr_destroy(&attributes));
    return error;
}

/* The following functions are called with the monitor entered, unless they say otherwise. */

/* Take an idle worker off the list. The caller must wake it, or it is the caller. */
static void unlist(struct workers *workers, struct worker *worker)
{
    TAILQ_REMOVE(&workers->idle, worker, rest);
    worker->idle = false;
    workers->awake++;
}

/* Return a worker that must be woken, or NULL. */
static struct worker *call_if_needed(struct workers *workers)
{
    struct worker *worker = TAILQ_FIRST(&workers->idle);
    if (worker == NULL || workers->awake >= workers->awake_max || TAILQ_EMPTY(&workers->waiting))
        return NULL;
    unlist(workers, worker);
    return worker;
}

void workers_wake(struct worker *called)
{
    if (called != NULL)
        CHECKED(sem_post(&called->wake) == 0 ? 0 : errno);
}

/* Take a post, at the latest at the instant `until`. Returns 0, or ETIMEDOUT. It is not inlined, so
 * that tests/faults can make its one call fail: the second use of it is rare. */
__attribute__((noinline)) static int take_post(struct worker *worker, int64_t until)
{
    const struct timespec at = timespec_from(until);
    int error;
    do
        error = sem_clockwait(&worker->wake, CLOCK_MONOTONIC, &at) == 0 ? 0 : errno;
    while (error == EINTR);
    return error;
}

/* Sleep until called. Returns false if the idle timeout came first. Leaves the monitor
 * meanwhile. */
static bool sleep_until_called(struct workers *workers, struct worker *worker)
{
    int64_t until = deadline_after(clock_nanoseconds(), workers->idle_timeout).at;
    worker->idle = true;
    workers->awake--;
    TAILQ_INSERT_HEAD(&workers->idle, worker, rest);
    monitor_leave(workers->monitor);
    int error = take_post(worker, until);
    monitor_enter(workers->monitor);
    if (error == ETIMEDOUT && worker->idle) {
        unlist(workers, worker);
        return false;
    }
    if (error == ETIMEDOUT) /* called meanwhile: the post comes, from outside the monitor */
        (void)take_post(worker, NEVER);
    return true;
}

/* Take a waiting connection, or sleep until there is one. Returns NULL if the worker must end. */
static struct connection *take(struct workers *workers, struct worker *worker)
{
    bool stay = true;
    while (stay && !workers->ending && TAILQ_EMPTY(&workers->waiting))
        stay = sleep_until_called(workers, worker);
    struct connection *connection = TAILQ_FIRST(&workers->waiting);
    if (connection != NULL)
        TAILQ_REMOVE(&workers->waiting, connection, queue);
    return connection;
}

/* Hold an exchange that must wait for its peer, while another worker is awake instead. Called
 * outside the monitor. */
static void finish_waiting(struct workers *workers, struct connection *connection)
{
    monitor_enter(workers->monitor);
    workers->awake--;
    struct worker *called = call_if_needed(workers);
    monitor_leave(workers->monitor);
    workers_wake(called);

    exchange_finish(connection);

    monitor_enter(workers->monitor);
    workers->awake++;
    monitor_leave(workers->monitor);
}

/* Hold the exchange, and report it. Called outside the monitor. */
static void serve(struct workers *workers, struct connection *connection)
{
    if (!exchange_try(connection))
        finish_waiting(workers, connection);
    admission_leave(connection);
    connection_report(connection);
    free(connection->proxy);
    settings_unref(connection->settings);
    connection->proxy = NULL;
    connection->settings = NULL;
}

/* Leave a half-closed connection to the main loop; close and free any other. */
static void end(struct workers *workers, struct connection *connection)
{
    bool wake = false;
    TAILQ_REMOVE(&workers->active_list, connection, all);
    admission_forget(connection);
    if (connection->half_closed) {
        TAILQ_INSERT_TAIL(&workers->half_closed, connection, all);
        wake = workers->loop_sleeps;
        workers->loop_sleeps = false;
    } else {
        monitor_leave(workers->monitor);
        close(connection->fd);
        free(connection);
        monitor_enter(workers->monitor);
    }
    workers->active--;
    if (wake || workers->draining)
        monitor_wake_loop(workers->monitor);
    monitor_notify(workers->monitor);
}

static void *run_worker(void *argument)
{
    struct workers *workers = argument;
    struct worker self = {.idle = false};
    struct connection *connection;

    CHECKED(sem_init(&self.wake, 0, 0) == 0 ? 0 : errno);
    monitor_enter(workers->monitor);
    while ((connection = take(workers, &self)) != NULL) {
        monitor_leave(workers->monitor);
        serve(workers, connection);
        monitor_enter(workers->monitor);
        end(workers, connection);
    }
    CHECKED(sem_destroy(&self.wake) == 0 ? 0 : errno);
    workers->awake--;
    if (--workers->count == 0 && workers->ending)
        monitor_notify(workers->monitor);
    monitor_leave(workers->monitor);
    return NULL;
}

/* Start one more worker, which is awake. It inherits the signal mask of the acceptor that calls
 * this, but must not unblock the signal that interrupts acceptors. Returns 0 or an error number. */
static int start_worker(struct workers *workers)
{
    sigset_t interrupt;
    sigset_t before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, ACCEPTOR_SIGNAL);
    CHECKED(pthread_sigmask(SIG_BLOCK, &interrupt, &before));
    int error = workers_start_thread(NULL, run_worker, workers);
    CHECKED(pthread_sigmask(SIG_SETMASK, &before, NULL));
    if (error == 0) {
        workers->awake++;
        workers->count++;
    }
    return error;
}

int workers_submit(struct workers *workers, struct connection *connection, struct worker **called)
{
    *called = NULL;
    if (workers->active == workers->count) {
        int error = start_worker(workers);
        if (error != 0)
            return error;
    }
    workers->active++;
    if (workers->peak < workers->active)
        workers->peak = workers->active;
    TAILQ_INSERT_TAIL(&workers->active_list, connection, all);
    TAILQ_INSERT_TAIL(&workers->waiting, connection, queue);
    *called = call_if_needed(workers);
    return 0;
}

void workers_cut(struct workers *workers)
{
    struct connection *connection;
    TAILQ_FOREACH (connection, &workers->active_list, all) {
        atomic_store(&connection->cut, true);
        shutdown(connection->fd, SHUT_RDWR);
    }
}

/* The following functions are called outside the monitor. */

/* Call every idle worker, which looks again whether it must end. */
static void call_all(struct workers *workers)
{
    struct worker *worker;
    while ((worker = TAILQ_FIRST(&workers->idle)) != NULL) {
        unlist(workers, worker);
        workers_wake(worker);
    }
}

void workers_set_idle_timeout(struct workers *workers, double seconds)
{
    monitor_enter(workers->monitor);
    bool changed = workers->idle_timeout != seconds;
    workers->idle_timeout = seconds;
    if (changed)
        call_all(workers);
    monitor_leave(workers->monitor);
}

bool workers_take_half_closed(struct workers *workers, struct connection_list *list)
{
    monitor_enter(workers->monitor);
    bool any = !TAILQ_EMPTY(&workers->half_closed);
    TAILQ_CONCAT(list, &workers->half_closed, all);
    workers->loop_sleeps = !any;
    monitor_leave(workers->monitor);
    return any;
}

bool workers_are_done(struct workers *workers)
{
    monitor_enter(workers->monitor);
    bool done = workers->active == 0;
    workers->draining = true;
    monitor_leave(workers->monitor);
    return done;
}

void workers_gauges(struct workers *workers, struct gauges *gauges)
{
    const struct worker *worker;
    monitor_enter(workers->monitor);
    gauges->active = workers->active;
    gauges->peak = workers->peak;
    gauges->workers = workers->count;
    gauges->idle = 0;
    TAILQ_FOREACH (worker, &workers->idle, rest)
        gauges->idle++;
    monitor_leave(workers->monitor);
}

void workers_end(struct workers *workers)
{
    monitor_enter(workers->monitor);
    assert(workers->active == 0 && TAILQ_EMPTY(&workers->half_closed));
    workers->ending = true;
    call_all(workers);
    while (workers->count > 0)
        monitor_wait(workers->monitor, NEVER);
    monitor_leave(workers->monitor);
}
