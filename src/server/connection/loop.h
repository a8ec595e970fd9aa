/* SPDX-License-Identifier: MIT */
/* Waits for connections, accepts, and gives each connection on. */
#ifndef SERVER_CONNECTION_LOOP_H
#define SERVER_CONNECTION_LOOP_H

#include "server/config/settings.h"
#include "server/connection/listeners.h"
#include "server/connection/workers.h"

struct loop;

/* Make everything ready to serve. `listeners` and the descriptor `signal_fd`, which is only
 * waited for, stay the caller's and are to last as long as the loop; so does the
 * caller's use of `snapshot`. Returns NULL with the reason logged on failure. */
struct loop *loop_create(struct listeners *listeners, struct settings *settings, int signal_fd);

/* Let these settings hold for those who are accepted from now on. The ones before are no
 * longer used, but by the connections that began with them. */
void loop_apply(struct loop *loop, struct settings *settings);

/* Why loop_run() returns. */
enum loop_event {
    LOOP_SIGNAL,  /* there is something to read from signal_fd */
    LOOP_TIMER,   /* it is the time that was asked for */
    LOOP_DRAINED, /* nothing is left to do after loop_drain() */
    LOOP_FAILED   /* the daemon cannot go on; the reason is logged */
};

/* Serve until something happens, at the latest until the instant `until` of
 * clock_nanoseconds(). */
enum loop_event loop_run(struct loop *loop, int64_t until);

/* Stop accepting: serve the connections that are queued or active, close the listeners, and end
 * after at most `seconds`. A second call only sets another time. */
void loop_drain(struct loop *loop, double seconds);

/* Add gauges, listeners and accept errors to the statistics. */
void loop_add_stats(struct loop *loop, struct stats *stats);

/* Free everything; NULL is nothing. No connection may be live. */
void loop_destroy(struct loop *loop);

#endif
