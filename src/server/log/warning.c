/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/log/warning.h"

#include "common/deadline.h"

#define EVERY INT64_C(1000000000)

void warning_count(struct warning *warning)
{
    warning->count++;
}

bool warning_due(struct warning *warning, unsigned long *count, int64_t *wait)
{
    if (warning->count == 0)
        return false;
    int64_t now = clock_nanoseconds();
    int64_t left = warning->last == 0 ? 0 : warning->last + EVERY - now;
    if (left > 0) {
        *wait = sooner(*wait, left);
        return false;
    }
    *count = warning->count;
    *warning = (struct warning){.last = now};
    return true;
}
