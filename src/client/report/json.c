/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/json.h"

#include "common/command_line.h"
#include "common/deadline.h"
#include "common/text.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define NS_PER_US 1e3

/* The longest text of a report: a host, an address, or a reason. */
#define TEXT_MAX sizeof(struct endpoint)

static void put_octets(const char *name, const void *octets, size_t count)
{
    char quoted[QUOTE_SIZE(TEXT_MAX)];
    assert(count <= TEXT_MAX);
    printf("\"%s\":%s", name, quote(octets, count, quoted, sizeof quoted));
}

static void put_null(const char *name)
{
    printf("\"%s\":null", name);
}

static void put_text(const char *name, const char *text)
{
    if (text != NULL)
        put_octets(name, text, strlen(text));
    else
        put_null(name);
}

static void put_address(const char *name, const struct address *address)
{
    char text[ADDRESS_TEXT];
    put_text(name, address->length > 0 ? address_format(address, text) : NULL);
}

/* Print nanoseconds as microseconds; null if they are less than 0. */
static void put_time(const char *name, double nanoseconds)
{
    printf(",\"%s\":", name);
    if (nanoseconds >= 0)
        printf("%.3f", nanoseconds / NS_PER_US);
    else
        fputs("null", stdout);
}

/* The time of the day at which an exchange began: RFC 3339. */
static void put_begin(const struct record *record)
{
    struct timespec now;
    struct tm parts;
    char text[sizeof "2026-01-01T00:00:00"];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    ns -= clock_nanoseconds() - record->began;
    time_t seconds = ns / 1000000000;
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &parts));
    printf(",\"time\":\"%s.%06" PRId64 "Z\"", text, ns % 1000000000 / 1000);
}

void json_address(const struct report *report)
{
    const struct record *record = report->record;
    char why[VERDICT_WHY];

    fputs("{\"type\":\"address\"", stdout);
    put_begin(record);
    fputs(",", stdout);
    put_text("host", report->options->server.host);
    fputs(",", stdout);
    put_address("local", &record->server);
    printf(",\"outcome\":\"%s\",", verdict_outcome(&record->verdict));
    put_text("error", verdict_why(&record->verdict, (double)record->waited / 1e9, why));
    puts("}");
    command_line_flush_early();
}

void json_exchange(const struct report *report)
{
    static const char *const names[MARKS] = {"connect_us", "send_us", "first_us", "last_us",
                                             "end_us"};
    const struct record *record = report->record;
    const struct verdict *verdict = &record->verdict;
    char why[VERDICT_WHY];

    printf("{\"type\":\"exchange\",\"seq\":%" PRIu64, record->sequence);
    put_begin(record);
    fputs(",", stdout);
    put_text("host", report->options->server.host);
    fputs(",", stdout);
    put_address("peer", &record->local);
    fputs(",", stdout);
    put_address("local", &record->server);
    printf(",\"outcome\":\"%s\",\"right\":%s,\"phase\":\"%s\",", verdict_outcome(verdict),
           verdict_class(verdict) == CLASS_RIGHT ? "true" : "false", phase_name(verdict->phase));
    put_text("error", verdict_class(verdict) == CLASS_RIGHT
                          ? NULL
                          : verdict_why(verdict, (double)record->waited / 1e9, why));
    printf(",\"octets\":%zu,", verdict->count);
    if (verdict->count > 0)
        put_octets("reply", record->octets, verdict->count);
    else
        put_null("reply");
    put_time("resolve_us", (double)report->resolving);
    for (int i = 0; i < MARKS; i++)
        put_time(names[i], (double)record->marks[i]);
    put_time("us", (double)record->took);
    puts("}");
    command_line_flush_early(); /* a reader of a pipe or file sees it now */
}

