/* SPDX-License-Identifier: MIT */
/* Listening sockets that a service manager passed. They replace `listen`, which must not go
 * unnoticed. */
#ifndef SERVER_PROCESS_PASSED_SOCKETS_H
#define SERVER_PROCESS_PASSED_SOCKETS_H

#include "server/config/settings.h"
#include "server/connection/listeners.h"

/* Adopt `count` sockets, from descriptor `first_fd` on. Returns 0, or -1 with the reason logged. */
int passed_sockets_adopt(struct listeners *listeners, int first_fd, int count);

/* Log a warning that names both if the adopted listeners are not where settings->listen says. */
void passed_sockets_compare(const struct listeners *listeners, const struct settings *settings);

#endif
