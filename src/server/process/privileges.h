/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PROCESS_PRIVILEGES_H
#define SERVER_PROCESS_PRIVILEGES_H

#include "server/config/settings.h"

/* Become daemon.user and daemon.group for good, with no supplementary groups; the
 * user's own group where none is named. Who isn't root then keeps no capability, and nobody
 * gets new privileges by exec. Warns when root stays root. Call it once
 * everything that needs root is open, and before there is a second thread. Returns
 * 0, or -1 with the reason logged. */
int privileges_drop(const struct settings *settings);

#endif
