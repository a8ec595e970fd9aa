/* SPDX-License-Identifier: MIT */
/* For each connection: accept4(2), which also returns the peer's address, because getpeername(2)
 * fails after an early reset; then the admission; then a worker. Until the connection is submitted
 * to the workers, each failure is cleaned up here: leave the admission, close, count, log. After
 * that the acceptor does not touch it. All of this runs in the main loop, so there is no lock.
 *
 * An accept4(2) that fails for a shortage leaves the connection queued, and ppoll(2) would report
 * the listener again at once. If descriptors are short, the oldest lingering socket is closed
 * first. If none is left, or anything else is short, the main loop leaves all listeners alone for a
 * pause that starts at 1 ms, doubles with each failure up to 100 ms, and halves with each
 * connection that gets a worker. A connection that cannot get memory or a thread is closed, and
 * causes the same pause.
 *
 * Without a free slot, connections stay in the kernel's queue (limits.when_full = "wait"), or all
 * are accepted and the admission refuses those past the limit ("refuse"). */
#include <config.h>

#include "server/connection/acceptor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define PACE_FIRST (1 * MS)
#define PACE_LAST (100 * MS)

/* Connections accepted from one listener before the others and the signals have their turn. */
#define BATCH 64

/* clang-format off */
#define ROW(name, remedy) {#name, name, REMEDY_##remedy}
static const struct accept_error accept_errors[ACCEPT_ERRORS] = {
    /* what the network says of a queued connection */
    ROW(EINTR, CONTINUE),      ROW(ECONNABORTED, CONTINUE), ROW(EPROTO, CONTINUE),
    ROW(EPERM, CONTINUE),      ROW(ENETDOWN, CONTINUE),     ROW(ENETUNREACH, CONTINUE),
    ROW(EHOSTDOWN, CONTINUE),  ROW(EHOSTUNREACH, CONTINUE), ROW(ENONET, CONTINUE),
    ROW(ENOPROTOOPT, CONTINUE), ROW(ETIMEDOUT, CONTINUE),
    ROW(EOPNOTSUPP, PAUSE), /* permanent if the socket is not a stream socket */
    /* shortages */
    ROW(EMFILE, EVICT), ROW(ENFILE, EVICT), ROW(ENOBUFS, PAUSE), ROW(ENOMEM, PAUSE),
    /* bugs of ours */
    ROW(EBADF, STOP), ROW(EINVAL, STOP), ROW(ENOTSOCK, STOP), ROW(EFAULT, STOP),
    {"other", 0, REMEDY_PAUSE},
};
/* clang-format on */

_Static_assert(ACCEPT_ERRORS <= STATS_ACCEPT_ERRORS, "the statistics have room for every error");

const struct accept_error *accept_error_find(int number, size_t *index)
{
    *index = 0;
    while (*index < ACCEPT_ERRORS - 1 && accept_errors[*index].number != number)
        ++*index;
    return &accept_errors[*index];
}

void acceptor_count_errors(const struct acceptor *acceptor, struct stats *stats)
{
    for (size_t i = 0; i < ACCEPT_ERRORS; i++)
        stats_add_accept_error(stats, accept_errors[i].name, acceptor->errors[i]);
}

static bool refuses_when_full(const struct acceptor *acceptor)
{
    return acceptor->settings->limits.when_full == WHEN_FULL_REFUSE;
}

int64_t acceptor_warn(struct acceptor *acceptor, bool last_chance)
{
    unsigned long count;
    int64_t wait = NEVER;

    if (warning_due(&acceptor->shortage_warning, last_chance, &count, &wait))
        log_line(LOG_WARNING, "cannot accept connections, pausing: %s count=%lu",
                 strerror(acceptor->error), count);
    if (warning_due(&acceptor->limit_warning, last_chance, &count, &wait))
        log_line(LOG_WARNING, "limits.connections reached; new connections %s count=%lu",
                 refuses_when_full(acceptor) ? "are refused" : "wait in the queue", count);
    return sooner(wait, admission_warn(acceptor->admission, last_chance));
}

void acceptor_note_shortage(struct acceptor *acceptor, int error)
{
    acceptor->error = error;
    acceptor->shortage_warning.count++;
}

static enum acceptor_result pause_accepting(struct acceptor *acceptor)
{
    acceptor->pace *= 2;
    if (acceptor->pace < PACE_FIRST)
        acceptor->pace = PACE_FIRST;
    if (acceptor->pace > PACE_LAST)
        acceptor->pace = PACE_LAST;
    acceptor->resume = clock_nanoseconds() + acceptor->pace;
    return ACCEPTOR_PAUSE;
}

