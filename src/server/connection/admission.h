/* SPDX-License-Identifier: MIT */
/* Admission: the decision whether an accepted connection is served. It checks access lists,
 * limits.per_source and, with limits.when_full = "refuse", limits.connections. With "wait" an
 * acceptor waits for a free slot before it asks the admission. */
#ifndef SERVER_CONNECTION_ADMISSION_H
#define SERVER_CONNECTION_ADMISSION_H

#include "server/connection/connection.h"
#include "server/connection/monitor.h"
#include "server/log/log.h"

/* A source, and how many connections it held. */
struct holder {
    struct prefix prefix;
    size_t count;
};

struct admission {
    struct monitor *monitor;      /* the caller's; protects all that follows, and each source */
    atomic_size_t count;          /* of connections: any thread counts it down */
    void *sources;                /* tsearch(3) */
    struct warning limit_warning; /* of limits.connections */
    struct warning source_warning;
    struct holder refused; /* the largest of those refused since the last source_warning */
};

/* Decide on a connection by its own settings, and count it if it is admitted. If not, fill in its
 * outcome. Of a proxied connection only the free slot is checked. Called with the monitor entered.
 */
bool admission_enter(struct admission *admission, struct connection *connection);

/* Decide on a proxied connection that was admitted, for the client that its header names. If it is
 * not admitted, fill in its outcome. A header without addresses counts for no source. Any thread
 * can call this, outside the monitor. */
bool admission_enter_again(struct connection *connection);

/* Stop counting a connection, if it is counted. Needs no lock. Call it before the peer can know
 * that the exchange is over, so that a client that connects again at once finds its slot free. Any
 * thread can call this, outside the monitor. */
void admission_leave(struct connection *connection);

/* Forget a connection that was admitted and is not counted any more, if it was not forgotten.
 * Called with the monitor entered. */
void admission_forget(struct connection *connection);

/* Log the warnings of limits that are due, or all that remain if this is the `last_chance`. Returns
 * the nanoseconds until the next one is due, or NEVER. The main loop only. */
int64_t admission_warn(struct admission *admission, const struct settings *settings,
                       bool last_chance);

#endif
