/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/times.h"

#include <math.h>

const struct percentile percentiles[PERCENTILES] = {
    {50, "p50_us"}, {90, "p90_us"}, {99, "p99_us"}, {99.9, "p99_9_us"}, {99.99, "p99_99_us"}};

/* Welford's method: a sum of plain squares would lose the small differences. */
void times_add_many(struct times *times, uint64_t took, uint64_t count)
{
    if (times->histogram.total == 0 || took < times->least)
        times->least = took;
    histogram_add_many(&times->histogram, took, count);
    double from_mean = (double)took - times->mean;
    times->mean += from_mean * (double)count / (double)times->histogram.total;
    times->squares += from_mean * ((double)took - times->mean) * (double)count;
}

void times_add(struct times *times, uint64_t took)
{
    times_add_many(times, took, 1);
}

void times_merge(struct times *into, const struct times *from)
{
    double a = (double)into->histogram.total;
    double b = (double)from->histogram.total;
    if (from->histogram.total == 0)
        return;
    if (into->histogram.total == 0 || from->least < into->least)
        into->least = from->least;
    double apart = from->mean - into->mean;
    into->mean += apart * b / (a + b);
    into->squares += from->squares + apart * apart * a * b / (a + b);
    histogram_merge(&into->histogram, &from->histogram);
}

double times_deviation(const struct times *times)
{
    return times->histogram.total > 0 ? sqrt(times->squares / (double)times->histogram.total) : 0;
}
