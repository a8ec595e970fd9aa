/* SPDX-License-Identifier: MIT */
/* What sixteen(1) tells of its exchanges, as text; json.h and plugin.h tell it otherwise. */
#ifndef CLIENT_REPORT_H
#define CLIENT_REPORT_H

#include "client/load.h"
#include "client/options.h"
#include "client/probe.h"
#include "client/tally.h"

/* One exchange. */
struct exchange_report {
    const struct client_options *options;
    const struct probe *probe;
    uint64_t sequence; /* from 1 on */
    int64_t resolving; /* nanoseconds that the name took to be resolved; -1: it was not */
};

/* All of them. */
struct summary {
    const struct client_options *options;
    size_t server_count; /* addresses that were asked; 0 where the name has none */
    const struct address *servers;
    const struct tally *tallies;    /* one for each, but one where there is no address */
    const struct tally *total;      /* of them all */
    int64_t elapsed;                /* nanoseconds from the first beginning to the end */
    const struct probe *failure;    /* the first exchange that was not right; NULL: all were */
    const struct load_result *load; /* NULL: they came one at a time */
};

/* Tell of one in the words of the first sixteen program: good news on standard output,
 * failures on standard error with phase, address and reason. */
void report_in_words(const struct exchange_report *report);

/* The same as one line on standard output, which has the names of both ends as the server's
 * log has them. */
void report_in_line(const struct exchange_report *report);

/* Tell on standard error of what went wrong with an exchange. */
void report_failure(const struct exchange_report *report);

/* Tell of all of them on standard output. */
void report_summary(const struct summary *summary);

/* The counts up to now, in a line on standard error. */
void report_counts(const struct tally *tally);

/* "connect to 192.0.2.1:1060 from 192.0.2.9", and the reason if it is not right. */
#define FAILURE_TEXT (3 * ADDRESS_TEXT + sizeof(struct endpoint) + VERDICT_WHY + 200)
char *report_failure_text(const struct exchange_report *report, char text[FAILURE_TEXT]);

#endif
