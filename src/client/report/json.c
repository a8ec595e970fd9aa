/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/json.h"

#include "client/report/instant.h"
#include "client/report/json_member.h"
#include "common/command_line.h"

#include <inttypes.h>
#include <string.h>

static void put_address(const char *name, const struct address *address)
{
    char text[ADDRESS_TEXT];
    json_text(name, address->length > 0 ? address_format(address, text) : NULL);
}

static void put_target(const struct target *target)
{
    char name[ENDPOINT_TEXT];
    json_text("target", endpoint_format(&target->endpoint, name));
    json_text("host", target->endpoint.host);
}

/* Print nanoseconds as microseconds; null if they are less than 0. */
static void put_time(const char *name, double nanoseconds)
{
    json_number(name, nanoseconds / 1e3);
}

static void put_tcp(const struct record *record)
{
    const struct tcp_state *tcp = &record->tcp;
    bool is_connected = verdict_is_connected(&record->verdict);
    put_time("rtt_us", tcp->rtt > 0 ? tcp->rtt * 1e3 : -1);
    json_count("retransmissions", tcp->is_known && is_connected, tcp->retransmissions);
    json_count("syn_retransmissions", tcp->is_known, tcp->syn_retransmissions);
    json_count("mss", tcp->mss > 0, tcp->mss);
}

static void put_instant(int64_t instant)
{
    char text[INSTANT_TEXT];
    json_text("time", instant_format(instant, text));
}

void json_address(const struct record *record)
{
    char why[VERDICT_WHY];

    flockfile(stdout); /* the threads of a load print, too */
    fputs("{\"type\":\"address\"", stdout);
    put_instant(record->time);
    put_target(record->target);
    put_address("local", &record->server);
    json_text("outcome", verdict_outcome(&record->verdict));
    json_text("error", verdict_why(&record->verdict, (double)record->waited / 1e9, why));
    puts("}");
    command_line_flush_early();
    funlockfile(stdout);
}

void json_exchange(const struct record *record)
{
    static const char *const names[MARKS] = {"connect_us", "send_us", "first_us", "last_us",
                                             "end_us"};
    const struct verdict *verdict = &record->verdict;
    bool is_right = verdict_class(verdict) == CLASS_RIGHT;
    char why[VERDICT_WHY];

    printf("{\"type\":\"exchange\",\"seq\":%" PRIu64, record->sequence);
    put_instant(record->time);
    put_target(record->target);
    put_address("peer", &record->local);
    put_address("local", &record->server);
    json_text("outcome", verdict_outcome(verdict));
    printf(",\"right\":%s", is_right ? "true" : "false");
    json_text("phase", phase_name(verdict->phase));
    verdict_why(verdict, (double)record->waited / 1e9, why);
    json_text("error", is_right ? NULL : why);
    printf(",\"octets\":%zu,\"reply\":", verdict->count);
    if (verdict->count > 0)
        json_string(record->octets, verdict->count);
    else
        fputs("null", stdout);
    put_time("resolve_us", (double)record->target->resolving);
    for (int i = 0; i < MARKS; i++)
        put_time(names[i], (double)record->marks[i]);
    put_time("us", (double)record->took);
    put_tcp(record);
    puts("}");
    command_line_flush_early(); /* a reader of a pipe or file sees it now */
}

static void put_counts(const struct tally *tally)
{
    printf(",\"sent\":%" PRIu64 ",\"right\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"failed\":%" PRIu64 ",\"unfinished\":%" PRIu64,
           tally->sent, tally->classes[CLASS_RIGHT], tally->classes[CLASS_WRONG],
           tally->classes[CLASS_LOST], tally->classes[CLASS_LOCAL],
           tally->classes[CLASS_UNFINISHED]);
    printf(",\"no_end_of_file\":%" PRIu64, tally->no_end);
}

static void put_sent_again(const struct tally *tally)
{
    bool is_known = tally->unknown == 0;
    json_count("retransmissions", is_known, tally->retransmissions);
    json_count("retransmissions_in", is_known, tally->retransmitting);
    json_count("syn_retransmissions", is_known, tally->syn_retransmissions);
    json_count("syn_retransmissions_in", is_known, tally->syn_retransmitting);
}

static void put_times(const char *name, const struct times *times)
{
    const struct histogram *histogram = &times->histogram;
    printf(",\"%s\":", name);
    if (histogram->total == 0) {
        fputs("null", stdout);
        return;
    }
    printf("{\"min_us\":%.3f", (double)times->least / 1e3);
    put_time("avg_us", times->mean);
    put_time("max_us", (double)histogram->most);
    put_time("mdev_us", times_deviation(times));
    for (int i = 0; i < PERCENTILES; i++)
        put_time(percentiles[i].name,
                 (double)histogram_percentile(histogram, percentiles[i].percent));
    fputs("}", stdout);
}

