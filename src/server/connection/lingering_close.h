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

struct lingerers;

/* Make room for `most` sockets, each to be closed `seconds` after it came, at the
 * latest. `wake_fd` is an eventfd(2) that is written when a socket comes in and nobody
 * is going to sweep soon; it stays the caller's. Returns NULL and errno on failure. */
struct lingerers *linger_create(size_t most, double seconds, int wake_fd);

/* Let other numbers hold from now on, for those who are there too. The sweeping thread
 * only. */
void linger_change(struct lingerers *linger, size_t most, double seconds);

/* How many sockets there are, but for those that came in since the last sweep. The sweeping
 * thread only. */
size_t linger_count(const struct lingerers *linger);

/* Take over a conversation from malloc(3) whose socket is half-closed; any thread may
 * call it. */
void linger_add(struct lingerers *linger, struct conversation *conversation);

/* Look at the sockets that are due for a look: discard what came in, close those at end
 * of file, reset, or past their time, and those that came first where there are too many.
 * Never blocks. With `soon`, somebody is expected to come in soon, and the next look is
 * soon. Returns nanoseconds until the next look is due, or NEVER when there is none. One
 * thread only. */
int64_t linger_sweep(struct lingerers *linger, bool soon);

/* Close the socket that came first, for the sake of its descriptor. Returns false if
 * there is none. The sweeping thread only. */
bool linger_shed(struct lingerers *linger);

/* Close what is left and free everything. */
void linger_destroy(struct lingerers *linger);

#endif
