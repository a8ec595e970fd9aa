/* SPDX-License-Identifier: MIT */
/* Admission: the decision whether an accepted connection is served. It checks access lists,
 * limits.per_source and, with limits.when_full = "refuse", limits.connections. With "wait" an
 * acceptor waits for a free slot before it asks the admission. */
#ifndef SERVER_CONNECTION_ADMISSION_H
#define SERVER_CONNECTION_ADMISSION_H

#include "server/connection/connection.h"
#include "server/connection/monitor.h"

struct admission;

enum admission_verdict {
    ADMITTED,
    ADMISSION_DENIED,      /* refused by access.allow or access.deny */
    ADMISSION_CONNECTIONS, /* refused by limits.connections */
    ADMISSION_PER_SOURCE,  /* refused by limits.per_source */
    ADMISSION_FAILED       /* no memory to count it: ENOMEM */
};

/* Returns NULL and errno on failure. The eventfd(2) `wake_fd` is written when admission_warn() has
 * something to log. It and the monitor stay the caller's. */
struct admission *admission_create(struct monitor *monitor, int wake_fd);

/* Decide on a connection by its own settings, and count it if it is admitted. Of a proxied
 * connection only the free slot is checked. Called with the monitor entered. */
enum admission_verdict admission_enter(struct admission *admission, struct connection *connection);

/* Decide on a proxied connection that was admitted, for the client that its header names. A header
 * without addresses counts for no source. Any thread can call this, outside the monitor. */
enum admission_verdict admission_enter_again(struct connection *connection);

/* Stop counting a connection, if it is counted. Call it before the peer can know that the exchange
 * is over, so that a client that connects again at once finds its slot free. Any thread can call
 * this, outside the monitor. */
void admission_leave(struct connection *connection);

/* Log the warning of limits.per_source if it is due or this is the `last_chance`. Returns the
 * nanoseconds until it is due, or NEVER. The main loop only. */
int64_t admission_warn(struct admission *admission, bool last_chance);

/* Free everything. No connection may be counted. NULL is ignored. */
void admission_destroy(struct admission *admission);

#endif
