/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/results.h"

#include "client/report/json.h"
#include "client/report/text.h"
#include "common/checked.h"
#include "common/deadline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS 100000 /* of starts that did not take place */

static void keep(struct record *kept, const struct record *record)
{
    if (kept->target == NULL)
        *kept = *record;
}

/* An exchange that the end of the run cuts says less about its target than any that ended before.
 */
static void keep_failure(struct results *results, const struct record *record)
{
    struct record *last = &results->by_target[record->target->nowhere->index].last_failure;
    enum verdict_class class = verdict_class(&record->verdict);
    if (class == CLASS_RIGHT)
        return;
    keep(&results->failure, record);
    if (class != CLASS_UNFINISHED || last->target == NULL)
        *last = *record;
}

static void fill_in(const struct results *results, const struct exchange *exchange,
                    struct record *record)
{
    *record = (struct record){.options = results->options,
                              .sequence = exchange->number / results->targets->count + 1,
                              .target = exchange->target,
                              .server = exchange->final->server->address,
                              .local = exchange->final->local,
                              .verdict = exchange->verdict,
                              .waited = exchange->waited,
                              .time = exchange->time,
                              .took = exchange->took,
                              .tcp = exchange->final->tcp};
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
        return options->format == FORMAT_TEXT && verdict->phase == PHASE_RESOLVE &&
               !options->is_table;
    return verdict_class(verdict) != CLASS_RIGHT;
}

static void report(struct results *results, const struct record *record)
{
    const struct client_options *options = results->options;

    keep_failure(results, record);
    if (!is_reported(options, &record->verdict))
        return;
    if (options->format == FORMAT_JSON)
        json_exchange(record);
    else if (options->mode == CLIENT_LOAD)
        report_failure(record);
    else if (options->mode == CLIENT_ONCE && !options->all && !options->has_timestamps &&
             !options->path)
        report_in_words(record);
    else
        report_in_line(record);
}

/* Report the addresses that failed or did not answer while another one was used: each once, and
 * again only after it has accepted. */
