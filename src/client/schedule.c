/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/schedule.h"

#include <math.h>

#define NS_PER_SECOND 1e9
#define FAR 9e18 /* less than INT64_MAX, and centuries; as a count, more than can be begun */

int64_t schedule_due(double rate, uint64_t number)
{
    return (int64_t)fmin((double)number / rate * NS_PER_SECOND, FAR);
}

/* A quotient that is rounded can be one off. */
uint64_t schedule_before(double rate, int64_t elapsed)
{
    if (elapsed > (int64_t)FAR)
        elapsed = (int64_t)FAR;
    uint64_t count = (uint64_t)fmin((double)elapsed / NS_PER_SECOND * rate, FAR);
    while (count > 0 && schedule_due(rate, count - 1) >= elapsed)
        count--;
    while (schedule_due(rate, count) < elapsed)
        count++;
    return count;
}
