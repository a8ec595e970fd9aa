/* SPDX-License-Identifier: MIT */
/* What sixteen(1) tells of its exchanges: good news on standard output, in the words
 * of the first sixteen program, failures on standard error with phase, address and
 * reason. */
#ifndef CLIENT_REPORT_H
#define CLIENT_REPORT_H

#include "client/options.h"
#include "client/probe.h"

/* Tell of one exchange. */
void report_probe(const struct probe *probe, const struct client_options *options);

/* Tell that the server's name could not be resolved; `error` is endpoint_resolve()'s. */
void report_unresolved(const struct client_options *options, int error);

#endif
