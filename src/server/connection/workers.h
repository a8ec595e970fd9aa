/* SPDX-License-Identifier: MIT */
/* Worker threads, never fewer than active connections, so that each can wait for its peer. A worker
 * takes a connection, holds its exchange, reports it, and closes it or leaves it to the lingering
 * close. An idle worker ends by itself. */
#ifndef SERVER_CONNECTION_WORKERS_H
#define SERVER_CONNECTION_WORKERS_H

#include "server/connection/connection.h"
#include "server/connection/monitor.h"

struct worker;
struct workers;

/* Create the workers, none of them running. They write to the eventfd(2) `wake_fd` when something
 * happens that the main loop waits for. It and the monitor stay the caller's. Returns NULL and
 * errno on failure. */
struct workers *workers_create(struct monitor *monitor, int wake_fd);

/* Return the size of a worker's stack, which is enough for an acceptor, too. */
size_t workers_stack_size(void);

/* Let workers end that are idle for this many seconds from now on. Any thread can call this. */
void workers_set_idle_timeout(struct workers *workers, double seconds);

/* Return the number of active connections. Called with the monitor entered. */
size_t workers_active(const struct workers *workers);

/* Pass a connection from malloc(3) to the workers, who then own it, its socket and its reference
 * to the settings. Returns 0; or an error number if no thread can be started, and then the
 * connection is still the caller's. `*called` is a worker for workers_wake(), or NULL. Called with
 * the monitor entered. */
int workers_submit(struct workers *workers, struct connection *connection, struct worker **called);

/* Wake the worker that workers_submit() called, or none if it is NULL. Call it after the monitor is
 * left, so that the worker does not wake up only to wait for it. */
void workers_wake(struct worker *called);

/* Append the half-closed connections that workers left since the last call to `list`, whose owner
 * is then the caller. Returns false if there are none; then the next one writes to `wake_fd`. */
bool workers_take_half_closed(struct workers *workers, struct connection_list *list);

/* Whether no connection is active. If not, the end of each writes to `wake_fd` from now on. */
bool workers_are_done(struct workers *workers);

/* Fill in the gauges, except `lingering`. */
void workers_gauges(struct workers *workers, struct gauges *gauges);

/* Shut down the socket of every active connection; their outcome is `slow`. They are still active
 * until their workers have seen that. Called with the monitor entered. */
void workers_cut(struct workers *workers);

/* Wait until all workers have ended, and free everything. No connection may be active or
 * half-closed. NULL is ignored. */
void workers_destroy(struct workers *workers);

#endif
