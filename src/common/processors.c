/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/processors.h"

#include <sched.h>

unsigned processors_usable(void)
{
    static unsigned count;
    cpu_set_t set;
    if (count == 0)
        count = sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
    return count;
}
