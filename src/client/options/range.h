/* SPDX-License-Identifier: MIT */
/* Thresholds, in the syntax of the monitoring plugins' development guidelines. */
#ifndef CLIENT_OPTIONS_RANGE_H
#define CLIENT_OPTIONS_RANGE_H

#include <stdbool.h>

/* Both ends belong to it, and may be infinite. */
struct range {
    double from, to;
    bool inside; /* alert for what is inside, not for what is outside */
};

/* Room for what is wrong with a text. */
#define RANGE_WHY 100

/* Read "10" (0 to 10), "10:" (10 or more), "~:10" (10 or less), "10:20", or one of these behind an
 * "@", which makes it alert inside. Numbers are decimal and finite. Returns true; or false and what
 * is wrong, in words that fit behind the text and a colon, in `why`. */
bool range_parse(const char *text, struct range *range, char why[RANGE_WHY]);

/* Whether `value` is one to alert for. */
bool range_alerts(const struct range *range, double value);

#endif
