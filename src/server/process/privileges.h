/* SPDX-License-Identifier: MIT */
/* Dropping privileges. */
#ifndef SERVER_PROCESS_PRIVILEGES_H
#define SERVER_PROCESS_PRIVILEGES_H

#include "server/config/settings.h"
#include "server/connection/listeners.h"

/* Make daemon.user the owner of the sockets that root has opened, so that a reload can open others
 * that overlap them. */
void privileges_give_sockets(const struct settings *settings, const struct listeners *listeners);

/* Become daemon.user and daemon.group for good, without supplementary groups, unless the process is
 * these already; the default group is the user's. Set no_new_privs, and drop all capabilities
 * unless the user is root, which is warned of. Call it once everything that needs root is open,
 * before there is a second thread. Returns 0, or -1 with the reason logged. */
int privileges_drop(const struct settings *settings);

#endif
