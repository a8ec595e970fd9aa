/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/schedule.h"

#include "common/deadline.h"

#include <math.h>

#define NS_PER_SECOND 1e9
#define LATE 1e8 /* nanoseconds: a start that is less late than this is never skipped */
#define FAR 9e18 /* less than INT64_MAX, and centuries; as a count, more than can be begun */

/* Return when a round is due, in nanoseconds after the beginning. */
static int64_t round_due(double rate, uint64_t number)
{
    return llround(fmin((double)number / rate * NS_PER_SECOND, FAR));
}

/* Return how many rounds are due before `elapsed` nanoseconds have passed. The quotient is rounded,
 * so it can be one too high or too low. */
static uint64_t rounds_before(double rate, int64_t elapsed)
{
    if (elapsed <= 0)
        return 0;
    if (elapsed > (int64_t)FAR)
        elapsed = (int64_t)FAR;
    uint64_t count = (uint64_t)fmin((double)elapsed / NS_PER_SECOND * rate, FAR);
    while (count > 0 && round_due(rate, count - 1) >= elapsed)
        count--;
    while (round_due(rate, count) < elapsed)
        count++;
    return count;
}

int64_t schedule_due(const struct schedule *schedule, uint64_t number)
{
    uint64_t place = number % schedule->targets;
    return round_due(schedule->rate, number / schedule->targets) +
           (int64_t)place * schedule->spacing;
}

uint64_t schedule_before(const struct schedule *schedule, int64_t elapsed)
{
    uint64_t rounds = rounds_before(schedule->rate, elapsed);
    if (rounds == 0 || schedule->targets == 1)
        return rounds;
    int64_t since = elapsed - round_due(schedule->rate, rounds - 1);
    uint64_t last = (uint64_t)((since - 1) / schedule->spacing + 1);
    return (rounds - 1) * schedule->targets + (last < schedule->targets ? last : schedule->targets);
}

/* Return when a start is due, or NEVER if the schedule ends before it. */
static int64_t instant_of(const struct schedule *schedule, uint64_t number)
{
    if (schedule->count > 0 && number >= schedule->count)
        return NEVER;
    int64_t due = schedule->began;
    if (schedule->rate > 0)
        due += schedule_due(schedule, number);
    return due < atomic_load(&schedule->end) ? due : NEVER;
}

/* Return until when a start can begin that was due before the end. */
static int64_t last_instant(const struct schedule *schedule)
{
    int64_t end = atomic_load(&schedule->end);
    int64_t grace = schedule->rate > 0 && !schedule->skips ? schedule->grace : 0;
    return end < NEVER - grace ? end + grace : NEVER;
}

/* Return how late a start must be to be skipped: the next one of its target is due. */
static int64_t skips_after(const struct schedule *schedule)
{
    return schedule->skips ? (int64_t)fmin(fmax(LATE, NS_PER_SECOND / schedule->rate), FAR) : NEVER;
}

bool schedule_skips(const struct schedule *schedule, int64_t now, int64_t due)
{
    return now - due > skips_after(schedule);
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

int64_t schedule_next(const struct schedule *schedule, unsigned index, unsigned threads,
                      int64_t now)
{
    uint64_t number = atomic_load(&schedule->claimed);
    if (now >= last_instant(schedule))
        return NEVER;
    if (schedule->rate > 0) {
        uint64_t due = schedule_before(schedule, now - schedule->began);
        number = number > due ? number : due;
        number += (index + threads - number % threads) % threads;
    }
    int64_t at = instant_of(schedule, number);
    return at > now ? at : now;
}

uint64_t schedule_total(const struct schedule *schedule)
{
    uint64_t claimed = atomic_load(&schedule->claimed);
    if (schedule->rate == 0)
        return claimed;
    int64_t elapsed = atomic_load(&schedule->end) - schedule->began;
    if (schedule->skips)
        elapsed -= skips_after(schedule);
    uint64_t due = schedule_before(schedule, elapsed);
    if (schedule->count > 0 && due > schedule->count)
        due = schedule->count;
    return due > claimed ? due : claimed;
}
