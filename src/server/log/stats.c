/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/log/stats.h"

#include <stdatomic.h>

const int64_t stats_bounds[STATS_BOUNDS] = {100,     250,     500,     1000,    2500,   5000,
                                            10000,   25000,   50000,   100000,  250000, 500000,
                                            1000000, 2500000, 5000000, 10000000};

static struct {
    atomic_uint_fast64_t accepted;
    atomic_uint_fast64_t outcomes[OUTCOMES];
    atomic_uint_fast64_t accept_errors[ACCEPT_ERRORS];
    atomic_uint_fast64_t durations[STATS_BOUNDS + 1];
    atomic_uint_fast64_t microseconds;
    atomic_uint_fast64_t reloads;
    atomic_uint_fast64_t reloads_refused;
} counts;

/* No other memory is read by what a counter says. */
static void add(atomic_uint_fast64_t *count, uint64_t more)
{
    (void)atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

static uint64_t get(atomic_uint_fast64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

void stats_accepted(void)
{
    add(&counts.accepted, 1);
}

void stats_accept_error(size_t index)
{
    add(&counts.accept_errors[index], 1);
}

void stats_outcome(const struct connection *connection)
{
    int64_t us = connection_microseconds(connection);
    size_t i = 0;
    while (i < STATS_BOUNDS && us > stats_bounds[i])
        i++;
    add(&counts.durations[i], 1);
    add(&counts.microseconds, (uint64_t)us);
    add(&counts.outcomes[connection->outcome], 1);
}

void stats_reload(bool taken)
{
    add(taken ? &counts.reloads : &counts.reloads_refused, 1);
}

void stats_get(struct stats *stats)
{
    stats->accepted = get(&counts.accepted);
    for (size_t i = 0; i < OUTCOMES; i++)
        stats->outcomes[i] = get(&counts.outcomes[i]);
    for (size_t i = 0; i < ACCEPT_ERRORS; i++)
        stats->accept_errors[i] = get(&counts.accept_errors[i]);
    for (size_t i = 0; i <= STATS_BOUNDS; i++)
        stats->durations[i] = get(&counts.durations[i]);
    stats->microseconds = get(&counts.microseconds);
    stats->reloads = get(&counts.reloads);
    stats->reloads_refused = get(&counts.reloads_refused);
}
