/* SPDX-License-Identifier: MIT */
/* Listening sockets. One never carries data: accept(2) on it makes the connected
 * sockets that do. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "common/address.h"
#include "server/settings.h"

#include <stdint.h>

#define LISTENERS_MAX 256

struct listener {
    int fd;               /* non-blocking */
    struct address asked; /* what bind(2) was given */
    struct address bound; /* with the port that the kernel chose, where 0 was asked for */
    bool wildcard;        /* so each connection has a local address of its own */
    bool adopted;         /* from the service manager, who keeps it open when we are gone */
    int64_t retires;      /* nobody new may come, and from this instant of clock_nanoseconds()
                             on an empty queue stays empty; 0: it serves */
    bool inherited;       /* it retired once: what holds for it then, connections may inherit */
};

struct listeners {
    size_t count;
    struct listener list[LISTENERS_MAX];
};

/* Open every address of settings->listen, one socket per family, and log where
 * each listens. An IPv6 address of a host without IPv6 is left out with a warning
 * as long as another opens. Returns 0, or -1 with the reason logged and nothing
 * left open. listeners_close() takes it back. */
int listeners_open(struct listeners *listeners, const struct settings *settings);

/* Take over the sockets that the service manager passed, `count` from activation_count().
 * Returns 0; or -1 with the reason logged when one is no listening TCP socket. */
int listeners_adopt(struct listeners *listeners, int count);

/* Make them those of settings->listen: what is open and stays is not touched, what lacks
 * is opened, the rest retires. Adopted ones stay as they are. Returns 0, or -1 with the
 * reason logged and everything as it was. */
int listeners_change(struct listeners *listeners, const struct settings *old,
                     const struct settings *settings);

/* Let every listener take no new connections. What the kernel has queued, or is about to,
 * is to be accepted before it is closed, since close(2) resets it; an adopted one is closed
 * at once, and what is queued is its next owner's. */
void listeners_retire(struct listeners *listeners);

/* Take a connection off its queue: accept4(2), with its errors. Returns a blocking socket,
 * and where its peer is. */
int listener_accept(const struct listener *listener, struct address *peer);

/* Close one, and move the last one to its place. */
void listener_close(struct listeners *listeners, size_t index);

/* Close the sockets; more than once does no harm. */
void listeners_close(struct listeners *listeners);

/* How many connections are queued on it, and how many may be: TCP_INFO, tcp(7). */
void listener_queue(const struct listener *listener, unsigned *queued, unsigned *most);

/* Where it listens, "127.0.0.1:1060, [::1]:1060", but for those that retire, cut to `size`.
 * Returns `text`. */
char *listeners_format(const struct listeners *listeners, char *text, size_t size);

#endif
