/* SPDX-License-Identifier: MIT */
/* Semaphores: sem_overview(7). */
#ifndef COMMON_SEMAPHORE_H
#define COMMON_SEMAPHORE_H

#include <semaphore.h>
#include <stdint.h>

/* Take a post, at the latest at the instant `until` of clock_nanoseconds(). Returns 0, or
 * ETIMEDOUT. With a C library that lacks sem_clockwait(3), the wait becomes shorter or longer if
 * the time of day is set meanwhile. */
int semaphore_wait(sem_t *semaphore, int64_t until);

#endif
