/* SPDX-License-Identifier: MIT */
/* A counter never goes back, and a series that has appeared stays, because each tally only adds.
 * So no percentile and no time is read from `times`, whose sums are rounded and whose buckets are
 * not those of the metrics. */
#include <config.h>

#include "client/report/prometheus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROWTH ((size_t)65536) /* more than a line takes */

/* A text that grows. Not open_memstream(3): a stream that finds no memory to grow loses text and
 * does not set its error indicator. */
struct text {
    char *octets; /* NULL: there was no memory */
    size_t length;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    va_list arguments;

    if (text->size - text->length < GROWTH && text->octets != NULL) {
        char *octets = realloc(text->octets, text->size + text->length + GROWTH);
        if (octets == NULL)
            free(text->octets);
        text->octets = octets;
        text->size += text->length + GROWTH;
    }
    if (text->octets == NULL)
        return;
    va_start(arguments, format);
    text->length += (size_t)vsnprintf(text->octets + text->length, GROWTH, format, arguments);
    va_end(arguments);
}

/* https://prometheus.io/docs/instrumenting/exposition_formats/ */
static void put_head(struct text *text, const char *name, const char *type, const char *help)
{
    put(text, "# HELP sixteen_%s %s\n# TYPE sixteen_%s %s\n", name, help, name, type);
}

/* ---- Labels ---- */

#define UNKNOWN "\xef\xbf\xbd" /* U+FFFD */
#define LABEL_SIZE (sizeof "target=\"\"" + (sizeof UNKNOWN "ff" - 1) * ENDPOINT_TEXT)

/* Return the length of the character that a text in UTF-8 begins with; 0 if it is none, and for
 * U+FFFD, which stands for an octet that is none. */
static size_t character_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (strncmp(text, UNKNOWN, sizeof UNKNOWN - 1) == 0 || s[0] > 0xf4 ||
        (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
        return 0; /* an overlong one, a surrogate, or beyond U+10FFFF */
    return length;
}

/* Write the label that names the target, as it was given. One octet that Prometheus does not take,
 * or two targets with the same label, would cost the whole file. */
static const char *label_of(const struct target *target, char label[LABEL_SIZE])
{
    char name[ENDPOINT_TEXT];
    char *to = stpcpy(label, "target=\"");
    size_t length;

    endpoint_format(&target->endpoint, name);
    for (const char *from = name; *from != '\0'; from += length > 0 ? length : 1) {
        length = character_length(from);
        if (length == 0)
            to += snprintf(to, sizeof UNKNOWN "ff", UNKNOWN "%02x", (unsigned char)*from);
        else if (*from == '\n')
            to = stpcpy(to, "\\n");
        else {
            if (*from == '\\' || *from == '"')
                *to++ = '\\';
            to = mempcpy(to, from, length);
        }
    }
    memcpy(to, "\"", sizeof "\"");
    return label;
}

/* ---- Metrics with one number for each target ---- */

static const struct {
    const char *name;
    const char *type;
    const char *help;
    bool is_of_kernel; /* which can lack it */
} singles[] = {
    {"exchanges_not_begun_total", "counter", "Exchanges that were due but did not begin.", false},
    {"retransmissions_total", "counter", "Segments that were sent again after the handshake.",
     true},
    {"syn_retransmissions_total", "counter",
     "SYNs that were sent again for connections that were then established.", true},
    {"last_success_timestamp_seconds", "gauge",
     "When the last right exchange ended; 0 if none was right.", false},
};

/* A count, or a time, which can be before 1970. */
static int64_t value_of(const struct target_summary *target, size_t single)
{
    const struct tally *tally = target->tally;
    const int64_t values[] = {(int64_t)target->not_begun, (int64_t)tally->retransmissions,
                              (int64_t)tally->syn_retransmissions, tally->last_right};
    return values[single];
}

static void put_singles(struct text *text, const struct target_summary *targets, size_t count)
{
    char label[LABEL_SIZE];
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++) {
        put_head(text, singles[i].name, singles[i].type, singles[i].help);
        for (size_t j = 0; j < count; j++)
            if (!singles[i].is_of_kernel || targets[j].tally->unknown == 0)
                put(text, "sixteen_%s{%s} %" PRId64 "\n", singles[i].name,
                    label_of(targets[j].target, label), value_of(&targets[j], i));
    }
}

