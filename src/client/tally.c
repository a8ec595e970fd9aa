/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/tally.h"

#include "client/status.h"

static bool same_kind(const struct verdict *a, const struct verdict *b)
{
    return a->result == b->result && a->phase == b->phase && a->error == b->error;
}

static void add_failure(struct tally *tally, const struct verdict *verdict, uint64_t count)
{
    size_t i = 0;
    while (i < tally->failure_count && !same_kind(&tally->failures[i].verdict, verdict))
        i++;
    if (i == TALLY_FAILURES)
        i--;
    else if (i == tally->failure_count)
        tally->failures[tally->failure_count++].verdict = *verdict;
    tally->failures[i].count += count;
}

void tally_add(struct tally *tally, const struct verdict *verdict, int64_t took)
{
    enum verdict_class class = verdict_class(verdict);
    tally->classes[class]++;
    tally->sent += class != CLASS_LOCAL;
    if (class == CLASS_RIGHT)
        times_add(&tally->times, (uint64_t)took);
    else
        add_failure(tally, verdict, 1);
}

void tally_cut(struct tally *tally, enum phase phase, size_t count, int64_t took)
{
    const struct verdict late = {.result = RESULT_TIMEOUT, .phase = phase, .count = count};
    /* In PHASE_CLOSE the reply was right, and only its end of file was not there yet. */
    if (phase != PHASE_CLOSE && (uint64_t)took > tally->times.histogram.most)
        tally_add(tally, &late, took);
    else
        tally->unfinished++;
}

void tally_merge(struct tally *into, const struct tally *from)
{
    into->sent += from->sent;
    into->unfinished += from->unfinished;
    for (int i = 0; i < 4; i++)
        into->classes[i] += from->classes[i];
    times_merge(&into->times, &from->times);
    for (size_t i = 0; i < from->failure_count; i++)
        add_failure(into, &from->failures[i].verdict, from->failures[i].count);
}

double tally_lost(const struct tally *tally)
{
    return tally->sent > 0 ? 100.0 * (double)tally->classes[CLASS_LOST] / (double)tally->sent : 0;
}

int tally_status(const struct tally *tally)
{
    if (tally->classes[CLASS_WRONG] + tally->classes[CLASS_LOST] > 0)
        return STATUS_WRONG;
    if (tally->classes[CLASS_LOCAL] > 0)
        return STATUS_LOCAL;
    return tally->classes[CLASS_RIGHT] > 0 ? STATUS_RIGHT : STATUS_WRONG;
}
