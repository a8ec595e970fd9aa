/* SPDX-License-Identifier: MIT */
/* Lingering close: read a half-closed socket to the peer's end of file, then close it. The reply
 * and the FIN are sent by then, but close(2) with unread octets resets the connection, and the
 * peer could lose the reply: RFC 1122, 4.2.2.13. */
#ifndef SERVER_CONNECTION_LINGERING_CLOSE_H
#define SERVER_CONNECTION_LINGERING_CLOSE_H

#include "server/connection/connection.h"

struct lingering;

/* Create an empty set of lingering sockets; call lingering_set_limits() before any other function.
 * The eventfd(2) `wake_fd` is written when a socket needs a sweep before the next planned one; it
 * stays the caller's. Returns NULL and errno on failure. */
struct lingering *lingering_create(int wake_fd);

/* Let at most `max` sockets linger, each for at most `seconds`. This also holds for sockets that
 * already linger. The main loop only. */
void lingering_set_limits(struct lingering *lingering, size_t max, double seconds);

/* Return the number of sockets, without those added since the last sweep. The main loop only. */
size_t lingering_count(const struct lingering *lingering);

/* Take over a connection from malloc(3) whose socket is half-closed. Any thread can call this. */
void lingering_add(struct lingering *lingering, struct connection *connection);

/* Look at the sockets that are due: discard what they received; close those at end of file or
 * reset, those whose time is over, and the oldest if there are too many. Never blocks. With `soon`,
 * more sockets are expected, and the next sweep comes soon. Returns the nanoseconds until the next
 * sweep is due, or NEVER. The main loop only. */
int64_t lingering_sweep(struct lingering *lingering, bool soon);

/* Close the oldest socket to free its descriptor. Returns false if there is none. The main loop
 * only. */
bool lingering_evict(struct lingering *lingering);

/* Close all sockets and free everything. NULL is ignored. */
void lingering_destroy(struct lingering *lingering);

#endif
