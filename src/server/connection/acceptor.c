/* SPDX-License-Identifier: MIT */
/* Each acceptor blocks in accept4(2), which also returns the peer's address, because getpeername(2)
 * fails after an early reset. Then it enters the monitor, once for each connection: it reads the
 * settings, asks the admission, and submits the connection to the workers. Before accept4(2) it
 * knows nothing and holds no slot, because that call can last an hour. Until the connection is
 * submitted, each failure is cleaned up here: leave the admission, close, count, log. After that
 * the acceptor does not touch it. A thread that is started accepts nothing before the settings are
 * applied with which its listener was opened.
 *
 * How a thread in accept4(2) is reached. The main loop changes what the thread must see, counts up
 * `roll`, notifies the threads that wait in the monitor, and signals the others. The handler does
 * nothing, and without SA_RESTART accept4(2) fails with EINTR. A signal that arrives just before it
 * is lost, so it is sent again until the thread has set `answered` to `roll`. shutdown(2)
 * would not do, because an adopted listener outlives the daemon; nor would pthread_cancel(3), with
 * which the C library can lose a connection that was accepted already. No other thread unblocks the
 * signal.
 *
 * An accept4(2) that fails for a shortage leaves the connection queued, and would fail again at
 * once. So the acceptor pauses for a time that starts at 1 ms, doubles with each failure up to
 * 100 ms, and halves with each connection that gets a worker. If descriptors are short, the main
 * loop closes the oldest lingering socket, because only it closes those, and the pause ends. A
 * connection that cannot get a thread is closed, and causes the same pause. accept4(2) reserves its
 * descriptor before it waits, and so can fail although no connection is queued. Then the acceptor
 * waits in poll(2) until one is, and counts nothing. It does the same if a listener is non-blocking
 * because its owner made it so.
 *
 * Other errors concern one connection, which is off the queue, and the acceptor goes on. But if
 * any error comes FAILURES_FREE times without a success between, it is not what it seems (a
 * container's filter can answer each call with EPERM), and causes the same pause and warning.
 *
 * Without a free slot, an acceptor holds the connection that it has accepted until there is one
 * (limits.when_full = "wait"), and more connections stay in the kernel's queue; the connection's
 * time begins with its slot. Or all are accepted, and the admission refuses those past the limit
 * ("refuse"). */
#include <config.h>

#include "server/connection/acceptor.h"

#include "common/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define PACE_FIRST (1 * MS)
#define PACE_LAST (100 * MS)
#define FAILURES_FREE 32

/* The time between two signals to an acceptor that does not answer. */
#define CALL_AGAIN (5 * MS)

/* What to do about an error of accept(2). */
enum remedy {
    REMEDY_CONTINUE, /* it concerns one connection, which is off the queue */
    REMEDY_EVICT,    /* no descriptor is left: close the oldest lingering socket */
    REMEDY_PAUSE,    /* the connection stays queued: try again later */
    REMEDY_STOP      /* a bug of ours */
};

/* clang-format off */
#define ROW(name, remedy) {#name, name, REMEDY_##remedy}
static const struct accept_error {
    const char *name; /* as in errno(3) */
    int number;
    enum remedy remedy;
} accept_errors[] = {
    /* what the network says of a queued connection */
    ROW(ECONNABORTED, CONTINUE), ROW(EPROTO, CONTINUE),     ROW(EPERM, CONTINUE),
    ROW(ENETDOWN, CONTINUE),     ROW(ENETUNREACH, CONTINUE), ROW(EHOSTDOWN, CONTINUE),
    ROW(EHOSTUNREACH, CONTINUE), ROW(ENONET, CONTINUE),     ROW(ENOPROTOOPT, CONTINUE),
    ROW(ETIMEDOUT, CONTINUE),
    ROW(EOPNOTSUPP, PAUSE), /* permanent if the socket is not a stream socket */
    /* shortages */
    ROW(EMFILE, EVICT), ROW(ENFILE, EVICT), ROW(ENOBUFS, PAUSE), ROW(ENOMEM, PAUSE),
    /* bugs of ours */
    ROW(EBADF, STOP), ROW(EINVAL, STOP), ROW(ENOTSOCK, STOP), ROW(EFAULT, STOP),
    {"other", 0, REMEDY_PAUSE},
};
/* clang-format on */

#define ACCEPT_ERRORS (sizeof accept_errors / sizeof *accept_errors)

_Static_assert(ACCEPT_ERRORS <= STATS_ACCEPT_ERRORS, "the statistics have room for every error");

static size_t find_error(int number)
{
    size_t index = 0;
    while (index < ACCEPT_ERRORS - 1 && accept_errors[index].number != number)
        index++;
    return index;
}

