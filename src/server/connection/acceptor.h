/* SPDX-License-Identifier: MIT */
/* Takes connections off a listener's queue, and gives each to a worker or turns it away. */
#ifndef SERVER_CONNECTION_ACCEPTOR_H
#define SERVER_CONNECTION_ACCEPTOR_H

#include "server/connection/accept_error.h"
#include "server/connection/admission.h"
#include "server/connection/lingering_close.h"
#include "server/connection/listener.h"
#include "server/connection/workers.h"
#include "server/log/log.h"

/* What is warned of. */
enum limit { WARNING_RESOURCES, WARNING_CONNECTIONS, ACCEPTOR_WARNINGS };

/* The acceptor's; no other thread touches it. */
struct acceptor {
    struct settings *settings; /* the settings of those who are accepted next */
    struct admission *admission;
    struct workers *workers;
    struct lingering *lingering;
    int64_t pace;   /* how long accepting pauses after its next failure */
    int64_t resume; /* and until when it pauses now: clock_nanoseconds() */
    bool full;      /* when it was last looked, there was no place */
    bool submitted; /* somebody was given to the workers; for the acceptor to clear */
    struct warning warnings[ACCEPTOR_WARNINGS];
    uint64_t errors[ACCEPT_ERRORS];
    int error; /* what accept(2) or ppoll(2) failed with last, for LIMIT_RESOURCES */
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

#endif
