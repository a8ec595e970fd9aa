/* SPDX-License-Identifier: MIT */
/* Gives each connection to a worker thread: one thread per live connection. */
#ifndef SERVER_CONNECTION_WORKERS_H
#define SERVER_CONNECTION_WORKERS_H

#include "server/connection/connection.h"
#include "server/connection/lingering_close.h"

struct workers;

/* Create the workers, none of them running; call workers_set_limits() before any other function.
 * Workers pass half-closed sockets to `lingering`. They write to the eventfd(2) `wake_fd` when a
 * connection ends that the main loop waits for, or whose outcome needs a warning. Both stay the
 * caller's. Returns NULL and errno on failure. */
struct workers *workers_create(struct lingering *lingering, int wake_fd);

/* Allow `max` active connections, and let workers end that were idle for `idle_timeout` seconds.
 * The main loop only. */
void workers_set_limits(struct workers *workers, size_t max, double idle_timeout);

/* Whether one more connection may begin. If not, the next one that ends writes
 * to `wake_fd`. */
bool workers_have_slot(struct workers *workers);

/* Give a connection from malloc(3) to the workers, who from then on own it, its socket
 * and its use of its settings; call workers_wake() soon. Returns 0; or an error number when no
 * thread can be had, and then both are still the caller's. */
int workers_submit(struct workers *workers, struct connection *connection);

/* See to it that somebody is awake for the connections that were given. */
void workers_wake(struct workers *workers);

/* End workers that have been idle for too long. Returns nanoseconds until the next one may
 * have been, or NEVER when there is no worker. The thread that gives, only. */
int64_t workers_end_idle(struct workers *workers);

/* Fill in the gauges, except `lingering`. The main loop only. */
void workers_gauges(struct workers *workers, struct gauges *gauges);

/* Whether no connection is live. If one is, the next one that ends writes to
 * `wake_fd`. */
bool workers_are_done(struct workers *workers);

/* End every live connection now: their sockets are shut down and their outcome
 * is `slow`. The workers still have to carry that out. */
void workers_cut(struct workers *workers);

/* End every worker and free everything; no connection may be live. */
void workers_destroy(struct workers *workers);

#endif
