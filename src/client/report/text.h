/* SPDX-License-Identifier: MIT */
/* Reports as text. */
#ifndef CLIENT_REPORT_TEXT_H
#define CLIENT_REPORT_TEXT_H

#include "client/report/report.h"

/* Report one exchange in the words of the teaching program on standard output, and a failure on
 * standard error with phase, address and reason. */
void report_in_words(const struct record *record);

/* Report one exchange on one line of standard output, which has both ends as the server's log has
 * them. */
void report_in_line(const struct record *record);

/* Begin a line on standard error with the name of the program and, if it was asked for, the time of
 * day at an instant of clock_nanoseconds(). */
void report_begin(const struct client_options *options, int64_t instant);

/* Report on standard error why an exchange failed. */
void report_failure(const struct record *record);

/* Print the summary on standard output. */
void report_summary(const struct summary *summary);

/* Print the counts so far on one line of standard error. */
void report_counts(const struct client_options *options, const struct tally *tally);

/* Write "connect to 192.0.2.1:1060 from 192.0.2.9: " and the reason. Returns `text`. */
#define FAILURE_TEXT (3 * ADDRESS_TEXT + sizeof(struct endpoint) + VERDICT_WHY + 200)
char *report_failure_text(const struct record *record, char text[FAILURE_TEXT]);

#endif
