/* SPDX-License-Identifier: MIT */
/* A line, or an object, for each interval of a run: --report. */
#ifndef CLIENT_REPORT_INTERVAL_H
#define CLIENT_REPORT_INTERVAL_H

#include "client/options/options.h"
#include "client/report/tally.h"

struct interval {
    const struct client_options *options;
    int64_t began;       /* of the run */
    int64_t last;        /* when the interval began */
    struct tally before; /* the exchanges that had ended by then */
    struct tally total;  /* those that have ended by now, from the caller */
};

/* Report the exchanges that have ended since the last call. */
void interval_report(struct interval *interval, int64_t now);

/* Report the end of the last interval, if an exchange has ended in it. */
void interval_finish(struct interval *interval, int64_t now);

#endif
