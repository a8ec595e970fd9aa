/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/duration.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)

const int64_t duration_bounds[DURATION_BOUNDS] = {
    100 * US, 250 * US, 500 * US, MS,       2500 * US, 5 * MS,    10 * MS,   25 * MS,
    50 * MS,  100 * MS, 250 * MS, 500 * MS, 1000 * MS, 2500 * MS, 5000 * MS, 10000 * MS};

size_t duration_bucket(int64_t nanoseconds)
{
    size_t i = 0;
    while (i < DURATION_BOUNDS && nanoseconds > duration_bounds[i])
        i++;
    return i;
}
