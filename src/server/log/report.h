/* SPDX-License-Identifier: MIT */
/* All that the daemon knows of itself at one moment: what it counted, what it holds, and
 * what is queued. */
#ifndef SERVER_LOG_REPORT_H
#define SERVER_LOG_REPORT_H

#include "server/connection/loop.h"
#include "server/log/stats.h"

struct report {
    int64_t started; /* seconds since 1970 */
    struct stats stats;
    struct gauges gauges;
    size_t lingering;
    unsigned long lines_lost;
    size_t listeners;
    struct listener_report {
        char address[ADDRESS_TEXT];
        unsigned queued; /* connections that wait to be accepted … */
        unsigned most;   /* … and how many may */
    } listener[LISTENERS_MAX];
};

/* Gather it. `started` is when the daemon came up. */
void report_gather(struct report *report, int64_t started, struct loop *loop,
                   const struct listeners *listeners);

/* Write it to the log, at LOG_NOTICE: sixteend(8), SIGNALS. */
void report_log(const struct report *report);

/* The line that a service manager shows. Returns `text`, cut to `size`. */
char *report_status(const struct report *report, char *text, size_t size);

#endif
