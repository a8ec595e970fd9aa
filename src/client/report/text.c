/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/text.h"

#include "client/report/chart.h"
#include "client/report/instant.h"
#include "common/command_line.h"
#include "common/number.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_MS 1e6

/* Write "connect to 192.0.2.1:1060: " or the like. */
static int put_phase(const struct record *record, char *text, size_t size)
{
    static const char *const words[PHASES] = {"resolve", "connect to", "send to", "receive from",
                                              "close by"};
    static const char *const kinds[] = {"", " (IPv4 only)", " (IPv6 only)"};
    const struct client_options *options = record->options;
    enum phase phase = record->verdict.phase;
    bool has_source = phase == PHASE_CONNECT && options->source != NULL;
    char server[ADDRESS_TEXT];
    int kind = options->family == AF_INET ? 1 : options->family == AF_INET6 ? 2 : 0;

    if (phase == PHASE_RESOLVE)
        return snprintf(text, size, "resolve %s port %s%s: ", record->target->endpoint.host,
                        record->target->endpoint.port, kinds[kind]);
    return snprintf(text, size, "%s %s%s%s: ", words[phase],
                    address_format(&record->server, server), has_source ? " from " : "",
                    has_source ? options->source : "");
}

char *report_failure_text(const struct record *record, char text[FAILURE_TEXT])
{
    char reply[QUOTE_SIZE(WIRE_OCTETS)];
    char expected[QUOTE_SIZE(WIRE_OCTETS)];
    char why[VERDICT_WHY];
    int length = put_phase(record, text, FAILURE_TEXT);
    char *to = text + length;
    size_t room = FAILURE_TEXT - (size_t)length;

    if (record->verdict.result == RESULT_DIFFERS)
        snprintf(
            to, room, "unexpected reply %s, expected %s",
            quote_repr(record->octets, WIRE_OCTETS, reply, sizeof reply),
            quote_repr(record->options->question.expect, WIRE_OCTETS, expected, sizeof expected));
    else
        snprintf(to, room, "%s", verdict_why(&record->verdict, (double)record->waited / 1e9, why));
    return text;
}

void report_begin(const struct client_options *options, int64_t instant)
{
    char time[INSTANT_TEXT];
    fputs("sixteen: ", stderr);
    if (options->has_timestamps)
        fprintf(stderr, "%s: ", instant_format(instant, time));
}

void report_failure(const struct record *record)
{
    char text[FAILURE_TEXT];
    flockfile(stderr); /* the threads of a load print, too */
    report_begin(record->options, record->time);
    fprintf(stderr, "%s\n", report_failure_text(record, text));
    funlockfile(stderr);
}

static void report_sent_again(const struct record *record)
{
    const struct tcp_state *tcp = &record->tcp;
    char server[ADDRESS_TEXT];
    char text[TCP_STATE_TEXT];
    if (tcp_state_format(tcp->syn_retransmissions, tcp->retransmissions, text)[0] == '\0')
        return;
    report_begin(record->options, record->time);
    fprintf(stderr, "connection to %s: %s\n", address_format(&record->server, server), text);
}

void report_in_words(const struct record *record)
{
    char local[ADDRESS_TEXT];
    char reply[QUOTE_SIZE(WIRE_OCTETS)];

    if (!record->options->quiet) {
        if (record->marks[MARK_CONNECTED] >= 0)
            printf("Client has been assigned socket name %s\n",
                   address_format(&record->local, local));
        if (record->verdict.result == RESULT_CONNECTED)
            printf("Connected to %s\n", address_format(&record->server, local));
        if (record->verdict.count >= WIRE_OCTETS)
            printf("The server said %s\n",
                   quote_repr(record->octets, WIRE_OCTETS, reply, sizeof reply));
        if (record->verdict.result == RESULT_QUIET && record->verdict.phase == PHASE_RECEIVE)
            puts("The server closed the connection without a reply");
        command_line_flush_early(); /* before the lines on standard error */
    }
    if (verdict_class(&record->verdict) != CLASS_RIGHT || record->verdict.result == RESULT_SILENT)
        report_failure(record);
    if (verdict_is_connected(&record->verdict))
        report_sent_again(record);
}

static void put_marks(const struct record *record)
{
    static const char *const names[MARKS] = {"connect", "send", "first", "last", "end"};
    printf(" us=%" PRId64, record->took / 1000);
    for (int i = 0; i < MARKS; i++)
        if (record->marks[i] >= 0)
            printf(" %s=%" PRId64, names[i], record->marks[i] / 1000);
}

