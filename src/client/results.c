/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/results.h"

#include "client/report/json.h"
#include "client/report/text.h"
#include "common/deadline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS 100000 /* of starts that did not take place */

static void keep(struct record *kept, bool *has, const struct record *record)
{
    if (!*has)
        *kept = *record;
    *has = true;
}

static void fill_in(const struct results *results, const struct exchange *exchange,
                    struct record *record)
{
    *record = (struct record){.sequence = exchange->number + 1,
                              .server = exchange->final->server->address,
                              .local = exchange->final->local,
                              .verdict = exchange->verdict,
                              .waited = exchange->waited,
                              .began = exchange->began,
                              .took = exchange->took};
    memcpy(record->octets, exchange->octets, sizeof record->octets);
    memcpy(record->marks, exchange->marks, sizeof record->marks);
    if (record->verdict.result != RESULT_CUT)
        return;
    if (results->is_interrupted)
        record->verdict.error = EINTR;
    else if (results->options->format == FORMAT_PLUGIN) /* -w is the time that the server has */
        record->verdict.result = RESULT_TIMEOUT;
}

/* A name that cannot be resolved has no summary as text, so it has a line even if exchanges have
 * none. */
static bool is_reported(const struct client_options *options, const struct verdict *verdict)
{
    if (options->format == FORMAT_PLUGIN)
        return false;
    if (options->format == FORMAT_JSON && options->mode == CLIENT_LOAD)
        return false;
    if (!options->quiet)
        return true;
    if (options->mode != CLIENT_ONCE)
        return options->format == FORMAT_TEXT && verdict->phase == PHASE_RESOLVE;
    return verdict_class(verdict) != CLASS_RIGHT;
}

static void report(struct results *results, const struct record *record)
{
    const struct client_options *options = results->options;
    const struct report report = {options, record, results->resolving};

    if (verdict_class(&record->verdict) != CLASS_RIGHT)
        keep(&results->failure, &results->has_failure, record);
    if (!is_reported(options, &record->verdict))
        return;
    if (options->format == FORMAT_JSON)
        json_exchange(&report);
    else if (options->mode == CLIENT_LOAD)
        report_failure(&report);
    else if (options->mode == CLIENT_ONCE && !options->all)
        report_in_words(&report);
    else
        report_in_line(&report);
}

/* Report the addresses that failed or did not answer while another one was used: each once, and
 * again only after it has accepted. */
static void report_passed_over(struct results *results, const struct exchange *exchange)
{
    const struct client_options *options = results->options;
    for (size_t i = 0; i < exchange->tried; i++) {
        const struct attempt *attempt = &exchange->attempts[i];
        if (attempt == exchange->final || atomic_exchange(&attempt->server->is_reported, true))
            continue;
        struct record record;
        fill_in(results, exchange, &record);
        record.server = attempt->server->address;
        record.local = attempt->local;
        if (attempt->error != 0)
            record.verdict = (struct verdict){RESULT_FAILED, PHASE_CONNECT, attempt->error, 0};
        else if (exchange->verdict.phase > PHASE_CONNECT)
            record.verdict = (struct verdict){RESULT_OVERTAKEN, PHASE_CONNECT, 0, 0};
        record.waited -= attempt->began - exchange->began;
        const struct report report = {options, &record, results->resolving};
        if (options->format == FORMAT_TEXT)
            report_failure(&report);
        else if (options->format == FORMAT_JSON)
            json_address(&report);
        if (options->mode != CLIENT_LOAD)
            keep(&results->passed_over, &results->has_passed_over, &record);
    }
    if (exchange->verdict.phase > PHASE_CONNECT)
        atomic_store(&exchange->final->server->is_reported, false);
}

/* gcc 12 takes a write to an element of `tallies` for one that can replace `tallies` itself. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"

/* Return the tally of a server, by its index, or NULL if memory is short. */
static struct tally *tally_of(struct share *share, size_t index)
{
    if (index >= share->count) {
        struct tally **tallies = realloc(share->tallies, (index + 1) * sizeof(struct tally *));
        if (tallies == NULL)
            return NULL;
        share->tallies = tallies;
        while (share->count <= index)
            tallies[share->count++] = NULL;
    }
    if (share->tallies[index] == NULL)
        share->tallies[index] = calloc(1, sizeof **share->tallies);
    return share->tallies[index];
}

#pragma GCC diagnostic pop

static int count(const struct results *results, struct share *share,
                 const struct exchange *exchange, const struct verdict *verdict)
{
    const struct schedule *schedule = &results->engine->schedule;
    bool is_open_loop = schedule->rate > 0 && !schedule->skips;
    int64_t end = exchange->began + exchange->took;
    bool is_right = verdict_class(verdict) == CLASS_RIGHT;
    struct tally *tally = tally_of(share, exchange->final->server->index);

    if (tally == NULL)
        return -1;
    tally_add(tally, verdict, is_open_loop ? end - exchange->scheduled : exchange->took);
    if (share->first == 0 || exchange->began < share->first)
        share->first = exchange->began;
    if (end > share->last)
        share->last = end;
    if (is_right && is_open_loop)
        times_add(&share->service, (uint64_t)exchange->took);
    share->timely += is_right && end < atomic_load(&schedule->end);
    return 0;
}

