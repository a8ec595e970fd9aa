/* SPDX-License-Identifier: MIT */
/* The listening sockets of the daemon: those of its settings, or those that a service manager
 * passed. */
#ifndef SERVER_CONNECTION_LISTENERS_H
#define SERVER_CONNECTION_LISTENERS_H

#include "server/config/settings.h"
#include "server/connection/listener.h"
#include "server/log/stats.h"

#define LISTENERS_MAX STATS_LISTENERS

struct listeners {
    size_t count;
    struct listener list[LISTENERS_MAX];
};

/* Open every address of settings->listen, one socket per family, and log where
 * each listens. An IPv6 address of a host without IPv6 is left out with a warning
 * as long as another opens. Returns 0, or -1 with the reason logged and nothing
 * left open. listeners_close() takes it back. */
int listeners_open(struct listeners *listeners, const struct settings *settings);

/* Adopt `count` sockets that the service manager passed, from descriptor `first_fd` on. Returns 0,
 * or -1 with the reason logged. */
int listeners_adopt(struct listeners *listeners, int first_fd, int count);

/* Make them those of settings->listen: what is open and stays is not touched, what lacks
 * is opened, the rest retires. Adopted ones stay as they are. Returns 0, or -1 with the
 * reason logged and everything as it was. */
int listeners_change(struct listeners *listeners, const struct settings *old,
                     const struct settings *settings);

/* Let every listener retire: listener.h. An adopted one is closed at once, and what is queued
 * on it is its next owner's. */
void listeners_stop_accepting(struct listeners *listeners);

/* Close one, and move the last one to its place. */
void listeners_remove(struct listeners *listeners, size_t index);

/* Close the sockets; more than once does no harm. */
void listeners_close(struct listeners *listeners);

/* Add the listeners that accept to the statistics. */
void listeners_add_stats(const struct listeners *listeners, struct stats *stats);

/* Where it listens, "127.0.0.1:1060, [::1]:1060", but for those that retire, cut to `size`.
 * Returns `text`. */
char *listeners_format(const struct listeners *listeners, char *text, size_t size);

#endif