static void put_phases(const struct histogram *phases)
{
    static const char *const names[REPORT_PHASES] = {"connect", "first", "end"};
    for (int i = 0; i < REPORT_PHASES; i++) {
        printf("%s\"%s\":", i > 0 ? "," : ",\"phases\":{", names[i]);
        if (phases[i].total == 0) {
            fputs("null", stdout);
            continue;
        }
        printf("{\"p50_us\":%.3f", (double)histogram_percentile(&phases[i], 50) / 1e3);
        put_time("p99_us", (double)histogram_percentile(&phases[i], 99));
        fputs("}", stdout);
    }
    fputs("}", stdout);
}

static void put_failures(const struct tally *tally)
{
    char why[VERDICT_WHY];
    fputs(",\"errors\":[", stdout);
    for (size_t i = 0; i < tally->failure_count; i++) {
        const struct verdict *verdict = &tally->failures[i].verdict;
        printf("%s{\"outcome\":\"%s\",\"phase\":\"%s\"", i > 0 ? "," : "", verdict_outcome(verdict),
               phase_name(verdict->phase));
        json_text("error", verdict_kind(verdict, why));
        printf(",\"count\":%" PRIu64 "}", tally->failures[i].count);
    }
    fputs("]", stdout);
}

static void put_servers(const struct summary *summary)
{
    char local[ADDRESS_TEXT];
    fputs(",\"addresses\":[", stdout);
    for (size_t i = 0; i < summary->server_count; i++) {
        fputs(i > 0 ? ",{\"local\":" : "{\"local\":", stdout);
        address_format(&summary->servers[i], local);
        json_string(local, strlen(local));
        put_counts(summary->tallies[i]);
        put_times("times", &summary->tallies[i]->times);
        put_sent_again(summary->tallies[i]);
        fputs("}", stdout);
    }
    fputs("]", stdout);
}

static void put_lost(const struct tally *tally)
{
    char lost[TALLY_PERCENT];
    printf(",\"lost_percent\":%s", tally_lost(tally, lost));
}

/* Print the last failure of a target. */
static void put_last_failure(const struct record *record)
{
    char why[VERDICT_WHY];
    if (record == NULL) {
        fputs(",\"last_failure\":null", stdout);
        return;
    }
    printf(",\"last_failure\":{\"seq\":%" PRIu64, record->sequence);
    put_instant(record->time);
    json_text("outcome", verdict_outcome(&record->verdict));
    json_text("phase", phase_name(record->verdict.phase));
    json_text("error", verdict_why(&record->verdict, (double)record->waited / 1e9, why));
    fputs("}", stdout);
}

static void put_targets(const struct summary *summary)
{
    char name[ENDPOINT_TEXT];
    fputs(",\"targets\":[", stdout);
    for (size_t i = 0; i < summary->target_count; i++) {
        const struct target_summary *target = &summary->targets[i];
        fputs(i > 0 ? ",{\"target\":" : "{\"target\":", stdout);
        endpoint_format(&target->target->endpoint, name);
        json_string(name, strlen(name));
        put_counts(target->tally);
        printf(",\"not_begun\":%" PRIu64, target->not_begun);
        put_lost(target->tally);
        put_times("times", &target->tally->times);
        put_sent_again(target->tally);
        put_last_failure(target->failure);
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
        printf("%s[%.3f,%" PRIu64 "]", comma, (double)histogram_bound(i) / 1e3,
               histogram->counts[i]);
        comma = ",";
    }
    fputs("]", stdout);
}

static void put_load(const struct summary *summary)
{
    double rate = summary->options->rate;
    if (rate > 0)
        put_times("service", &summary->load->service);
    printf(",\"load\":{\"parallel\":%" PRIu64 ",\"threads\":%u", summary->options->parallel,
           summary->load->threads);
    json_number("rate", rate > 0 ? rate : -1);
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

/* Print the command line, without the name of the program. */
static void put_arguments(char *const *arguments)
{
    fputs(",\"arguments\":[", stdout);
    for (int i = 1; arguments[0] != NULL && arguments[i] != NULL; i++) {
        fputs(i > 1 ? "," : "", stdout);
        json_string(arguments[i], strlen(arguments[i]));
    }
    fputs("]", stdout);
}

void json_summary(const struct summary *summary)
{
    const struct tally *total = summary->total;
    const char *host = summary->targets->target->endpoint.host;

    fputs("{\"type\":\"summary\"", stdout);
    put_instant(summary->time);
    put_arguments(summary->options->arguments);
    json_text("host", summary->target_count == 1 ? host : NULL);
    put_counts(total);
    printf(",\"not_begun\":%" PRIu64, summary->not_begun);
    put_lost(total);
    put_time("elapsed_us", (double)summary->elapsed);
    json_number("rate", rate_of(summary));
    put_times("times", &total->times);
    put_phases(summary->phases);
    put_sent_again(total);
    put_failures(total);
    put_targets(summary);
    put_servers(summary);
    if (summary->load != NULL)
        put_load(summary);
    puts("}");
}
