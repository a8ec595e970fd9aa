/* SPDX-License-Identifier: MIT */
/* When exchanges begin, and how many. All threads share one schedule. A round of starts has one
 * start for each target; round number k, from 0, is due k / rate seconds after the beginning, and
 * its starts follow each other by `spacing`. Without a rate, all are due at once. A thread claims
 * the next start when it can begin it, so a thread that is busy delays no start. */
#ifndef CLIENT_EXCHANGE_SCHEDULE_H
#define CLIENT_EXCHANGE_SCHEDULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct schedule {
    double rate;      /* rounds per second, at most 1e9; 0: no rate */
    uint64_t targets; /* starts in a round */
    int64_t spacing;  /* nanoseconds between two starts of a round */
    uint64_t count;   /* starts in all; 0: no limit */
    int64_t began;    /* on clock_nanoseconds(); 0: it has not */
    int64_t grace; /* nanoseconds after `end` in which starts that were due before it still begin */
    bool skips;    /* a start that finds no free place, or is too late, is skipped */
    _Atomic int64_t end;      /* nothing becomes due from this instant on */
    _Atomic uint64_t claimed; /* the lowest number that is not claimed yet */
};

/* Return when start `number` is due, in nanoseconds after the beginning. It is computed from the
 * number, so errors do not add up, and is never less than for a lower number. */
int64_t schedule_due(const struct schedule *schedule, uint64_t number);

/* Return how many starts are due before `elapsed` nanoseconds have passed. */
uint64_t schedule_before(const struct schedule *schedule, int64_t elapsed);

/* Claim the next start if it is due at the instant `now`. Returns true with its number and the
 * instant at which it was due. */
bool schedule_claim(struct schedule *schedule, int64_t now, uint64_t *number, int64_t *due);

/* Return whether a start that was due at the instant `due` is too late to begin. */
bool schedule_skips(const struct schedule *schedule, int64_t now, int64_t due);

/* Return whether a start is due at the instant `now`. */
bool schedule_is_due(const struct schedule *schedule, int64_t now);

/* Return the next instant, not before `now`, at which thread `index` of `threads` looks for starts;
 * NEVER if there will be none. */
int64_t schedule_next(const struct schedule *schedule, unsigned index, unsigned threads,
                      int64_t now);

/* Return how many starts were due in all, once the schedule has ended. If late starts are skipped,
 * one that could still have begun at the end does not count. */
uint64_t schedule_total(const struct schedule *schedule);

#endif
