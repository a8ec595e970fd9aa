/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/acceptor.h"

#include "common/checked.h"
#include "server/conversation.h"
#include "server/handover.h"
#include "server/linger.h"
#include "server/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define PACE_FIRST (1 * MS)
#define PACE_LAST (100 * MS)

/* So many connections of one listener, then a look at the others and at signals. */
#define BATCH 64

/* A limit's warning is written at most this often. */
#define WARNING_EVERY (1000 * MS)

struct acceptor {
    const struct settings *settings;
    struct listeners *listeners;
    struct lingerers *linger;
    struct handover *handover;
    int wake_fd;         /* eventfd(2): a place came free, or somebody began to linger */
    struct pollfd *poll; /* the listeners, and last the wake_fd */
    int64_t pace;        /* how long accept(2) pauses after its next failure */
    int64_t resume;      /* and until when it pauses now */
    int64_t warned;      /* when a limit's warning was last written */
};

static volatile sig_atomic_t stops;
static volatile sig_atomic_t hangups;

static void on_signal(int number)
{
    if (number == SIGHUP)
        hangups = 1;
    else if (stops < 2)
        stops++;
}

static sigset_t outside; /* the mask we were started with, less the signals we take */

void acceptor_take_signals(void)
{
    static const int taken[] = {SIGTERM, SIGINT, SIGHUP};
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t all;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    CHECKED(pthread_sigmask(SIG_SETMASK, &all, &outside));
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        sigdelset(&outside, taken[i]);
        sigaction(taken[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
}

/* Log a warning about a limit, unless one was logged within the last second. */
static void warn_of_limit(struct acceptor *acceptor, const char *text, int error)
{
    int64_t now = clock_nanoseconds();
    if (acceptor->warned != 0 && now - acceptor->warned < WARNING_EVERY)
        return;
    acceptor->warned = now;
    if (error != 0)
        log_line(LOG_WARNING, "%s: %s", text, strerror(error));
    else
        log_line(LOG_WARNING, "%s", text);
}

/* Out of some resource: leave the listeners alone for a while that doubles with
 * each failure. accept(2) did not take the connection off the queue, so poll(2)
 * would report it again at once. */
static void pace(struct acceptor *acceptor, int error)
{
    warn_of_limit(acceptor, "cannot accept, pausing", error);
    acceptor->pace = acceptor->pace == 0 ? PACE_FIRST : acceptor->pace * 2;
    if (acceptor->pace > PACE_LAST)
        acceptor->pace = PACE_LAST;
    acceptor->resume = clock_nanoseconds() + acceptor->pace;
}

enum verdict { GO_ON, QUEUE_EMPTY, PAUSE, BROKEN };

/* What accept(2) said: see its manual page for the network's errors. */
static enum verdict judge_accept_error(struct acceptor *acceptor, int error)
{
    switch (error) {
    case EAGAIN: return QUEUE_EMPTY;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: pace(acceptor, error); return PAUSE;
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
    default: pace(acceptor, error); return PAUSE;
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
static struct conversation *begin(const struct acceptor *acceptor, const struct listener *listener,
                                  int fd, const struct address *peer)
{
    struct conversation *conversation = calloc(1, sizeof *conversation);
    if (conversation == NULL)
        return NULL;
    conversation->settings = acceptor->settings;
    conversation->fd = fd;
    conversation->peer = *peer;
    address_unmap(&conversation->peer);
    conversation->local = listener->bound;
    if (listener->wildcard)
        (void)address_of_socket(fd, &conversation->local);
    conversation->accepted = clock_nanoseconds();
    conversation->deadline =
        deadline_after(conversation->accepted, acceptor->settings->timeouts.exchange);
    return conversation;
}

/* A connection that no worker can be had for: say so, and close it. */
static void turn_away(struct acceptor *acceptor, int fd, const struct address *peer, int error)
{
    char text[ADDRESS_TEXT];
    log_line(LOG_ERR, "cannot serve %s: %s", address_format(peer, text), strerror(error));
    close(fd);
    pace(acceptor, error);
}

static void serve(struct acceptor *acceptor, const struct listener *listener, int fd,
                  const struct address *peer)
{
    struct conversation *conversation = begin(acceptor, listener, fd, peer);
    if (conversation == NULL) {
        turn_away(acceptor, fd, peer, errno);
        return;
    }
    if (log_wants(LOG_DEBUG))
        tell_steps(conversation);
    int error = handover_give(acceptor->handover, conversation);
    if (error != 0) {
        turn_away(acceptor, fd, peer, error);
        free(conversation);
    }
}

static enum verdict accept_one(struct acceptor *acceptor, const struct listener *listener)
{
    struct address peer = {.length = sizeof peer.u};
    int fd = accept4(listener->fd, &peer.u.any, &peer.length, SOCK_CLOEXEC);
    if (fd < 0)
        return judge_accept_error(acceptor, errno);
    acceptor->pace /= 2;
    serve(acceptor, listener, fd, &peer);
    return GO_ON;
}

/* Accept what is queued on a listener, `most` connections and as far as there is
 * place. Returns false when the listener is broken. */
static bool accept_queue(struct acceptor *acceptor, const struct listener *listener, int most)
{
    enum verdict verdict = GO_ON;
    for (int i = 0; i < most && verdict == GO_ON && handover_has_place(acceptor->handover); i++)
        verdict = accept_one(acceptor, listener);
    return verdict != BROKEN;
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
    warn_of_limit(acceptor, "limits.connections is reached, peers wait to be accepted", 0);
    return false;
}

/* Wait for a listener if `listening`, for the wake_fd, for a signal, or for `wait`
 * nanoseconds (-1: for ever). Afterwards `revents` of each listener is right. */
static void wait_for_events(struct acceptor *acceptor, bool listening, int64_t wait)
{
    size_t count = acceptor->listeners->count;
    struct timespec timeout = timespec_from(wait < 0 ? 0 : wait);
    eventfd_t ignored;

    for (size_t i = 0; i < count; i++) {
        acceptor->poll[i].events = listening ? POLLIN : 0;
        acceptor->poll[i].revents = 0;
    }
    struct pollfd *wake = &acceptor->poll[count];
    *wake = (struct pollfd){.fd = acceptor->wake_fd, .events = POLLIN};
    struct pollfd *first = listening ? acceptor->poll : wake;
    int ready = ppoll(first, listening ? count + 1 : 1, wait < 0 ? NULL : &timeout, &outside);
    if (ready > 0 && wake->revents != 0)
        (void)eventfd_read(acceptor->wake_fd, &ignored);
    if (hangups) {
        hangups = 0;
        log_line(LOG_NOTICE, "SIGHUP: a new configuration needs a restart; going on as before");
    }
}

static int serve_until_stopped(struct acceptor *acceptor)
{
    while (stops == 0) {
        int64_t wait = linger_sweep(acceptor->linger);
        wait_for_events(acceptor, may_accept(acceptor, &wait), wait);
        for (size_t i = 0; i < acceptor->listeners->count; i++)
            if (acceptor->poll[i].revents != 0 &&
                !accept_queue(acceptor, &acceptor->listeners->list[i], BATCH))
                return -1;
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
                           acceptor->settings->limits.backlog);
    listeners_close(acceptor->listeners);
}

/* Let live conversations end and their sockets close, by the deadline. */
static void drain(struct acceptor *acceptor)
{
    struct deadline deadline =
        deadline_after(clock_nanoseconds(), acceptor->settings->timeouts.drain);
    bool cut = false;

    for (;;) {
        int64_t wait = linger_sweep(acceptor->linger);
        bool idle = handover_is_idle(acceptor->handover);
        int64_t left = deadline_left(deadline, clock_nanoseconds());
        bool out_of_time = left == 0 || stops > 1;
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
    size_t most = (size_t)acceptor->settings->limits.connections;
    acceptor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (acceptor->wake_fd < 0)
        return -1;
    acceptor->poll = calloc(acceptor->listeners->count + 1, sizeof *acceptor->poll);
    acceptor->linger = linger_create(most, acceptor->settings->timeouts.linger, acceptor->wake_fd);
    acceptor->handover = handover_create(most, acceptor->linger, acceptor->wake_fd);
    if (acceptor->poll == NULL || acceptor->linger == NULL || acceptor->handover == NULL)
        return -1;
    for (size_t i = 0; i < acceptor->listeners->count; i++)
        acceptor->poll[i].fd = acceptor->listeners->list[i].fd;
    return 0;
}

static void clean_up(struct acceptor *acceptor)
{
    handover_destroy(acceptor->handover);
    linger_destroy(acceptor->linger);
    free(acceptor->poll);
    if (acceptor->wake_fd >= 0)
        close(acceptor->wake_fd);
}

int acceptor_run(struct listeners *listeners, const struct settings *settings)
{
    struct acceptor acceptor = {.settings = settings, .listeners = listeners, .wake_fd = -1};
    int result = prepare(&acceptor);
    if (result != 0) {
        log_errno(LOG_CRIT, "cannot begin to serve");
    } else {
        result = serve_until_stopped(&acceptor);
        stop_listening(&acceptor);
        drain(&acceptor);
    }
    clean_up(&acceptor);
    return result;
}
