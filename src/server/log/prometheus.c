/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/log/prometheus.h"

#include "common/descriptor.h"
#include "server/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Its one-line head: https://prometheus.io/docs/instrumenting/exposition_formats/ */
static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP sixteend_%s %s\n# TYPE sixteend_%s %s\n", name, help, name, type);
}

static void single(FILE *out, const char *name, const char *type, uint64_t value, const char *help)
{
    head(out, name, type, help);
    fprintf(out, "sixteend_%s %" PRIu64 "\n", name, value);
}

static void print_outcomes(FILE *out, const struct stats *stats)
{
    head(out, "connections_total", "counter", "Connections that ended, by outcome.");
    for (size_t i = 0; i < OUTCOMES; i++)
        fprintf(out, "sixteend_connections_total{outcome=\"%s\"} %" PRIu64 "\n",
                outcome_name((enum outcome)i), stats->outcomes[i]);
}

static void print_accept_errors(FILE *out, const struct stats *stats)
{
    head(out, "accept_errors_total", "counter", "Failures of accept(2), by error.");
    for (size_t i = 0; i < ACCEPT_ERRORS; i++)
        fprintf(out, "sixteend_accept_errors_total{error=\"%s\"} %" PRIu64 "\n",
                accept_errors[i].name, stats->accept_errors[i]);
}

static void print_durations(FILE *out, const struct stats *stats)
{
    uint64_t sum = 0;
    head(out, "connection_duration_seconds", "histogram",
         "From the accept of a connection to the outcome of its connection.");
    for (size_t i = 0; i < STATS_BOUNDS; i++) {
        sum += stats->durations[i];
        fprintf(out, "sixteend_connection_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                (double)stats_bounds[i] / 1e6, sum);
    }
    sum += stats->durations[STATS_BOUNDS];
    fprintf(out,
            "sixteend_connection_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
            "sixteend_connection_duration_seconds_sum %.6f\n"
            "sixteend_connection_duration_seconds_count %" PRIu64 "\n",
            sum, (double)stats->microseconds / 1e6, sum);
}

static void print_listeners(FILE *out, const struct report *report)
{
    head(out, "listener_queue_length", "gauge", "Connections that wait to be accepted.");
    for (size_t i = 0; i < report->listeners; i++)
        fprintf(out, "sixteend_listener_queue_length{address=\"%s\"} %u\n",
                report->listener[i].address, report->listener[i].queued);
    head(out, "listener_queue_limit", "gauge", "How many connections may wait.");
    for (size_t i = 0; i < report->listeners; i++)
        fprintf(out, "sixteend_listener_queue_limit{address=\"%s\"} %u\n",
                report->listener[i].address, report->listener[i].most);
}

static void print(FILE *out, const struct report *report)
{
    const struct stats *stats = &report->stats;
    const struct gauges *gauges = &report->gauges;

    head(out, "build_info", "gauge", "The version that runs.");
    fprintf(out, "sixteend_build_info{version=\"%s\"} 1\n", VERSION);
    single(out, "start_time_seconds", "gauge", (uint64_t)report->started,
           "When it came up, in seconds since 1970.");
    single(out, "connections_accepted_total", "counter", stats->accepted,
           "Connections that were accepted.");
    print_outcomes(out, stats);
    print_durations(out, stats);
    print_accept_errors(out, stats);
    single(out, "connections_active", "gauge", gauges->active, "Connections that are held now.");
    single(out, "connections_peak", "gauge", gauges->peak,
           "The most connections that were held at once.");
    single(out, "sockets_lingering", "gauge", report->lingering,
           "Sockets that wait for their peer's end of file.");
    single(out, "workers", "gauge", gauges->workers, "Worker threads.");
    single(out, "workers_idle", "gauge", gauges->idle, "Worker threads with nothing to do.");
    print_listeners(out, report);
    single(out, "log_lines_lost_total", "counter", report->lines_lost,
           "Log lines that came faster than they could be written.");
    single(out, "reloads_total", "counter", stats->reloads, "Configurations that were taken.");
    single(out, "reloads_refused_total", "counter", stats->reloads_refused,
           "Configurations that were refused.");
}

/* The document is the path with its NUL, and the text. */
void *prometheus_format(const struct report *report, const char *path)
{
    size_t length;
    char *document = NULL;
    FILE *out = open_memstream(&document, &length);
    if (out == NULL)
        return NULL;
    fprintf(out, "%s%c", path, '\0');
    print(out, report);
    if (fclose(out) == 0)
        return document;
    free(document);
    return NULL;
}

/* A file that is not whole never has the name that is read. */
static int replace(const char *path, const char *text)
{
    char fresh[PATH_MAX + sizeof ".new"];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    int result = write_all(fd, text, strlen(text));
    if (close(fd) != 0)
        result = -1;
    if (result == 0)
        result = rename(fresh, path);
    if (result != 0) {
        int kept = errno;
        (void)unlink(fresh);
        errno = kept;
    }
    return result;
}

void prometheus_write(void *document)
{
    static bool failing;
    const char *path = document;
    bool failed = replace(path, path + strlen(path) + 1) != 0;
    if (failed && !failing)
        log_errno(LOG_WARNING, "metrics.file: cannot write %s", path);
    else if (failing && !failed)
        log_line(LOG_NOTICE, "metrics.file: %s can be written again", path);
    failing = failed;
    free(document);
}