int results_open(struct results *results, unsigned loops)
{
    results->share_count = loops;
    results->shares = calloc(loops, sizeof *results->shares);
    return results->shares != NULL ? 0 : -1;
}

int results_add(struct results *results, unsigned loop, const struct exchange *exchange)
{
    struct share *share = &results->shares[loop];
    struct record record;

    if (exchange->tried > 1 || exchange->final->server->is_reported)
        report_passed_over(results, exchange);
    if (results->is_rehearsal)
        return 0;
    if (results->options->mode == CLIENT_LOAD)
        return count(results, share, exchange, &exchange->verdict);
    fill_in(results, exchange, &record);
    report(results, &record);
    return count(results, share, exchange, &record.verdict);
}

void results_fail(struct results *results, enum result result, enum phase phase, int error,
                  int64_t began)
{
    int64_t took = clock_nanoseconds() - began;
    struct record record = {.sequence = 1,
                            .verdict = {.result = result, .phase = phase, .error = error},
                            .waited = took,
                            .began = began,
                            .took = took,
                            .marks = {-1, -1, -1, -1, -1}};

    if (results->target->count > 0)
        record.server = results->target->order[0]->address;
    struct tally *tally = tally_of(results->shares, 0);
    if (tally != NULL)
        tally_add(tally, &record.verdict, took);
    report(results, &record);
}

void results_total(const struct results *results, struct tally *total)
{
    const struct share *share = results->shares;
    memset(total, 0, sizeof *total);
    for (size_t i = 0; i < share->count; i++)
        if (share->tallies[i] != NULL)
            tally_merge(total, share->tallies[i]);
}

static int merge(struct share *into, const struct share *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (from->tallies[i] == NULL)
            continue;
        struct tally *tally = tally_of(into, i);
        if (tally == NULL)
            return -1;
        tally_merge(tally, from->tallies[i]);
    }
    times_merge(&into->service, &from->service);
    if (into->first == 0 || (from->first != 0 && from->first < into->first))
        into->first = from->first;
    if (from->last > into->last)
        into->last = from->last;
    into->timely += from->timely;
    return 0;
}

/* Count the starts that did not take place. In an open loop each of them has waited until now, at
 * least. Very many are counted in groups, each with the time of its first. */
static uint64_t add_not_begun(const struct schedule *schedule, struct times *times)
{
    uint64_t claimed = schedule->claimed;
    uint64_t total = schedule_total(schedule);
    uint64_t group = (total - claimed) / GROUPS + 1;
    int64_t now = clock_nanoseconds() - schedule->began;

    for (uint64_t i = claimed; i < total && !schedule->skips; i += group)
        times_add_many(times, (uint64_t)(now - schedule_due(schedule->rate, i)),
                       total - i < group ? total - i : group);
    return total - claimed + schedule->skipped;
}

/* Return the right exchanges per second: in an open loop, of the time in which they were due; in a
 * closed loop, of the time in which exchanges began. */
static double rate_of(const struct schedule *schedule, const struct share *share, uint64_t right)
{
    double seconds = (double)(sooner(share->last, schedule->end) - share->first) / 1e9;
    if (schedule->rate > 0)
        seconds = (double)schedule_total(schedule) / schedule->rate;
    if (seconds <= 0)
        return 0;
    return (double)(schedule->rate > 0 ? right : share->timely) / seconds;
}

/* List the addresses that were used, with their tallies. */
static int list_servers(const struct results *results, struct summary *summary)
{
    const struct share *share = results->shares;
    const struct target *target = results->target;
    struct address *servers = calloc(target->server_count + 1, sizeof *servers);
    const struct tally **tallies = calloc(target->server_count + 1, sizeof(struct tally *));

    summary->servers = servers;
    summary->tallies = tallies;
    if (servers == NULL || tallies == NULL)
        return -1;
    for (size_t i = 0; i < share->count && i < target->server_count; i++)
        if (share->tallies[i] != NULL) {
            tallies[summary->server_count] = share->tallies[i];
            servers[summary->server_count++] = target->servers[i]->address;
        }
    return 0;
}

int results_sum_up(struct results *results, struct summary *summary)
{
    static struct tally total;
    static struct load_result load;
    const struct schedule *schedule = &results->engine->schedule;
    struct share *share = results->shares;

    *summary =
        (struct summary){.options = results->options,
                         .total = &total,
                         .failure = results->has_failure ? &results->failure : NULL,
                         .passed_over = results->has_passed_over ? &results->passed_over : NULL};
    for (unsigned i = 1; i < results->share_count; i++)
        if (merge(share, &results->shares[i]) != 0)
            return -1;
    results_total(results, &total);
    if (list_servers(results, summary) != 0)
        return -1;
    summary->elapsed = share->last - share->first;
    summary->not_begun = add_not_begun(schedule, &total.times);
    if (!results->engine->plan.is_load)
        return 0;
    load.threads = results->engine->threads;
    load.service = share->service;
    load.rate = rate_of(schedule, share, total.classes[CLASS_RIGHT]);
    summary->load = &load;
    return 0;
}
