/* SPDX-License-Identifier: MIT */
/* One thread does all slow writing, so that no other ever waits for a log or a disk: whoever
 * has a line puts it in a queue. What finds no room there is counted, and the count is
 * written when there is room again. A document, such as a file of statistics, has a place
 * beside the queue, where a newer one replaces it. */
#ifndef SERVER_LOG_LOG_WRITER_H
#define SERVER_LOG_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct log_writer;

/* What the scribe's thread does with the lines. */
struct log_writer_output {
    /* Write one line. `at` is when it was put: CLOCK_REALTIME. `line` ends in NUL. */
    void (*write)(int level, const struct timespec *at, const char *line, size_t length);
    /* Write out what was gathered: the next line comes after a pause. */
    void (*flush)(void);
    /* Publish a document and free it. */
    void (*publish)(void *document);
};

/* Start the thread. `output` is to last as long as the scribe. Returns NULL and errno on
 * failure. */
struct log_writer *log_writer_create(const struct log_writer_output *output);

/* Queue a line; any thread may call it, and never waits for a line to be written. */
void log_writer_put(struct log_writer *log_writer, int level, const char *line, size_t length);

/* Have a document from malloc(3) published, and no more the one before it if that still
 * waits: it is freed. Any thread may call it, and never waits. */
void log_writer_put_metrics(struct log_writer *log_writer, void *document);

/* How many lines found no room, from the start on. */
unsigned long log_writer_lost(struct log_writer *log_writer);

/* Write what is queued, for at most `seconds`, end the thread and free everything. Returns
 * false if that time was not enough: then the thread and its memory are left as they are,
 * for the end of the process or another call. NULL is nothing. */
bool log_writer_stop(struct log_writer *log_writer, double seconds);

#endif
