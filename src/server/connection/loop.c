/* SPDX-License-Identifier: MIT */
/* The main loop does what must not delay an accept, in the thread that lives as long as the
 * process. Each turn does what is due: it cuts connections when the drain times out, ends acceptors
 * and closes listeners that stopped accepting, sweeps lingering sockets, interrupts acceptors that
 * must answer, and logs warnings. Each of these says when it is due next. The loop sleeps in
 * poll(2) until the earliest of them.
 *
 * Other threads write to one eventfd(2) to start the next turn early:
 *   - a worker that ends a connection, the next time after the loop asked for it: when no sweep is
 *     planned, and during the drain;
 *   - a thread that counted the first event of a warning;
 *   - an acceptor that needs a descriptor, failed or ended;
 *   - a thread outside of this room: loop_call().
 *
 * No such wake-up is lost. Each thread first changes its state, in the monitor (monitor.h) or by
 * the atomic `called`, and then writes; the eventfd keeps its count until the loop reads it; and
 * every turn checks everything.
 *
 * A listener is closed in this order: it stops accepting; handshakes that had begun complete; its
 * acceptor empties the queue and ends (listener.c). Signals come from a signalfd(2), which
 * service.c reads: see signals.c. */
#include <config.h>

#include "server/connection/loop.h"

#include "server/connection/lingering_close.h"
#include "server/log/log.h"

#include <assert.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Indices of what is polled. */
enum { POLL_WAKE, POLL_SIGNALS, POLL_LINGERING, POLL_COUNT };

struct loop {
    struct listeners *listeners;
    struct monitor monitor;
    struct admission admission;
    struct workers workers;
    struct acceptors acceptors;
    struct lingering lingering;
    int signal_fd;
    atomic_bool called;        /* loop_call() was called and has not been answered */
    bool checking;             /* loop_check() was called and has not been answered */
    bool draining;             /* loop_drain() was called */
    struct deadline drain_end; /* when the drain times out */
};

/* Wait for a wake-up, for a signal, for a lingering socket, or for `wait` nanoseconds. Returns
 * whether there is a signal. If poll(2) fails, as with RLIMIT_NOFILE of 0, nothing is lost: the
 * next turn checks everything, and no descriptor of these blocks. */
static bool wait_for_events(struct loop *loop, int64_t wait)
{
    struct pollfd polled[POLL_COUNT] = {
        [POLL_WAKE] = {.fd = loop->monitor.wake_fd, .events = POLLIN},
        [POLL_SIGNALS] = {.fd = loop->signal_fd, .events = POLLIN},
        [POLL_LINGERING] = {.fd = lingering_fd(&loop->lingering), .events = POLLIN},
    };
    const struct timespec pause = {.tv_nsec = 10000000};
    eventfd_t ignored;

    if (poll(polled, POLL_COUNT, poll_timeout_from(wait)) < 0) {
        (void)nanosleep(&pause, NULL);
        polled[POLL_SIGNALS].revents = POLLIN;
    }
    (void)eventfd_read(loop->monitor.wake_fd, &ignored);
    return polled[POLL_SIGNALS].revents != 0;
}

/* The functions below return the nanoseconds until they are due again, or NEVER. */

/* End the acceptors of listeners that stopped accepting, once no handshake is under way, and close
 * the listeners whose acceptor has ended. */
static int64_t close_stopped_listeners(struct loop *loop)
{
    struct listeners *listeners = loop->listeners;
    int64_t now = clock_nanoseconds();
    int64_t wait = NEVER;
    for (size_t i = listeners->count; i-- > 0;) {
        struct listener *listener = listeners->list[i];
        if (listener->quiet_from == 0)
            continue;
        int64_t left = listener->quiet_from - now;
        if (acceptor_end(listener, left <= 0 || loop->acceptors.cut))
            listeners_remove(listeners, i);
        else if (left > 0)
            wait = sooner(wait, left);
    }
    return wait;
}

/* Cut the connections that are left when the drain times out. */
static int64_t end_drain(struct loop *loop)
{
    if (!loop->draining || loop->acceptors.cut)
        return NEVER;
    int64_t left = deadline_left(loop->drain_end, clock_nanoseconds());
    if (left > 0)
        return left;
    acceptors_cut(&loop->acceptors);
    return NEVER;
}

