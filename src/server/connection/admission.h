/* SPDX-License-Identifier: MIT */
/* Who may have a worker: whom access.allow and access.deny let in, at most limits.connections
 * peers where others are refused and not kept waiting, and at most limits.per_source of one
 * address. */
#ifndef SERVER_CONNECTION_ADMISSION_H
#define SERVER_CONNECTION_ADMISSION_H

#include "server/connection/connection.h"

struct admission;

/* What a connection was told. */
enum admission_verdict {
    ADMITTED,
    ADMISSION_DENIED,      /* access.allow or access.deny refused it */
    ADMISSION_CONNECTIONS, /* limits.connections refused it */
    ADMISSION_PER_SOURCE,  /* limits.per_source refused it */
    ADMISSION_FAILED       /* nothing is left to count it with: ENOMEM */
};

/* Returns NULL and errno on failure. */
struct admission *admission_create(void);

/* Count a connection in, by the settings it runs under; if it may not go on it is not
 * counted. Of a proxied one only the place is judged, not whom it comes from. */
enum admission_verdict admission_enter(struct admission *admission, struct connection *connection);

/* Judge whom a proxied connection that is counted comes from, now that its header was read.
 * A proxy that speaks for itself counts for no source. Any thread may. */
enum admission_verdict admission_enter_again(struct connection *connection);

/* Count it out, where it is counted; any thread may. To be called before its peer can know
 * that it is over: who comes again at once finds its place free. */
void admission_leave(struct connection *connection);

/* Write the warning of limits.per_source, if it is due. Returns nanoseconds until it will be,
 * or NEVER. The acceptor, only. */
int64_t admission_warn(struct admission *admission);

/* Have it written even if it was written a moment ago. */
void admission_finish(struct admission *admission);

/* Nobody may be counted any more. NULL is nothing. */
void admission_destroy(struct admission *admission);

#endif
