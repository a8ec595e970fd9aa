/* SPDX-License-Identifier: MIT */
/* The report as a file that Prometheus reads, by way of its node exporter's textfile
 * collector. */
#ifndef SERVER_LOG_PROMETHEUS_H
#define SERVER_LOG_PROMETHEUS_H

#include "server/log/report.h"

/* The report in Prometheus's text format, for `path`, which is absolute. Returns a document
 * for prometheus_write() that malloc(3) made, or NULL. */
void *prometheus_format(const struct report *report, const char *path);

/* Write the document: into a file beside its path, PATH.new, which then takes the place of
 * the old one. Says once in the log if that fails, and once when it works again. Frees the
 * document. The scribe's thread only. */
void prometheus_write(void *document);

#endif
