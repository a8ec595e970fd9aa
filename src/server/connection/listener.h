/* SPDX-License-Identifier: MIT */
/* A listening socket. It never carries data: accept(2) on it makes the connected sockets that
 * do. */
#ifndef SERVER_CONNECTION_LISTENER_H
#define SERVER_CONNECTION_LISTENER_H

#include "common/address.h"

#include <stdint.h>

struct listener {
    int fd;                 /* non-blocking */
    struct address asked;   /* given to bind(2) */
    struct address bound;   /* with the port that the kernel chose, if `asked` has port 0 */
    bool wildcard;          /* each connection has a local address of its own */
    bool adopted;           /* from the service manager, which keeps it open after our end */
    bool inherits_min_hops; /* it stopped accepting once; its connections may inherit min hops */
    int64_t quiet_from; /* 0 while it accepts; then the instant of clock_nanoseconds() from which
                           an empty queue stays empty */
};

/* Open a socket at an address, for its family only, and log where it listens: the kernel may
 * have chosen the port. Returns 0, or -1 and errno. */
int listener_open(struct listener *listener, const struct address *address, int backlog);

/* Take over an open socket. Returns 0; or -1 and errno, which is EPROTOTYPE where it is no
 * listening TCP socket, and then it is left open. */
int listener_adopt(struct listener *listener, int fd);

/* Let it take no new connections. What the kernel has queued, or is about to, is to be
 * accepted before it is closed, since close(2) resets it. Once more does nothing. */
void listener_stop_accepting(struct listener *listener);

/* Let one that retired serve again. */
void listener_resume(struct listener *listener);

/* Say in the log that it listens no longer. */
void listener_log_end(const struct listener *listener);

/* Take a connection off its queue: accept4(2), with its errors. Returns a blocking socket,
 * and where its peer is. */
int listener_accept(const struct listener *listener, struct address *peer);

/* Get the number of queued connections and the limit of the queue: TCP_INFO, tcp(7). */
void listener_queue(const struct listener *listener, unsigned *queued, unsigned *limit);

#endif
