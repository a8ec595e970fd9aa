/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/acceptor.h"

#include "server/conversation.h"
#include "server/handover.h"
#include "server/linger.h"
#include "server/log.h"
#include "server/signals.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define PACE_FIRST (1 * MS)
#define PACE_LAST (100 * MS)

/* So many connections of one listener, then a look at the others and at signals. */
#define BATCH 64

/* A limit's warning is written at most this often. */
#define WARNING_EVERY (1000 * MS)

/* Limits that are warned of. */
enum limit { LIMIT_RESOURCES, LIMIT_CONNECTIONS, LIMITS };

/* Places in `poll`. */
enum { POLL_WAKE, POLL_SIGNALS, POLL_LISTENERS };

struct acceptor {
    const struct settings *settings;
    struct listeners *listeners;
    struct lingerers *linger;
    struct handover *handover;
    int wake_fd;            /* eventfd(2): a place came free, or somebody began to linger */
    int signal_fd;          /* signalfd(2) */
    struct pollfd *poll;    /* these two, then the listeners */
    size_t turn;            /* which listener is looked at first */
    int stops;              /* TERM and INT that came */
    bool gave;              /* somebody was accepted since the last sweep */
    int64_t pace;           /* how long accepting pauses after its next failure */
    int64_t resume;         /* and until when it pauses now */
    int64_t warned[LIMITS]; /* when each was last warned of; 0: never */
};

/* Whether a limit is to be warned of now: not again within a second. */
static bool warn_due(struct acceptor *acceptor, enum limit limit)
{
    int64_t now = clock_nanoseconds();
    int64_t last = acceptor->warned[limit];
    if (last != 0 && now - last < WARNING_EVERY)
        return false;
    acceptor->warned[limit] = now;
    return true;
}

/* Out of some resource: leave the listeners alone for a while that doubles with
 * each failure. accept(2) did not take the connection off the queue, so poll(2)
 * would report it again at once. */
static void pace(struct acceptor *acceptor)
{
    acceptor->pace *= 2;
    if (acceptor->pace < PACE_FIRST)
        acceptor->pace = PACE_FIRST;
    if (acceptor->pace > PACE_LAST)
        acceptor->pace = PACE_LAST;
    acceptor->resume = clock_nanoseconds() + acceptor->pace;
}

enum verdict { GO_ON, QUEUE_EMPTY, PAUSE, BROKEN };

static enum verdict pause_accepting(struct acceptor *acceptor, int error)
{
    if (warn_due(acceptor, LIMIT_RESOURCES))
        log_line(LOG_WARNING, "cannot accept, pausing: %s", strerror(error));
    pace(acceptor);
    return PAUSE;
}

/* No descriptor is left: the sockets that linger give theirs up first. */
static enum verdict make_room(struct acceptor *acceptor, int error)
{
    return linger_shed(acceptor->linger) ? GO_ON : pause_accepting(acceptor, error);
}

/* What accept(2) said: see its manual page for the network's errors. */
static enum verdict judge_accept_error(struct acceptor *acceptor, int error)
{
    switch (error) {
    case EAGAIN: return QUEUE_EMPTY;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
    case EFAULT: log_line(LOG_CRIT, "accept: %s", strerror(error)); return BROKEN;
    case EINTR:
    case ECONNABORTED: /* these concern one connection, which is off the queue */
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case ETIMEDOUT: return GO_ON;
    case EMFILE:
    case ENFILE: return make_room(acceptor, error);
    default: /* ENOBUFS, ENOMEM, and what we don't know */ return pause_accepting(acceptor, error);
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
        .settings = acceptor->settings,
        .fd = fd,
        .peer = *peer,
        .local = listener->bound,
        .accepted = now,
        .deadline = deadline_after(now, acceptor->settings->timeouts.exchange)};
    address_unmap(&conversation->peer);
    if (listener->wildcard)
        (void)address_of_socket(fd, &conversation->local);
}

/* No worker can be had: the conversation ends here. */
static enum verdict turn_away(struct acceptor *acceptor, struct conversation *conversation,
                              int error)
{
    conversation->outcome = OUTCOME_FAILED;
    conversation->error = error;
    conversation->decided = clock_nanoseconds();
    close(conversation->fd);
    log_conversation(conversation);
    pace(acceptor);
    return PAUSE;
}

