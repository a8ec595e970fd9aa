/* SPDX-License-Identifier: MIT */
/* Counts of values in log-linear buckets: each power of two is divided into equal parts, so that
 * the width of a bucket is at most 1/64 of the values in it. */
#ifndef CLIENT_REPORT_HISTOGRAM_H
#define CLIENT_REPORT_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_PARTS 64
#define HISTOGRAM_BUCKETS (HISTOGRAM_PARTS * 59)

/* All zero: empty. */
struct histogram {
    uint64_t total; /* number of values */
    uint64_t most;  /* the largest value */
    uint64_t counts[HISTOGRAM_BUCKETS];
};

/* Count a value, of any unit, once or `times` times. */
void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t times);

/* Add what `from` has counted to `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* Return the largest value that belongs to bucket `index`. */
uint64_t histogram_bound(size_t index);

/* Return the value that `percent` (0 to 100, with up to two decimals) of the values do not exceed,
 * by the nearest-rank method: at most 1/64 too large, never above `most`; 0 if no value was
 * counted. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
