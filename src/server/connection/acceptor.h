/* SPDX-License-Identifier: MIT */
/* The acceptor: takes connections off a listener's queue, passes each to a worker or refuses it,
 * and decides what an error of accept(2) means. */
#ifndef SERVER_CONNECTION_ACCEPTOR_H
#define SERVER_CONNECTION_ACCEPTOR_H

#include "server/connection/admission.h"
#include "server/connection/lingering_close.h"
#include "server/connection/listener.h"
#include "server/connection/workers.h"
#include "server/log/log.h"

/* The errors of accept(2) that are counted by name, and "other". */
#define ACCEPT_ERRORS 21

/* The main loop's; no other thread touches it. */
struct acceptor {
    struct settings *settings; /* of the connections that are accepted next */
    struct admission *admission;
    struct workers *workers;
    struct lingering *lingering;
    int64_t pace;   /* length of the pause after the next failure, in nanoseconds */
    int64_t resume; /* end of the current pause: clock_nanoseconds() */
    bool full;      /* the last check found no slot */
    bool submitted; /* a worker got a connection; the main loop clears it */
    int error;      /* errno of the last resource shortage */
    struct warning shortage_warning;
    struct warning limit_warning; /* of limits.connections */
    uint64_t errors[ACCEPT_ERRORS];
};

enum acceptor_result {
    ACCEPTOR_MORE,  /* more connections can be queued */
    ACCEPTOR_EMPTY, /* the queue is empty */
    ACCEPTOR_PAUSE, /* a resource is short: acceptor_can_accept() knows how long to pause */
    ACCEPTOR_FAILED /* accept(2) reports a bug of ours, which is logged */
};

/* Accept a batch of the connections queued on a listener, as long as there are slots. */
enum acceptor_result acceptor_accept(struct acceptor *acceptor, const struct listener *listener);

/* Whether to look at the listeners now. If not, lower `*wait`, in nanoseconds, to the end of the
 * pause. The end of a connection that frees a slot wakes the main loop by itself. */
bool acceptor_can_accept(struct acceptor *acceptor, int64_t *wait);

/* Record a resource shortage, with its errno, for the next warning. */
void acceptor_note_shortage(struct acceptor *acceptor, int error);

/* Log the warnings that are due, or all that remain if this is the `last_chance`. Returns the
 * nanoseconds until the next one is due, or NEVER. */
int64_t acceptor_warn(struct acceptor *acceptor, bool last_chance);

/* Add the errors of accept(2) to the statistics. */
void acceptor_count_errors(const struct acceptor *acceptor, struct stats *stats);

/* What to do about an error of accept(2). */
enum remedy {
    REMEDY_CONTINUE, /* it concerns one connection, which is off the queue */
    REMEDY_EVICT,    /* no descriptor is left: close the oldest lingering socket, or else pause */
    REMEDY_PAUSE,    /* the connection stays queued: try again later */
    REMEDY_STOP      /* a bug of ours */
};

struct accept_error {
    const char *name; /* as in errno(3) */
    int number;
    enum remedy remedy;
};

/* Return the row for an error number; its place in the table is `errors`' index. */
const struct accept_error *accept_error_find(int number, size_t *index);

#endif
