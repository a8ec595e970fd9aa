/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/log/report.h"

#include "common/text.h"
#include "server/log/log.h"

#include <inttypes.h>
#include <string.h>

/* Sockets that share an address, as a service manager may pass them, are told as one. */
static void gather_listener(struct report *report, const struct listener *listener)
{
    struct listener_report one;
    struct listener_report *to = report->listener;
    struct listener_report *end = to + report->listeners;
    address_format(&listener->bound, one.address);
    listener_queue(listener, &one.queued, &one.most);
    while (to < end && strcmp(to->address, one.address) != 0)
        to++;
    if (to < end) {
        to->queued += one.queued;
        to->most += one.most;
    } else {
        *to = one;
        report->listeners++;
    }
}

void report_gather(struct report *report, int64_t started, struct loop *loop,
                   const struct listeners *listeners)
{
    report->started = started;
    stats_get(&report->stats);
    report->gauges = loop_gauges(loop, &report->lingering);
    report->lines_lost = log_lost();
    report->listeners = 0;
    for (size_t i = 0; i < listeners->count; i++)
        if (listeners->list[i].quiet_from == 0)
            gather_listener(report, &listeners->list[i]);
}

static void log_outcomes(const struct stats *stats)
{
    char line[512] = "outcomes";
    for (size_t i = 0; i < OUTCOMES; i++)
        text_append(line, sizeof line, " %s=%" PRIu64, outcome_name((enum outcome)i),
                    stats->outcomes[i]);
    log_line(LOG_NOTICE, "%s", line);
}

static void log_accept_errors(const struct stats *stats)
{
    char line[768] = "accept errors";
    for (size_t i = 0; i < ACCEPT_ERRORS; i++)
        if (stats->accept_errors[i] > 0)
            text_append(line, sizeof line, " %s=%" PRIu64, accept_errors[i].name,
                        stats->accept_errors[i]);
    if (strchr(line, '=') == NULL)
        text_append(line, sizeof line, " none=0");
    log_line(LOG_NOTICE, "%s", line);
}

void report_log(const struct report *report)
{
    const struct gauges *gauges = &report->gauges;
    log_line(LOG_NOTICE,
             "connections accepted=%" PRIu64
             " active=%zu peak=%zu lingering=%zu workers=%zu idle=%zu lines_lost=%lu",
             report->stats.accepted, gauges->active, gauges->peak, report->lingering,
             gauges->workers, gauges->idle, report->lines_lost);
    log_outcomes(&report->stats);
    log_accept_errors(&report->stats);
    for (size_t i = 0; i < report->listeners; i++)
        log_line(LOG_NOTICE, "listener %s queued=%u of=%u", report->listener[i].address,
                 report->listener[i].queued, report->listener[i].most);
}

char *report_status(const struct report *report, char *text, size_t size)
{
    const struct stats *stats = &report->stats;
    text[0] = '\0';
    text_append(text, size,
                "%zu live, %" PRIu64 " accepted, %" PRIu64 " ok, %" PRIu64 " failed, %" PRIu64
                " limited, %lu log lines lost; listening at",
                report->gauges.active, stats->accepted,
                stats->outcomes[OUTCOME_OK] + stats->outcomes[OUTCOME_EXCESS],
                stats->outcomes[OUTCOME_FAILED], stats->outcomes[OUTCOME_LIMITED],
                report->lines_lost);
    for (size_t i = 0; i < report->listeners; i++)
        text_append(text, size, "%s %s", i > 0 ? "," : "", report->listener[i].address);
    return text;
}
