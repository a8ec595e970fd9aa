/* SPDX-License-Identifier: MIT */
/* The line that tells on a terminal how far a load is. */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include "client/load.h"
#include "client/options.h"

struct progress {
    const struct client_options *options;
    bool is_shown;   /* standard error is a terminal, and it is wanted */
    uint64_t done;   /* at the last look … */
    int64_t elapsed; /* … which was then */
};

struct progress progress_of(const struct client_options *options);

/* Write the line on standard error, `elapsed` nanoseconds after the beginning: over the last one,
 * or, if it `stays`, with an end. */
void progress_show(struct progress *progress, struct load_progress load, int64_t elapsed,
                   bool stays);

/* Take the line away, if there may be one. */
void progress_clear(const struct progress *progress);

#endif
