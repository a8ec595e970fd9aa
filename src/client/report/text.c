/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/text.h"

#include "client/report/chart.h"
#include "common/command_line.h"
#include "common/number.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_MS 1e6

/* Write "connect to 192.0.2.1:1060: " or the like. */
static int put_phase(const struct report *report, char *text, size_t size)
{
    static const char *const words[PHASES] = {"resolve", "connect to", "send to", "receive from",
                                              "close by"};
    static const char *const kinds[] = {"", " (IPv4 only)", " (IPv6 only)"};
    const struct client_options *options = report->options;
    const struct verdict *verdict = &report->record->verdict;
    char server[ADDRESS_TEXT];
    int kind = options->family == AF_INET ? 1 : options->family == AF_INET6 ? 2 : 0;

    if (verdict->phase == PHASE_RESOLVE)
        return snprintf(text, size, "resolve %s port %s%s: ", options->server.host,
                        options->server.port, kinds[kind]);
    return snprintf(text, size, "%s %s%s%s: ", words[verdict->phase],
                    address_format(&report->record->server, server),
                    verdict->phase == PHASE_CONNECT && options->source != NULL ? " from " : "",
                    verdict->phase == PHASE_CONNECT && options->source != NULL ? options->source
                                                                               : "");
}

char *report_failure_text(const struct report *report, char text[FAILURE_TEXT])
{
    const struct record *record = report->record;
    char reply[QUOTE_SIZE(WIRE_OCTETS)];
    char expected[QUOTE_SIZE(WIRE_OCTETS)];
    char why[VERDICT_WHY];
    int length = put_phase(report, text, FAILURE_TEXT);
    char *to = text + length;
    size_t room = FAILURE_TEXT - (size_t)length;

    if (record->verdict.result == RESULT_DIFFERS)
        snprintf(
            to, room, "unexpected reply %s, expected %s",
            quote_repr(record->octets, WIRE_OCTETS, reply, sizeof reply),
            quote_repr(report->options->question.expect, WIRE_OCTETS, expected, sizeof expected));
    else
        snprintf(to, room, "%s", verdict_why(&record->verdict, (double)record->waited / 1e9, why));
    return text;
}

void report_failure(const struct report *report)
{
    char text[FAILURE_TEXT];
    fprintf(stderr, "sixteen: %s\n", report_failure_text(report, text));
}

void report_in_words(const struct report *report)
{
    const struct record *record = report->record;
    char local[ADDRESS_TEXT];
    char reply[QUOTE_SIZE(WIRE_OCTETS)];

    if (!report->options->quiet) {
        if (record->marks[MARK_CONNECTED] >= 0)
            printf("Client has been assigned socket name %s\n",
                   address_format(&record->local, local));
        if (record->verdict.count >= WIRE_OCTETS)
            printf("The server said %s\n",
                   quote_repr(record->octets, WIRE_OCTETS, reply, sizeof reply));
        if (record->verdict.result == RESULT_QUIET && record->verdict.phase == PHASE_RECEIVE)
            puts("The server closed the connection without a reply");
        command_line_flush_early(); /* before the lines on standard error */
    }
    if (record->verdict.result != RESULT_RIGHT && record->verdict.result != RESULT_QUIET)
        report_failure(report);
}

static void put_marks(const struct record *record)
{
    static const char *const names[MARKS] = {"connect", "send", "first", "last", "end"};
    printf(" us=%" PRId64, record->took / 1000);
    for (int i = 0; i < MARKS; i++)
        if (record->marks[i] >= 0)
            printf(" %s=%" PRId64, names[i], record->marks[i] / 1000);
}

static void put_reason(const struct record *record)
{
    char why[VERDICT_WHY];
    char quoted[QUOTE_SIZE(VERDICT_WHY)];

    verdict_why(&record->verdict, (double)record->waited / 1e9, why);
    quote(why, strlen(why), quoted, sizeof quoted);
    if (verdict_class(&record->verdict) == CLASS_RIGHT) {
        if (why[0] != '\0')
            printf(" remark=%s", quoted);
        return;
    }
    printf(" phase=%s error=%s", phase_name(record->verdict.phase), quoted);
    if (record->verdict.count > 0)
        printf(" reply=%s", quote(record->octets, record->verdict.count, quoted, sizeof quoted));
}

void report_in_line(const struct report *report)
{
    const struct record *record = report->record;
    char server[ADDRESS_TEXT];
    char local[ADDRESS_TEXT] = "-";

    if (record->verdict.phase == PHASE_RESOLVE) {
        report_failure(report);
        return;
    }
    if (record->local.length > 0)
        address_format(&record->local, local);
    printf("outcome=%s peer=%s local=%s seq=%" PRIu64 " octets=%zu",
           verdict_outcome(&record->verdict), local, address_format(&record->server, server),
           record->sequence, record->verdict.count);
    put_marks(record);
    put_reason(record);
    puts("");
    command_line_flush_early(); /* a reader of a pipe or file sees it now */
}