struct acceptor {
    struct acceptors *shared;
    const struct listener *listener;
    pthread_t thread;
    TAILQ_ENTRY(acceptor) entry;

    /* the thread's own */
    struct connection *connection; /* from malloc(3): the next one, until it is submitted */
    struct worker *called;         /* must be woken */
    int64_t pace;                  /* length of the next pause, in nanoseconds */
    unsigned failures;             /* of accept4(2) since its last success */

    /* protected by the monitor */
    enum acceptor_state { STARTING, ACCEPTING, LEAVING, ENDED } state;
    unsigned answered; /* number of the last roll call that it saw */
};

/* The functions of the acceptor's thread are called with the monitor entered. Those that wait leave
 * it meanwhile. */

static void enter(const struct acceptor *acceptor)
{
    monitor_enter(acceptor->shared->monitor);
}

/* Leave the monitor, and only then wake the worker that was called. */
static void leave(struct acceptor *acceptor)
{
    struct worker *called = acceptor->called;
    acceptor->called = NULL;
    monitor_leave(acceptor->shared->monitor);
    workers_wake(called);
}

/* Answers roll calls, also one that came before the thread entered the monitor. After the last wait
 * must_go_on() answers. */
static void wait_until(struct acceptor *acceptor, int64_t until)
{
    acceptor->answered = acceptor->shared->roll;
    monitor_wait(acceptor->shared->monitor, until);
}

static void pause_accepting(struct acceptor *acceptor)
{
    acceptor->pace = sooner(2 * acceptor->pace, PACE_LAST);
    if (acceptor->pace < PACE_FIRST)
        acceptor->pace = PACE_FIRST;
    int64_t end = clock_nanoseconds() + acceptor->pace;
    const enum acceptor_state state = acceptor->state;
    const bool cut = acceptor->shared->cut;
    unsigned evictions = acceptor->shared->evictions;
    while (acceptor->state == state && acceptor->shared->evictions == evictions &&
           acceptor->shared->cut == cut && clock_nanoseconds() < end)
        wait_until(acceptor, end);
}

static void pause_for_shortage(struct acceptor *acceptor, int error)
{
    struct acceptors *shared = acceptor->shared;
    monitor_warn(shared->monitor, &shared->shortage_warning, error);
    pause_accepting(acceptor);
}

/* Whether a connection is queued. If not, wait for one if `wait` is set, or for a signal. */
static bool is_queued(struct acceptor *acceptor, bool wait)
{
    leave(acceptor);
    int ready = listener_poll(acceptor->listener, wait);
    bool failed = ready < 0 && errno != EINTR;
    enter(acceptor);
    if (failed)
        pause_accepting(acceptor);
    return ready > 0;
}

static void handle_error(struct acceptor *acceptor, int error)
{
    struct acceptors *shared = acceptor->shared;
    size_t index = find_error(error);
    enum remedy remedy = accept_errors[index].remedy;
    const unsigned answered = acceptor->answered;
    bool again = error == EINTR || error == EAGAIN; /* or another owner was quicker */

    /* These can also mean that no connection is queued. */
    if ((again || remedy == REMEDY_EVICT) && !is_queued(acceptor, false)) {
        if (answered == shared->roll) /* nothing changed that must be looked at */
            (void)is_queued(acceptor, true);
        return;
    }
    bool repeated = ++acceptor->failures > FAILURES_FREE;
    if (again && !repeated)
        return;
    shared->errors[index]++;
    if (remedy == REMEDY_CONTINUE && !repeated)
        return;
    if (remedy == REMEDY_STOP)
        shared->failure = error; /* the main loop learns of it when this thread ends */
    if (remedy == REMEDY_STOP || (repeated && acceptor->state == LEAVING)) {
        acceptor->state = ENDED; /* a stop does not wait for what cannot be accepted */
    } else if (remedy == REMEDY_EVICT) {
        shared->shortage_warning.error = error;
        shared->short_of_descriptors++;
        monitor_wake_loop(shared->monitor);
        pause_accepting(acceptor);
    } else {
        pause_for_shortage(acceptor, error);
    }
}

/* End the connection, whose outcome is known and which no worker had. If it met a shortage, the
 * next one can, too. */
static void turn_away(struct acceptor *acceptor)
{
    struct connection *connection = acceptor->connection;
    leave(acceptor);
    connection->decided = clock_nanoseconds();
    admission_leave(connection);
    close(connection->fd);
    connection_report(connection);
    enter(acceptor);
    admission_forget(connection);
    if (connection->outcome == OUTCOME_FAILED)
        pause_accepting(acceptor);
}

