/* SPDX-License-Identifier: MIT */
/* Counters are atomic, and no other memory is read because of a counter's value. loop_add_stats()
 * adds gauges, listeners and accept errors, which belong to the main loop. */
#include <config.h>

#include "server/log/stats.h"

#include "common/text.h"
#include "server/log/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    int severity;
} outcomes[] = {
    [OUTCOME_OK] = {"ok", LOG_INFO},
    [OUTCOME_EXCESS] = {"excess", LOG_INFO},
    [OUTCOME_MISMATCH] = {"mismatch", LOG_NOTICE},
    [OUTCOME_SHORT] = {"short", LOG_NOTICE},
    [OUTCOME_PROBE] = {"probe", LOG_DEBUG},
    [OUTCOME_SLOW] = {"slow", LOG_NOTICE},
    [OUTCOME_RESET] = {"reset", LOG_NOTICE},
    [OUTCOME_DENIED] = {"denied", LOG_NOTICE},
    [OUTCOME_LIMITED] = {"limited", LOG_NOTICE},
    [OUTCOME_MALFORMED] = {"malformed", LOG_NOTICE},
    [OUTCOME_FAILED] = {"failed", LOG_ERR},
};

static struct {
    atomic_uint_fast64_t accepted;
    atomic_uint_fast64_t outcomes[OUTCOMES];
    atomic_uint_fast64_t durations[DURATION_BOUNDS + 1];
    atomic_uint_fast64_t microseconds;
    atomic_uint_fast64_t reloads;
    atomic_uint_fast64_t reloads_refused;
    atomic_int_fast64_t started;
    atomic_int_fast64_t configured;
    atomic_bool reload_refused;
} counters;

const char *outcome_name(enum outcome outcome)
{
    return outcomes[outcome].name;
}

int outcome_severity(enum outcome outcome)
{
    return outcomes[outcome].severity;
}

void stats_begin(void)
{
    counters.started = counters.configured = time(NULL);
}

void stats_accepted(void)
{
    counters.accepted++;
}

void stats_outcome(enum outcome outcome, int64_t microseconds)
{
    counters.durations[duration_bucket(microseconds * 1000)]++;
    counters.microseconds += (uint64_t)microseconds;
    counters.outcomes[outcome]++;
}

void stats_reload(bool taken)
{
    if (taken) {
        counters.reloads++;
        counters.configured = time(NULL);
    } else {
        counters.reloads_refused++;
    }
    counters.reload_refused = !taken;
}

void stats_read(struct stats *stats)
{
    *stats = (struct stats){.started = counters.started,
                            .configured = counters.configured,
                            .reload_refused = counters.reload_refused,
                            .accepted = counters.accepted,
                            .microseconds = counters.microseconds,
                            .reloads = counters.reloads,
                            .reloads_refused = counters.reloads_refused,
                            .lines_lost = log_lost()};
    for (size_t i = 0; i < OUTCOMES; i++)
        stats->outcomes[i] = counters.outcomes[i];
    for (size_t i = 0; i <= DURATION_BOUNDS; i++)
        stats->durations[i] = counters.durations[i];
}

void stats_add_accept_error(struct stats *stats, const char *name, uint64_t count)
{
    assert(stats->accept_errors < STATS_ACCEPT_ERRORS);
    size_t i = stats->accept_errors++;
    stats->accept_error[i].name = name;
    stats->accept_error[i].count = count;
}

void stats_add_listener(struct stats *stats, const struct listener_stats *listener)
{
    size_t i = 0;
    while (i < stats->listeners && strcmp(stats->listener[i].address, listener->address) != 0)
        i++;
    if (i < stats->listeners) {
        struct listener_stats *sum = &stats->listener[i];
        bool is_known = sum->limit > 0 && listener->limit > 0;
        sum->queued = is_known ? sum->queued + listener->queued : 0;
        sum->limit = is_known ? sum->limit + listener->limit : 0;
        return;
    }
    assert(i < STATS_LISTENERS);
    stats->listener[stats->listeners++] = *listener;
}

/* Whatever log.level is. */
__attribute__((format(printf, 1, 2))) static void report(const char *format, ...)
{
    char line[LOG_LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_text(LOG_NOTICE, line);
}

static void log_outcomes(const struct stats *stats)
{
    char line[512] = "outcomes";
    for (size_t i = 0; i < OUTCOMES; i++)
        text_append(line, sizeof line, " %s=%" PRIu64, outcome_name((enum outcome)i),
                    stats->outcomes[i]);
    report("%s", line);
}

static void log_accept_errors(const struct stats *stats)
{
    char line[768] = "";
    for (size_t i = 0; i < stats->accept_errors; i++)
        if (stats->accept_error[i].count > 0)
            text_append(line, sizeof line, " %s=%" PRIu64, stats->accept_error[i].name,
                        stats->accept_error[i].count);
    report("accept errors%s", line[0] != '\0' ? line : " none=0");
}

static void log_listener(const struct listener_stats *listener)
{
    if (listener->limit > 0)
        report("listener %s queued=%u limit=%u", listener->address, listener->queued,
               listener->limit);
    else
        report("listener %s queue=unknown", listener->address);
}

void stats_log(const struct stats *stats)
{
    const struct gauges *gauges = &stats->gauges;
    report("connections accepted=%" PRIu64
           " active=%zu peak=%zu lingering=%zu workers=%zu idle=%zu lines_lost=%" PRIu64,
           stats->accepted, gauges->active, gauges->peak, gauges->lingering, gauges->workers,
           gauges->idle, stats->lines_lost);
    log_outcomes(stats);
    log_accept_errors(stats);
    for (size_t i = 0; i < stats->listeners; i++)
        log_listener(&stats->listener[i]);
}

void stats_status(const struct stats *stats, char *text, size_t size)
{
    snprintf(text, size,
             "%zu active, %" PRIu64 " accepted, %" PRIu64 " ok, %" PRIu64 " failed, %" PRIu64
             " limited, %" PRIu64 " log lines lost; listening at",
             stats->gauges.active, stats->accepted,
             stats->outcomes[OUTCOME_OK] + stats->outcomes[OUTCOME_EXCESS],
             stats->outcomes[OUTCOME_FAILED], stats->outcomes[OUTCOME_LIMITED], stats->lines_lost);
    for (size_t i = 0; i < stats->listeners; i++)
        text_append(text, size, "%s %s", i > 0 ? "," : "", stats->listener[i].address);
}
