/* SPDX-License-Identifier: MIT */
/* Where log lines leave the daemon: syslog(3) or standard error. One thread at a time. */
#ifndef SERVER_LOG_LOG_OUTPUT_H
#define SERVER_LOG_LOG_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* A priority that means standard error: this, and the severity. Any other is one of syslog(3). */
#define LOG_STDERR (1 << 16)

/* How many lines were written, and how many could not be written, of those that were passed so far
 * and are in no earlier result. A line that is gathered, or cut, is in neither number yet. */
struct log_result {
    uint64_t written;
    uint64_t lost;
};

/* Write a line shorter than LOG_LINE_SIZE that ends in NUL and has no newline; gather it if it is
 * for standard error. `at` is its time on CLOCK_REALTIME. Lines that were gathered before and leave
 * no room for it are written first, as by log_output_flush(). */
struct log_result log_output_line(int priority, const struct timespec *at, const char *line,
                                  size_t length, int milliseconds);

/* Write the gathered lines. Waits at most `milliseconds` for room, and gives up then; without a
 * limit if -1. */
struct log_result log_output_flush(int milliseconds);

/* Return the errno of the last line that could not be written. */
int log_output_error(void);

#endif
