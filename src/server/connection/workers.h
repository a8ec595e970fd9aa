/* SPDX-License-Identifier: MIT */
/* Worker threads, never fewer than active connections, so that each can wait for its peer. A worker
 * takes a connection, holds its exchange, reports it, and closes it or leaves it to the lingering
 * close. An idle worker ends by itself. */
#ifndef SERVER_CONNECTION_WORKERS_H
#define SERVER_CONNECTION_WORKERS_H

#include "server/connection/connection.h"
#include "server/connection/monitor.h"

#include <signal.h>

/* Interrupts an acceptor: acceptor.c. Workers block it. signals_open() installs a handler that does
 * nothing. */
#define ACCEPTOR_SIGNAL SIGUSR2

struct worker;
TAILQ_HEAD(worker_list, worker);

struct workers {
    struct monitor *monitor; /* the caller's; protects all that follows, and connections' entries */
    size_t awake_max;

    size_t count;                       /* of workers: never fewer than `active` */
    size_t active;                      /* connections that were submitted and have not ended */
    size_t peak;                        /* the largest `active` so far */
    size_t awake;                       /* workers that are neither idle nor wait for a peer */
    struct connection_list active_list; /* in the order in which workers take them */
    struct connection *waiting;         /* the first that no worker has taken yet, or NULL */
    struct connection_list half_closed; /* for the main loop */
    struct worker_list idle;            /* the worker that became idle last is first */
    double idle_timeout;                /* timeouts.idle_worker */
    bool loop_waits;                    /* the end of the next connection wakes the main loop */
};

/* Prepare for workers, none of them running. They wake the main loop when something happens that it
 * waits for. */
void workers_init(struct workers *workers, struct monitor *monitor);

/* Let workers end that are idle for this many seconds from now on. Any thread can call this. */
void workers_set_idle_timeout(struct workers *workers, double seconds);

/* Pass a connection from malloc(3) to the workers, which then own it, its socket and its reference
 * to the settings. Returns 0; or an error number if no thread can be started, and then the
 * connection is still the caller's. Otherwise `*called` is a worker for workers_wake(), or NULL.
 * Called with the monitor entered. */
int workers_submit(struct workers *workers, struct connection *connection, struct worker **called);

/* Wake the worker that workers_submit() called, or none if it is NULL. Call it after the monitor is
 * left, so that the worker does not wake up only to wait for it. */
void workers_wake(struct worker *called);

/* Append the half-closed connections that workers left since the last call to `list`, whose owner
 * is then the caller. Returns false if there are none; then the end of the next connection wakes
 * the main loop. */
bool workers_take_half_closed(struct workers *workers, struct connection_list *list);

/* Whether no connection is active. If not, the end of the next one wakes the main loop. */
bool workers_are_done(struct workers *workers);

/* Fill in the gauges, except `lingering`. */
void workers_gauges(struct workers *workers, struct gauges *gauges);

/* Shut down the socket of every active connection; their outcome is `slow`. They are still active
 * until their workers have seen that. Called with the monitor entered. */
void workers_cut(struct workers *workers);

/* Wait until all workers have ended. No connection may be active or half-closed. */
void workers_end(struct workers *workers);

#endif
