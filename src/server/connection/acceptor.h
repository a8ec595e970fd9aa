/* SPDX-License-Identifier: MIT */
/* Acceptors: for each listener a thread that takes connections off its queue, and passes each to a
 * worker or refuses it. */
#ifndef SERVER_CONNECTION_ACCEPTOR_H
#define SERVER_CONNECTION_ACCEPTOR_H

#include "server/connection/admission.h"
#include "server/connection/lingering_close.h"
#include "server/connection/listener.h"
#include "server/connection/workers.h"
#include "server/log/log.h"

TAILQ_HEAD(acceptor_list, acceptor);

/* What all acceptors share. With its first three fields set, and the others zero, none of them
 * runs; none accepts before acceptors_apply(). They wake the main loop when it has something to do
 * for them. */
struct acceptors {
    struct monitor *monitor; /* the caller's, as the next two are */
    struct admission *admission;
    struct workers *workers;
    struct acceptor_list list; /* the main loop's own */

    /* protected by the monitor */
    struct settings *settings;     /* of the connections that get a slot next */
    unsigned roll;                 /* number of the last roll call */
    bool cut;                      /* acceptors_cut() was called */
    int failure;                   /* errno of a bug of ours, or 0 */
    unsigned short_of_descriptors; /* failures; the main loop must close a lingering socket */
    unsigned evictions;            /* how often it did */
    struct warning shortage_warning;
    struct warning thread_warning; /* of workers that could not be started */
    uint64_t errors[STATS_ACCEPT_ERRORS];
};

/* Use these settings, the caller's, for the connections that get a slot next, and let acceptors
 * that were started begin to accept. */
void acceptors_apply(struct acceptors *acceptors, struct settings *settings);

/* Start a thread that accepts from the listener, which must not move in memory, from the next
 * acceptors_apply() on; or let the one that it has go on after acceptor_end(). Returns 0, or an
 * error number. */
int acceptor_start(struct acceptors *acceptors, struct listener *listener);

/* Join the listener's acceptor if it has ended. If not, and if `now` is set, make it end: it still
 * serves the connection that it holds and, unless the listener is adopted, those that are queued.
 * One that has not begun to accept ends without. Returns whether the listener has none any more. */
bool acceptor_end(struct listener *listener, bool now);

/* Cut every active connection: workers_cut(). From now on acceptors refuse what they have accepted.
 */
void acceptors_cut(struct acceptors *acceptors);

/* Ask every acceptor for a sign of life. */
void acceptors_call_roll(struct acceptors *acceptors);

enum acceptors_state {
    ACCEPTORS_CALLED,   /* one of them must still answer */
    ACCEPTORS_ANSWERED, /* all have answered the last roll call */
    ACCEPTORS_FAILED    /* accept(2) reported a bug of ours, which is logged; one has ended */
};

/* Signal the acceptors that must still answer, and close a lingering socket if one of them needs a
 * descriptor; without one, that is counted for acceptors_warn(), which must follow. Lowers `*wait`,
 * in nanoseconds, to the time after which it must be repeated. */
enum acceptors_state acceptors_tend(struct acceptors *acceptors, struct lingering *lingering,
                                    int64_t *wait);

/* Log the warnings that are due, or all that remain if this is the `last_chance`. Returns the
 * nanoseconds until the next one is due, or NEVER. */
int64_t acceptors_warn(struct acceptors *acceptors, bool last_chance);

/* Add the errors of accept(2) to the statistics. */
void acceptors_count_errors(struct acceptors *acceptors, struct stats *stats);

#endif
