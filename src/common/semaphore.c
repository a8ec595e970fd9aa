/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/semaphore.h"

#include "common/deadline.h"

#include <errno.h>
#include <stdbool.h>

static int wait_until(sem_t *semaphore, int64_t until)
{
#ifdef HAVE_SEM_CLOCKWAIT
    const struct timespec at = timespec_from(until);
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, &at);
#else
    int64_t today = wall_nanoseconds();
    int64_t left = until - clock_nanoseconds();
    const bool is_far = today > 0 && left > NEVER - today;
    const struct timespec at = timespec_from(is_far ? NEVER : today + left);
    return sem_timedwait(semaphore, &at);
#endif
}

int semaphore_wait(sem_t *semaphore, int64_t until)
{
    int error;
    do
        error = wait_until(semaphore, until) == 0 ? 0 : errno;
    while (error == EINTR);
    return error;
}
