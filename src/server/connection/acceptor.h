/* SPDX-License-Identifier: MIT */
/* Takes connections off a listener's queue, and gives each to a worker or turns it away. */
#ifndef SERVER_CONNECTION_ACCEPTOR_H
#define SERVER_CONNECTION_ACCEPTOR_H

#include "server/connection/admission.h"
#include "server/connection/lingering_close.h"
#include "server/connection/listener.h"
#include "server/connection/workers.h"
#include "server/log/warning.h"

/* What is warned of. */
enum limit { LIMIT_RESOURCES, LIMIT_CONNECTIONS, LIMITS };

/* The acceptor's; no other thread touches it. */
struct intake {
    struct snapshot *snapshot; /* the settings of those who are accepted next */
    struct admission *admission;
    struct handover *handover;
    struct lingerers *linger;
    int64_t pace;   /* how long accepting pauses after its next failure */
    int64_t resume; /* and until when it pauses now: clock_nanoseconds() */
    bool full;      /* when it was last looked, there was no place */
    bool gave;      /* somebody was given to the workers; for the acceptor to clear */
    struct warning warnings[LIMITS];
    int error; /* what accept(2) or ppoll(2) failed with last, for LIMIT_RESOURCES */
};

enum intake_verdict {
    INTAKE_GO_ON,
    INTAKE_EMPTY, /* nobody is queued any more */
    INTAKE_PAUSE, /* something lacks: intake_wait() says how long */
    INTAKE_BROKEN /* accept(2) says that we are at fault; logged */
};

/* Accept a batch of what is queued on a listener, as far as there is place. */
enum intake_verdict intake_take(struct intake *intake, const struct listener *listener);

/* Whether to look at the listeners now; if not, lowers `*wait`, nanoseconds of which NEVER is
 * for ever, to the end of the pause. The end of a conversation that makes room wakes the
 * acceptor by itself. */
bool intake_may_accept(struct intake *intake, int64_t *wait);

/* Have it warned of that something lacks, with the errno that says so. */
void intake_lacks(struct intake *intake, int error);

/* Write the warnings that are due. Returns nanoseconds until the next one will be, or NEVER. */
int64_t intake_warn(struct intake *intake);

/* Write those that would still have been due later. */
void intake_finish(struct intake *intake);

#endif
