/* SPDX-License-Identifier: MIT */
/* The metrics writer: one thread writes the metrics file and logs its failures. file_writer_stop()
 * ends it. */
#ifndef SERVER_LOG_METRICS_WRITER_H
#define SERVER_LOG_METRICS_WRITER_H

#include "common/file_writer.h"
#include "server/log/stats.h"

/* Start the thread. Returns NULL and errno on failure. */
struct file_writer *metrics_writer_create(void);

/* Write a copy of the statistics to the file `path`, which is absolute, as file_writer_put() does.
 */
void metrics_writer_put(struct file_writer *writer, const char *path, const struct stats *stats);

#endif
