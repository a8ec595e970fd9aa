/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/inquiry.h"

#include "client/asker.h"
#include "client/inquiry_state.h"
#include "client/json.h"
#include "client/load.h"
#include "common/checked.h"

#include <pthread.h>

void inquiry_lock(struct inquiry *inquiry)
{
    CHECKED(pthread_mutex_lock(&inquiry->lock));
}

void inquiry_unlock(struct inquiry *inquiry)
{
    CHECKED(pthread_mutex_unlock(&inquiry->lock));
}

static void keep_failure(struct inquiry *inquiry, const struct probe *probe)
{
    if (inquiry->has_failure)
        return;
    inquiry->failure = *probe;
    inquiry->has_failure = true;
}

/* Of a name that is not resolved there is no summary as text. */
static bool is_told(const struct client_options *options, const struct verdict *verdict)
{
    if (options->format == FORMAT_PLUGIN)
        return false;
    if (options->format == FORMAT_JSON && options->mode == CLIENT_LOAD)
        return false;
    if (!options->quiet)
        return true;
    if (options->mode == CLIENT_REPEATED)
        return options->format == FORMAT_TEXT && verdict->phase == PHASE_RESOLVE;
    return verdict_class(verdict) != CLASS_RIGHT;
}

static void report(struct inquiry *inquiry, const struct probe *probe, uint64_t sequence)
{
    const struct client_options *options = inquiry->options;
    const struct exchange_report report = {options, probe, sequence, inquiry->resolving};

    if (verdict_class(&probe->verdict) != CLASS_RIGHT)
        keep_failure(inquiry, probe);
    if (!is_told(options, &probe->verdict))
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

void inquiry_note(struct inquiry *inquiry, const struct probe *probe, uint64_t sequence)
{
    const struct verdict *verdict = &probe->verdict;

    inquiry_lock(inquiry);
    uint64_t before = inquiry->counting->unfinished;
    inquiry->under_way = 0;
    inquiry->ended = clock_nanoseconds();
    if (verdict->result == RESULT_TIMEOUT && probe->timeout < inquiry->options->question.timeout)
        tally_cut(inquiry->counting, verdict->phase, verdict->count, probe->took);
    else
        tally_add(inquiry->counting, verdict, probe->took);
    if (inquiry->counting->unfinished == before)
        report(inquiry, probe, sequence);
    inquiry_unlock(inquiry);
}

void inquiry_fail(struct inquiry *inquiry, enum result result, enum phase phase, int error)
{
    int64_t now = clock_nanoseconds();
    int64_t began = phase == PHASE_RESOLVE ? inquiry->started : now;
    struct probe probe = {.verdict = {.result = result, .phase = phase, .error = error},
                          .timeout = inquiry->options->deadline,
                          .began = began,
                          .took = now - began,
                          .marks = {-1, -1, -1, -1, -1}};
    if (inquiry->servers != NULL)
        probe.server = inquiry->servers[inquiry->asked];
    tally_add(inquiry->counting, &probe.verdict, 0);
    report(inquiry, &probe, 1);
}

void inquiry_pass_over(struct inquiry *inquiry, const struct probe *probe, uint64_t sequence)
{
    const struct client_options *options = inquiry->options;
    const struct exchange_report report = {options, probe, sequence, inquiry->resolving};

    if (options->format == FORMAT_PLUGIN)
        return;
    inquiry_lock(inquiry);
    report_failure(&report);
    inquiry_unlock(inquiry);
}

struct inquiry *inquiry_start(const struct client_options *options, int over)
{
    static struct inquiry inquiry = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_attr_t detached;
    pthread_t thread;

    inquiry.options = options;
    inquiry.starter = pthread_self();
    inquiry.signal = over;
    inquiry.resolving = -1;
    inquiry.counting = inquiry.tallies = &inquiry.first;
    inquiry.started = clock_nanoseconds();
    inquiry.end.at =
        options->deadline > 0 ? deadline_after(inquiry.started, options->deadline).at : INT64_MAX;
    CHECKED(pthread_attr_init(&detached));
    CHECKED(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED));
    int error = pthread_create(&thread, &detached, asker_work, &inquiry);
    CHECKED(pthread_attr_destroy(&detached));
    if (error != 0) {
        inquiry_fail(&inquiry, RESULT_LOCAL, PHASE_RESOLVE, error);
        inquiry.over = true;
    }
    return &inquiry;
}

