/* SPDX-License-Identifier: MIT */
/* Warnings of what may happen thousands of times a second: each is written at most once a
 * second, with the number of times since. */
#ifndef SERVER_LOG_WARNING_H
#define SERVER_LOG_WARNING_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: it never happened. */
struct warning {
    int64_t last;        /* when it was written last: clock_nanoseconds() */
    unsigned long count; /* how often it happened since then */
};

/* It happened. */
void warning_count(struct warning *warning);

/* Whether it is to be written now: it happened, and was not written for a second. If so,
 * `*count` is how often it happened since it was written last. If not, `*wait`, in
 * nanoseconds, is lowered to when it will have to be; which may be NEVER. */
bool warning_due(struct warning *warning, unsigned long *count, int64_t *wait);

#endif