/* ---- The others ---- */

static bool is_same_series(const struct verdict *a, const struct verdict *b)
{
    return a->phase == b->phase && strcmp(verdict_outcome(a), verdict_outcome(b)) == 0;
}

/* Failures that differ only in their errno are one series, put at the first of them. */
static void put_failures(struct text *text, const char *label, const struct tally *tally)
{
    for (size_t i = 0; i < tally->failure_count; i++) {
        const struct verdict *verdict = &tally->failures[i].verdict;
        uint64_t count = 0;
        size_t first = 0;
        while (!is_same_series(&tally->failures[first].verdict, verdict))
            first++;
        for (size_t j = i; j < tally->failure_count; j++)
            if (is_same_series(&tally->failures[j].verdict, verdict))
                count += tally->failures[j].count;
        if (first == i)
            put(text, "sixteen_exchanges_total{%s,outcome=\"%s\",phase=\"%s\"} %" PRIu64 "\n",
                label, verdict_outcome(verdict), phase_name(verdict->phase), count);
    }
}

static void put_outcomes(struct text *text, const struct target_summary *targets, size_t count)
{
    char label[LABEL_SIZE];
    put_head(text, "exchanges_total", "counter", "Exchanges by outcome and phase.");
    for (size_t i = 0; i < count; i++) {
        const struct tally *tally = targets[i].tally;
        label_of(targets[i].target, label);
        put(text, "sixteen_exchanges_total{%s,outcome=\"ok\"} %" PRIu64 "\n", label,
            tally->classes[CLASS_RIGHT]);
        put_failures(text, label, tally);
    }
}

static void put_durations(struct text *text, const struct target_summary *targets, size_t count)
{
    char label[LABEL_SIZE];
    char bounds[DURATION_BOUNDS][16];

    for (size_t i = 0; i < DURATION_BOUNDS; i++)
        snprintf(bounds[i], sizeof bounds[i], "%g", (double)duration_bounds[i] / 1e9);
    put_head(text, "exchange_duration_seconds", "histogram", "How long right exchanges took.");
    for (size_t i = 0; i < count; i++) {
        const struct tally *tally = targets[i].tally;
        uint64_t sum = 0;
        label_of(targets[i].target, label);
        for (size_t j = 0; j < DURATION_BOUNDS; j++) {
            sum += tally->durations[j];
            put(text, "sixteen_exchange_duration_seconds_bucket{%s,le=\"%s\"} %" PRIu64 "\n", label,
                bounds[j], sum);
        }
        sum += tally->durations[DURATION_BOUNDS];
        put(text,
            "sixteen_exchange_duration_seconds_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n"
            "sixteen_exchange_duration_seconds_sum{%s} %" PRIu64 ".%09" PRIu64 "\n"
            "sixteen_exchange_duration_seconds_count{%s} %" PRIu64 "\n",
            label, sum, label, tally->nanoseconds / 1000000000, tally->nanoseconds % 1000000000,
            label, sum);
    }
}

static void put_addresses(struct text *text, const struct target_summary *targets, size_t count)
{
    char label[LABEL_SIZE];
    char address[ADDRESS_TEXT];
    put_head(text, "target_info", "gauge", "The addresses that the target has now.");
    for (size_t i = 0; i < count; i++) {
        label_of(targets[i].target, label);
        for (size_t j = 0; j < targets[i].target->count; j++)
            put(text, "sixteen_target_info{%s,address=\"%s\"} 1\n", label,
                address_format(&targets[i].target->order[j]->address, address));
    }
}

char *prometheus_targets(const struct target_summary *targets, size_t count, int64_t started)
{
    struct text text = {malloc(GROWTH), 0, GROWTH};

    put_head(&text, "build_info", "gauge", "The running version.");
    put(&text, "sixteen_build_info{version=\"%s\"} 1\n", VERSION);
    put_head(&text, "start_time_seconds", "gauge", "When the run began.");
    put(&text, "sixteen_start_time_seconds %" PRId64 "\n", started);
    put_outcomes(&text, targets, count);
    put_durations(&text, targets, count);
    put_singles(&text, targets, count);
    put_addresses(&text, targets, count);
    errno = ENOMEM; /* if there is no text */
    return text.octets;
}
