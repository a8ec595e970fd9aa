/* SPDX-License-Identifier: MIT */
/* Counts of values in log-linear buckets: each power of two is cut into equal parts, so
 * that a bucket is at most 1/64 wider than the values in it, whatever their size. */
#ifndef CLIENT_HISTOGRAM_H
#define CLIENT_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_PARTS 64
#define HISTOGRAM_BUCKETS (HISTOGRAM_PARTS * 59)

/* All zero is an empty one. */
struct histogram {
    uint64_t total; /* how many values were counted */
    uint64_t most;  /* the largest of them */
    uint64_t counts[HISTOGRAM_BUCKETS];
};

/* Count one value, of whatever unit. */
void histogram_add(struct histogram *histogram, uint64_t value);

/* Count in `into` all that `from` has counted. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The largest value that falls into bucket `index`. */
uint64_t histogram_bound(size_t index);

/* The value that `percent` (0 to 100) of those counted don't exceed, by the nearest-rank
 * method; at most 1/64 too large, never above `most`; 0 when nothing was counted. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
