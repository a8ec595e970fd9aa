/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PROCESS_SERVICE_H
#define SERVER_PROCESS_SERVICE_H

#include "server/config/options.h"

/* Be the daemon, from the sockets to the last line of the log: serve, and do what signals
 * and the time ask for. `settings` are those that `options` led to; the service manager
 * passed so many sockets. Returns an exit status, with the reason logged where it is not
 * EX_OK. */
int service_run(const struct options *options, struct settings *settings, int passed);

#endif
