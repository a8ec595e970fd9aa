/* SPDX-License-Identifier: MIT */
/* The metrics writer: one thread writes the metrics file, so that no other thread, and no log line,
 * waits for a disk that hangs. */
#ifndef SERVER_LOG_METRICS_WRITER_H
#define SERVER_LOG_METRICS_WRITER_H

#include "server/log/stats.h"

#include <stdbool.h>

struct metrics_writer;

/* Start the thread. Returns NULL and errno on failure. */
struct metrics_writer *metrics_writer_create(void);

/* Write the statistics to the file `path`, which is absolute, instead of older ones that were not
 * begun yet. The first failure is logged, and the first success after one; so is a write that
 * hangs, when newer statistics come. Never waits for a disk. */
void metrics_writer_put(struct metrics_writer *writer, const char *path, const struct stats *stats);

/* Write what was put, for at most `seconds`, stop the thread and free everything. Returns false if
 * the time was too short, which is logged: then thread and memory stay as they are until the
 * process ends, and the thread logs nothing any more. NULL is ignored. */
bool metrics_writer_stop(struct metrics_writer *writer, double seconds);

#endif
