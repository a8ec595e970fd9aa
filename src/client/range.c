/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/range.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* strtod(3) alone would take "inf", "nan", "0x10", and space before the number. */
static bool parse_number(const char *text, size_t length, double *number)
{
    char *end;
    if (length == 0 || strspn(text, "+-.0123456789Ee") != length)
        return false;
    *number = strtod(text, &end);
    return end == text + length && isfinite(*number);
}

static bool parse_ends(const char *text, struct range *range)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL)
        return parse_number(text, strlen(text), &range->to);
    if (strncmp(text, "~:", 2) == 0)
        range->from = -INFINITY;
    else if (!parse_number(text, (size_t)(colon - text), &range->from))
        return false;
    const char *to = colon + 1;
    range->to = INFINITY;
    return *to == '\0' || parse_number(to, strlen(to), &range->to);
}

bool range_parse(const char *text, struct range *range, char why[RANGE_WHY])
{
    *range = (struct range){.inside = *text == '@'};
    if (!parse_ends(range->inside ? text + 1 : text, range)) {
        snprintf(why, RANGE_WHY, "no range of numbers; write 10, 10:, ~:10, 10:20 or @10:20");
        return false;
    }
    if (range->from > range->to) {
        snprintf(why, RANGE_WHY,
                 "the end lies before the beginning, which is 0 where none is given");
        return false;
    }
    return true;
}

bool range_alerts(const struct range *range, double value)
{
    bool holds = range->from <= value && value <= range->to;
    return holds == range->inside;
}
