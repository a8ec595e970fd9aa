/* SPDX-License-Identifier: MIT */
/* Listening sockets. One never carries data: accept(2) on it makes the connected
 * sockets that do. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "common/address.h"
#include "server/settings.h"

struct listener {
    int fd;               /* non-blocking */
    struct address bound; /* with the port that the kernel chose, where 0 was asked for */
    bool wildcard;        /* so each connection has a local address of its own */
};

struct listeners {
    struct listener *list;
    size_t count;
};

/* Open every address of settings->listen, one socket per family, and log where
 * each listens. An IPv6 address of a host without IPv6 is left out with a warning
 * as long as another opens. Returns 0, or -1 with the reason logged and nothing
 * left open. listeners_close() takes it back. */
int listeners_open(struct listeners *listeners, const struct settings *settings);

/* Close the sockets and free the list; more than once does no harm. */
void listeners_close(struct listeners *listeners);

#endif
