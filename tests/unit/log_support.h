/* SPDX-License-Identifier: MIT */
/* The log, as a test can read it. */
#ifndef UNIT_LOG_SUPPORT_H
#define UNIT_LOG_SUPPORT_H

#include "server/log/log.h"
#include "server/log/stats.h"
#include "support.h"

/* Capture the lines of every severity from now on, or no longer: fixtures of a test case. */
void log_capture(void);
void log_release(void);

/* Return the lines logged since the last call, each with its severity but without its time. */
const char *logged_text(void);

/* Fail unless exactly that was logged. */
#define assert_logged(expected) ck_assert_str_eq(logged_text(), expected)

/* Add every accept error to the statistics: the first one with the count `first`, and each of the
 * others with `step` more than the one before. */
void add_accept_errors(struct stats *stats, uint64_t first, uint64_t step);

#endif
