/* SPDX-License-Identifier: MIT */
/* The results in Prometheus's text format, for the textfile collector of its node exporter:
 * sixteen(1), METRICS. */
#ifndef CLIENT_REPORT_PROMETHEUS_H
#define CLIENT_REPORT_PROMETHEUS_H

#include "client/report/report.h"

/* Format the results of `count` targets in a run that began at `started`, in seconds since 1970.
 * Returns a text from malloc(3), or NULL and errno. */
char *prometheus_targets(const struct target_summary *targets, size_t count, int64_t started);

#endif
