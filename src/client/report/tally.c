/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/tally.h"

#include "client/options/status.h"
#include "common/number.h"

#include <string.h>
#include <time.h>

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

static bool is_sent(enum verdict_class class)
{
    return class != CLASS_LOCAL && class != CLASS_UNFINISHED;
}

static void add_right(struct tally *tally, int64_t took)
{
    times_add(&tally->times, (uint64_t)took);
    tally->durations[duration_bucket(took)]++;
    tally->nanoseconds += (uint64_t)took;
    tally->last_right = time(NULL);
}

void tally_add(struct tally *tally, const struct verdict *verdict, int64_t took)
{
    enum verdict_class class = verdict_class(verdict);
    tally->classes[class]++;
    tally->sent += is_sent(class);
    tally->no_end += verdict->result == RESULT_SILENT;
    if (class == CLASS_RIGHT)
        add_right(tally, took);
    else if (class != CLASS_UNFINISHED)
        add_failure(tally, verdict, 1);
    else if ((uint64_t)took > tally->longest_cut)
        tally->longest_cut = (uint64_t)took;
}

void tally_add_tcp(struct tally *tally, const struct verdict *verdict,
                   const struct tcp_state *state)
{
    if (!verdict_is_connected(verdict) || !is_sent(verdict_class(verdict)))
        return;
    tally->retransmissions += state->retransmissions;
    tally->retransmitting += state->retransmissions > 0;
    tally->syn_retransmissions += state->syn_retransmissions;
    tally->syn_retransmitting += state->syn_retransmissions > 0;
    tally->unknown += state->is_asked && !state->is_known;
}

void tally_merge(struct tally *into, const struct tally *from)
{
    into->sent += from->sent;
    into->no_end += from->no_end;
    into->retransmissions += from->retransmissions;
    into->retransmitting += from->retransmitting;
    into->syn_retransmissions += from->syn_retransmissions;
    into->syn_retransmitting += from->syn_retransmitting;
    into->unknown += from->unknown;
    if (from->longest_cut > into->longest_cut)
        into->longest_cut = from->longest_cut;
    for (int i = 0; i < CLASSES; i++)
        into->classes[i] += from->classes[i];
    times_merge(&into->times, &from->times);
    for (int i = 0; i <= DURATION_BOUNDS; i++)
        into->durations[i] += from->durations[i];
    into->nanoseconds += from->nanoseconds;
    if (from->last_right > into->last_right)
        into->last_right = from->last_right;
    for (size_t i = 0; i < from->failure_count; i++)
        add_failure(into, &from->failures[i].verdict, from->failures[i].count);
}

char *tally_share(const struct tally *tally, uint64_t count, char text[TALLY_PERCENT])
{
    double percent = tally->sent > 0 ? 100.0 * (double)count / (double)tally->sent : 0;
    int decimals = 2;
    put_fixed(text, TALLY_PERCENT, percent, decimals);
    while (decimals < 20 && ((count > 0 && strcmp(text, "0") == 0) ||
                             (count < tally->sent && strcmp(text, "100") == 0)))
        put_fixed(text, TALLY_PERCENT, percent, ++decimals);
    return text;
}

char *tally_lost(const struct tally *tally, char text[TALLY_PERCENT])
{
    return tally_share(tally, tally->classes[CLASS_LOST], text);
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
