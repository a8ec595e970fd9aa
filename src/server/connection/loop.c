/* SPDX-License-Identifier: MIT */
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

/* Places in `poll`. */
enum { POLL_WAKE, POLL_SIGNALS, POLL_LISTENERS };

struct acceptor {
    struct listeners *listeners;
    struct intake intake;
    int wake_fd; /* eventfd(2): a place came free, somebody began to linger, or was limited */
    struct pollfd poll[POLL_LISTENERS + LISTENERS_MAX];
    size_t turn;          /* which listener is looked at first */
    bool draining;        /* nobody new is accepted … */
    struct deadline over; /* … and this is when all is over */
    bool cut;             /* it was over, and conversations were ended */
};

static const struct settings *settings_of(const struct acceptor *acceptor)
{
    return &acceptor->intake.snapshot->settings;
}

/* ppoll(2) failed, which it does for want of memory: have a look at everything after a
 * moment. Nothing of it blocks. */
static void look_everywhere(struct acceptor *acceptor, size_t count)
{
    static const struct timespec moment = {.tv_nsec = 10000000};
    intake_lacks(&acceptor->intake, errno);
    (void)nanosleep(&moment, NULL);
    for (size_t i = 0; i < count; i++)
        acceptor->poll[i].revents = acceptor->poll[i].fd >= 0 ? POLLIN : 0;
}

/* Wait for a listener if `listening`, for the wake_fd, for a signal, or for `wait`
 * nanoseconds (or NEVER). Afterwards `revents` of each place is right. */
static void wait_for_events(struct acceptor *acceptor, bool listening, int64_t wait)
{
    struct pollfd *polled = acceptor->poll;
    const struct listeners *listeners = acceptor->listeners;
    struct timespec timeout = timespec_from(wait);
    eventfd_t ignored;

    for (size_t i = 0; i < listeners->count; i++)
        polled[POLL_LISTENERS + i] =
            (struct pollfd){.fd = listening ? listeners->list[i].fd : -1, .events = POLLIN};
    size_t count = POLL_LISTENERS + listeners->count;
    int ready = ppoll(polled, count, wait == NEVER ? NULL : &timeout, NULL);
    if (ready < 0 && errno != EINTR)
        look_everywhere(acceptor, count);
    else if (ready <= 0)
        for (size_t i = 0; i < count; i++)
            polled[i].revents = 0;
    if (polled[POLL_WAKE].revents != 0)
        (void)eventfd_read(acceptor->wake_fd, &ignored);
}

/* Take a batch from each listener that is ready, beginning with another one each time: the
 * first may leave no place to the others. A pause is one for all. */
static enum intake_verdict accept_ready(struct acceptor *acceptor)
{
    size_t count = acceptor->listeners->count;
    size_t first = acceptor->turn++;
    enum intake_verdict verdict = INTAKE_GO_ON;
    for (size_t i = 0; i < count && verdict != INTAKE_PAUSE && verdict != INTAKE_BROKEN; i++) {
        size_t next = (first + i) % count;
        if (acceptor->poll[POLL_LISTENERS + next].revents != 0)
            verdict = intake_take(&acceptor->intake, &acceptor->listeners->list[next]);
    }
    return verdict;
}

/* Close the retired listeners whose queue was found empty after the last who can come in
 * has come; all of them, if the drain is over. Returns the wait for the next. */
static int64_t close_retired(struct acceptor *acceptor)
{
    struct listeners *listeners = acceptor->listeners;
    int64_t now = clock_nanoseconds();
    int64_t wait = NEVER;
    for (size_t i = listeners->count; i-- > 0;) {
        struct listener *listener = &listeners->list[i];
        if (listener->retires == 0)
            continue;
        if (listener->retires > now && !acceptor->cut) {
            wait = sooner(wait, listener->retires - now);
            continue;
        }
        unsigned queued;
        unsigned most;
        listener_queue(listener, &queued, &most);
        if (queued == 0 || acceptor->cut)
            listeners_remove(listeners, i);
    }
    return wait;
}

/* End what is left when the drain's time is over. Returns the wait for that. */
static int64_t cut(struct acceptor *acceptor)
{
    if (!acceptor->draining || acceptor->cut)
        return NEVER;
    int64_t left = deadline_left(acceptor->over, clock_nanoseconds());
    if (left == 0) {
        acceptor->cut = true;
        handover_cut(acceptor->intake.handover);
        return NEVER;
    }
    return left;
}

