/* SPDX-License-Identifier: MIT */
/* The metrics file of a run: sixteen(1), METRICS. */
#ifndef CLIENT_METRICS_H
#define CLIENT_METRICS_H

#include "client/results.h"
#include "common/file_writer.h"

struct metrics {
    const char *file; /* NULL: none, and then nothing is done */
    struct file_writer *writer;
    struct results *results;
    int64_t started; /* of the run, in seconds since 1970 */
    int64_t period;  /* nanoseconds from one write to the next if nothing has changed */
    int64_t written; /* when results were last passed to the writer, on clock_nanoseconds() */
    uint64_t ended;  /* how many exchanges had ended then */
};

/* Start the thread that writes the file that the options name. Reports the first failure to
 * write, and the first success after a failure. Returns 0, or -1 and reports why. */
int metrics_open(struct metrics *metrics, struct results *results);

/* Write the file if it is due at the instant `now`. Returns the instant at which it is due next, or
 * NEVER. Never waits for a disk. */
int64_t metrics_turn(struct metrics *metrics, int64_t now);

/* Begin to write the results at the end of the run, from results_sum_up(). Does not wait. */
void metrics_put(struct metrics *metrics);

/* Wait until metrics_put() has written the file, for at most two seconds, and stop the thread.
 * Returns whether the file is up to date. */
bool metrics_close(struct metrics *metrics);

#endif
