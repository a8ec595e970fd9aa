/* SPDX-License-Identifier: MIT */
/* An absolute instant on CLOCK_MONOTONIC, and what is left of it. */
#ifndef COMMON_DEADLINE_H
#define COMMON_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

struct deadline {
    int64_t at; /* nanoseconds on CLOCK_MONOTONIC */
};

/* Now, in nanoseconds on CLOCK_MONOTONIC: clock_gettime(2). Never fails. */
int64_t clock_nanoseconds(void);

/* The instant `seconds` (0 or more, fractions welcome) after `start`, which is
 * a value of clock_nanoseconds(). Stops at the end of the clock's range. */
struct deadline deadline_after(int64_t start, double seconds);

/* Nanoseconds until the deadline at the instant `now`; 0 once it has passed,
 * never negative. */
int64_t deadline_left(struct deadline deadline, int64_t now);

/* The shorter of two waits in nanoseconds, where -1 stands for no end. */
int64_t sooner(int64_t wait, int64_t other);

/* `nanoseconds` as a struct timeval for SO_RCVTIMEO and SO_SNDTIMEO, rounded up
 * to at least one microsecond, because zero would mean "for ever" there:
 * socket(7). */
struct timeval timeval_from(int64_t nanoseconds);

/* `nanoseconds` as a struct timespec for ppoll(2) and its like. */
struct timespec timespec_from(int64_t nanoseconds);

#endif
