/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/acceptor.h"

#include "server/accept_error.h"
#include "server/admission.h"
#include "server/conversation.h"
#include "server/linger.h"
#include "server/log.h"
#include "server/stats.h"
#include "server/warning.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define PACE_FIRST (1 * MS)
#define PACE_LAST (100 * MS)

/* So many connections of one listener, then a look at the others and at signals. */
#define BATCH 64

/* What is warned of. */
enum limit { LIMIT_RESOURCES, LIMIT_CONNECTIONS, LIMIT_PER_SOURCE, LIMITS };

/* Places in `poll`. */
enum { POLL_WAKE, POLL_SIGNALS, POLL_LISTENERS };

struct acceptor {
    struct snapshot *snapshot;
    struct listeners *listeners;
    struct admission *admission;
    struct lingerers *linger;
    struct handover *handover;
    int wake_fd; /* eventfd(2): a place came free, or somebody began to linger */
    struct pollfd poll[POLL_LISTENERS + LISTENERS_MAX];
    size_t turn;          /* which listener is looked at first */
    bool gave;            /* somebody was accepted since the last sweep */
    int64_t pace;         /* how long accepting pauses after its next failure */
    int64_t resume;       /* and until when it pauses now */
    bool draining;        /* nobody new is accepted … */
    struct deadline over; /* … and this is when all is over */
    bool cut;             /* it was over, and conversations were ended */
    struct warning warnings[LIMITS];
    int error; /* what accept(2) or a worker failed with last, for LIMIT_RESOURCES */
};

static const struct settings *settings_of(const struct acceptor *acceptor)
{
    return &acceptor->snapshot->settings;
}

static bool refuses(const struct acceptor *acceptor)
{
    return settings_of(acceptor)->limits.when_full == WHEN_FULL_REFUSE;
}

/* Write the warnings that are due. Returns the wait for the next one. */
static int64_t warn(struct acceptor *acceptor)
{
    struct warning *warnings = acceptor->warnings;
    unsigned long count;
    int64_t wait = -1;

    if (warning_due(&warnings[LIMIT_RESOURCES], &count, &wait))
        log_line(LOG_WARNING, "cannot accept, pausing: %s count=%lu", strerror(acceptor->error),
                 count);
    if (warning_due(&warnings[LIMIT_CONNECTIONS], &count, &wait))
        log_line(LOG_WARNING, "limits.connections is reached; further peers %s count=%lu",
                 refuses(acceptor) ? "are refused" : "wait to be accepted", count);
    if (warning_due(&warnings[LIMIT_PER_SOURCE], &count, &wait))
        log_line(LOG_WARNING,
                 "limits.per_source is reached; further peers of it are refused count=%lu", count);
    return wait;
}

enum verdict { GO_ON, QUEUE_EMPTY, PAUSE, BROKEN };

/* Out of some resource: leave the listeners alone for a while that doubles with
 * each failure. accept(2) did not take the connection off the queue, so poll(2)
 * would report it again at once. */
static enum verdict pace(struct acceptor *acceptor)
{
    acceptor->pace *= 2;
    if (acceptor->pace < PACE_FIRST)
        acceptor->pace = PACE_FIRST;
    if (acceptor->pace > PACE_LAST)
        acceptor->pace = PACE_LAST;
    acceptor->resume = clock_nanoseconds() + acceptor->pace;
    return PAUSE;
}

static enum verdict pause_accepting(struct acceptor *acceptor, int error)
{
    acceptor->error = error;
    warning_count(&acceptor->warnings[LIMIT_RESOURCES]);
    return pace(acceptor);
}

static enum verdict judge_accept_error(struct acceptor *acceptor, int error)
{
    if (error == EAGAIN)
        return QUEUE_EMPTY;
    size_t index = accept_error_find(error);
    stats_accept_error(index);
    switch (accept_errors[index].remedy) {
    case REMEDY_GO_ON: return GO_ON;
    case REMEDY_SHED:
        return linger_shed(acceptor->linger) ? GO_ON : pause_accepting(acceptor, error);
    case REMEDY_STOP: log_line(LOG_CRIT, "accept: %s", strerror(error)); return BROKEN;
    default: return pause_accepting(acceptor, error);
    }
}

/* In the words of the first sixteen program. */
static void tell_steps(const struct conversation *conversation)
{
    char peer[ADDRESS_TEXT];
    char local[ADDRESS_TEXT];
    address_format(&conversation->peer, peer);
    address_format(&conversation->local, local);
    log_line(LOG_DEBUG, "We have accepted a connection from %s", peer);
    log_line(LOG_DEBUG, "Socket connects %s and %s", local, peer);
}

/* The peer's address is the one that accept4() gave: after an early reset
 * getpeername(2) fails. */