static enum verdict serve(struct acceptor *acceptor, const struct listener *listener, int fd,
                          const struct address *peer)
{
    struct conversation *conversation = malloc(sizeof *conversation);
    if (conversation == NULL) {
        struct conversation lost;
        begin(&lost, acceptor, listener, fd, peer);
        return turn_away(acceptor, &lost, ENOMEM);
    }
    begin(conversation, acceptor, listener, fd, peer);
    if (log_wants(LOG_DEBUG))
        tell_steps(conversation);
    int error = handover_give(acceptor->handover, conversation);
    if (error != 0) {
        (void)turn_away(acceptor, conversation, error);
        free(conversation);
        return PAUSE;
    }
    acceptor->pace /= 2;
    acceptor->gave = true;
    return GO_ON;
}

static enum verdict accept_one(struct acceptor *acceptor, const struct listener *listener)
{
    struct address peer = {.length = sizeof peer.u};
    int fd = accept4(listener->fd, &peer.u.any, &peer.length, SOCK_CLOEXEC);
    if (fd < 0)
        return judge_accept_error(acceptor, errno);
    return serve(acceptor, listener, fd, &peer);
}

/* Accept what is queued on a listener, `most` connections and as far as there is
 * place. */
static enum verdict accept_queue(struct acceptor *acceptor, const struct listener *listener,
                                 int most)
{
    enum verdict verdict = GO_ON;
    for (int i = 0; i < most && verdict == GO_ON && handover_has_place(acceptor->handover); i++)
        verdict = accept_one(acceptor, listener);
    handover_call(acceptor->handover);
    return verdict;
}

/* Whether to look at the listeners now; if not, what ends the wait. */
static bool may_accept(struct acceptor *acceptor, int64_t *wait)
{
    int64_t pause = acceptor->resume - clock_nanoseconds();
    if (pause > 0) {
        if (*wait < 0 || pause < *wait)
            *wait = pause;
        return false;
    }
    if (handover_has_place(acceptor->handover))
        return true;
    if (warn_due(acceptor, LIMIT_CONNECTIONS))
        log_line(LOG_WARNING, "limits.connections is reached; further peers wait to be accepted");
    return false;
}

static void take_signals(struct acceptor *acceptor)
{
    int number;
    while ((number = signals_take(acceptor->signal_fd)) != 0) {
        if (number == SIGHUP)
            log_line(LOG_NOTICE, "SIGHUP: a new configuration needs a restart; going on as before");
        else
            acceptor->stops++;
    }
}

/* Wait for a listener if `listening`, for the wake_fd, for a signal, or for `wait`
 * nanoseconds (-1: for ever). Afterwards `revents` of each listener is right. */
static void wait_for_events(struct acceptor *acceptor, bool listening, int64_t wait)
{
    size_t count = POLL_LISTENERS + acceptor->listeners->count;
    struct timespec timeout = timespec_from(wait < 0 ? 0 : wait);
    eventfd_t ignored;

    for (size_t i = 0; i < count; i++)
        acceptor->poll[i].revents = 0;
    if (ppoll(acceptor->poll, listening ? count : POLL_LISTENERS, wait < 0 ? NULL : &timeout,
              NULL) <= 0)
        return;
    if (acceptor->poll[POLL_WAKE].revents != 0)
        (void)eventfd_read(acceptor->wake_fd, &ignored);
    if (acceptor->poll[POLL_SIGNALS].revents != 0)
        take_signals(acceptor);
}

/* What is to be done now and then. Returns nanoseconds until the next time, or -1. */
static int64_t tend(struct acceptor *acceptor)
{
    int64_t sweep = linger_sweep(acceptor->linger, acceptor->gave);
    int64_t retire = handover_retire(acceptor->handover);
    acceptor->gave = false;
    return sweep < 0 || (retire >= 0 && retire < sweep) ? retire : sweep;
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
            verdict = accept_queue(acceptor, &acceptor->listeners->list[next], BATCH);
    }
    return verdict;
}

