/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/plugin.h"

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

static void put_failure(const struct summary *summary)
{
    const struct exchange_report report = {.options = summary->options, .probe = summary->failure};
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
        put_failure(summary);
    else if (all == 1)
        printf("correct reply from %s in %.3f ms", address_format(summary->servers, server), ms);
    else
        printf(", %.3f ms on average", ms);
}

static void put_performance(const struct summary *summary, const struct tally *total)
{
    const struct client_options *options = summary->options;

    fputs(" | time=", stdout);
    if (total->classes[CLASS_RIGHT] > 0)
        printf("%.6fs", total->times.mean / 1e9);
    else
        fputs("U", stdout);
    printf(";%s;%s;0;%.10g", options->warn.text != NULL ? options->warn.text : "",
           options->crit.text != NULL ? options->crit.text : "", options->question.timeout);
    if (total->classes[CLASS_RIGHT] > 0)
        printf(" max=%.6fs;;;0;%.10g", (double)total->times.histogram.most / 1e9,
               options->question.timeout);
    printf(" lost=%.4g%%;;;0;100\n", tally_lost(total));
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
