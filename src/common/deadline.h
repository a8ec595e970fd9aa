/* SPDX-License-Identifier: MIT */
/* Deadlines: absolute instants on CLOCK_MONOTONIC, and the time left until them. */
#ifndef COMMON_DEADLINE_H
#define COMMON_DEADLINE_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

struct deadline {
    int64_t at; /* nanoseconds on CLOCK_MONOTONIC */
};

/* An instant that does not come, or a wait that does not end. */
#define NEVER INT64_MAX

/* Return the time now, in nanoseconds on CLOCK_MONOTONIC: clock_gettime(2). Never fails. */
int64_t clock_nanoseconds(void);

/* Return the time of the day, in nanoseconds since 1970: CLOCK_REALTIME of clock_gettime(2). Never
 * fails. */
int64_t wall_nanoseconds(void);

/* Return the instant `seconds` (0 or more, with fractions) after `start`, which is a value of
 * clock_nanoseconds(); at most NEVER. */
struct deadline deadline_after(int64_t start, double seconds);

/* Return the nanoseconds from the instant `now` to the deadline; 0 if it has passed. */
int64_t deadline_left(struct deadline deadline, int64_t now);

/* Return the earlier of two instants, or the shorter of two waits. */
int64_t sooner(int64_t one, int64_t other);

/* Convert nanoseconds for SO_RCVTIMEO and SO_SNDTIMEO, rounded up to at least one microsecond:
 * there zero means no timeout, socket(7). */
struct timeval timeval_from(int64_t nanoseconds);

/* Convert nanoseconds for pthread_cond_timedwait(3) and the like. */
struct timespec timespec_from(int64_t nanoseconds);

/* Convert nanoseconds for poll(2), rounded up to milliseconds; NEVER is no timeout.
 * ppoll(2) would be exact, but with _FORTIFY_SOURCE and _TIME_BITS, glibc 2.36 binds it to the
 * function that takes 32-bit times. */
int poll_timeout_from(int64_t nanoseconds);

#endif
