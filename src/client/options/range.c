/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/options/range.h"

#include "common/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool parse_ends(const char *text, struct range *range)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL)
        return read_decimal(text, strlen(text), &range->to);
    if (strncmp(text, "~:", 2) == 0)
        range->from = -HUGE_VAL;
    else if (!read_decimal(text, (size_t)(colon - text), &range->from))
        return false;
    const char *to = colon + 1;
    range->to = HUGE_VAL;
    return *to == '\0' || read_decimal(to, strlen(to), &range->to);
}

bool range_parse(const char *text, struct range *range, char why[RANGE_WHY])
{
    *range = (struct range){.inside = *text == '@'};
    if (!parse_ends(range->inside ? text + 1 : text, range)) {
        snprintf(why, RANGE_WHY, "not a range; use 10, 10:, ~:10, 10:20 or @10:20");
        return false;
    }
    if (range->from > range->to) {
        snprintf(why, RANGE_WHY, "the range ends before it starts; the default start is 0");
        return false;
    }
    return true;
}

bool range_alerts(const struct range *range, double value)
{
    bool holds = range->from <= value && value <= range->to;
    return holds == range->inside;
}