/* Whether no listener and no active connection is left, and, unless the drain timed out, no
 * lingering socket either. A sweep that reports NEVER has taken the last connection's socket. */
static bool is_drained(struct loop *loop, int64_t *wait)
{
    bool served = loop->draining && loop->listeners->count == 0 && workers_are_done(&loop->workers);
    int64_t next = lingering_sweep(&loop->lingering);
    *wait = sooner(*wait, next);
    return served && (loop->acceptors.cut || next == NEVER);
}

enum loop_event loop_run(struct loop *loop, int64_t until)
{
    for (;;) {
        int64_t wait = end_drain(loop);
        wait = sooner(wait, close_stopped_listeners(loop));
        enum acceptors_state state = acceptors_tend(&loop->acceptors, &loop->lingering, &wait);
        bool drained = is_drained(loop, &wait);
        wait = sooner(wait, acceptors_warn(&loop->acceptors, drained));
        if (state == ACCEPTORS_FAILED)
            return LOOP_FAILED;
        if (drained)
            return LOOP_DRAINED;
        if (loop->checking && state == ACCEPTORS_ANSWERED) {
            loop->checking = false;
            return LOOP_ALIVE;
        }
        if (atomic_exchange(&loop->called, false))
            return LOOP_CALLED;
        int64_t left = until - clock_nanoseconds();
        if (left <= 0)
            return LOOP_TIMER;
        if (until != NEVER)
            wait = sooner(wait, left);
        if (wait_for_events(loop, wait))
            return LOOP_SIGNAL;
    }
}

void loop_check(struct loop *loop)
{
    loop->checking = true;
    acceptors_call_roll(&loop->acceptors);
}

void loop_call(struct loop *loop)
{
    atomic_store(&loop->called, true);
    monitor_wake_loop(&loop->monitor);
}

void loop_drain(struct loop *loop, double seconds)
{
    if (!loop->draining)
        listeners_stop_accepting(loop->listeners);
    loop->draining = true;
    loop->drain_end = deadline_after(clock_nanoseconds(), seconds);
}

void loop_apply(struct loop *loop, struct settings *settings)
{
    loop->lingering.max = (size_t)settings->limits.connections;
    loop->lingering.seconds = settings->timeouts.linger;
    workers_set_idle_timeout(&loop->workers, settings->timeouts.idle_worker);
    acceptors_apply(&loop->acceptors, settings);
}

void loop_add_stats(struct loop *loop, struct stats *stats)
{
    stats->gauges.lingering = loop->lingering.count;
    workers_gauges(&loop->workers, &stats->gauges);
    acceptors_count_errors(&loop->acceptors, stats);
    listeners_add_stats(loop->listeners, stats);
}

struct loop *loop_create(struct listeners *listeners, int signal_fd)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop != NULL) {
        loop->listeners = listeners;
        loop->signal_fd = signal_fd;
        loop->admission.monitor = &loop->monitor;
        workers_init(&loop->workers, &loop->monitor);
        loop->acceptors.monitor = &loop->monitor;
        loop->acceptors.admission = &loop->admission;
        loop->acceptors.workers = &loop->workers;
        int opened = monitor_init(&loop->monitor);
        if (lingering_init(&loop->lingering, &loop->workers) == 0 && opened == 0)
            return loop;
    }
    log_errno(LOG_CRIT, "cannot create the main loop (eventfd, epoll)");
    loop_destroy(loop);
    return NULL;
}

int loop_start(struct loop *loop, struct settings *settings)
{
    if (listeners_start_accepting(loop->listeners, &loop->acceptors) == 0) {
        loop_apply(loop, settings);
        return 0;
    }
    loop_drain(loop, 0);
    enum loop_event event;
    do
        event = loop_run(loop, NEVER);
    while (event != LOOP_DRAINED);
    return -1;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    assert(TAILQ_EMPTY(&loop->acceptors.list) && loop->admission.sources == NULL);
    lingering_end(&loop->lingering);
    workers_end(&loop->workers);
    monitor_destroy(&loop->monitor);
    free(loop);
}
