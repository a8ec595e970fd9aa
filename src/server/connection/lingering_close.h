/* SPDX-License-Identifier: MIT */
/* Lingering close: read a half-closed socket to the peer's end of file, then close it. The reply
 * and the FIN are sent by then, but close(2) with unread octets resets the connection, and the
 * peer could lose the reply: RFC 1122, 4.2.2.13. */
#ifndef SERVER_CONNECTION_LINGERING_CLOSE_H
#define SERVER_CONNECTION_LINGERING_CLOSE_H

#include "server/connection/workers.h"

/* The main thread's; no other thread touches it. */
struct lingering {
    size_t max;     /* how many sockets linger at most: limits.connections; the caller sets it */
    double seconds; /* how long each lingers at most: timeouts.linger; the caller sets it */
    struct workers *workers; /* the caller's; they leave half-closed connections */
    int epoll_fd;
    size_t count; /* of sockets, without those that workers left since the last sweep */
    struct connection_list sockets;
    struct connection *fresh; /* the first that has not been looked at, or NULL */
    int64_t next; /* when the next sweep is due, or NEVER: when there is something to do */
};

/* Begin without lingering sockets; set `max` and `seconds` before any other function. A change also
 * holds for sockets that already linger. Returns 0; or -1 and errno, without `epoll_fd`. */
int lingering_init(struct lingering *lingering, struct workers *workers);

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

/* Close all sockets, and `epoll_fd`. */
void lingering_end(struct lingering *lingering);

#endif
