/* SPDX-License-Identifier: MIT */
/* The log, as a test can read it. */
#ifndef UNIT_LOG_SUPPORT_H
#define UNIT_LOG_SUPPORT_H

#include "server/log/log.h"
#include "support.h"

/* Gather the lines of every level from now on, and no longer: fixtures of a test case. */
void log_capture(void);
void log_release(void);

/* What was logged since the last look: lines with their level, without their time. */
const char *logged_text(void);

/* Fails unless that is what was logged. */
#define assert_logged(expected) ck_assert_str_eq(logged_text(), expected)

#endif