static void put_counts(FILE *out, const struct tally *tally)
{
    char lost[TALLY_PERCENT];
    fprintf(out, "%" PRIu64 " sent, %" PRIu64 " right, %" PRIu64 " wrong, %s%% lost", tally->sent,
            tally->classes[CLASS_RIGHT], tally->classes[CLASS_WRONG], tally_lost(tally, lost));
    if (tally->classes[CLASS_LOCAL] > 0)
        fprintf(out, ", %" PRIu64 " failed locally", tally->classes[CLASS_LOCAL]);
    if (tally->classes[CLASS_UNFINISHED] > 0)
        fprintf(out, ", %" PRIu64 " unfinished", tally->classes[CLASS_UNFINISHED]);
}

static void put_spread(FILE *out, const struct times *times)
{
    fprintf(out, "min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms", (double)times->least / NS_PER_MS,
            times->mean / NS_PER_MS, (double)times->histogram.most / NS_PER_MS,
            times_deviation(times) / NS_PER_MS);
}

static void put_times(const struct times *times, const char *label)
{
    char percent[16];
    if (times->histogram.total == 0)
        return;
    fputs(label, stdout);
    put_spread(stdout, times);
    printf("\n%s", label);
    for (int i = 0; i < PERCENTILES; i++)
        printf("%sp%s", i > 0 ? "/" : "",
               put_fixed(percent, sizeof percent, percentiles[i].percent, 2));
    for (int i = 0; i < PERCENTILES; i++)
        printf("%s%.3f", i > 0 ? "/" : " = ",
               (double)histogram_percentile(&times->histogram, percentiles[i].percent) / NS_PER_MS);
    puts(" ms");
}

static void put_failures(const struct tally *tally)
{
    char why[VERDICT_WHY];
    for (size_t i = 0; i < tally->failure_count; i++) {
        const struct verdict *verdict = &tally->failures[i].verdict;
        printf("errors: %" PRIu64 " %s in %s: %s\n", tally->failures[i].count,
               verdict_outcome(verdict), phase_name(verdict->phase), verdict_kind(verdict, why));
    }
}

/* Print the times of a load. */
static void put_load(const struct summary *summary, const struct tally *tally)
{
    const struct load_result *load = summary->load;
    bool open = summary->options->rate > 0;

    put_times(&tally->times, open ? "latency " : "");
    if (open)
        put_times(&load->service, "service ");
}

void report_counts(const struct tally *tally)
{
    put_counts(stderr, tally);
    if (tally->times.histogram.total > 0) {
        fputs(", ", stderr);
        put_spread(stderr, &tally->times);
    }
    fputs("\n", stderr);
}

static void put_tally(const struct summary *summary, const struct tally *tally)
{
    double seconds = (double)summary->elapsed / 1e9;

    put_counts(stdout, tally);
    printf(", time %.0f ms", seconds * 1e3);
    if (summary->load != NULL)
        printf(", %.1f right/s", summary->load->rate);
    puts("");
    if (summary->load == NULL)
        put_times(&tally->times, "");
    else
        put_load(summary, tally);
    if (tally->longest_cut > 0)
        printf("unfinished: %" PRIu64 ", the longest after %.3f ms\n",
               tally->classes[CLASS_UNFINISHED], (double)tally->longest_cut / NS_PER_MS);
    if (tally->no_end > 0)
        printf("no end of file: %" PRIu64 " correct replies\n", tally->no_end);
    if (summary->not_begun > 0)
        printf("not begun: %" PRIu64 " scheduled exchanges\n", summary->not_begun);
    put_failures(tally);
}

/* With --all each address has separate counts; under load the times are those of all together. */
void report_summary(const struct summary *summary)
{
    const struct client_options *options = summary->options;
    bool each = options->all && summary->load == NULL;
    char server[ADDRESS_TEXT];
    char name[ENDPOINT_TEXT];

    for (size_t i = 0; options->all && i < summary->server_count; i++) {
        printf("--- %s statistics ---\n", address_format(&summary->servers[i], server));
        if (each) {
            put_tally(summary, summary->tallies[i]);
        } else {
            put_counts(stdout, summary->tallies[i]);
            puts("");
        }
    }
    if (!each) {
        bool is_one = summary->server_count == 1;
        printf("--- %s%s ---\n",
               options->all && !is_one ? "all addresses"
               : is_one                ? address_format(summary->servers, server)
                                       : endpoint_format(&options->server, name),
               options->all && !is_one ? "" : " statistics");
        put_tally(summary, summary->total);
    }
    if (summary->load != NULL && !options->quiet)
        chart_print(stdout, &summary->total->times.histogram);
}
