/* SPDX-License-Identifier: MIT */
/* The main loop: the main thread waits here for signals, timers and what other threads ask for,
 * while acceptors and workers serve. For a signal, and at the time that service.c asks for, it
 * returns there. */
#ifndef SERVER_CONNECTION_LOOP_H
#define SERVER_CONNECTION_LOOP_H

#include "server/config/settings.h"
#include "server/connection/listeners.h"
#include "server/log/stats.h"

struct loop;

/* Create the main loop and everything that serves connections. `listeners` and the descriptor
 * `signal_fd`, which the loop only polls, stay the caller's and must outlive the loop.
 * Returns NULL with the reason logged on failure. */
struct loop *loop_create(struct listeners *listeners, int signal_fd);

/* Start to accept with these settings. The caller keeps its reference to them until loop_apply()
 * replaces them or the loop is destroyed. Returns 0; or -1 with the reason logged and all listeners
 * closed. */
int loop_start(struct loop *loop, struct settings *settings);

/* Use these settings from now on: for the connections that are accepted next, and for all limits.
 * The loop no longer uses the old settings; older connections still do. */
void loop_apply(struct loop *loop, struct settings *settings);

/* Why loop_run() returns. */
enum loop_event {
    LOOP_SIGNAL,  /* signal_fd is readable */
    LOOP_TIMER,   /* the requested instant has come */
    LOOP_ALIVE,   /* after loop_check(): every acceptor has answered */
    LOOP_CALLED,  /* loop_call() */
    LOOP_DRAINED, /* after loop_drain(): nothing is left to serve */
    LOOP_FAILED   /* the daemon cannot go on; the reason is logged */
};

/* Serve until something happens, at the latest until `until`, an instant of clock_nanoseconds(). */
enum loop_event loop_run(struct loop *loop, int64_t until);

/* Check that every acceptor answers; loop_run() returns LOOP_ALIVE once all have. */
void loop_check(struct loop *loop);

/* Let loop_run() return LOOP_CALLED. Any thread may call this. */
void loop_call(struct loop *loop);

/* Stop accepting: serve the connections that are queued or active, close the listeners, and end
 * after at most `seconds`. A second call only sets another time. */
void loop_drain(struct loop *loop, double seconds);

/* Add gauges, listeners and accept errors to the statistics. */
void loop_add_stats(struct loop *loop, struct stats *stats);

/* Free everything. No connection may be active. NULL is ignored. */
void loop_destroy(struct loop *loop);

#endif
