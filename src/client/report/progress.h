/* SPDX-License-Identifier: MIT */
/* The progress line of a load on a terminal. */
#ifndef CLIENT_REPORT_PROGRESS_H
#define CLIENT_REPORT_PROGRESS_H

#include "client/options/options.h"

struct progress {
    const struct client_options *options;
    bool is_shown;   /* the line is wanted, and standard error is a terminal that can clear it */
    uint64_t done;   /* exchanges, when the line was last written */
    int64_t elapsed; /* when that was */
};

struct progress progress_of(const struct client_options *options);

/* Write the line on standard error, over the last one, `elapsed` nanoseconds after the beginning.
 * If it `stays`, end it with a newline. */
void progress_show(struct progress *progress, uint64_t done, uint64_t failed, int64_t elapsed,
                   bool stays);

/* Clear the line if there is one. */
void progress_clear(const struct progress *progress);

#endif