/* What is to be done now and then. Returns nanoseconds until the next time, or NEVER. */
static int64_t tend(struct acceptor *acceptor)
{
    int64_t wait = cut(acceptor);
    wait = sooner(wait, close_retired(acceptor));
    wait = sooner(wait, linger_sweep(acceptor->intake.linger, acceptor->intake.gave));
    wait = sooner(wait, handover_retire(acceptor->intake.handover));
    wait = sooner(wait, intake_warn(&acceptor->intake));
    acceptor->intake.gave = false;
    return wait;
}

/* Whether nothing is left: nobody can come, nobody is there, and nobody lingers, or has had
 * his time to. The sweep after the last conversation ended has counted it. */
static bool is_drained(struct acceptor *acceptor)
{
    if (!acceptor->draining || acceptor->listeners->count > 0 ||
        !handover_is_idle(acceptor->intake.handover))
        return false;
    return acceptor->cut || (linger_sweep(acceptor->intake.linger, false) == NEVER);
}

enum acceptor_event acceptor_run(struct acceptor *acceptor, int64_t until)
{
    for (;;) {
        int64_t wait = tend(acceptor);
        if (is_drained(acceptor)) {
            intake_finish(&acceptor->intake);
            return ACCEPTOR_DRAINED;
        }
        int64_t left = until - clock_nanoseconds();
        if (left <= 0)
            return ACCEPTOR_TIME;
        wait = sooner(wait, left);
        bool listening = intake_may_accept(&acceptor->intake, &wait);
        wait_for_events(acceptor, listening, wait);
        if (accept_ready(acceptor) == INTAKE_BROKEN)
            return ACCEPTOR_BROKEN;
        if (acceptor->poll[POLL_SIGNALS].revents != 0)
            return ACCEPTOR_SIGNAL;
        if (acceptor->intake.gave)
            (void)sched_yield(); /* while others work, more connections gather for one batch */
    }
}

void acceptor_drain(struct acceptor *acceptor)
{
    listeners_retire(acceptor->listeners);
    acceptor->draining = true;
    acceptor->over = deadline_after(clock_nanoseconds(), settings_of(acceptor)->timeouts.drain);
}

void acceptor_hurry(struct acceptor *acceptor)
{
    acceptor->over = deadline_after(clock_nanoseconds(), 0);
}

void acceptor_change(struct acceptor *acceptor, struct snapshot *snapshot)
{
    const struct settings *settings = &snapshot->settings;
    size_t most = (size_t)settings->limits.connections;
    acceptor->intake.snapshot = snapshot;
    linger_change(acceptor->intake.linger, most, settings->timeouts.linger);
    handover_change(acceptor->intake.handover, most, settings->timeouts.idle_worker);
}

struct census acceptor_census(struct acceptor *acceptor, size_t *lingering)
{
    *lingering = linger_count(acceptor->intake.linger);
    return handover_census(acceptor->intake.handover);
}

static int prepare(struct acceptor *acceptor, int signal_fd)
{
    const struct settings *settings = settings_of(acceptor);
    size_t most = (size_t)settings->limits.connections;
    acceptor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (acceptor->wake_fd < 0)
        return -1;
    acceptor->poll[POLL_WAKE] = (struct pollfd){.fd = acceptor->wake_fd, .events = POLLIN};
    acceptor->poll[POLL_SIGNALS] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
    acceptor->intake.admission = admission_create();
    acceptor->intake.linger = linger_create(most, settings->timeouts.linger, acceptor->wake_fd);
    acceptor->intake.handover = handover_create(most, settings->timeouts.idle_worker,
                                                acceptor->intake.linger, acceptor->wake_fd);
    return acceptor->intake.admission == NULL || acceptor->intake.linger == NULL ||
                   acceptor->intake.handover == NULL
               ? -1
               : 0;
}

struct acceptor *acceptor_create(struct listeners *listeners, struct snapshot *snapshot,
                                 int signal_fd)
{
    struct acceptor *acceptor = calloc(1, sizeof *acceptor);
    if (acceptor != NULL) {
        acceptor->listeners = listeners;
        acceptor->intake.snapshot = snapshot;
        acceptor->wake_fd = -1;
        if (prepare(acceptor, signal_fd) == 0)
            return acceptor;
    }
    log_errno(LOG_CRIT, "cannot begin to serve");
    acceptor_destroy(acceptor);
    return NULL;
}

void acceptor_destroy(struct acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    handover_destroy(acceptor->intake.handover);
    linger_destroy(acceptor->intake.linger);
    admission_destroy(acceptor->intake.admission);
    if (acceptor->wake_fd >= 0)
        close(acceptor->wake_fd);
    free(acceptor);
}