static bool must_wait_for_slot(const struct acceptors *shared)
{
    const struct settings *settings = shared->settings;
    return !shared->cut && settings->limits.when_full == WHEN_FULL_WAIT &&
           shared->workers->active >= (size_t)settings->limits.connections;
}

/* Decide on the connection that was accepted, by the settings of now, and pass it to the workers.
 */
static void admit(struct acceptor *acceptor)
{
    struct acceptors *shared = acceptor->shared;
    struct connection *connection = acceptor->connection;

    acceptor->failures = 0;
    if (must_wait_for_slot(shared))
        monitor_warn(shared->monitor, &shared->admission->limit_warning, 0);
    while (must_wait_for_slot(shared))
        wait_until(acceptor, NEVER);
    struct settings *settings = shared->settings;
    connection->settings = settings;
    connection->accepted = clock_nanoseconds();
    connection->deadline = deadline_after(connection->accepted, settings->timeouts.exchange);
    connection->proxied = prefixes_match(&settings->access.proxies, &connection->peer) >= 0;
    connection->outcome = OUTCOME_LIMITED; /* if cut */
    bool admitted = !shared->cut && admission_enter(shared->admission, connection);
    if (admitted) {
        connection->outcome = OUTCOME_FAILED; /* unless a worker gets it */
        connection->error = workers_submit(shared->workers, connection, &acceptor->called);
    }
    if (connection->error != 0)
        monitor_warn(shared->monitor,
                     admitted ? &shared->thread_warning : &shared->shortage_warning,
                     connection->error);
    if (!admitted || connection->error != 0) {
        turn_away(acceptor);
        return;
    }
    (void)settings_ref(settings); /* for the worker, which must enter the monitor first */
    acceptor->connection = NULL;
    acceptor->pace /= 2;
}

/* Accept a connection. Returns 0, or the errno of accept4(2). Called outside the monitor. */
static int accept_next(const struct listener *listener, struct connection *connection)
{
    *connection = (struct connection){.local = listener->bound};
    connection->fd = listener_accept(listener, &connection->peer);
    if (connection->fd < 0)
        return errno;
    stats_accepted();
    address_unmap(&connection->peer);
    if (address_is_wildcard(&listener->bound)) /* otherwise all have the local address */
        (void)address_of_socket(connection->fd, &connection->local);
    connection_log_step(connection, STEP_ACCEPTED);
    return 0;
}

static void do_next(struct acceptor *acceptor)
{
    int error = 0;
    leave(acceptor);
    if (acceptor->connection == NULL)
        acceptor->connection = malloc(sizeof *acceptor->connection);
    if (acceptor->connection != NULL)
        error = accept_next(acceptor->listener, acceptor->connection);
    enter(acceptor);
    if (acceptor->connection == NULL)
        pause_for_shortage(acceptor, ENOMEM);
    else if (error != 0)
        handle_error(acceptor, error);
    else
        admit(acceptor);
}

/* Whether to accept another connection. An acceptor that leaves first empties the queue of its
 * listener, unless the listener is adopted: the service manager keeps that one open. */
static bool must_go_on(struct acceptor *acceptor)
{
    acceptor->answered = acceptor->shared->roll;
    if (acceptor->state == LEAVING && !acceptor->listener->adopted && !acceptor->shared->cut &&
        is_queued(acceptor, false))
        return true;
    return acceptor->state == ACCEPTING; /* which it can be again since then: acceptor_start() */
}

static void *run_acceptor(void *argument)
{
    struct acceptor *acceptor = argument;
    thread_mask(SIG_UNBLOCK, ACCEPTOR_SIGNAL);
    enter(acceptor);
    while (acceptor->state == STARTING)
        wait_until(acceptor, NEVER);
    while (must_go_on(acceptor))
        do_next(acceptor);
    acceptor->state = ENDED;
    leave(acceptor);
    monitor_wake_loop(acceptor->shared->monitor);
    free(acceptor->connection);
    return NULL;
}

/* The main loop's functions. */

void acceptors_apply(struct acceptors *acceptors, struct settings *settings)
{
    struct acceptor *acceptor;
    monitor_enter(acceptors->monitor);
    acceptors->settings = settings;
    TAILQ_FOREACH (acceptor, &acceptors->list, entry)
        if (acceptor->state == STARTING)
            acceptor->state = ACCEPTING;
    monitor_notify(acceptors->monitor);
    monitor_leave(acceptors->monitor);
}

