/* SPDX-License-Identifier: MIT */
/* A threshold as text: a valid one is printed and read again, and its ends are part of it. */
#include <config.h>

#include "fuzz.h"

#include "client/options/range.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void must_read_as(const struct range *range)
{
    struct range again;
    char why[RANGE_WHY];
    char from[32] = "~";
    char to[32] = "";
    char text[80];
    if (isfinite(range->from))
        snprintf(from, sizeof from, "%.17g", range->from);
    if (isfinite(range->to))
        snprintf(to, sizeof to, "%.17g", range->to);
    snprintf(text, sizeof text, "%s%s:%s", range->inside ? "@" : "", from, to);
    must(range_parse(text, strlen(text), &again, why));
    must(again.from == range->from && again.to == range->to && again.inside == range->inside);
}

static void judge(const struct range *range)
{
    struct range other = *range;
    other.inside = !range->inside;
    const double values[] = {range->from, range->to, 0, -1e300, 1e300};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        must(range_alerts(range, values[i]) != range_alerts(&other, values[i]));
    must(range_alerts(range, range->from) == range->inside);
    must(range_alerts(range, range->to) == range->inside);
}

/* What performance data say of a range alerts for the same values that are not negative. */
static void must_write_as(const struct range *range)
{
    const double values[] = {range->from, range->to, 0, 1e-300, 1, 1e300};
    struct range again;
    char why[RANGE_WHY];
    char text[RANGE_TEXT];
    must(strpbrk(range_write(range, text), "eE@+") == NULL);
    if (*text == '\0')
        return;
    must(range_parse(text, strlen(text), &again, why));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        must(values[i] < 0 || range_alerts(range, values[i]) == range_alerts(&again, values[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct range range;
    char why[RANGE_WHY];
    char *text = text_of(data, size, "");
    if (range_parse(text, strlen(text), &range, why)) {
        must(strspn(text, "@~:+-.0123456789Ee") == strlen(text));
        must(range.from <= range.to && range.from < HUGE_VAL && range.to > -HUGE_VAL);
        must_read_as(&range);
        judge(&range);
        must_write_as(&range);
    } else {
        must(*why != '\0' && strlen(why) < sizeof why && is_printable(why));
    }
    free(text);
    return 0;
}