static void report_passed_over(struct results *results, const struct exchange *exchange)
{
    const struct client_options *options = results->options;
    for (size_t i = 0; i < exchange->tried; i++) {
        const struct attempt *attempt = &exchange->attempts[i];
        bool is_cut = attempt->error == 0 && exchange->verdict.result == RESULT_CUT;
        if (attempt == exchange->final || is_cut ||
            atomic_exchange(&attempt->server->is_reported, true))
            continue;
        struct record record;
        fill_in(results, exchange, &record);
        record.server = attempt->server->address;
        record.local = attempt->local;
        if (attempt->error != 0)
            record.verdict = (struct verdict){RESULT_FAILED, PHASE_CONNECT, attempt->error, 0};
        else if (verdict_is_connected(&exchange->verdict))
            record.verdict = (struct verdict){RESULT_OVERTAKEN, PHASE_CONNECT, 0, 0};
        record.waited -= attempt->began - exchange->began;
        if (options->format == FORMAT_TEXT)
            report_failure(&record);
        else if (options->format == FORMAT_JSON)
            json_address(&record);
        if (options->mode != CLIENT_LOAD)
            keep(&results->passed_over, &record);
    }
    if (verdict_is_connected(&exchange->verdict))
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

/* Count the times of a right exchange since its start. */
static void count_phases(struct share *share, const struct exchange *exchange)
{
    static const enum mark marks[REPORT_PHASES] = {MARK_CONNECTED, MARK_FIRST, MARK_END};
    for (int i = 0; i < REPORT_PHASES; i++)
        if (exchange->marks[marks[i]] >= 0)
            histogram_add(&share->phases[i], (uint64_t)exchange->marks[marks[i]]);
}

static int count(const struct results *results, struct share *share,
                 const struct exchange *exchange, const struct verdict *verdict)
{
    const struct schedule *schedule = &results->engine->schedule;
    bool is_open_loop = schedule->rate > 0 && !schedule->skips;
    int64_t end = exchange->began + exchange->took;
    bool is_right = verdict_class(verdict) == CLASS_RIGHT;

    CHECKED(pthread_mutex_lock(&share->lock));
    struct tally *tally = tally_of(share, exchange->final->server->index);
    if (tally == NULL) {
        CHECKED(pthread_mutex_unlock(&share->lock));
        return -1;
    }
    tally_add(tally, verdict, is_open_loop ? end - exchange->scheduled : exchange->took);
    tally_add_tcp(tally, verdict, &exchange->final->tcp);
    if (share->first == 0 || exchange->began < share->first)
        share->first = exchange->began;
    if (end > share->last)
        share->last = end;
    if (is_right && is_open_loop)
        times_add(&share->service, (uint64_t)exchange->took);
    share->timely += is_right && end < atomic_load(&schedule->end);
    if (is_right)
        count_phases(share, exchange);
    CHECKED(pthread_mutex_unlock(&share->lock));
    return 0;
}

int results_open(struct results *results, unsigned loops)
{
    results->by_target = calloc(results->targets->count, sizeof *results->by_target);
    results->shares = calloc(loops, sizeof *results->shares);
    if (results->by_target == NULL || results->shares == NULL)
        return -1;
    for (; results->share_count < loops; results->share_count++)
        CHECKED(pthread_mutex_init(&results->shares[results->share_count].lock, NULL));
    return 0;
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
    results->ended++;
    return count(results, share, exchange, &record.verdict);
}

void results_skip(struct results *results, uint64_t number)
{
    results->by_target[number % results->targets->count].not_begun++;
}

void results_fail(struct results *results, const struct verdict *verdict, int64_t began)
{
    int64_t took = clock_nanoseconds() - began;
    const struct target *target = &results->targets->list[0];
    const struct server *server = target->count > 0 ? target->order[0] : target->nowhere;
    struct record record = {.options = results->options,
                            .sequence = 1,
                            .target = target,
                            .server = server->address,
                            .verdict = *verdict,
                            .waited = took,
                            .time = wall_nanoseconds() - took,
                            .took = took,
                            .marks = {-1, -1, -1, -1, -1}};

    struct tally *tally = tally_of(results->shares, server->index);
    if (tally != NULL)
        tally_add(tally, &record.verdict, took);
    report(results, &record);
}

void results_total(const struct results *results, struct tally *total)
{
    memset(total, 0, sizeof *total);
    for (unsigned i = 0; i < results->share_count; i++) {
        struct share *share = &results->shares[i];
        CHECKED(pthread_mutex_lock(&share->lock));
        for (size_t k = 0; k < share->count; k++)
            if (share->tallies[k] != NULL)
                tally_merge(total, share->tallies[k]);
        CHECKED(pthread_mutex_unlock(&share->lock));
    }
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
    for (int i = 0; i < REPORT_PHASES; i++)
        histogram_merge(&into->phases[i], &from->phases[i]);
    if (into->first == 0 || (from->first != 0 && from->first < into->first))
        into->first = from->first;
    if (from->last > into->last)
        into->last = from->last;
    into->timely += from->timely;
    return 0;
}

/* Count the starts of a load that did not take place. In an open loop each of them has waited until
 * now, at least. Very many are counted in groups, each with the time of its first. */
static uint64_t add_not_begun(const struct schedule *schedule, struct times *times)
{
    uint64_t claimed = schedule->claimed;
    uint64_t total = schedule_total(schedule);
    uint64_t group = (total - claimed) / GROUPS + 1;
    int64_t now = clock_nanoseconds() - schedule->began;

    for (uint64_t i = claimed; i < total; i += group)
        times_add_many(times, (uint64_t)(now - schedule_due(schedule, i)),
                       total - i < group ? total - i : group);
    return total - claimed;
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
    const struct targets *targets = results->targets;
    struct address *servers = calloc(share->count + 1, sizeof *servers);
    const struct tally **tallies = calloc(share->count + 1, sizeof(struct tally *));

    summary->servers = servers;
    summary->tallies = tallies;
    if (servers == NULL || tallies == NULL)
        return -1;
    for (size_t i = targets->count; i < share->count; i++)
        if (share->tallies[i] != NULL) {
            tallies[summary->server_count] = share->tallies[i];
            servers[summary->server_count++] = targets->servers[i]->address;
        }
    return 0;
}

/* Add the tally of a server to that of its target. As long as only one server of a target was used,
 * they are the same. */
static int add_server(struct target_summary *target, const struct tally *server)
{
    if (target->tally == NULL) {
        target->tally = server;
        return 0;
    }
    struct tally *sum = target->sum != NULL ? target->sum : malloc(sizeof *sum);
    if (sum == NULL)
        return -1;
    target->sum = sum;
    if (target->tally != sum)
        *sum = *target->tally;
    target->tally = sum;
    tally_merge(sum, server);
    return 0;
}

int results_by_target(struct results *results)
{
    static const struct tally none;
    const struct targets *targets = results->targets;
    const struct share *share = results->shares;

    for (size_t i = 0; i < targets->count; i++)
        results->by_target[i].tally = NULL;
    for (size_t i = 0; i < share->count; i++)
        if (share->tallies[i] != NULL &&
            add_server(&results->by_target[targets->servers[i]->target->nowhere->index],
                       share->tallies[i]) != 0)
            return -1;
    for (size_t i = 0; i < targets->count; i++) {
        struct target_summary *target = &results->by_target[i];
        const struct record *last = &target->last_failure;
        if (target->tally == NULL)
            target->tally = &none;
        bool is_cut = verdict_class(&last->verdict) == CLASS_UNFINISHED;
        bool has_failure =
            last->target != NULL && (!is_cut || target->tally->classes[CLASS_RIGHT] == 0);
        target->target = &targets->list[i];
        target->failure = has_failure ? last : NULL;
    }
    return 0;
}

/* Count the starts of a watch that were due until its end and that it could not even skip: the
 * process was stopped. */
static void skip_rest(struct results *results)
{
    const struct schedule *schedule = &results->engine->schedule;
    size_t targets = results->targets->count;
    uint64_t claimed = schedule->claimed;
    uint64_t rest = schedule_total(schedule) - claimed;
    for (size_t i = 0; i < targets; i++)
        results->by_target[(claimed + i) % targets].not_begun +=
            rest / targets + (i < rest % targets);
}

static void sum_up_load(struct results *results, struct summary *summary, struct tally *total)
{
    static struct load_result load;
    const struct schedule *schedule = &results->engine->schedule;
    const struct share *share = results->shares;

    summary->not_begun = add_not_begun(schedule, &total->times);
    load.threads = results->engine->threads;
    load.service = share->service;
    load.rate = rate_of(schedule, share, total->classes[CLASS_RIGHT]);
    summary->load = &load;
}

int results_sum_up(struct results *results, struct summary *summary)
{
    static struct tally total;
    struct share *share = results->shares;

    *summary = (struct summary){
        .options = results->options,
        .time = results->time,
        .target_count = results->targets->count,
        .targets = results->by_target,
        .total = &total,
        .phases = share->phases,
        .failure = results->failure.target != NULL ? &results->failure : NULL,
        .passed_over = results->passed_over.target != NULL ? &results->passed_over : NULL};
    for (unsigned i = 1; i < results->share_count; i++)
        if (merge(share, &results->shares[i]) != 0)
            return -1;
    results->share_count = 1;
    results_total(results, &total);
    if (!results->engine->plan.is_load)
        skip_rest(results);
    if (results_by_target(results) != 0 || list_servers(results, summary) != 0)
        return -1;
    summary->elapsed = share->last - share->first;
    for (size_t i = 0; i < summary->target_count; i++)
        summary->not_begun += results->by_target[i].not_begun;
    if (results->engine->plan.is_load) {
        sum_up_load(results, summary, &total);
        results->by_target[0].not_begun = summary->not_begun;
    }
    return 0;
}
