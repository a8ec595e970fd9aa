/* SPDX-License-Identifier: MIT */
/* The log: syslog(3) or standard error, one line for each event.
 *
 * The severity of a line says what the event costs:
 *   LOG_CRIT     the daemon
 *   LOG_ERR      a connection, a listener or a reload, because something failed on our side
 *   LOG_WARNING  a limit was reached, or something that was asked for is left out
 *   LOG_NOTICE   nothing: the daemon started, reloaded, stopped; or a peer did something wrong
 *   LOG_INFO     nothing: a connection whose peer got the reply
 *   LOG_DEBUG    nothing: every step, in the words of the first sixteen program
 */
#ifndef SERVER_LOG_LOG_H
#define SERVER_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

/* The size of a buffer for one line. Longer lines are cut. */
#define LOG_LINE_SIZE 2048

/* Set where lines go, the facility for syslog(3), and the lowest severity that is logged. Before
 * the first call, lines go to standard error. Warns on standard error if lines go to syslog(3) from
 * now on and no syslog daemon is there. The main thread only. */
void log_configure(bool to_syslog, int facility, int threshold);

/* Queue lines from now on, so that no thread waits for the log: log_writer.h. Before, and
 * after log_stop(), a line is written at once, or counted as lost. Until log_ready(), lines of
 * LOG_WARNING and above that go to syslog(3) go to standard error, too, after the program's name,
 * because the command that starts the daemon has not returned yet. No other thread may have logged.
 * Returns 0, or -1 with the reason logged. */
int log_open(void);

/* Start the thread that writes the lines. Returns 0, or -1 with the reason logged. */
int log_start(void);

/* The start is over. */
void log_ready(void);

/* Return the number of lines lost, for whatever reason. */
uint64_t log_lost(void);

/* Write the queued lines, for at most `seconds`, and stop the log writer; count those that are left
 * as lost. If lost lines are unreported, report them elsewhere: on standard error, or through
 * syslog(3). After that, or if the time was too short, later lines go there, too. */
void log_stop(double seconds);

/* Whether a line of this severity would be written. */
bool log_wants(int severity);

/* Write one line. Octets from a peer must have been through quote(). Keeps errno. */
void log_line(int severity, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Write one line that ends with ": " and the text of errno. Keeps errno. */
void log_errno(int severity, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Write a line that is already formatted, shorter than LOG_LINE_SIZE and without a newline,
 * whatever the threshold is. If too many wait, lines of connections, to which those of LOG_DEBUG
 * belong, are lost before the daemon's own. */
void log_text(int severity, const char *line);
void log_connection(int severity, const char *line);

/* A warning of something that can happen thousands of times a second: it is written at most once a
 * second, with the number of times. All zero: it never happened. Each time, increment `count`. */
struct warning {
    int64_t last;        /* when it was written last: clock_nanoseconds() */
    unsigned long count; /* how often it happened since then */
    int error;           /* errno of the last time, if it has one */
};

/* If the warning must be written now, because it happened and was not written for a second, or this
 * is the `last_chance`, return its count and error, and begin to count again. Otherwise return a
 * count of 0, and lower `*wait`, in nanoseconds, to the time until it must be. */
struct warning warning_due(struct warning *warning, bool last_chance, int64_t *wait);

#endif
