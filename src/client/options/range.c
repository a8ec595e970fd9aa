/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/options/range.h"

#include "common/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT 360
#define DECIMALS_MAX 340 /* of the smallest number */

/* Read the first `length` characters. */
static bool read_ends(const char *text, size_t length, struct range *range)
{
    const char *colon = memchr(text, ':', length);
    if (colon == NULL)
        return read_decimal(text, length, &range->to);
    const char *to = colon + 1;
    size_t to_length = (size_t)(text + length - to);
    if (colon == text + 1 && *text == '~')
        range->from = -HUGE_VAL;
    else if (colon == text ? to_length == 0
                           : !read_decimal(text, (size_t)(colon - text), &range->from))
        return false;
    range->to = HUGE_VAL;
    return to_length == 0 || read_decimal(to, to_length, &range->to);
}

bool range_parse(const char *text, size_t length, struct range *range, char why[RANGE_WHY])
{
    size_t at = length > 0 && *text == '@' ? 1 : 0;
    *range = (struct range){.inside = at == 1};
    if (!read_ends(text + at, length - at, range)) {
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

/* Write the number in as many decimals as it takes to read the same again. */
static void put_exact(char *text, size_t size, double value)
{
    for (int decimals = 0; decimals <= DECIMALS_MAX; decimals++) {
        put_fixed(text, size, value + 0.0, decimals); /* -0 becomes 0 */
        if (strtod(text, NULL) == value)
            break;
    }
}

char *range_write(const struct range *range, char text[RANGE_TEXT])
{
    char from[NUMBER_TEXT] = "~";
    char to[NUMBER_TEXT] = "";
    bool starts_at_0 = range->from <= 0 && range->to >= 0;

    text[0] = '\0';
    if (isfinite(range->from))
        put_exact(from, sizeof from, range->from);
    if (isfinite(range->to))
        put_exact(to, sizeof to, range->to);
    if (!range->inside)
        snprintf(text, RANGE_TEXT, "%s%s%s", starts_at_0 ? "" : from, starts_at_0 ? "" : ":", to);
    return text;
}

bool threshold_parse(const char *text, struct threshold *threshold, char why[RANGE_WHY])
{
    size_t length = strlen(text);
    *threshold = (struct threshold){.text = text};
    threshold->has_loss = length > 0 && text[length - 1] == '%';
    if (threshold->has_loss) {
        const char *comma = strrchr(text, ',');
        const char *loss = comma != NULL ? comma + 1 : text;
        if (!read_decimal(loss, (size_t)(text + length - 1 - loss), &threshold->loss) ||
            threshold->loss < 0 || threshold->loss > 100) {
            snprintf(why, RANGE_WHY, "the loss must be a percentage from 0 to 100, like 20%%");
            return false;
        }
        length = comma != NULL ? (size_t)(comma - text) : 0;
    }
    threshold->has_range = length > 0;
    return !threshold->has_range || range_parse(text, length, &threshold->range, why);
}
