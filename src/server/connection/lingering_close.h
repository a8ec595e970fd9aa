/* SPDX-License-Identifier: MIT */
/* Half-closed sockets on their way to close(2).
 *
 * The reply and our FIN are sent, but what the peer still sends must be read, or
 * close(2) would turn into RST and the peer could lose the reply: RFC 1122,
 * 4.2.2.13. Waiting for the peer's FIN in the worker would cost a sleep and a
 * wake-up for every exchange; so workers hand their sockets over, and the acceptor
 * looks after all of them in one sweep now and then. */
#ifndef SERVER_CONNECTION_LINGERING_CLOSE_H
#define SERVER_CONNECTION_LINGERING_CLOSE_H

#include "server/connection/connection.h"

#include <stdbool.h>
#include <stddef.h>

struct lingering;

/* Create an empty set of lingering sockets; call lingering_set_limits() before any other function.
 * The eventfd(2) `wake_fd` is written when a socket needs a sweep before the next planned one; it
 * stays the caller's. Returns NULL and errno on failure. */
struct lingering *lingering_create(int wake_fd);

/* Let at most `max` sockets linger, each for at most `seconds`, those that linger already
 * included. The main loop only. */
void lingering_set_limits(struct lingering *lingering, size_t max, double seconds);

/* How many sockets there are, but for those that came in since the last sweep. The sweeping
 * thread only. */
size_t lingering_count(const struct lingering *lingering);

/* Take over a connection from malloc(3) whose socket is half-closed; any thread may
 * call it. */
void lingering_add(struct lingering *lingering, struct connection *connection);

/* Look at the sockets that are due for a look: discard what came in, close those at end
 * of file, reset, or past their time, and those that came first where there are too many.
 * Never blocks. With `soon`, somebody is expected to come in soon, and the next look is
 * soon. Returns nanoseconds until the next look is due, or NEVER when there is none. One
 * thread only. */
int64_t lingering_sweep(struct lingering *lingering, bool soon);

/* Close the socket that came first, for the sake of its descriptor. Returns false if
 * there is none. The sweeping thread only. */
bool lingering_evict(struct lingering *lingering);

/* Close what is left and free everything. */
void lingering_destroy(struct lingering *lingering);

#endif
