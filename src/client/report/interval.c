/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/interval.h"

#include "client/report/instant.h"
#include "client/report/json_member.h"
#include "common/command_line.h"
#include "common/deadline.h"
#include "common/number.h"

#include <inttypes.h>
#include <string.h>

/* Return what was counted between two totals. The maximum is that of the later one. */
static struct histogram difference(const struct histogram *after, const struct histogram *before)
{
    struct histogram difference = *after;
    difference.total -= before->total;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        difference.counts[i] -= before->counts[i];
    return difference;
}

static void print_line(const struct interval *interval, int64_t now, double rate,
                       const struct histogram *times, const uint64_t counts[CLASSES])
{
    char text[INSTANT_TEXT];
    char number[RATE_TEXT];
    if (interval->options->has_timestamps)
        printf("time=%s ", instant_format(wall_nanoseconds(), text));
    printf("%.2f-%.2f s: %" PRIu64 " right, %s right/s",
           (double)(interval->last - interval->began) / 1e9, (double)(now - interval->began) / 1e9,
           counts[CLASS_RIGHT], put_rate(number, rate, 1));
    if (times->total > 0)
        printf(", p50 %.3f ms, p99 %.3f ms", (double)histogram_percentile(times, 50) / 1e6,
               (double)histogram_percentile(times, 99) / 1e6);
    printf(", %" PRIu64 " wrong, %" PRIu64 " lost", counts[CLASS_WRONG], counts[CLASS_LOST]);
    if (counts[CLASS_LOCAL] > 0)
        printf(", %" PRIu64 " failed locally", counts[CLASS_LOCAL]);
    if (counts[CLASS_UNFINISHED] > 0)
        printf(", %" PRIu64 " unfinished", counts[CLASS_UNFINISHED]);
    puts("");
}

static void print_object(const struct interval *interval, int64_t now, double rate,
                         const struct histogram *times, const uint64_t counts[CLASSES])
{
    char text[INSTANT_TEXT];
    printf("{\"type\":\"report\",\"time\":\"%s\",\"from_us\":%.3f,\"to_us\":%.3f",
           instant_format(wall_nanoseconds(), text),
           (double)(interval->last - interval->began) / 1e3, (double)(now - interval->began) / 1e3);
    printf(",\"right\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"unfinished\":%" PRIu64,
           counts[CLASS_RIGHT], counts[CLASS_WRONG], counts[CLASS_LOST], counts[CLASS_LOCAL],
           counts[CLASS_UNFINISHED]);
    json_number("rate", rate);
    bool has_times = times->total > 0;
    json_number("p50_us", has_times ? (double)histogram_percentile(times, 50) / 1e3 : -1);
    json_number("p99_us", has_times ? (double)histogram_percentile(times, 99) / 1e3 : -1);
    puts("}");
}

void interval_report(struct interval *interval, int64_t now)
{
    const struct tally *total = &interval->total;
    const struct histogram times =
        difference(&total->times.histogram, &interval->before.times.histogram);
    uint64_t counts[CLASSES];
    double seconds = (double)(now - interval->last) / 1e9;

    for (int i = 0; i < CLASSES; i++)
        counts[i] = total->classes[i] - interval->before.classes[i];
    double rate = seconds > 0 ? (double)counts[CLASS_RIGHT] / seconds : 0;
    flockfile(stdout); /* the threads of a load print, too */
    if (interval->options->format == FORMAT_JSON)
        print_object(interval, now, rate, &times, counts);
    else
        print_line(interval, now, rate, &times, counts);
    command_line_flush_early(); /* a reader of a pipe or file sees it now */
    funlockfile(stdout);
    interval->before = *total;
    interval->last = now;
}

void interval_finish(struct interval *interval, int64_t now)
{
    if (memcmp(interval->total.classes, interval->before.classes, sizeof interval->total.classes) !=
        0)
        interval_report(interval, now);
}
