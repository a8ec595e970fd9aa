/* SPDX-License-Identifier: MIT */
/* All listeners of the daemon: those of its settings, or those that a service manager passed. */
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

/* Open every address of settings->listen, one socket for each address, and log where each
 * listens. If the host has no IPv6, skip an IPv6 loopback or wildcard address with a warning, as
 * long as another address opens. Returns 0, or -1 with the reason logged and nothing left open. */
int listeners_open(struct listeners *listeners, const struct settings *settings);

/* Adopt `count` sockets that the service manager passed, from descriptor `first_fd` on. Returns 0,
 * or -1 with the reason logged. */
int listeners_adopt(struct listeners *listeners, int first_fd, int count);

/* Change the listeners to those of `settings`. New addresses are opened, old ones stop accepting,
 * and those in both stay untouched. Adopted listeners stay as they are. Returns 0, or -1 with the
 * reason logged and nothing changed. */
int listeners_change(struct listeners *listeners, const struct settings *old,
                     const struct settings *settings);

/* Make every listener stop accepting: listener.h. Adopted listeners are closed at once, because
 * their queue belongs to their next owner. */
void listeners_stop_accepting(struct listeners *listeners);

/* Close one, and move the last one to its place. */
void listeners_remove(struct listeners *listeners, size_t index);

/* Close all; a second call does nothing. */
void listeners_close(struct listeners *listeners);

/* Add the listeners that accept to the statistics. */
void listeners_add_stats(const struct listeners *listeners, struct stats *stats);

/* List the listeners that accept, as in "127.0.0.1:1060, [::1]:1060", cut to `size`. Returns
 * `text`. */
char *listeners_format(const struct listeners *listeners, char *text, size_t size);

#endif