static void put_tcp(const struct record *record)
{
    const struct tcp_state *tcp = &record->tcp;
    if (tcp->rtt > 0)
        printf(" rtt=%" PRIu32, tcp->rtt);
    if (tcp->is_known && verdict_is_connected(&record->verdict))
        printf(" retrans=%" PRIu32, tcp->retransmissions);
    if (tcp->syn_retransmissions > 0)
        printf(" syn_retrans=%" PRIu32, tcp->syn_retransmissions);
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

/* A host can contain characters that must be quoted in a log line. */
static void put_target(const struct target *target)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]%";
    char name[ENDPOINT_TEXT];
    char quoted[QUOTE_SIZE(ENDPOINT_TEXT)];
    size_t length = strlen(endpoint_format(&target->endpoint, name));
    bool is_plain = strspn(name, plain) == length;
    printf(" target=%s", is_plain ? name : quote(name, length, quoted, sizeof quoted));
}

void report_in_line(const struct record *record)
{
    char server[ADDRESS_TEXT];
    char local[ADDRESS_TEXT] = "-";
    char time[INSTANT_TEXT];

    if (record->verdict.phase == PHASE_RESOLVE) {
        report_failure(record);
        return;
    }
    if (record->local.length > 0)
        address_format(&record->local, local);
    if (record->options->has_timestamps)
        printf("time=%s ", instant_format(record->time, time));
    printf("outcome=%s", verdict_outcome(&record->verdict));
    if (record->options->is_table)
        put_target(record->target);
    printf(" peer=%s local=%s seq=%" PRIu64 " octets=%zu", local,
           address_format(&record->server, server), record->sequence, record->verdict.count);
    put_marks(record);
    put_tcp(record);
    put_reason(record);
    puts("");
    command_line_flush_early(); /* a reader of a pipe or file sees it now */
}

