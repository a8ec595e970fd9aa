/* SPDX-License-Identifier: MIT */
/* A run of sixteen(1): the name is resolved and the exchanges are made in a thread of their own,
 * while the main one waits for signals and for the end of the time. */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include "client/options.h"

/* Do what the command line says, and report it. Returns the status to exit with. The other
 * thread may still wait for something by then, so nothing but the exit should follow. */
int run(const struct client_options *options);

#endif
