/* SPDX-License-Identifier: MIT */
/* A listening socket. It never carries data: accept(2) makes a connected socket for each
 * connection. */
#ifndef SERVER_CONNECTION_LISTENER_H
#define SERVER_CONNECTION_LISTENER_H

#include "common/address.h"

#include <stdatomic.h>
#include <stdint.h>

struct acceptor;

struct listener {
    int fd;                        /* blocking; if it is adopted, as its owner made it */
    struct address asked;          /* that the configuration names */
    struct address bound;          /* with the port that the kernel chose, if `asked` has port 0 */
    char name[ADDRESS_TEXT];       /* `bound`, for messages */
    const struct address *wanted;  /* by the settings that are being applied: listeners.c */
    bool adopted;                  /* from the service manager, which keeps it open after our end */
    atomic_bool inherits_min_hops; /* its connections may inherit a minimum of hops */
    struct acceptor *acceptor;     /* the thread that accepts, or NULL: acceptor.h */
    int64_t quiet_from; /* 0 while it accepts; then the instant of clock_nanoseconds() from which
                           an empty queue stays empty */
};

/* Bind a socket to an address, for its family only; listen(2) must follow. If the port of `asked`
 * is 0, it gets `port`, and if that is 0 as well, one that the kernel chooses. If `shared` is set,
 * it can overlap open listeners after listener_share(). Returns 0, or an error number. */
int listener_bind(struct listener *listener, const struct address *asked, uint16_t port,
                  bool shared);

/* Let the next sockets that the same user binds and shares overlap this one, or not any more.
 * Returns 0, or -1 and errno. */
int listener_share(const struct listener *listener, bool shared);

/* Find the address at which the socket is bound, and its name. Returns 0, or -1 and errno. */
int listener_find_bound(struct listener *listener);

/* Keep new connections out. Those that are queued, or whose handshake has begun, must be accepted
 * before the listener is closed, because close(2) resets them. An adopted listener is left as it
 * is: its queue belongs to its next owner. A second call does nothing. */
void listener_stop_accepting(struct listener *listener);

/* Let a listener that stopped accepting accept again. */
void listener_resume(struct listener *listener);

/* Take a connection off the queue: accept4(2), with its errors. Waits for one if the listener is
 * blocking. Returns a blocking socket, and its peer's address in `*peer`. */
int listener_accept(const struct listener *listener, struct address *peer);

/* Whether a connection is queued. If not, wait for one if `wait` is set, or for a signal. Returns 1
 * or 0; or -1 and errno. */
int listener_poll(const struct listener *listener, bool wait);

/* Return the number of queued connections, and in `*limit` the limit of the queue: TCP_INFO,
 * tcp(7). The limit is 0 if the kernel reports neither. */
unsigned listener_queue(const struct listener *listener, unsigned *limit);

#endif
