/* SPDX-License-Identifier: MIT */
/* The log: syslog(3) or standard error, one line an event.
 *
 * Levels by what they cost:
 *   LOG_CRIT     the daemon
 *   LOG_ERR      something of ours failed: a connection, an accept
 *   LOG_WARNING  a limit is reached, or something asked for is left out
 *   LOG_NOTICE   nothing: the daemon's own life
 *   LOG_INFO     nothing: one connection, and what its peer did
 *   LOG_DEBUG    nothing: every step, in the words of the first sixteen program
 */
#ifndef SERVER_LOG_LOG_H
#define SERVER_LOG_LOG_H

#include "server/connection/connection.h"

#include <stdbool.h>
#include <syslog.h>

/* Set where lines go, the facility for syslog(3), and the lowest severity that is logged. Before
 * the first call, lines go to standard error after the program's name. Warns if lines go to
 * syslog(3) from now on and no syslog daemon is there. The main thread only. */
void log_configure(bool to_syslog, int facility, int threshold);

/* Whoever started us still waits: until log_start(), lines of LOG_WARNING and above that
 * go to syslog are told on standard error too. */
void log_to_terminal(void);

/* From now on a thread of its own does the writing, so that no line is waited for:
 * scribe.h. Only the caller may have written lines before. `publish` is what it does with a
 * document. Returns 0; or -1 with the reason logged. */
int log_start(void (*publish)(void *document));

/* Hand a document from malloc(3) to that thread: log_writer_publish(). */
void log_metrics(void *document);

/* How many lines were lost because they came faster than they could be written. */
unsigned long log_lost(void);

/* Write what is still to be written, for at most `seconds`, and end that thread. Lines that
 * come later are written at once, but not if that time was not enough: then nothing is
 * logged any more. */
void log_stop(double seconds);

/* What syslog(3) takes as the priority of a line of this level; or -1 where the log goes
 * to standard error. A signal handler may ask. */
int log_syslog_priority(int level);

/* Whether a line of `level` would be written. */
bool log_wants(int level);

/* Write one line. Peer octets in it must have been through quote(). Keeps errno. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with ": " and the text of errno behind it. */
void log_errno(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Write the connection's line, at the level of its outcome. */
void log_connection(const struct connection *connection);

#endif
