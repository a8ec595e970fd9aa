/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/plugin.h"

#include "client/report/text.h"
#include "common/number.h"

#include <inttypes.h>

/* A bar would begin the performance data, and another line be another part of the output. */
static void put_line(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            fputs("\\x7c", stdout);
        else
            putchar(*text == '\n' ? ' ' : *text);
    }
}

static void put_begin(enum plugin_status status)
{
    static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    printf("SIXTEEN %s - ", names[status]);
}

static enum plugin_status judge(const struct summary *summary, const struct tally *total)
{
    const struct client_options *options = summary->options;
    double seconds = total->times.mean / 1e9;

    if (total->classes[CLASS_WRONG] + total->classes[CLASS_LOST] > 0)
        return PLUGIN_CRITICAL;
    if (total->classes[CLASS_LOCAL] > 0 || total->classes[CLASS_RIGHT] == 0)
        return PLUGIN_UNKNOWN;
    if (options->crit.text != NULL && range_alerts(&options->crit.range, seconds))
        return PLUGIN_CRITICAL;
    if (options->warn.text != NULL && range_alerts(&options->warn.range, seconds))
        return PLUGIN_WARNING;
    return PLUGIN_OK;
}

static void put_failure(const struct summary *summary, const struct record *record)
{
    const struct report report = {summary->options, record, -1};
    char text[FAILURE_TEXT];
    put_line(report_failure_text(&report, text));
}

static void put_words(const struct summary *summary, const struct tally *total)
{
    double ms = total->times.mean / 1e6;
    char server[ADDRESS_TEXT];
    uint64_t all = total->sent + total->classes[CLASS_LOCAL];

    if (all == 0) {
        fputs("stopped before the first exchange completed", stdout);
        return;
    }
    if (all != 1)
        printf("%" PRIu64 " of %" PRIu64 " replies correct", total->classes[CLASS_RIGHT], all);
    if (all != 1 && summary->failure != NULL)
        fputs("; ", stdout);
    if (summary->failure != NULL)
        put_failure(summary, summary->failure);
    else if (all == 1)
        printf("correct reply from %s in %.3f ms", address_format(summary->servers, server), ms);
    else
        printf(", %.3f ms on average", ms);
    if (total->no_end > 0)
        printf("; no end of file followed %" PRIu64 " of the replies", total->no_end);
    if (summary->passed_over != NULL) {
        fputs("; ", stdout);
        put_failure(summary, summary->passed_over);
    }
}

/* "time=0.000412s;0.5;1;0;10", or U instead of a value that is not known. */
static void put_seconds(const char *label, bool is_known, double seconds, const char *warn,
                        const char *crit, double most)
{
    char text[32];
    printf(" %s=", label);
    if (is_known)
        printf("%ss", put_fixed(text, sizeof text, seconds, 6));
    else
        fputs("U", stdout);
    printf(";%s;%s;0;%s", warn, crit, put_fixed(text, sizeof text, most, 9));
}

static void put_performance(const struct summary *summary, const struct tally *total)
{
    const struct client_options *options = summary->options;
    bool is_known = total->classes[CLASS_RIGHT] > 0;
    char lost[TALLY_PERCENT];

    fputs(" |", stdout);
    put_seconds("time", is_known, total->times.mean / 1e9,
                options->warn.text != NULL ? options->warn.text : "",
                options->crit.text != NULL ? options->crit.text : "", options->timeout);
    put_seconds("max", is_known, (double)total->times.histogram.most / 1e9, "", "",
                options->timeout);
    if (total->sent > 0)
        printf(" lost=%s%%;;;0;100\n", tally_lost(total, lost));
    else
        puts(" lost=U;;;0;100");
}

enum plugin_status plugin_summary(const struct summary *summary)
{
    enum plugin_status status = judge(summary, summary->total);
    put_begin(status);
    put_words(summary, summary->total);
    put_performance(summary, summary->total);
    return status;
}

enum plugin_status plugin_unknown(const char *why)
{
    put_begin(PLUGIN_UNKNOWN);
    put_line(why);
    puts("");
    return PLUGIN_UNKNOWN;
}