struct deadline inquiry_end(const struct inquiry *inquiry)
{
    return inquiry->end;
}

bool inquiry_is_over(const struct inquiry *inquiry)
{
    return atomic_load(&inquiry->over);
}

bool inquiry_stop(struct inquiry *inquiry, bool cut)
{
    inquiry_lock(inquiry);
    bool is_load = inquiry->load != NULL;
    if (is_load && (cut || inquiry->stopping))
        load_cut(inquiry->load);
    else if (is_load)
        load_stop(inquiry->load);
    inquiry->stopping = true;
    inquiry_unlock(inquiry);
    return is_load;
}

static void fill_in(const struct inquiry *inquiry, struct summary *summary)
{
    static struct tally total; /* the lock is held */
    bool has_load = inquiry->result.tallies != NULL;

    *summary = (struct summary){.options = inquiry->options,
                                .server_count = inquiry->server_count,
                                .servers = inquiry->servers,
                                .tallies = inquiry->tallies,
                                .failure = inquiry->has_failure ? &inquiry->failure : NULL};
    if (inquiry->server_count > 0 && !inquiry->options->all) {
        summary->server_count = 1;
        summary->servers = &inquiry->servers[inquiry->asked];
    }
    if (inquiry->ended > inquiry->begun)
        summary->elapsed = inquiry->ended - inquiry->begun;
    if (has_load) {
        summary->load = &inquiry->result;
        summary->tallies = inquiry->result.tallies;
        summary->elapsed = inquiry->result.elapsed;
    }
    total = summary->tallies[0];
    for (size_t i = 1; i < summary->server_count; i++)
        tally_merge(&total, &summary->tallies[i]);
    summary->total = &total;
}

void inquiry_show(struct inquiry *inquiry, struct progress *progress, bool stays)
{
    struct summary summary;

    inquiry_lock(inquiry);
    if (inquiry->load != NULL)
        progress_show(progress, load_progress(inquiry->load), clock_nanoseconds() - inquiry->begun,
                      stays);
    else if (stays) {
        fill_in(inquiry, &summary);
        report_counts(summary.total);
    }
    inquiry_unlock(inquiry);
}

/* The exchange under way has no more time, but does not say so itself any more. */
static void cut(struct inquiry *inquiry, int64_t now)
{
    uint64_t before = inquiry->counting->unfinished;
    const struct probe probe = {
        .server = inquiry->servers[inquiry->asked],
        .verdict = {.result = RESULT_TIMEOUT, .phase = (enum phase)atomic_load(&inquiry->phase)},
        .timeout = (double)(now - inquiry->under_way) / 1e9};

    inquiry->ended = now;
    tally_cut(inquiry->counting, probe.verdict.phase, 0, now - inquiry->under_way);
    if (inquiry->counting->unfinished == before)
        keep_failure(inquiry, &probe);
}

void inquiry_finish(struct inquiry *inquiry, struct summary *summary)
{
    int64_t now = clock_nanoseconds();

    inquiry_lock(inquiry); /* for good */
    if (!inquiry->over && inquiry->under_way != 0)
        cut(inquiry, now);
    else if (!inquiry->over && inquiry->servers == NULL && inquiry->end.at <= now)
        inquiry_fail(inquiry, RESULT_TIMEOUT, PHASE_RESOLVE, 0);
    fill_in(inquiry, summary);
}
