/* SPDX-License-Identifier: MIT */
/* How long exchanges took: minimum, maximum, mean, deviation and percentiles, in bounded memory. */
#ifndef CLIENT_REPORT_TIMES_H
#define CLIENT_REPORT_TIMES_H

#include "client/report/histogram.h"

/* Nanoseconds. All zero: none. */
struct times {
    struct histogram histogram; /* its `total` is their number, its `most` the maximum */
    uint64_t least;
    double mean;
    double squares; /* the sum of the squares of the differences from the mean */
};

/* Count one time. */
void times_add(struct times *times, uint64_t took);

/* Count a time `count` times. */
void times_add_many(struct times *times, uint64_t took, uint64_t count);

/* Add what `from` has counted to `into`. */
void times_merge(struct times *into, const struct times *from);

/* Return the standard deviation, which ping(8) calls mdev. */
double times_deviation(const struct times *times);

/* The percentiles of every report. */
#define PERCENTILES 5
struct percentile {
    double percent;
    const char *name; /* in JSON */
};
extern const struct percentile percentiles[PERCENTILES];

#endif
