/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/tally.h"

#include "client/options/status.h"
#include "common/number.h"

#include <string.h>

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
    tally->sent += class != CLASS_LOCAL && class != CLASS_UNFINISHED;
    tally->no_end += verdict->result == RESULT_SILENT;
    if (class == CLASS_RIGHT)
        times_add(&tally->times, (uint64_t)took);
    else if (class != CLASS_UNFINISHED)
        add_failure(tally, verdict, 1);
    else if ((uint64_t)took > tally->longest_cut)
        tally->longest_cut = (uint64_t)took;
}

void tally_merge(struct tally *into, const struct tally *from)
{
    into->sent += from->sent;
    into->no_end += from->no_end;
    if (from->longest_cut > into->longest_cut)
        into->longest_cut = from->longest_cut;
    for (int i = 0; i < CLASSES; i++)
        into->classes[i] += from->classes[i];
    times_merge(&into->times, &from->times);
    for (size_t i = 0; i < from->failure_count; i++)
        add_failure(into, &from->failures[i].verdict, from->failures[i].count);
}

char *tally_lost(const struct tally *tally, char text[TALLY_PERCENT])
{
    uint64_t lost = tally->classes[CLASS_LOST];
    double percent = tally->sent > 0 ? 100.0 * (double)lost / (double)tally->sent : 0;
    int decimals = 2;
    put_fixed(text, TALLY_PERCENT, percent, decimals);
    while (decimals < 20 && ((lost > 0 && strcmp(text, "0") == 0) ||
                             (lost < tally->sent && strcmp(text, "100") == 0)))
        put_fixed(text, TALLY_PERCENT, percent, ++decimals);
    return text;
}

int tally_status(const struct tally *tally)
{
    bool is_right = tally->classes[CLASS_RIGHT] > 0;
    if (tally->classes[CLASS_WRONG] + tally->classes[CLASS_LOST] > 0)
        return STATUS_WRONG;
    if (tally->classes[CLASS_LOCAL] > 0)
        return STATUS_LOCAL;
    return is_right && tally->longest_cut <= tally->times.histogram.most ? STATUS_RIGHT
                                                                         : STATUS_WRONG;
}
