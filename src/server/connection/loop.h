/* SPDX-License-Identifier: MIT */
/* Waits for connections, accepts, and gives each connection on. */
#ifndef SERVER_CONNECTION_LOOP_H
#define SERVER_CONNECTION_LOOP_H

#include "server/connection/workers.h"
#include "server/connection/listeners.h"
#include "server/config/snapshot.h"

struct acceptor;

/* Make everything ready to serve. `listeners` and the descriptor `signal_fd`, which is only
 * waited for, stay the caller's and are to last as long as the acceptor; so does the
 * caller's use of `snapshot`. Returns NULL with the reason logged on failure. */
struct acceptor *acceptor_create(struct listeners *listeners, struct snapshot *snapshot,
                                 int signal_fd);

/* Let these settings hold for those who are accepted from now on. The ones before are no
 * longer used, but by the conversations that began with them. */
void acceptor_change(struct acceptor *acceptor, struct snapshot *snapshot);

/* Why acceptor_run() returns. */
enum acceptor_event {
    ACCEPTOR_SIGNAL,  /* there is something to read from signal_fd */
    ACCEPTOR_TIME,    /* it is the time that was asked for */
    ACCEPTOR_DRAINED, /* nothing is left to do after acceptor_drain() */
    ACCEPTOR_BROKEN   /* the daemon cannot go on; the reason is logged */
};

/* Serve until something happens, at the latest until the instant `until` of
 * clock_nanoseconds(). */
enum acceptor_event acceptor_run(struct acceptor *acceptor, int64_t until);

/* Accept nobody who comes from now on: who is queued already is served, the listeners are
 * closed, and all that is over after timeouts.drain seconds at most. */
void acceptor_drain(struct acceptor *acceptor);

/* Let that time be over now. */
void acceptor_hurry(struct acceptor *acceptor);

/* Count what the handover has, and in `*lingering` the sockets whose close lingers. */
struct census acceptor_census(struct acceptor *acceptor, size_t *lingering);

/* Free everything; NULL is nothing. No conversation may be live. */
void acceptor_destroy(struct acceptor *acceptor);

#endif
