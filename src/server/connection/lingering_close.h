/* SPDX-License-Identifier: MIT */
/* Lingering close: read a half-closed socket to the peer's end of file, then close it. The reply
 * and the FIN are sent by then, but close(2) with unread octets resets the connection, and the
 * peer could lose the reply: RFC 1122, 4.2.2.13. */
#ifndef SERVER_CONNECTION_LINGERING_CLOSE_H
#define SERVER_CONNECTION_LINGERING_CLOSE_H

#include "server/connection/workers.h"

/* The main thread's; no other thread touches it. */
struct lingering;

/* Create an empty set of lingering sockets; call lingering_set_limits() before any other function.
 * It takes the half-closed connections that the workers leave, who stay the caller's. Returns NULL
 * and errno on failure. */
struct lingering *lingering_create(struct workers *workers);

/* Let at most `max` sockets linger, each for at most `seconds`. This also holds for sockets that
 * already linger. */
void lingering_set_limits(struct lingering *lingering, size_t max, double seconds);

/* Return the number of sockets, without those that workers left since the last sweep. */
size_t lingering_count(const struct lingering *lingering);

/* Look at the sockets that are due: discard what they received; close those at end of file or
 * reset, those whose time is over, and the oldest if there are too many. Never blocks. Returns the
 * nanoseconds until the next sweep is due, or NEVER. A sweep is also due when lingering_fd() is
 * readable. */
int64_t lingering_sweep(struct lingering *lingering);

/* Return the descriptor that becomes readable when a sweep has something to do, or -1 if the next
 * sweep only waits for its time. */
int lingering_fd(const struct lingering *lingering);

/* Close the oldest socket to free its descriptor. Returns false if there is none. */
bool lingering_evict(struct lingering *lingering);

/* Close all sockets and free everything. NULL is ignored. */
void lingering_destroy(struct lingering *lingering);

#endif