static void begin(struct conversation *conversation, const struct acceptor *acceptor,
                  const struct listener *listener, int fd, const struct address *peer)
{
    int64_t now = clock_nanoseconds();
    *conversation = (struct conversation){
        .snapshot = acceptor->snapshot,
        .fd = fd,
        .peer = *peer,
        .local = listener->bound,
        .accepted = now,
        .deadline = deadline_after(now, settings_of(acceptor)->timeouts.exchange)};
    address_unmap(&conversation->peer);
    if (listener->wildcard)
        (void)address_of_socket(fd, &conversation->local);
}

/* The conversation ends before a worker had it. */
static void turn_away(struct conversation *conversation, enum outcome outcome)
{
    conversation->outcome = outcome;
    conversation->decided = clock_nanoseconds();
    admission_leave(conversation);
    close(conversation->fd);
    stats_outcome(conversation);
    log_conversation(conversation);
}

/* Something lacks for it, and may for the next. */
static enum verdict fail(struct acceptor *acceptor, struct conversation *conversation, int error)
{
    conversation->error = error;
    turn_away(conversation, OUTCOME_FAILED);
    return pace(acceptor);
}

static enum verdict refuse(struct acceptor *acceptor, struct conversation *conversation,
                           enum limit limit)
{
    warning_count(&acceptor->warnings[limit]);
    turn_away(conversation, OUTCOME_LIMITED);
    return GO_ON;
}

/* A worker for it, with memory that it keeps. */
static enum verdict give(struct acceptor *acceptor, struct conversation *conversation)
{
    struct conversation *lasting = malloc(sizeof *lasting);
    if (lasting == NULL)
        return fail(acceptor, conversation, ENOMEM);
    *lasting = *conversation;
    (void)snapshot_take(lasting->snapshot);
    int error = handover_give(acceptor->handover, lasting);
    if (error != 0) {
        snapshot_release(lasting->snapshot);
        free(lasting);
        return fail(acceptor, conversation, error);
    }
    acceptor->pace /= 2;
    acceptor->gave = true;
    return GO_ON;
}

static enum verdict serve(struct acceptor *acceptor, const struct listener *listener, int fd,
                          const struct address *peer)
{
    struct conversation conversation;
    begin(&conversation, acceptor, listener, fd, peer);
    if (log_wants(LOG_DEBUG))
        tell_steps(&conversation);
    switch (admission_enter(acceptor->admission, &conversation)) {
    case ADMISSION_CONNECTIONS: return refuse(acceptor, &conversation, LIMIT_CONNECTIONS);
    case ADMISSION_PER_SOURCE: return refuse(acceptor, &conversation, LIMIT_PER_SOURCE);
    case ADMISSION_FAILED: return fail(acceptor, &conversation, ENOMEM);
    default: return give(acceptor, &conversation);
    }
}

static enum verdict accept_one(struct acceptor *acceptor, const struct listener *listener)
{
    struct address peer = {.length = sizeof peer.u};
    int fd = accept4(listener->fd, &peer.u.any, &peer.length, SOCK_CLOEXEC);
    if (fd < 0)
        return judge_accept_error(acceptor, errno);
    stats_accepted();
    return serve(acceptor, listener, fd, &peer);
}

/* Who finds no place waits in the kernel's queue, unless all are accepted and some refused. */
static bool has_place(const struct acceptor *acceptor)
{
    return refuses(acceptor) || handover_has_place(acceptor->handover);
}

/* Accept a batch of what is queued on a listener, as far as there is place. */
static enum verdict accept_queue(struct acceptor *acceptor, const struct listener *listener)
{
    enum verdict verdict = GO_ON;
    for (int i = 0; i < BATCH && verdict == GO_ON && has_place(acceptor); i++)
        verdict = accept_one(acceptor, listener);
    handover_call(acceptor->handover);
    return verdict;
}

/* Whether to look at the listeners now; if not, what ends the wait. */
static bool may_accept(struct acceptor *acceptor, int64_t *wait)
{
    int64_t pause = acceptor->resume - clock_nanoseconds();
    if (pause > 0) {
        *wait = sooner(*wait, pause);
        return false;
    }
    if (has_place(acceptor))
        return true;
    warning_count(&acceptor->warnings[LIMIT_CONNECTIONS]);
    *wait = sooner(*wait, warn(acceptor));
    return false;
}

/* Wait for a listener if `listening`, for the wake_fd, for a signal, or for `wait`
 * nanoseconds (-1: for ever). Afterwards `revents` of each place is right. */
static void wait_for_events(struct acceptor *acceptor, bool listening, int64_t wait)
{
    struct pollfd *polled = acceptor->poll;
    const struct listeners *listeners = acceptor->listeners;
    struct timespec timeout = timespec_from(wait < 0 ? 0 : wait);
    eventfd_t ignored;

    for (size_t i = 0; i < listeners->count; i++)
        polled[POLL_LISTENERS + i] =
            (struct pollfd){.fd = listening ? listeners->list[i].fd : -1, .events = POLLIN};
    if (ppoll(polled, POLL_LISTENERS + listeners->count, wait < 0 ? NULL : &timeout, NULL) <= 0)
        for (size_t i = 0; i < POLL_LISTENERS + listeners->count; i++)
            polled[i].revents = 0;
    if (polled[POLL_WAKE].revents != 0)
        (void)eventfd_read(acceptor->wake_fd, &ignored);
}

