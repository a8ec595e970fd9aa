/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/log/prometheus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* More than everything together takes: two lines for each listener, and the others. */
#define TEXT_SIZE (16384 + 2 * STATS_LISTENERS * (ADDRESS_TEXT + 80))

/* https://prometheus.io/docs/instrumenting/exposition_formats/ */
static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP sixteend_%s %s\n# TYPE sixteend_%s %s\n", name, help, name, type);
}

static void print_single(FILE *out, const char *name, const char *type, uint64_t value,
                         const char *help)
{
    print_head(out, name, type, help);
    fprintf(out, "sixteend_%s %" PRIu64 "\n", name, value);
}

static void print_outcomes(FILE *out, const struct stats *stats)
{
    print_head(out, "connections_total", "counter", "Connections that ended, by outcome.");
    for (size_t i = 0; i < OUTCOMES; i++)
        fprintf(out, "sixteend_connections_total{outcome=\"%s\"} %" PRIu64 "\n",
                outcome_name((enum outcome)i), stats->outcomes[i]);
}

static void print_accept_errors(FILE *out, const struct stats *stats)
{
    print_head(out, "accept_errors_total", "counter", "Failures of accept(2), by error.");
    for (size_t i = 0; i < stats->accept_errors; i++)
        fprintf(out, "sixteend_accept_errors_total{error=\"%s\"} %" PRIu64 "\n",
                stats->accept_error[i].name, stats->accept_error[i].count);
}

static void print_durations(FILE *out, const struct stats *stats)
{
    uint64_t sum = 0;
    print_head(out, "connection_duration_seconds", "histogram",
               "Time from the start of a connection's deadline to its outcome.");
    for (size_t i = 0; i < DURATION_BOUNDS; i++) {
        sum += stats->durations[i];
        fprintf(out, "sixteend_connection_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                (double)duration_bounds[i] / 1e9, sum);
    }
    sum += stats->durations[DURATION_BOUNDS];
    fprintf(out,
            "sixteend_connection_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
            "sixteend_connection_duration_seconds_sum %.6f\n"
            "sixteend_connection_duration_seconds_count %" PRIu64 "\n",
            sum, (double)stats->microseconds / 1e6, sum);
}

/* What is not known is left out. */
static void print_listeners(FILE *out, const struct stats *stats)
{
    const struct listener_stats *end = &stats->listener[stats->listeners];
    print_head(out, "listener_queue_length", "gauge", "Connections that wait to be accepted.");
    for (const struct listener_stats *one = stats->listener; one < end; one++)
        if (one->limit > 0)
            fprintf(out, "sixteend_listener_queue_length{address=\"%s\"} %u\n", one->address,
                    one->queued);
    print_head(out, "listener_queue_limit", "gauge", "Connections that can wait to be accepted.");
    for (const struct listener_stats *one = stats->listener; one < end; one++)
        if (one->limit > 0)
            fprintf(out, "sixteend_listener_queue_limit{address=\"%s\"} %u\n", one->address,
                    one->limit);
}

/* The metrics that every client of Prometheus has, under their common names and with the words of
 * its client for Go. The node exporter exports the same names about itself: it refuses ours unless
 * they have a label and the same words. */
static void print_process_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP process_%s %s\n# TYPE process_%s %s\nprocess_%s{program=\"sixteend\"} ",
            name, help, name, type, name);
}

static void print_process_gauge(FILE *out, const char *name, int64_t value, const char *help)
{
    if (value < 0)
        return;
    print_process_head(out, name, "gauge", help);
    fprintf(out, "%" PRId64 "\n", value);
}

static void print_process(FILE *out, int64_t started, const struct process_stats *process)
{
    print_process_head(out, "cpu_seconds_total", "counter",
                       "Total user and system CPU time spent in seconds.");
    fprintf(out, "%.6f\n", process->cpu_seconds);
    print_process_head(out, "start_time_seconds", "gauge",
                       "Start time of the process since unix epoch in seconds.");
    fprintf(out, "%" PRId64 "\n", started);
    print_process_gauge(out, "open_fds", process->open_fds, "Number of open file descriptors.");
    print_process_gauge(out, "max_fds", process->max_fds,
                        "Maximum number of open file descriptors.");
    print_process_gauge(out, "virtual_memory_bytes", process->virtual_memory,
                        "Virtual memory size in bytes.");
    print_process_gauge(out, "resident_memory_bytes", process->resident_memory,
                        "Resident memory size in bytes.");
    print_process_gauge(out, "threads", process->threads, "Number of OS threads in the process.");
}

static void print(FILE *out, const struct stats *stats)
{
    const struct gauges *gauges = &stats->gauges;

    print_head(out, "build_info", "gauge", "The running version.");
    fprintf(out, "sixteend_build_info{version=\"%s\"} 1\n", VERSION);
    print_single(out, "connections_accepted_total", "counter", stats->accepted,
                 "Accepted connections.");
    print_outcomes(out, stats);
    print_durations(out, stats);
    print_accept_errors(out, stats);
    print_single(out, "connections_active", "gauge", gauges->active, "Active connections.");
    print_single(out, "connections_limit", "gauge", (uint64_t)stats->connections_limit,
                 "Largest number of active connections that is allowed.");
    print_single(out, "connections_peak", "gauge", gauges->peak,
                 "Largest number of active connections so far.");
    print_single(out, "sockets_lingering", "gauge", gauges->lingering,
                 "Sockets that wait for their peer's end of file.");
    print_single(out, "workers", "gauge", gauges->workers, "Worker threads.");
    print_single(out, "workers_idle", "gauge", gauges->idle,
                 "Worker threads without a connection.");
    print_listeners(out, stats);
    print_single(out, "log_lines_lost_total", "counter", stats->lines_lost,
                 "Log lines that were lost.");
    print_single(out, "reloads_total", "counter", stats->reloads, "Successful reloads.");
    print_single(out, "reloads_refused_total", "counter", stats->reloads_refused,
                 "Refused reloads.");
    print_single(out, "config_last_reload_successful", "gauge", !stats->reload_refused,
                 "Whether the last configuration reload attempt was successful.");
    print_head(out, "config_last_reload_success_timestamp_seconds", "gauge",
               "Timestamp of the last successful configuration reload.");
    fprintf(out, "sixteend_config_last_reload_success_timestamp_seconds %" PRId64 "\n",
            stats->configured);
}

/* Not open_memstream(3): a stream that finds no memory to grow loses text and does not set its
 * error indicator. This one does not grow. */
char *prometheus_format(const struct stats *stats, const struct process_stats *process)
{
    char *text = malloc(TEXT_SIZE);
    FILE *out = text != NULL ? fmemopen(text, TEXT_SIZE, "w") : NULL;
    if (out != NULL) {
        print(out, stats);
        print_process(out, stats->started, process);
        bool complete = fflush(out) == 0 && !ferror(out);
        int error = errno;
        (void)fclose(out);
        if (complete)
            return text;
        errno = error;
    }
    free(text);
    return NULL;
}
