/* SPDX-License-Identifier: MIT */
/* All listeners of the daemon: those of its settings, or those that a service manager passed. */
#ifndef SERVER_CONNECTION_LISTENERS_H
#define SERVER_CONNECTION_LISTENERS_H

#include "server/config/settings.h"
#include "server/connection/acceptor.h"
#include "server/log/stats.h"

#define LISTENERS_MAX STATS_LISTENERS

/* All zero: there is none. */
struct listeners {
    struct acceptors *acceptors; /* NULL until listeners_start_accepting() */
    size_t count;
    struct listener *list[LISTENERS_MAX]; /* from malloc(3) */

    /* of the change that is under way */
    size_t before; /* how many were open before; they are the first in the list */
    int severity;  /* of a failure: what it costs, log.h */
};

/* Open all settings->addresses, one socket for each, and log where each listens. Those that are
 * open stay so, and others that were stop accepting. Skip an address with a warning, as long as
 * another one opens, if the host does not have its family, or if it is the IPv6 loopback or
 * wildcard address and the host does not use IPv6. Returns 0, or -1 with the reason logged and
 * nothing changed. */
int listeners_open(struct listeners *listeners, const struct settings *settings);

/* Start an acceptor for each listener, and later for each that is opened by a reload. Returns 0, or
 * -1 with the reason logged; then acceptors may be running. */
int listeners_start_accepting(struct listeners *listeners, struct acceptors *acceptors);

/* Change the listeners to those of `settings`. New addresses are opened, old ones stop accepting,
 * and those in both stay untouched. Adopted listeners stay as they are. Returns 0, or -1 with the
 * reason logged and nothing changed. */
int listeners_change(struct listeners *listeners, const struct settings *old,
                     const struct settings *settings);

/* Make every listener stop accepting: listener.h. */
void listeners_stop_accepting(struct listeners *listeners);

/* Close one without an acceptor, and move the last one to its index. */
void listeners_remove(struct listeners *listeners, size_t index);

/* Close all, none of which may have an acceptor; a second call does nothing. */
void listeners_close(struct listeners *listeners);

/* Add the listeners that accept to the statistics. */
void listeners_add_stats(const struct listeners *listeners, struct stats *stats);

#endif