/* Take a batch from each listener that is ready, beginning with another one each time: the
 * first may leave no place to the others. A pause is one for all. */
static enum verdict accept_ready(struct acceptor *acceptor)
{
    size_t count = acceptor->listeners->count;
    size_t first = acceptor->turn++;
    enum verdict verdict = GO_ON;
    for (size_t i = 0; i < count && verdict != PAUSE && verdict != BROKEN; i++) {
        size_t next = (first + i) % count;
        if (acceptor->poll[POLL_LISTENERS + next].revents != 0)
            verdict = accept_queue(acceptor, &acceptor->listeners->list[next]);
    }
    return verdict;
}

/* Close the retired listeners whose queue was found empty after the last who can come in
 * has come; all of them, if the drain is over. Returns the wait for the next. */
static int64_t close_retired(struct acceptor *acceptor)
{
    struct listeners *listeners = acceptor->listeners;
    int64_t now = clock_nanoseconds();
    int64_t wait = -1;
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
            listener_close(listeners, i);
    }
    return wait;
}

/* End what is left when the drain's time is over. Returns the wait for that. */
static int64_t cut(struct acceptor *acceptor)
{
    if (!acceptor->draining || acceptor->cut)
        return -1;
    int64_t left = deadline_left(acceptor->over, clock_nanoseconds());
    if (left == 0) {
        acceptor->cut = true;
        handover_cut(acceptor->handover);
        return -1;
    }
    return left;
}

/* What is to be done now and then. Returns nanoseconds until the next time, or -1. */
static int64_t tend(struct acceptor *acceptor)
{
    int64_t wait = cut(acceptor);
    wait = sooner(wait, close_retired(acceptor));
    wait = sooner(wait, linger_sweep(acceptor->linger, acceptor->gave));
    wait = sooner(wait, handover_retire(acceptor->handover));
    wait = sooner(wait, warn(acceptor));
    acceptor->gave = false;
    return wait;
}

/* Whether nothing is left: nobody can come, nobody is there, and nobody lingers, or has had
 * his time to. The sweep after the last conversation ended has counted it. */
static bool is_drained(struct acceptor *acceptor)
{
    if (!acceptor->draining || acceptor->listeners->count > 0 ||
        !handover_is_idle(acceptor->handover))
        return false;
    return acceptor->cut || (linger_sweep(acceptor->linger, false) < 0);
}

enum acceptor_event acceptor_run(struct acceptor *acceptor, int64_t until)
{
    for (;;) {
        int64_t wait = tend(acceptor);
        if (is_drained(acceptor))
            return ACCEPTOR_DRAINED;
        int64_t left = until - clock_nanoseconds();
        if (left <= 0)
            return ACCEPTOR_TIME;
        wait = sooner(wait, left);
        bool listening = may_accept(acceptor, &wait);
        wait_for_events(acceptor, listening, wait);
        if (accept_ready(acceptor) == BROKEN)
            return ACCEPTOR_BROKEN;
        if (acceptor->poll[POLL_SIGNALS].revents != 0)
            return ACCEPTOR_SIGNAL;
        if (acceptor->gave)
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
    acceptor->snapshot = snapshot;
    linger_change(acceptor->linger, most, settings->timeouts.linger);
    handover_change(acceptor->handover, most, settings->timeouts.idle_worker);
}

struct census acceptor_census(struct acceptor *acceptor, size_t *lingering)
{
    *lingering = linger_count(acceptor->linger);
    return handover_census(acceptor->handover);
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
    acceptor->admission = admission_create();
    acceptor->linger = linger_create(most, settings->timeouts.linger, acceptor->wake_fd);
    acceptor->handover =
        handover_create(most, settings->timeouts.idle_worker, acceptor->linger, acceptor->wake_fd);
    return acceptor->admission == NULL || acceptor->linger == NULL || acceptor->handover == NULL
               ? -1
               : 0;
}

struct acceptor *acceptor_create(struct listeners *listeners, struct snapshot *snapshot,
                                 int signal_fd)
{
    struct acceptor *acceptor = calloc(1, sizeof *acceptor);
    if (acceptor != NULL) {
        acceptor->listeners = listeners;
        acceptor->snapshot = snapshot;
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
    handover_destroy(acceptor->handover);
    linger_destroy(acceptor->linger);
    admission_destroy(acceptor->admission);
    if (acceptor->wake_fd >= 0)
        close(acceptor->wake_fd);
    free(acceptor);
}
