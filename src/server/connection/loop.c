/* SPDX-License-Identifier: MIT */
/* Each turn does what is due: it cuts connections when the drain times out, closes listeners that
 * stopped accepting, sweeps lingering sockets, ends idle workers and logs warnings. Each of these
 * says when it is due next. The loop sleeps in ppoll(2) until the earliest of them, then accepts a
 * batch from each ready listener. It starts with a different one each turn, because the first may
 * take the last slot.
 *
 * Everything here belongs to the main thread; there is no lock. Other threads write to one
 * eventfd(2) to start the next turn early:
 *   - a worker whose lingering socket is due before the planned sweep;
 *   - a worker that ends a connection while the loop waits for a slot or for the last connection;
 *   - a worker whose connection exceeded limits.per_source, so that the warning is logged.
 *
 * No such wake-up is lost. Each thread first changes its state, under that state's lock, and then
 * writes; the eventfd keeps its count until the loop reads it; and every turn checks everything.
 *
 * Signals come from a signalfd(2), which service.c reads: see signals.c. A batch is limited, so
 * that a flood of connections delays no signal. */
#include <config.h>

#include "server/connection/loop.h"

#include "server/connection/acceptor.h"
#include "server/log/log.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Indices in `poll`. */
enum { POLL_WAKE, POLL_SIGNALS, POLL_LISTENERS };

struct loop {
    struct listeners *listeners;
    struct acceptor acceptor;
    int wake_fd; /* eventfd(2) */
    struct pollfd poll[POLL_LISTENERS + LISTENERS_MAX];
    size_t turn;               /* which listener is first */
    bool draining;             /* loop_drain() was called */
    struct deadline drain_end; /* when the drain times out */
    bool cut;                  /* the drain timed out, and connections were cut */
};

/* ppoll(2) failed, which means a shortage of memory: check every descriptor after a short pause.
 * None of them blocks. */
static void check_all(struct loop *loop, size_t count)
{
    static const struct timespec pause = {.tv_nsec = 10000000};
    acceptor_note_shortage(&loop->acceptor, errno);
    (void)nanosleep(&pause, NULL);
    for (size_t i = 0; i < count; i++)
        loop->poll[i].revents = loop->poll[i].fd >= 0 ? POLLIN : 0;
}

/* Wait for a wake-up, for a signal, for a listener if `listening`, or for `wait` nanoseconds.
 * Afterwards each `revents` is valid. */
static void wait_for_events(struct loop *loop, bool listening, int64_t wait)
{
    struct pollfd *polled = loop->poll;
    const struct listeners *listeners = loop->listeners;
    struct timespec timeout = timespec_from(wait);
    eventfd_t ignored;

    for (size_t i = 0; i < listeners->count; i++)
        polled[POLL_LISTENERS + i] =
            (struct pollfd){.fd = listening ? listeners->list[i].fd : -1, .events = POLLIN};
    size_t count = POLL_LISTENERS + listeners->count;
    int ready = ppoll(polled, count, wait == NEVER ? NULL : &timeout, NULL);
    if (ready < 0 && errno != EINTR)
        check_all(loop, count);
    else if (ready <= 0)
        for (size_t i = 0; i < count; i++)
            polled[i].revents = 0;
    if (polled[POLL_WAKE].revents != 0)
        (void)eventfd_read(loop->wake_fd, &ignored);
}

/* Accept a batch from each ready listener. A pause holds for all of them. */
static enum acceptor_result accept_ready(struct loop *loop)
{
    size_t count = loop->listeners->count;
    size_t first = loop->turn++;
    enum acceptor_result result = ACCEPTOR_MORE;
    for (size_t i = 0; i < count && result != ACCEPTOR_PAUSE && result != ACCEPTOR_FAILED; i++) {
        size_t next = (first + i) % count;
        if (loop->poll[POLL_LISTENERS + next].revents != 0)
            result = acceptor_accept(&loop->acceptor, &loop->listeners->list[next]);
    }
    return result;
}

/* The functions below return the nanoseconds until they are due again, or NEVER. */

/* Close the listeners that stopped accepting and whose queue stays empty; close all of them once
 * the drain timed out. */
