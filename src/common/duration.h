/* SPDX-License-Identifier: MIT */
/* The buckets in which both programs count how long something took, so that their metrics can be
 * compared. */
#ifndef COMMON_DURATION_H
#define COMMON_DURATION_H

#include <stddef.h>
#include <stdint.h>

#define DURATION_BOUNDS 16

/* The upper bounds of the buckets, in nanoseconds. Longer durations fall into one more bucket. */
extern const int64_t duration_bounds[DURATION_BOUNDS];

/* Return the bucket of a duration, from 0 to DURATION_BOUNDS. */
size_t duration_bucket(int64_t nanoseconds);

#endif
