/* SPDX-License-Identifier: MIT */
/* The targets: operands, and the lines of the file that --targets names. */
#ifndef CLIENT_OPTIONS_OPERANDS_H
#define CLIENT_OPTIONS_OPERANDS_H

#include "client/options/reading.h"

/* Take the port of a target, a number or the name of a service. Returns 0, or -1 and says what is
 * wrong. */
int set_port(const struct reading *reading, const char *name, const char *port,
             struct endpoint *target);

/* Take all targets, at least one; without any, the default one. Returns 0, or -1 and says what is
 * wrong. */
int take_targets(const struct reading *reading, char *const operands[], int count);

#endif
