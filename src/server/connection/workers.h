/* SPDX-License-Identifier: MIT */
/* Worker threads, never fewer than active connections, so that each can wait for its peer. A worker
 * takes a connection, holds its exchange, reports it, and closes it or passes it to the lingering
 * close. */
#ifndef SERVER_CONNECTION_WORKERS_H
#define SERVER_CONNECTION_WORKERS_H

#include "server/connection/connection.h"
#include "server/connection/lingering_close.h"

struct workers;

/* Create the workers, none of them running; call workers_set_idle_timeout() before any other
 * function.
 * Workers pass half-closed sockets to `lingering`. They write to the eventfd(2) `wake_fd` when a
 * connection ends that the main loop waits for, or whose outcome needs a warning. Both stay the
 * caller's. Returns NULL and errno on failure. */
struct workers *workers_create(struct lingering *lingering, int wake_fd);

/* Let workers end that were idle for this many seconds. The main loop only. */
void workers_set_idle_timeout(struct workers *workers, double seconds);

/* Whether fewer than `limit` connections are active. If not, the next one that ends writes to
 * `wake_fd`. */
bool workers_have_fewer(struct workers *workers, size_t limit);

/* Pass a connection from malloc(3) to the workers, who then own it, its socket and its reference
 * to the settings. Call workers_wake() afterwards. Returns 0; or an error number if no thread can
 * be started, and then the connection is still the caller's. The main loop only. */
int workers_submit(struct workers *workers, struct connection *connection);

/* Make sure that a worker is awake for the submitted connections. */
void workers_wake(struct workers *workers);

/* Join workers that were idle for too long. Returns the nanoseconds until the idle time of the
 * next one can be over, or NEVER if there is no worker. The main loop only. */
int64_t workers_end_idle(struct workers *workers);

/* Fill in the gauges, except `lingering`. The main loop only. */
void workers_gauges(struct workers *workers, struct gauges *gauges);

/* Shut down the socket of every active connection; their outcome is `slow`. They are still active
 * until their workers have seen that. */
void workers_cut(struct workers *workers);

/* Join all workers and free everything. No connection may be active. NULL is ignored. */
void workers_destroy(struct workers *workers);

#endif
