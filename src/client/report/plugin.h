/* SPDX-License-Identifier: MIT */
/* The report as a monitoring plugin gives it: the Monitoring Plugins Development Guidelines. */
#ifndef CLIENT_REPORT_PLUGIN_H
#define CLIENT_REPORT_PLUGIN_H

#include "client/report/report.h"

/* What a plugin exits with. */
enum plugin_status { PLUGIN_OK, PLUGIN_WARNING, PLUGIN_CRITICAL, PLUGIN_UNKNOWN };

/* Print the status line with its performance data, on standard output. Returns the status. */
enum plugin_status plugin_summary(const struct summary *summary);

/* Print that nothing is known, and why. Returns PLUGIN_UNKNOWN. */
enum plugin_status plugin_unknown(const char *why);

#endif
