/* SPDX-License-Identifier: MIT */
/* The daemon as a service, from its start to its stop. */
#ifndef SERVER_PROCESS_SERVICE_H
#define SERVER_PROCESS_SERVICE_H

#include "server/config/options.h"

/* Run the daemon from its start to its stop, with the settings that `options` led to; drops the
 * caller's reference to them. Returns an exit status, with the reason logged if it is not EX_OK. */
int service_run(const struct options *options, struct settings *settings);

#endif
