/* SPDX-License-Identifier: MIT */
/* The starts of an open loop: number k, from 0 on, is due k / rate seconds after the beginning.
 * The rate is at most 1e9. */
#ifndef CLIENT_SCHEDULE_H
#define CLIENT_SCHEDULE_H

#include <stdint.h>

/* When the start `number` is due, in nanoseconds from the beginning. Computed from the number, so
 * that no error adds up; never less than for a lower one. */
int64_t schedule_due(double rate, uint64_t number);

/* How many starts are due before `elapsed` nanoseconds have passed. */
uint64_t schedule_before(double rate, int64_t elapsed);

#endif