static int serve_until_stopped(struct acceptor *acceptor)
{
    while (acceptor->stops == 0) {
        int64_t wait = tend(acceptor);
        bool listening = may_accept(acceptor, &wait);
        wait_for_events(acceptor, listening, wait);
        if (accept_ready(acceptor) == BROKEN)
            return -1;
        if (acceptor->gave)
            (void)sched_yield(); /* while others work, more connections gather for one batch */
    }
    return 0;
}

/* Stop accepting: what the kernel has already queued is served, since closing the
 * listener would reset it. */
static void stop_listening(struct acceptor *acceptor)
{
    log_line(LOG_NOTICE, "stopping");
    for (size_t i = 0; i < acceptor->listeners->count; i++)
        (void)accept_queue(acceptor, &acceptor->listeners->list[i],
                           acceptor->settings->limits.backlog + 1); /* so many the kernel queues */
    listeners_close(acceptor->listeners);
}

/* Let live conversations end and their sockets close, by the deadline. */
static void drain(struct acceptor *acceptor)
{
    struct deadline deadline =
        deadline_after(clock_nanoseconds(), acceptor->settings->timeouts.drain);
    bool cut = false;

    for (;;) {
        bool idle = handover_is_idle(acceptor->handover);
        int64_t wait = linger_sweep(acceptor->linger, false); /* after whoever ended came in */
        int64_t left = deadline_left(deadline, clock_nanoseconds());
        bool out_of_time = left == 0 || acceptor->stops > 1;
        if (idle && (wait < 0 || out_of_time))
            return;
        if (out_of_time && !cut) {
            handover_cut(acceptor->handover);
            cut = true;
        }
        if (!cut && (wait < 0 || left < wait))
            wait = left;
        wait_for_events(acceptor, false, wait);
    }
}

static int prepare(struct acceptor *acceptor)
{
    const struct listeners *listeners = acceptor->listeners;
    size_t most = (size_t)acceptor->settings->limits.connections;
    acceptor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    acceptor->signal_fd = signals_open();
    if (acceptor->wake_fd < 0 || acceptor->signal_fd < 0)
        return -1;
    acceptor->poll = calloc(POLL_LISTENERS + listeners->count, sizeof *acceptor->poll);
    acceptor->linger = linger_create(most, acceptor->settings->timeouts.linger, acceptor->wake_fd);
    acceptor->handover = handover_create(most, acceptor->settings->timeouts.idle_worker,
                                         acceptor->linger, acceptor->wake_fd);
    if (acceptor->poll == NULL || acceptor->linger == NULL || acceptor->handover == NULL)
        return -1;
    acceptor->poll[POLL_WAKE] = (struct pollfd){.fd = acceptor->wake_fd, .events = POLLIN};
    acceptor->poll[POLL_SIGNALS] = (struct pollfd){.fd = acceptor->signal_fd, .events = POLLIN};
    for (size_t i = 0; i < listeners->count; i++)
        acceptor->poll[POLL_LISTENERS + i] =
            (struct pollfd){.fd = listeners->list[i].fd, .events = POLLIN};
    return 0;
}

struct acceptor *acceptor_create(struct listeners *listeners, const struct settings *settings)
{
    struct acceptor *acceptor = calloc(1, sizeof *acceptor);
    if (acceptor != NULL) {
        *acceptor = (struct acceptor){
            .settings = settings, .listeners = listeners, .wake_fd = -1, .signal_fd = -1};
        if (prepare(acceptor) == 0)
            return acceptor;
    }
    log_errno(LOG_CRIT, "cannot begin to serve");
    acceptor_destroy(acceptor);
    return NULL;
}

int acceptor_run(struct acceptor *acceptor)
{
    int result = serve_until_stopped(acceptor);
    stop_listening(acceptor);
    drain(acceptor);
    return result;
}

void acceptor_destroy(struct acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    handover_destroy(acceptor->handover);
    linger_destroy(acceptor->linger);
    free(acceptor->poll);
    if (acceptor->wake_fd >= 0)
        close(acceptor->wake_fd);
    if (acceptor->signal_fd >= 0)
        close(acceptor->signal_fd);
    free(acceptor);
}