static int64_t close_stopped_listeners(struct loop *loop)
{
    struct listeners *listeners = loop->listeners;
    int64_t now = clock_nanoseconds();
    int64_t wait = NEVER;
    for (size_t i = listeners->count; i-- > 0;) {
        const struct listener *listener = &listeners->list[i];
        if (listener->quiet_from == 0)
            continue;
        if (loop->cut || (listener->quiet_from <= now && listener_queue(listener, NULL) == 0))
            listeners_remove(listeners, i);
        else if (listener->quiet_from > now)
            wait = sooner(wait, listener->quiet_from - now);
    }
    return wait;
}

/* Cut the connections that are left when the drain times out. */
static int64_t end_drain(struct loop *loop)
{
    if (!loop->draining || loop->cut)
        return NEVER;
    int64_t left = deadline_left(loop->drain_end, clock_nanoseconds());
    if (left == 0) {
        loop->cut = true;
        workers_cut(loop->acceptor.workers);
        return NEVER;
    }
    return left;
}

static int64_t do_due_work(struct loop *loop)
{
    int64_t wait = end_drain(loop);
    wait = sooner(wait, close_stopped_listeners(loop));
    wait = sooner(wait, lingering_sweep(loop->acceptor.lingering, loop->acceptor.submitted));
    wait = sooner(wait, workers_end_idle(loop->acceptor.workers));
    wait = sooner(wait, acceptor_warn(&loop->acceptor, false));
    loop->acceptor.submitted = false;
    return wait;
}

/* True when no listener and no active connection is left, and, unless the drain timed out, no
 * lingering socket either. By then a sweep has counted the last connection's socket. */
static bool is_drained(struct loop *loop)
{
    if (!loop->draining || loop->listeners->count > 0 ||
        !workers_have_fewer(loop->acceptor.workers, 1))
        return false;
    return loop->cut || lingering_sweep(loop->acceptor.lingering, false) == NEVER;
}

enum loop_event loop_run(struct loop *loop, int64_t until)
{
    for (;;) {
        int64_t wait = do_due_work(loop);
        if (is_drained(loop)) {
            (void)acceptor_warn(&loop->acceptor, true);
            return LOOP_DRAINED;
        }
        int64_t left = until - clock_nanoseconds();
        if (left <= 0)
            return LOOP_TIMER;
        if (until != NEVER)
            wait = sooner(wait, left);
        bool listening = acceptor_can_accept(&loop->acceptor, &wait);
        wait_for_events(loop, listening, wait);
        if (accept_ready(loop) == ACCEPTOR_FAILED)
            return LOOP_FAILED;
        if (loop->poll[POLL_SIGNALS].revents != 0)
            return LOOP_SIGNAL;
        if (loop->acceptor.submitted)
            (void)sched_yield(); /* while workers run, connections gather for the next batch */
    }
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
    loop->acceptor.settings = settings;
    lingering_set_limits(loop->acceptor.lingering, (size_t)settings->limits.connections,
                         settings->timeouts.linger);
    workers_set_idle_timeout(loop->acceptor.workers, settings->timeouts.idle_worker);
}

void loop_add_stats(struct loop *loop, struct stats *stats)
{
    workers_gauges(loop->acceptor.workers, &stats->gauges);
    stats->gauges.lingering = lingering_count(loop->acceptor.lingering);
    acceptor_count_errors(&loop->acceptor, stats);
    listeners_add_stats(loop->listeners, stats);
}

struct loop *loop_create(struct listeners *listeners, struct settings *settings, int signal_fd)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop != NULL && (loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0 &&
        (loop->acceptor.admission = admission_create()) != NULL &&
        (loop->acceptor.lingering = lingering_create(loop->wake_fd)) != NULL &&
        (loop->acceptor.workers = workers_create(loop->acceptor.lingering, loop->wake_fd)) !=
            NULL) {
        loop->listeners = listeners;
        loop->poll[POLL_WAKE] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
        loop->poll[POLL_SIGNALS] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
        loop_apply(loop, settings);
        return loop;
    }
    log_errno(LOG_CRIT, "cannot create the main loop");
    loop_destroy(loop);
    return NULL;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    workers_destroy(loop->acceptor.workers);
    lingering_destroy(loop->acceptor.lingering);
    admission_destroy(loop->acceptor.admission);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    free(loop);
}
