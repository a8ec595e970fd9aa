/* SPDX-License-Identifier: MIT */
/* The results of a run: reports and counts each exchange, and sums up. */
#ifndef CLIENT_RESULTS_H
#define CLIENT_RESULTS_H

#include "client/exchange/engine.h"
#include "client/options/options.h"
#include "client/report/report.h"

#include <pthread.h>

/* What one event loop has counted. Each loop writes to its own; the lock lets the main thread read
 * it meanwhile. */
struct share {
    pthread_mutex_t lock;
    struct tally **tallies; /* by the index of the server; NULL where it was not used */
    size_t count;
    struct times service;
    struct histogram phases[REPORT_PHASES];
    int64_t first;   /* the first start */
    int64_t last;    /* the last end */
    uint64_t timely; /* right exchanges that ended before the schedule did */
};

struct results {
    const struct client_options *options;
    const struct engine *engine;
    const struct targets *targets;
    int64_t started;                  /* of the run */
    int64_t time;                     /* the same instant on wall_nanoseconds() */
    struct target_summary *by_target; /* by the index of the target */
    struct share *shares;
    unsigned share_count;
    uint64_t ended;        /* exchanges, except in a load */
    bool is_interrupted;   /* a signal ends the run */
    bool is_rehearsal;     /* exchanges are not counted */
    struct record failure; /* the first exchange that was not right; its `target` is NULL: none */
    struct record passed_over; /* the first address that failed while another one was used */
};

/* Allocate what is kept for the targets, and the shares of `loops` event loops. Returns 0, or -1
 * and errno. */
int results_open(struct results *results, unsigned loops);

/* Count an exchange that has ended in a loop and, unless it belongs to a load, report it. Returns
 * 0, or -1 and errno if memory is short. */
int results_add(struct results *results, unsigned loop, const struct exchange *exchange);

/* Count start `number`, which was due but did not take place. */
void results_skip(struct results *results, uint64_t number);

/* Count and report a failure without an exchange, which began at the instant `began`. */
void results_fail(struct results *results, const struct verdict *verdict, int64_t began);

/* Add up what was counted so far. */
void results_total(const struct results *results, struct tally *total);

/* Bring `by_target` up to date. No load may be running. Returns 0, or -1 and errno if memory is
 * short. */
int results_by_target(struct results *results);

/* Sum up. The summary refers to `results`, and to memory that is not freed. Returns 0, or -1 and
 * errno if memory is short. */
int results_sum_up(struct results *results, struct summary *summary);

#endif
