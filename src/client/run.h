/* SPDX-License-Identifier: MIT */
/* A run of sixteen(1): looks up the name, makes the exchanges that the command line asks for, and
 * reports them. */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include "client/options/options.h"

/* Do what the command line asks for. Returns the exit status. A thread can still be looking a name
 * up then, so the caller must exit. */
int run(const struct client_options *options);

#endif
