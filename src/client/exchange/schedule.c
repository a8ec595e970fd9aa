/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/schedule.h"

#include "common/deadline.h"

#include <math.h>

#define NS_PER_SECOND 1e9
#define FAR 9e18 /* less than INT64_MAX, and centuries; as a count, more than can be begun */

int64_t schedule_due(double rate, uint64_t number)
{
    return (int64_t)fmin((double)number / rate * NS_PER_SECOND, FAR);
}

/* The quotient is rounded, so it can be one too high or too low. */
uint64_t schedule_before(double rate, int64_t elapsed)
{
    if (elapsed <= 0)
        return 0;
    if (elapsed > (int64_t)FAR)
        elapsed = (int64_t)FAR;
    uint64_t count = (uint64_t)fmin((double)elapsed / NS_PER_SECOND * rate, FAR);
    while (count > 0 && schedule_due(rate, count - 1) >= elapsed)
        count--;
    while (schedule_due(rate, count) < elapsed)
        count++;
    return count;
}

/* Return when a start is due, or NEVER if the schedule ends before it. */
static int64_t instant_of(const struct schedule *schedule, uint64_t number)
{
    if (schedule->count > 0 && number >= schedule->count)
        return NEVER;
    int64_t due = schedule->began;
    if (schedule->rate > 0)
        due += schedule_due(schedule->rate, number);
    return due < atomic_load(&schedule->end) ? due : NEVER;
}

/* Return until when a start can begin that was due before the end. */
static int64_t last_instant(const struct schedule *schedule)
{
    int64_t end = atomic_load(&schedule->end);
    int64_t grace = schedule->rate > 0 && !schedule->skips ? schedule->grace : 0;
    return end < NEVER - grace ? end + grace : NEVER;
}

bool schedule_claim(struct schedule *schedule, int64_t now, uint64_t *number, int64_t *due)
{
    *number = atomic_load(&schedule->claimed);
    do {
        *due = instant_of(schedule, *number);
        if (*due > now || now >= last_instant(schedule))
            return false;
    } while (!atomic_compare_exchange_weak(&schedule->claimed, number, *number + 1));
    if (schedule->rate == 0)
        *due = now;
    return true;
}

bool schedule_is_due(const struct schedule *schedule, int64_t now)
{
    return instant_of(schedule, atomic_load(&schedule->claimed)) <= now &&
           now < last_instant(schedule);
}

void schedule_skip(struct schedule *schedule, int64_t now)
{
    uint64_t number;
    int64_t due;
    if (schedule_claim(schedule, now, &number, &due))
        atomic_fetch_add(&schedule->skipped, 1);
}

int64_t schedule_next(const struct schedule *schedule, unsigned index, unsigned threads,
                      int64_t now)
{
    uint64_t number = atomic_load(&schedule->claimed);
    if (now >= last_instant(schedule))
        return NEVER;
    if (schedule->rate > 0) {
        uint64_t due = schedule_before(schedule->rate, now - schedule->began);
        number = number > due ? number : due;
        number += (index + threads - number % threads) % threads;
    }
    int64_t at = instant_of(schedule, number);
    return at > now ? at : now;
}

uint64_t schedule_total(const struct schedule *schedule)
{
    uint64_t claimed = atomic_load(&schedule->claimed);
    if (schedule->rate == 0 || schedule->began == 0)
        return claimed;
    int64_t end = atomic_load(&schedule->end);
    uint64_t due = schedule_before(schedule->rate, end - schedule->began);
    if (schedule->count > 0 && due > schedule->count)
        due = schedule->count;
    return due > claimed ? due : claimed;
}
