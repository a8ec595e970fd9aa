/* SPDX-License-Identifier: MIT */
/* Thresholds, in the syntax of the monitoring plugins' development guidelines. */
#ifndef CLIENT_OPTIONS_RANGE_H
#define CLIENT_OPTIONS_RANGE_H

#include <stdbool.h>
#include <stddef.h>

/* Both ends belong to it, and may be infinite. */
struct range {
    double from, to;
    bool inside; /* alert for what is inside, not for what is outside */
};

/* Room for what is wrong with a text. */
#define RANGE_WHY 100

/* Read the first `length` characters: "10" or ":10" (0 to 10), "10:" (10 or more), "~:10" (10 or
 * less), "10:20", or one of these after an "@", which makes it alert inside. Numbers are decimal
 * and finite. Returns true; or false and what is wrong, in words that fit after the text and a
 * colon, in `why`. */
bool range_parse(const char *text, size_t length, struct range *range, char why[RANGE_WHY]);

/* Whether `value` is one to alert for. */
bool range_alerts(const struct range *range, double value);

/* Write the range, of values that are never negative, as a threshold of performance data. Where
 * one number says it, that is the form, because Icinga 2 reads no other. The text is empty for a
 * range that never alerts, and for one that alerts inside: Perl's Monitoring::Plugin would not read
 * what follows an "@". Returns `text`. */
#define RANGE_TEXT 800
char *range_write(const struct range *range, char text[RANGE_TEXT]);

/* What --warn or --crit says. */
struct threshold {
    const char *text; /* as it was given; NULL: none was */
    bool has_range;
    struct range range; /* of the time in seconds */
    bool has_loss;
    double loss; /* in percent: this much or more is one to alert for, but not no loss */
};

/* Read a range, a loss as "20%", or both as "0.5,20%". An empty range or text is none. Returns as
 * range_parse() does. */
bool threshold_parse(const char *text, struct threshold *threshold, char why[RANGE_WHY]);

#endif
