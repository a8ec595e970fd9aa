/* SPDX-License-Identifier: MIT */
/* Takes connections off a listener's queue, and gives each to a worker or turns it away. */
#ifndef SERVER_CONNECTION_ACCEPTOR_H
#define SERVER_CONNECTION_ACCEPTOR_H

#include "server/connection/admission.h"
#include "server/connection/lingering_close.h"
#include "server/connection/listener.h"
#include "server/connection/workers.h"
#include "server/log/log.h"

/* The errors of accept(2) that are counted by name, and "other". */
#define ACCEPT_ERRORS 21

/* The warnings of the acceptor. */
enum acceptor_warning { WARNING_RESOURCES, WARNING_CONNECTIONS, ACCEPTOR_WARNINGS };

/* The main loop's; no other thread touches it. */
struct acceptor {
    struct settings *settings; /* the settings of those who are accepted next */
    struct admission *admission;
    struct workers *workers;
    struct lingering *lingering;
    int64_t pace;   /* length of the pause after the next failure, in nanoseconds */
    int64_t resume; /* end of the current pause: clock_nanoseconds() */
    bool full;      /* the last check found no slot */
    bool submitted; /* a worker got a connection; the main loop clears it */
    int error;      /* the last errno of WARNING_RESOURCES */
    struct warning warnings[ACCEPTOR_WARNINGS];
    uint64_t errors[ACCEPT_ERRORS];
};

enum acceptor_result {
    ACCEPTOR_MORE,
    ACCEPTOR_EMPTY, /* nobody is queued any more */
    ACCEPTOR_PAUSE, /* something lacks: intake_wait() says how long */
    ACCEPTOR_FAILED /* accept(2) says that we are at fault; logged */
};

/* Accept a batch of what is queued on a listener, as far as there is place. */
enum acceptor_result acceptor_accept(struct acceptor *acceptor, const struct listener *listener);

/* Whether to look at the listeners now; if not, lowers `*wait`, nanoseconds of which NEVER is
 * for ever, to the end of the pause. The end of a connection that makes room wakes the
 * acceptor by itself. */
bool acceptor_can_accept(struct acceptor *acceptor, int64_t *wait);

/* Have it warned of that something lacks, with the errno that says so. */
void acceptor_note_shortage(struct acceptor *acceptor, int error);

/* Write the warnings that are due. Returns nanoseconds until the next one will be, or NEVER. */
int64_t acceptor_warn(struct acceptor *acceptor);

/* Write those that would still have been due later. */
void acceptor_finish(struct acceptor *acceptor);

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
    const char *name; /* as errno(3) has it */
    int number;
    enum remedy remedy;
};

/* Return the row for an error number; its place in the table is `errors`' index. */
const struct accept_error *accept_error_find(int number, size_t *index);

#endif