static void put_counts(const struct tally *tally)
{
    printf("\"sent\":%" PRIu64 ",\"right\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"failed\":%" PRIu64 ",\"unfinished\":%" PRIu64,
           tally->sent, tally->classes[CLASS_RIGHT], tally->classes[CLASS_WRONG],
           tally->classes[CLASS_LOST], tally->classes[CLASS_LOCAL],
           tally->classes[CLASS_UNFINISHED]);
    printf(",\"no_end_of_file\":%" PRIu64, tally->no_end);
}

static void put_times(const char *name, const struct times *times)
{
    const struct histogram *histogram = &times->histogram;
    printf(",\"%s\":", name);
    if (histogram->total == 0) {
        fputs("null", stdout);
        return;
    }
    printf("{\"min_us\":%.3f", (double)times->least / NS_PER_US);
    put_time("avg_us", times->mean);
    put_time("max_us", (double)histogram->most);
    put_time("mdev_us", times_deviation(times));
    for (int i = 0; i < PERCENTILES; i++)
        put_time(percentiles[i].name,
                 (double)histogram_percentile(histogram, percentiles[i].percent));
    fputs("}", stdout);
}

static void put_failures(const struct tally *tally)
{
    char why[VERDICT_WHY];
    fputs(",\"errors\":[", stdout);
    for (size_t i = 0; i < tally->failure_count; i++) {
        const struct verdict *verdict = &tally->failures[i].verdict;
        printf("%s{\"outcome\":\"%s\",\"phase\":\"%s\",", i > 0 ? "," : "",
               verdict_outcome(verdict), phase_name(verdict->phase));
        put_text("error", verdict_kind(verdict, why));
        printf(",\"count\":%" PRIu64 "}", tally->failures[i].count);
    }
    fputs("]", stdout);
}

static void put_servers(const struct summary *summary)
{
    fputs(",\"addresses\":[", stdout);
    for (size_t i = 0; i < summary->server_count; i++) {
        fputs(i > 0 ? ",{" : "{", stdout);
        put_address("local", &summary->servers[i]);
        fputs(",", stdout);
        put_counts(summary->tallies[i]);
        fputs("}", stdout);
    }
    fputs("]", stdout);
}

/* Print the upper bound and the count of each bucket that is not empty. */
static void put_histogram(const struct histogram *histogram)
{
    const char *comma = "";
    fputs(",\"histogram\":[", stdout);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->counts[i] == 0)
            continue;
        printf("%s[%.3f,%" PRIu64 "]", comma, (double)histogram_bound(i) / NS_PER_US,
               histogram->counts[i]);
        comma = ",";
    }
    fputs("]", stdout);
}

static void put_load(const struct summary *summary)
{
    const struct load_result *load = summary->load;
    if (summary->options->rate > 0)
        put_times("service", &load->service);
    printf(",\"load\":{\"parallel\":%u,\"threads\":%u,\"rate\":", summary->options->parallel,
           load->threads);
    if (summary->options->rate > 0)
        printf("%.3f", summary->options->rate);
    else
        fputs("null", stdout);
    put_histogram(&summary->total->times.histogram);
    fputs("}", stdout);
}

static double rate_of(const struct summary *summary)
{
    if (summary->load != NULL)
        return summary->load->rate;
    double seconds = (double)summary->elapsed / 1e9;
    return seconds > 0 ? (double)summary->total->classes[CLASS_RIGHT] / seconds : 0;
}

void json_summary(const struct summary *summary)
{
    const struct tally *total = summary->total;
    char lost[TALLY_PERCENT];

    fputs("{\"type\":\"summary\",", stdout);
    put_text("host", summary->options->server.host);
    fputs(",", stdout);
    put_counts(total);
    printf(",\"not_begun\":%" PRIu64 ",\"lost_percent\":%s", summary->not_begun,
           tally_lost(total, lost));
    put_time("elapsed_us", (double)summary->elapsed);
    printf(",\"rate\":%.3f", rate_of(summary));
    put_times("times", &total->times);
    put_failures(total);
    put_servers(summary);
    if (summary->load != NULL)
        put_load(summary);
    puts("}");
}
