/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/deadline.h"

#include <assert.h>
#include <limits.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    int rc = clock_gettime(clock, &now);
    assert(rc == 0);
    (void)rc;
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_nanoseconds(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t wall_nanoseconds(void)
{
    return read_clock(CLOCK_REALTIME);
}

struct deadline deadline_after(int64_t start, double seconds)
{
    assert(seconds >= 0);
    double room = (double)(NEVER - start);
    double wait = seconds * (double)NS_PER_SECOND;
    if (wait >= room)
        return (struct deadline){NEVER};
    return (struct deadline){start + (int64_t)(wait + 0.5)};
}

int64_t deadline_left(struct deadline deadline, int64_t now)
{
    return deadline.at > now ? deadline.at - now : 0;
}

int64_t sooner(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

struct timeval timeval_from(int64_t nanoseconds)
{
    int64_t us = nanoseconds / NS_PER_US + (nanoseconds % NS_PER_US > 0);
    if (us < 1)
        us = 1;
    return (struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000};
}

struct timespec timespec_from(int64_t nanoseconds)
{
    int64_t part = nanoseconds % NS_PER_SECOND;
    if (part < 0)
        part += NS_PER_SECOND;
    return (struct timespec){.tv_sec = (nanoseconds - part) / NS_PER_SECOND, .tv_nsec = (long)part};
}

int poll_timeout_from(int64_t nanoseconds)
{
    if (nanoseconds == NEVER)
        return -1;
    if (nanoseconds < 0)
        return 0;
    return (int)sooner(nanoseconds / NS_PER_MS + (nanoseconds % NS_PER_MS > 0), INT_MAX);
}