static enum acceptor_result handle_error(struct acceptor *acceptor, int error)
{
    size_t index;
    if (error == EAGAIN)
        return ACCEPTOR_EMPTY;
    enum remedy remedy = accept_error_find(error, &index)->remedy;
    acceptor->errors[index]++;
    if (remedy == REMEDY_CONTINUE)
        return ACCEPTOR_MORE;
    if (remedy == REMEDY_EVICT && lingering_evict(acceptor->lingering))
        return ACCEPTOR_MORE;
    if (remedy == REMEDY_STOP) {
        log_line(LOG_CRIT, "accept: %s", strerror(error));
        return ACCEPTOR_FAILED;
    }
    acceptor_note_shortage(acceptor, error);
    return pause_accepting(acceptor);
}

/* End a connection that no worker had. If it met a shortage, the next one can, too. */
static enum acceptor_result turn_away(struct acceptor *acceptor, struct connection *connection,
                                      enum outcome outcome, int error)
{
    connection->outcome = outcome;
    connection->error = error;
    connection->decided = clock_nanoseconds();
    admission_leave(connection);
    close(connection->fd);
    connection_report(connection);
    return outcome == OUTCOME_FAILED ? pause_accepting(acceptor) : ACCEPTOR_MORE;
}

/* Move the connection to memory that its worker frees, and submit it. */
static enum acceptor_result submit(struct acceptor *acceptor, struct connection *connection)
{
    struct connection *lasting = malloc(sizeof *lasting);
    if (lasting == NULL)
        return turn_away(acceptor, connection, OUTCOME_FAILED, ENOMEM);
    *lasting = *connection;
    (void)settings_ref(lasting->settings);
    int error = workers_submit(acceptor->workers, lasting);
    if (error != 0) {
        settings_unref(lasting->settings);
        free(lasting);
        return turn_away(acceptor, connection, OUTCOME_FAILED, error);
    }
    acceptor->pace /= 2;
    acceptor->submitted = true;
    return ACCEPTOR_MORE;
}

static enum acceptor_result admit(struct acceptor *acceptor, struct connection *connection)
{
    switch (admission_enter(acceptor->admission, connection)) {
    case ADMISSION_DENIED: return turn_away(acceptor, connection, OUTCOME_DENIED, 0);
    case ADMISSION_CONNECTIONS:
        acceptor->limit_warning.count++;
        return turn_away(acceptor, connection, OUTCOME_LIMITED, 0);
    case ADMISSION_PER_SOURCE: return turn_away(acceptor, connection, OUTCOME_LIMITED, 0);
    case ADMISSION_FAILED: return turn_away(acceptor, connection, OUTCOME_FAILED, ENOMEM);
    default: return submit(acceptor, connection);
    }
}

static enum acceptor_result accept_one(struct acceptor *acceptor, const struct listener *listener)
{
    struct address peer;
    int fd = listener_accept(listener, &peer);
    if (fd < 0)
        return handle_error(acceptor, errno);
    stats_accepted();
    address_unmap(&peer);
    int64_t now = clock_nanoseconds();
    struct settings *settings = acceptor->settings;
    struct connection connection = {.settings = settings,
                                    .fd = fd,
                                    .peer = peer,
                                    .local = listener->bound,
                                    .accepted = now,
                                    .deadline = deadline_after(now, settings->timeouts.exchange)};
    connection.proxied = prefixes_match(&settings->access.proxies, &peer) >= 0;
    if (listener->wildcard)
        (void)address_of_socket(fd, &connection.local);
    connection_log_step(&connection, STEP_ACCEPTED);
    return admit(acceptor, &connection);
}

static bool has_slot(const struct acceptor *acceptor)
{
    size_t max = (size_t)acceptor->settings->limits.connections;
    return refuses_when_full(acceptor) || workers_have_fewer(acceptor->workers, max);
}

enum acceptor_result acceptor_accept(struct acceptor *acceptor, const struct listener *listener)
{
    enum acceptor_result result = ACCEPTOR_MORE;
    for (int i = 0; i < BATCH && result == ACCEPTOR_MORE && has_slot(acceptor); i++)
        result = accept_one(acceptor, listener);
    workers_wake(acceptor->workers);
    return result;
}

bool acceptor_can_accept(struct acceptor *acceptor, int64_t *wait)
{
    int64_t pause = acceptor->resume - clock_nanoseconds();
    if (pause > 0) {
        *wait = sooner(*wait, pause);
        return false;
    }
    bool was_full = acceptor->full;
    acceptor->full = !has_slot(acceptor);
    if (acceptor->full && !was_full) {
        acceptor->limit_warning.count++;
        *wait = sooner(*wait, acceptor_warn(acceptor, false));
    }
    return !acceptor->full;
}
