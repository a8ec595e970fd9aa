/* SPDX-License-Identifier: MIT */
/* Prints a path, as text or JSON. */
#ifndef CLIENT_PATH_PATH_REPORT_H
#define CLIENT_PATH_PATH_REPORT_H

#include "client/path/conclusion.h"
#include "client/path/path.h"

/* Print which address the path leads to. */
void path_report_begin(const struct path *path);

/* Print the hops that are known, in order, and were not printed before. Silent ones wait for an
 * answer from a later one, or until the trace is over. */
void path_report_hops(struct path *path, bool is_over);

/* Print the conclusion. */
void path_report_end(const struct path *path, const struct conclusion *conclusion);

#endif
