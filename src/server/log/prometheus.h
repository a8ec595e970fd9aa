/* SPDX-License-Identifier: MIT */
/* The statistics in Prometheus's text format, for the textfile collector of its node exporter. */
#ifndef SERVER_LOG_PROMETHEUS_H
#define SERVER_LOG_PROMETHEUS_H

#include "server/log/process_stats.h"
#include "server/log/stats.h"

/* Format the statistics, without what is not known about the process. Returns a text from
 * malloc(3), or NULL and errno. */
char *prometheus_format(const struct stats *stats, const struct process_stats *process);

#endif
