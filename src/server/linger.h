/* SPDX-License-Identifier: MIT */
/* Half-closed sockets on their way to close(2).
 *
 * The reply and our FIN are sent, but what the peer still sends must be read, or
 * close(2) would turn into RST and the peer could lose the reply: RFC 1122,
 * 4.2.2.13. Waiting for the peer's FIN in the worker would cost a sleep and a
 * wake-up for every exchange; so workers hand their sockets over, and the acceptor
 * looks after all of them in one sweep now and then. */
#ifndef SERVER_LINGER_H
#define SERVER_LINGER_H

#include "common/deadline.h"

#include <stddef.h>

struct lingerers;

/* Make room for `most` sockets, each to be closed `seconds` after it came, at the
 * latest. `wake_fd` is an eventfd(2) that is written when the first socket comes
 * in and so somebody must begin to sweep; it stays the caller's. Returns NULL and
 * errno on failure. */
struct lingerers *linger_create(size_t most, double seconds, int wake_fd);

/* Take over a half-closed socket; any thread may call it. When there is no room,
 * the socket that came first is closed at once. */
void linger_add(struct lingerers *linger, int fd);

/* Look at the sockets that are due for a look: discard what came in, close those
 * at end of file, reset, or past their time. Never blocks. Returns nanoseconds
 * until the next look is due, or -1 when none is left. One thread only. */
int64_t linger_sweep(struct lingerers *linger);

/* Close what is left and free everything. */
void linger_destroy(struct lingerers *linger);

#endif
