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

#include "common/processors.h"
#include "common/semaphore.h"
#include "common/thread.h"
#include "server/connection/admission.h"
#include "server/connection/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct worker {
    sem_t wake;
    bool idle;                /* sleeps until `wake` */
    TAILQ_ENTRY(worker) rest; /* in `workers->idle` */
};

void workers_init(struct workers *workers, struct monitor *monitor)
{
    *workers =
        (struct workers){.monitor = monitor, .awake_max = processors_usable(), .loop_waits = true};
    TAILQ_INIT(&workers->active_list);
    TAILQ_INIT(&workers->half_closed);
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
    if (worker == NULL || workers->awake >= workers->awake_max || workers->waiting == NULL)
        return NULL;
    unlist(workers, worker);
    return worker;
}

void workers_wake(struct worker *called)
{
    if (called != NULL)
        CHECKED(sem_post(&called->wake) == 0 ? 0 : errno);
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
    int error = semaphore_wait(&worker->wake, until);
    monitor_enter(workers->monitor);
    if (error == ETIMEDOUT && worker->idle) {
        unlist(workers, worker);
        return false;
    }
    if (error == ETIMEDOUT) /* called meanwhile: the post comes, from outside the monitor */
        (void)semaphore_wait(&worker->wake, NEVER);
    return true;
}

/* Take a waiting connection, or sleep until there is one. Returns NULL if the worker must end. */
static struct connection *take(struct workers *workers, struct worker *worker)
{
    bool stay = true;
    while (stay && workers->waiting == NULL)
        stay = sleep_until_called(workers, worker);
    struct connection *connection = workers->waiting;
    if (connection != NULL)
        workers->waiting = TAILQ_NEXT(connection, all);
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

    (void)exchange_run(connection, 0);

    monitor_enter(workers->monitor);
    workers->awake++;
    monitor_leave(workers->monitor);
}

/* Hold the exchange, and report it. Called outside the monitor. */
static void serve(struct workers *workers, struct connection *connection)
{
    if (!exchange_run(connection, MSG_DONTWAIT))
        finish_waiting(workers, connection);
    admission_leave(connection);
    connection_report(connection);
    free(connection->proxy);
    settings_unref(connection->settings);
}

/* Leave a half-closed connection to the main loop; close and free any other. */
static void end(struct workers *workers, struct connection *connection)
{
    TAILQ_REMOVE(&workers->active_list, connection, all);
    admission_forget(connection);
    if (connection->half_closed) {
        TAILQ_INSERT_TAIL(&workers->half_closed, connection, all);
    } else {
        monitor_leave(workers->monitor);
        close(connection->fd);
        free(connection);
        monitor_enter(workers->monitor);
    }
    workers->active--;
    if (workers->loop_waits)
        monitor_wake_loop(workers->monitor);
    workers->loop_waits = false;
    monitor_notify(workers->monitor);
}

static void *run_worker(void *argument)
{
    struct workers *workers = argument;
    struct worker self = {.idle = false};
    struct connection *connection;

    thread_mask(SIG_BLOCK, ACCEPTOR_SIGNAL); /* the acceptor that started it does not block it */
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
    if (--workers->count == 0)
        monitor_notify(workers->monitor);
    monitor_leave(workers->monitor);
    return NULL;
}

int workers_submit(struct workers *workers, struct connection *connection, struct worker **called)
{
    if (workers->active == workers->count) { /* start one more, which is awake */
        pthread_t thread;
        int error = thread_start_small(&thread, run_worker, workers);
        if (error != 0)
            return error;
        CHECKED(pthread_detach(thread));
        workers->awake++;
        workers->count++;
    }
    workers->active++;
    if (workers->peak < workers->active)
        workers->peak = workers->active;
    TAILQ_INSERT_TAIL(&workers->active_list, connection, all);
    if (workers->waiting == NULL)
        workers->waiting = connection;
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

void workers_set_idle_timeout(struct workers *workers, double seconds)
{
    struct worker *worker;
    monitor_enter(workers->monitor);
    workers->idle_timeout = seconds;
    while ((worker = TAILQ_FIRST(&workers->idle)) != NULL) { /* and none falls idle meanwhile */
        unlist(workers, worker);
        workers_wake(worker);
    }
    monitor_leave(workers->monitor);
}

bool workers_take_half_closed(struct workers *workers, struct connection_list *list)
{
    monitor_enter(workers->monitor);
    bool any = !TAILQ_EMPTY(&workers->half_closed);
    TAILQ_CONCAT(list, &workers->half_closed, all);
    workers->loop_waits |= !any;
    monitor_leave(workers->monitor);
    return any;
}

bool workers_are_done(struct workers *workers)
{
    monitor_enter(workers->monitor);
    bool done = workers->active == 0;
    workers->loop_waits = true;
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
    workers_set_idle_timeout(workers, 0);
    monitor_enter(workers->monitor);
    assert(workers->active == 0 && TAILQ_EMPTY(&workers->half_closed));
    while (workers->count > 0)
        monitor_wait(workers->monitor, NEVER);
    monitor_leave(workers->monitor);
}
