/* SPDX-License-Identifier: MIT */
/* How long exchanges took: least, most, mean, deviation and percentiles, in bounded memory. */
#ifndef CLIENT_TIMES_H
#define CLIENT_TIMES_H

#include "client/histogram.h"

/* All zero is none. Nanoseconds. */
struct times {
    struct histogram histogram; /* its total is how many, its most the longest */
    uint64_t least;
    double mean;
    double squares; /* the sum of the squares of the differences from the mean */
};

/* Count one. */
void times_add(struct times *times, uint64_t took);

/* Count in `into` all that `from` has counted. */
void times_merge(struct times *into, const struct times *from);

/* The standard deviation, which ping(8) calls mdev. */
double times_deviation(const struct times *times);

/* Those that every report has. */
#define PERCENTILES 5
struct percentile {
    double percent;
    const char *name; /* in JSON */
};
extern const struct percentile percentiles[PERCENTILES];

#endif
