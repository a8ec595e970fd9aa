/* SPDX-License-Identifier: MIT */
/* The log writer: one thread writes the log, so that no other thread waits for syslog(3), a pipe or
 * a disk. */
#ifndef SERVER_LOG_LOG_WRITER_H
#define SERVER_LOG_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct log_writer;

/* Where the log writer writes. Only its thread calls these. */
struct log_sink {
    /* Write one line that ends in NUL. `at` is the CLOCK_REALTIME at which it was queued. */
    void (*write)(int severity, const struct timespec *at, const char *line, size_t length);
    /* Write out the lines gathered so far, because a pause follows. */
    void (*flush)(void);
};

/* Start the thread. `sink` must outlive it. Returns NULL and errno on failure. */
struct log_writer *log_writer_create(const struct log_sink *sink);

/* Queue a line; count it as lost if the queue is full. Any thread may call this; it never waits
 * for a line to be written. */
void log_writer_put(struct log_writer *writer, int severity, const char *line, size_t length);

/* Return the number of lines lost since the start. */
unsigned long log_writer_lost(struct log_writer *writer);

/* Write what is queued, for at most `seconds`, stop the thread and free everything. Returns false
 * if the time was too short: then thread and memory stay as they are, until the process ends or
 * for another call. NULL is ignored. */
bool log_writer_stop(struct log_writer *writer, double seconds);

#endif
