/* SPDX-License-Identifier: MIT */
/* The metrics file: the statistics in Prometheus's text format, for the textfile collector of its
 * node exporter. The main thread formats it every metrics.interval, and the log writer writes it.
 */
#ifndef SERVER_LOG_PROMETHEUS_H
#define SERVER_LOG_PROMETHEUS_H

#include "server/log/stats.h"

/* Format the statistics for the file `path`, which is absolute. Returns a text from malloc(3) for
 * prometheus_write(), or NULL and errno. */
char *prometheus_format(const struct stats *stats, const char *path);

/* Write the text to its file: to PATH.new first, which then replaces PATH. Logs the first failure,
 * and the first success after one. Frees the text. The log writer's thread only. */
void prometheus_write(char *text);

#endif
