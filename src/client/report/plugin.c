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

/* Return how many exchanges were asked for. */
static uint64_t wanted(const struct summary *summary)
{
    return summary->options->count * (summary->options->all ? summary->server_count : 1);
}

/* Return how many of them came to a verdict. */
static uint64_t completed(const struct tally *total)
{
    return total->sent + total->classes[CLASS_LOCAL];
}

static bool loses(const struct threshold *threshold, const struct tally *total)
{
    uint64_t count = total->classes[CLASS_LOST];
    double lost = count > 0 ? 100.0 * (double)count / (double)total->sent : 0;
    return threshold->has_loss && lost > 0 && lost >= threshold->loss;
}

static bool alerts(const struct threshold *threshold, const struct tally *total)
{
    return loses(threshold, total) ||
           (threshold->has_range && range_alerts(&threshold->range, total->times.mean / 1e9));
}

/* Without a threshold for it, any loss is critical. */
static bool is_critical(const struct summary *summary, const struct tally *total)
{
    const struct client_options *options = summary->options;
    uint64_t right = total->classes[CLASS_RIGHT];
    bool may_lose = right > 0 && (options->warn.has_loss || options->crit.has_loss);
    return total->classes[CLASS_WRONG] > 0 || (total->classes[CLASS_LOST] > 0 && !may_lose) ||
           loses(&options->crit, total);
}

static enum plugin_status judge(const struct summary *summary, const struct tally *total)
{
    if (is_critical(summary, total))
        return PLUGIN_CRITICAL;
    if (total->classes[CLASS_LOCAL] > 0 || total->classes[CLASS_RIGHT] == 0 ||
        completed(total) < wanted(summary))
        return PLUGIN_UNKNOWN;
    if (alerts(&summary->options->crit, total))
        return PLUGIN_CRITICAL;
    return alerts(&summary->options->warn, total) ? PLUGIN_WARNING : PLUGIN_OK;
}

static void put_failure(const struct record *record)
{
    char text[FAILURE_TEXT];
    put_line(report_failure_text(record, text));
}

static void put_counts(const struct tally *total, uint64_t all, const char *what)
{
    uint64_t right = total->classes[CLASS_RIGHT];
    printf("%" PRIu64 " of %" PRIu64 " %s", right, all, what);
    if (right > 0)
        printf(", %.3f ms on average", total->times.mean / 1e6);
    if (completed(total) < all)
        printf("; the check ended before %" PRIu64 " of them completed", all - completed(total));
}

static void put_words(const struct summary *summary, const struct tally *total)
{
    uint64_t all = wanted(summary);
    bool connects = summary->options->question.connects;
    char again[TCP_STATE_TEXT];
    char server[ADDRESS_TEXT];

    if (all > 1)
        put_counts(total, all, connects ? "connections established" : "replies correct");
    else if (summary->failure == NULL && total->classes[CLASS_RIGHT] > 0)
        printf("%s %s in %.3f ms", connects ? "connected to" : "correct reply from",
               address_format(summary->servers, server), total->times.mean / 1e6);
    else if (summary->failure == NULL)
        fputs("stopped before the first exchange completed", stdout);
    if (summary->failure != NULL) {
        fputs(all > 1 ? "; " : "", stdout);
        put_failure(summary->failure);
    }
    if (total->no_end > 0)
        printf("; no end of file followed %" PRIu64 " of the replies", total->no_end);
    if (tcp_state_format(total->syn_retransmissions, total->retransmissions, again)[0] != '\0')
        printf("; %s", again);
    if (summary->passed_over != NULL) {
        fputs("; ", stdout);
        put_failure(summary->passed_over);
    }
}

/* "time=0.000412s;0.5;1;0;10". A value that is not known is U, without a unit. */
static void put_value(const char *label, const char *value, const char *warn, const char *crit,
                      const char *most)
{
    printf(" %s=%s;%s;%s;0;%s", label, value, warn, crit, most);
}

static void put_time(const struct summary *summary, const char *label, double nanoseconds,
                     const struct threshold *warn, const struct threshold *crit)
{
    char value[32] = "U";
    char range[2][RANGE_TEXT] = {"", ""};
    char most[32];

    if (summary->total->classes[CLASS_RIGHT] > 0)
        snprintf(value, sizeof value, "%.6fs", nanoseconds / 1e9);
    if (warn != NULL && warn->has_range)
        range_write(&warn->range, range[0]);
    if (crit != NULL && crit->has_range)
        range_write(&crit->range, range[1]);
    put_value(label, value, range[0], range[1],
              put_fixed(most, sizeof most, summary->options->timeout, 9));
}

static void put_loss(const struct summary *summary, const struct tally *total)
{
    const struct threshold *thresholds[] = {&summary->options->warn, &summary->options->crit};
    char lost[TALLY_PERCENT];
    char value[TALLY_PERCENT + 1] = "U";
    char loss[2][RANGE_TEXT] = {"", ""};

    for (int i = 0; i < 2; i++)
        if (thresholds[i]->has_loss)
            range_write(&(struct range){.to = thresholds[i]->loss}, loss[i]);
    if (total->sent > 0)
        snprintf(value, sizeof value, "%s%%", tally_lost(total, lost));
    put_value("lost", value, loss[0], loss[1], "100");
}

/* The values and their order are always the same: graphs are made of them. */
static void put_performance(const struct summary *summary, const struct tally *total)
{
    const struct client_options *options = summary->options;
    fputs(" |", stdout);
    put_time(summary, "time", total->times.mean, &options->warn, &options->crit);
    put_time(summary, "max", (double)total->times.histogram.most, NULL, NULL);
    put_loss(summary, total);
    puts("");
}

enum plugin_status plugin_summary(const struct summary *summary)
{
    enum plugin_status status = judge(summary, summary->total);
    put_begin(status);
    put_words(summary, summary->total);
    put_performance(summary, summary->total);
    if (summary->options->is_verbose && summary->server_count > 0)
        report_summary(summary);
    return status;
}

enum plugin_status plugin_unknown(const char *why)
{
    put_begin(PLUGIN_UNKNOWN);
    put_line(why);
    fputs(" |", stdout);
    put_value("time", "U", "", "", "");
    put_value("max", "U", "", "", "");
    put_value("lost", "U", "", "", "100");
    puts("");
    return PLUGIN_UNKNOWN;
}
