/* SPDX-License-Identifier: MIT */
/* The log writer: a queue of lines, and one thread that writes them, so that no other thread waits
 * for syslog(3), a pipe or a disk. Every line that is put is written or counted as lost. */
#ifndef SERVER_LOG_LOG_WRITER_H
#define SERVER_LOG_LOG_WRITER_H

#include "server/log/log_output.h"

#include <stdbool.h>

struct log_writer;

enum log_loss {
    LOG_LOSS_SLOW,   /* lines that did not fit into the queue */
    LOG_LOSS_FAILED, /* lines that could not be written */
    LOG_LOSSES
};

/* What a line is about. */
enum log_subject { LOG_OF_DAEMON, LOG_OF_CONNECTION };

/* Where the log writer writes. Its thread calls these; if no thread can be started, the one that
 * calls log_writer_stop() does. */
struct log_sink {
    /* Write or gather one line: log_output_line(). */
    struct log_result (*write)(int priority, const struct timespec *at, const char *line,
                               size_t length);
    /* Write the lines gathered so far, because a pause follows. */
    struct log_result (*flush)(void);
    /* Write a line that reports how many lines were lost and why. */
    struct log_result (*report)(enum log_loss why, uint64_t lines);
};

/* Create the queue. `sink` must outlive it. Returns NULL and errno on failure. */
struct log_writer *log_writer_create(const struct log_sink *sink);

/* Start the thread. Returns 0, or -1 and errno. */
int log_writer_start(struct log_writer *writer);

/* Queue a line; count it as lost if the queue is full. Lines of connections leave an eighth of it
 * to the daemon's own. Any thread may call this; it never waits for a line to be written. */
void log_writer_put(struct log_writer *writer, int priority, enum log_subject subject,
                    const char *line, size_t length);

/* Return the number of lines lost since the start; after the stop, with those that it left, even if
 * its thread goes on and writes them. */
uint64_t log_writer_lost(struct log_writer *writer);

/* Return how many of them are unreported. */
uint64_t log_writer_unreported(struct log_writer *writer);

/* Write what is queued, for at most `seconds`, and end the thread. A thread that was not started
 * is started for that; if that fails, this thread writes, without a limit. Returns false if the
 * time was too short: then the thread goes on until the process ends, or until another call. */
bool log_writer_stop(struct log_writer *writer, double seconds);

/* Free a log writer whose thread was not started, or has ended. */
void log_writer_destroy(struct log_writer *writer);

#endif