static void put_counts(FILE *out, const struct client_options *options, const struct tally *tally)
{
    char lost[TALLY_PERCENT];
    if (options->question.connects)
        fprintf(out, "%" PRIu64 " tried, %" PRIu64 " connected", tally->sent,
                tally->classes[CLASS_RIGHT]);
    else
        fprintf(out, "%" PRIu64 " sent, %" PRIu64 " right, %" PRIu64 " wrong", tally->sent,
                tally->classes[CLASS_RIGHT], tally->classes[CLASS_WRONG]);
    fprintf(out, ", %s%% lost", tally_lost(tally, lost));
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

/* Print the times since the start of the exchange at which a phase ended. */
static void put_phases(const struct histogram *phases)
{
    static const char *const names[REPORT_PHASES] = {"connect", "first octet", "end"};
    const char *before = "";
    for (int i = 0; i < REPORT_PHASES; i++) {
        if (phases[i].total == 0)
            continue;
        printf("%s%s p50/p99 = %.3f/%.3f ms", before, names[i],
               (double)histogram_percentile(&phases[i], 50) / NS_PER_MS,
               (double)histogram_percentile(&phases[i], 99) / NS_PER_MS);
        before = ", ";
    }
    fputs(before[0] != '\0' ? "\n" : "", stdout);
}

static void put_sent_again(const char *what, uint64_t count, uint64_t exchanges,
                           const struct tally *tally)
{
    char share[TALLY_PERCENT];
    if (count > 0)
        printf("%s: %" PRIu64 " in %" PRIu64 " of %" PRIu64 " exchanges (%s%%)\n", what, count,
               exchanges, tally->sent, tally_share(tally, exchanges, share));
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

void report_counts(const struct client_options *options, const struct tally *tally)
{
    put_counts(stderr, options, tally);
    if (tally->times.histogram.total > 0) {
        fputs(", ", stderr);
        put_spread(stderr, &tally->times);
    }
    fputs("\n", stderr);
}

/* Print the counts and times of the exchanges with one address, or of all of them. */
static void put_tally(const struct summary *summary, const struct tally *tally)
{
    char rate[RATE_TEXT];
    double seconds = (double)summary->elapsed / 1e9;
    bool is_open_loop = summary->load != NULL && summary->options->rate > 0;

    put_counts(stdout, summary->options, tally);
    printf(", time %.0f ms", seconds * 1e3);
    if (summary->load != NULL)
        printf(", %s %s/s", put_rate(rate, summary->load->rate, 1),
               summary->options->question.connects ? "connected" : "right");
    puts("");
    put_times(&tally->times, is_open_loop ? "latency " : "");
    if (is_open_loop)
        put_times(&summary->load->service, "service ");
    if (tally == summary->total || summary->server_count == 1)
        put_phases(summary->phases);
    if (tally->longest_cut > 0)
        printf("unfinished: %" PRIu64 ", the longest after %.3f ms\n",
               tally->classes[CLASS_UNFINISHED], (double)tally->longest_cut / NS_PER_MS);
    if (tally->no_end > 0)
        printf("no end of file: %" PRIu64 " correct replies\n", tally->no_end);
    put_sent_again("SYN retransmissions", tally->syn_retransmissions, tally->syn_retransmitting,
                   tally);
    put_sent_again("retransmissions", tally->retransmissions, tally->retransmitting, tally);
    if (summary->not_begun > 0)
        printf("not begun: %" PRIu64 " scheduled exchanges\n", summary->not_begun);
    put_failures(tally);
}

/* ---- The table of several targets ---- */

static void put_row(int width, const char *name, const struct tally *tally, const char *failure)
{
    char lost[TALLY_PERCENT];
    char times[100] = "-";
    if (tally->times.histogram.total > 0)
        snprintf(times, sizeof times, "%.3f/%.3f/%.3f/%.3f", (double)tally->times.least / NS_PER_MS,
                 tally->times.mean / NS_PER_MS,
                 (double)histogram_percentile(&tally->times.histogram, 90) / NS_PER_MS,
                 (double)tally->times.histogram.most / NS_PER_MS);
    printf("%-*s %7" PRIu64 " %7" PRIu64 " %7s%%  %-*s", width, name, tally->sent,
           tally->classes[CLASS_RIGHT], tally_lost(tally, lost), failure != NULL ? 31 : 1, times);
    printf("%s%s\n", failure != NULL ? "  " : "", failure != NULL ? failure : "");
}

static void put_table(const struct summary *summary)
{
    char name[ENDPOINT_TEXT];
    char text[FAILURE_TEXT];
    int width = (int)strlen("target");

    for (size_t i = 0; i < summary->target_count; i++) {
        int length = (int)strlen(endpoint_format(&summary->targets[i].target->endpoint, name));
        width = length > width ? length : width;
    }
    printf("%-*s %7s %7s %8s  %-31s  %s\n", width, "target", "sent", "right", "lost",
           "min/avg/p90/max ms", "last failure");
    for (size_t i = 0; i < summary->target_count; i++) {
        const struct target_summary *target = &summary->targets[i];
        put_row(width, endpoint_format(&target->target->endpoint, name), target->tally,
                target->failure != NULL ? report_failure_text(target->failure, text) : NULL);
    }
    put_row(width, "all", summary->total, NULL);
}

/* With --all each address has separate counts; under load the times are those of all together. */
void report_summary(const struct summary *summary)
{
    const struct client_options *options = summary->options;
    bool each = options->all && summary->load == NULL;
    char server[ADDRESS_TEXT];
    char name[ENDPOINT_TEXT];

    if (options->is_table) {
        printf("--- %zu target%s ---\n", summary->target_count,
               summary->target_count == 1 ? "" : "s");
        put_table(summary);
        put_tally(summary, summary->total);
        return;
    }

    for (size_t i = 0; options->all && i < summary->server_count; i++) {
        printf("--- %s statistics ---\n", address_format(&summary->servers[i], server));
        if (each) {
            put_tally(summary, summary->tallies[i]);
        } else {
            put_counts(stdout, options, summary->tallies[i]);
            puts("");
            put_times(&summary->tallies[i]->times, options->rate > 0 ? "latency " : "");
        }
    }
    if (!each) {
        bool is_one = summary->server_count == 1;
        printf("--- %s%s ---\n",
               options->all && !is_one ? "all addresses"
               : is_one                ? address_format(summary->servers, server)
                                       : endpoint_format(&summary->targets->target->endpoint, name),
               options->all && !is_one ? "" : " statistics");
        put_tally(summary, summary->total);
    }
    if (each && summary->server_count > 1)
        put_phases(summary->phases);
    if (summary->load != NULL && !options->quiet)
        chart_print(stdout, &summary->total->times.histogram);
}