int acceptor_start(struct acceptors *acceptors, struct listener *listener)
{
    struct acceptor *acceptor = listener->acceptor;
    if (acceptor != NULL) {
        enter(acceptor);
        if (acceptor->state == LEAVING)
            acceptor->state = ACCEPTING;
        monitor_leave(acceptors->monitor);
    }
    if (!acceptor_end(listener, false))
        return 0;
    acceptor = calloc(1, sizeof *acceptor);
    if (acceptor == NULL)
        return ENOMEM;
    acceptor->shared = acceptors;
    acceptor->listener = listener;
    int error = thread_start_small(&acceptor->thread, run_acceptor, acceptor);
    if (error != 0) {
        free(acceptor);
        return error;
    }
    TAILQ_INSERT_HEAD(&acceptors->list, acceptor, entry);
    listener->acceptor = acceptor;
    return 0;
}

bool acceptor_end(struct listener *listener, bool now)
{
    struct acceptor *acceptor = listener->acceptor;
    if (acceptor == NULL)
        return true;
    enter(acceptor);
    if (now && acceptor->state < LEAVING) {
        acceptor->state = acceptor->state == STARTING ? ENDED : LEAVING;
        acceptor->shared->roll++;
        monitor_notify(acceptor->shared->monitor);
    }
    bool ended = acceptor->state == ENDED; /* or about to: it waits for nothing but the monitor */
    monitor_leave(acceptor->shared->monitor);
    if (!ended)
        return false;
    CHECKED(pthread_join(acceptor->thread, NULL));
    TAILQ_REMOVE(&acceptor->shared->list, acceptor, entry);
    free(acceptor);
    listener->acceptor = NULL;
    return true;
}

void acceptors_cut(struct acceptors *acceptors)
{
    monitor_enter(acceptors->monitor);
    acceptors->cut = true;
    workers_cut(acceptors->workers);
    monitor_notify(acceptors->monitor);
    monitor_leave(acceptors->monitor);
}

void acceptors_call_roll(struct acceptors *acceptors)
{
    monitor_enter(acceptors->monitor);
    acceptors->roll++;
    monitor_notify(acceptors->monitor);
    monitor_leave(acceptors->monitor);
}

/* Close the oldest lingering socket for acceptors that found no descriptor. */
static void free_descriptor(struct acceptors *acceptors, struct lingering *lingering,
                            unsigned failures)
{
    bool freed = lingering_evict(lingering);
    monitor_enter(acceptors->monitor);
    acceptors->shortage_warning.count += freed ? 0 : failures;
    acceptors->evictions += freed;
    monitor_notify(acceptors->monitor);
    monitor_leave(acceptors->monitor);
}

enum acceptors_state acceptors_tend(struct acceptors *acceptors, struct lingering *lingering,
                                    int64_t *wait)
{
    const struct acceptor *acceptor;
    enum acceptors_state state = ACCEPTORS_ANSWERED;

    monitor_enter(acceptors->monitor);
    TAILQ_FOREACH (acceptor, &acceptors->list, entry)
        if (acceptor->state != ENDED && acceptor->answered != acceptors->roll) {
            CHECKED(pthread_kill(acceptor->thread, ACCEPTOR_SIGNAL));
            *wait = sooner(*wait, CALL_AGAIN);
            state = ACCEPTORS_CALLED;
        }
    int failure = acceptors->failure;
    unsigned short_of_descriptors = acceptors->short_of_descriptors;
    acceptors->short_of_descriptors = 0;
    acceptors->failure = 0;
    monitor_leave(acceptors->monitor);

    if (short_of_descriptors > 0)
        free_descriptor(acceptors, lingering, short_of_descriptors);
    if (failure == 0)
        return state;
    log_line(LOG_CRIT, "cannot accept connections: %s", strerror(failure));
    return ACCEPTORS_FAILED;
}

int64_t acceptors_warn(struct acceptors *acceptors, bool last_chance)
{
    int64_t wait = NEVER;

    monitor_enter(acceptors->monitor);
    struct warning shortage = warning_due(&acceptors->shortage_warning, last_chance, &wait);
    struct warning thread = warning_due(&acceptors->thread_warning, last_chance, &wait);
    monitor_leave(acceptors->monitor);
    if (thread.count > 0)
        log_line(LOG_WARNING,
                 "cannot start a worker, so the connection fails: %s; raise TasksMax= of the unit, "
                 "or the limit on processes of the user or the container count=%lu",
                 strerror(thread.error), thread.count);
    if (shortage.count > 0)
        log_line(LOG_WARNING, "cannot accept connections, pausing: %s count=%lu",
                 strerror(shortage.error), shortage.count);
    return sooner(wait, admission_warn(acceptors->admission, acceptors->settings, last_chance));
}

void acceptors_count_errors(struct acceptors *acceptors, struct stats *stats)
{
    monitor_enter(acceptors->monitor);
    for (size_t i = 0; i < ACCEPT_ERRORS; i++)
        stats_add_accept_error(stats, accept_errors[i].name, acceptors->errors[i]);
    monitor_leave(acceptors->monitor);
}
