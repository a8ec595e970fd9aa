/* SPDX-License-Identifier: MIT */
/* The results of a run: reports and counts each exchange, and sums up at the end. */
#ifndef CLIENT_RESULTS_H
#define CLIENT_RESULTS_H

#include "client/exchange/engine.h"
#include "client/options/options.h"
#include "client/report/report.h"

/* What one event loop has counted. Each loop writes to its own. */
struct share {
    struct tally **tallies; /* by the index of the server; NULL where it was not used */
    size_t count;
    struct times service;
    int64_t first;   /* the first start */
    int64_t last;    /* the last end */
    uint64_t timely; /* right exchanges that ended before the schedule did */
};

struct results {
    const struct client_options *options;
    const struct engine *engine;
    const struct target *target;
    int64_t resolving; /* nanoseconds that the last look-up of the name took; -1: none ended */
    struct share *shares;
    unsigned share_count;
    bool is_interrupted; /* a signal ends the run */
    bool is_rehearsal;   /* exchanges are not counted */
    bool has_failure;
    bool has_passed_over;
    struct record failure;     /* the first exchange that was not right */
    struct record passed_over; /* the first address that failed while another one was used */
};

/* Allocate the shares of `loops` event loops. Returns 0, or -1 and errno. */
int results_open(struct results *results, unsigned loops);

/* Count an exchange that has ended in a loop and, unless it belongs to a load, report it. Returns
 * 0, or -1 and errno if memory is short. */
int results_add(struct results *results, unsigned loop, const struct exchange *exchange);

/* Count and report a failure without an exchange, which began at the instant `began`. */
void results_fail(struct results *results, enum result result, enum phase phase, int error,
                  int64_t began);

/* Add up what was counted so far. No load may be running. */
void results_total(const struct results *results, struct tally *total);

/* Sum up. The summary refers to `results`, and to memory that is not freed. Returns 0, or -1 and
 * errno if memory is short. */
int results_sum_up(struct results *results, struct summary *summary);

#endif
