/* SPDX-License-Identifier: MIT */
/* Between log_open() and log_stop() lines are queued, and the log writer alone writes them. The
 * exceptions are at the start and at the stop: the main thread shows a warning of a start on
 * standard error, too, and writes what the log writer cannot: lines before and after it, and the
 * report of lines that it lost. For each of these it waits at most PATIENCE.
 *
 * The thread of the log writer starts in log_start(); the main thread waits for it in log_stop()
 * alone, for a limited time. Where a line goes is decided when it is logged: a line from before a
 * reload goes where the log was.
 *
 * Each line passes its facility to syslog(3): a reload that changed it by openlog(3) would wait
 * for the lock that a hanging syslog(3) holds. Target, facility and threshold are atomic, because
 * the main thread changes them at a reload while other threads read them. If the log writer does
 * not stop in time, it can hang in syslog(3) with that lock held, or in write(2): from then on,
 * lines go where it does not hang. */
#include <config.h>

#include "server/log/log.h"

#include "common/deadline.h"
#include "common/descriptor.h"
#include "common/text.h"
#include "server/log/log_writer.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <paths.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND INT64_C(1000000000)

/* How long a line that is written at once waits for room, in milliseconds: less than what TERM may
 * take. */
#define PATIENCE 200

/* log.to, log.facility and log.level, or --stderr and --verbose. */
static atomic_bool to_syslog;
static atomic_int facility = LOG_DAEMON;
static atomic_int threshold = LOG_INFO;

/* Warnings go to standard error too: from the start until it is over, or its reader hangs. */
static atomic_bool showing = true;

static struct log_writer *writer; /* the main thread sets it while there is no other */
static bool failed;               /* it hung in the end, or could not write */
static uint64_t lost;             /* lines lost before and after it, and by it in the end */

/* The log writer is in syslog(3), and not in write(2) to standard error, if it is in either. */
static atomic_bool in_syslog;

static int priority_of(int severity)
{
    return to_syslog ? facility | severity : LOG_STDERR | severity;
}

/* Returns a socket on which the syslog daemon can take datagrams, or -1 and errno. */
static int connect_to_syslog(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    return close_after_error(fd);
}

/* syslog(3) drops lines silently if no daemon takes them. */
static void look_for_syslog(void)
{
    int fd = connect_to_syslog();
    if (fd >= 0)
        close(fd);
    else if (errno == ECONNREFUSED || errno == ENOENT || errno == EACCES)
        log_errno(LOG_WARNING, "no syslog daemon reads %s; log lines are lost until one does",
                  _PATH_LOG);
}

void log_configure(bool syslog_wanted, int new_facility, int new_threshold)
{
    bool changed = syslog_wanted && !to_syslog;
    if (changed && !showing)
        look_for_syslog(); /* while lines still go where the log was read */
    to_syslog = syslog_wanted;
    facility = new_facility;
    threshold = new_threshold;
    if (changed && showing)
        look_for_syslog();
}

bool log_wants(int severity)
{
    return severity <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

/* Write a line to standard error as a command's own message. */
static bool show(const char *line)
{
    char text[sizeof "sixteend: \n" + LOG_LINE_SIZE];
    int length = snprintf(text, sizeof text, "sixteend: %s\n", line);
    ssize_t written = write_when_ready(STDERR_FILENO, text, (size_t)length, PATIENCE);
    if (written < 0 && errno == ETIMEDOUT)
        showing = false;
    return written == length;
}

/* Call syslog(3), unless it would hang or no syslog daemon takes the line. */
static bool send_to_syslog(int severity, const char *line)
{
    struct pollfd log = {.fd = connect_to_syslog(), .events = POLLOUT};
    if (log.fd < 0)
        return false;
    bool ready = poll(&log, 1, PATIENCE) == 1;
    if (ready)
        syslog(facility | severity, "%s", line);
    close(log.fd);
    return ready;
}

/* What the log writer calls. */
static struct log_result write_line(int priority, const struct timespec *at, const char *line,
                                    size_t length)
{
    in_syslog = (priority & LOG_STDERR) == 0;
    return log_output_line(priority, at, line, length, -1);
}

static struct log_result flush(void)
{
    in_syslog = false;
    return log_output_flush(-1);
}

static void print_loss(char line[LOG_LINE_SIZE], uint64_t lines, const char *why, int error)
{
    snprintf(line, LOG_LINE_SIZE, "%" PRIu64 " log lines were lost: %s", lines, why);
    if (error != 0)
        text_append(line, LOG_LINE_SIZE, ": %s", strerror(error));
}

static struct log_result report(enum log_loss why, uint64_t lines)
{
    char line[LOG_LINE_SIZE];
    struct timespec now;
    if (why == LOG_LOSS_FAILED)
        print_loss(line, lines, "cannot write to standard error", log_output_error());
    else
        print_loss(line, lines, "the log writer could not keep up", 0);
    clock_gettime(CLOCK_REALTIME, &now);
    struct log_result before = write_line(priority_of(LOG_WARNING), &now, line, strlen(line));
    struct log_result after = flush();
    return (struct log_result){before.written + after.written, before.lost + after.lost};
}

int log_open(void)
{
    static const struct log_sink sink = {write_line, flush, report};
    openlog("sixteend", LOG_PID, LOG_DAEMON);
    writer = log_writer_create(&sink);
    if (writer != NULL)
        return 0;
    log_errno(LOG_CRIT, "cannot start the log writer");
    return -1;
}

int log_start(void)
{
    if (log_writer_start(writer) == 0)
        return 0;
    log_errno(LOG_CRIT, "cannot start the log writer");
    return -1;
}

void log_ready(void)
{
    showing = false;
}

uint64_t log_lost(void)
{
    return lost + (writer != NULL ? log_writer_lost(writer) : 0);
}

/* Write a line where the log writer does not hang or fail: on standard error if it is in syslog(3);
 * otherwise through syslog(3), unless that would hang, too. */
static bool write_elsewhere(int severity, const char *line)
{
    return in_syslog ? show(line) : send_to_syslog(severity, line);
}

/* Report lines that were lost at the stop. */
static void report_elsewhere(uint64_t lines, bool stopped)
{
    char line[LOG_LINE_SIZE];
    if (stopped)
        print_loss(line, lines, "cannot write to standard error", log_output_error());
    else
        print_loss(line, lines, "the log accepted no lines before the stop timed out", 0);
    (void)write_elsewhere(LOG_WARNING, line);
}

void log_stop(double seconds)
{
    if (writer == NULL)
        return;
    bool stopped = log_writer_stop(writer, seconds);
    uint64_t unreported = log_writer_unreported(writer);
    failed = !stopped || unreported > 0;
    if (unreported > 0)
        report_elsewhere(unreported, stopped);
    lost += log_writer_lost(writer);
    if (stopped)
        log_writer_destroy(writer); /* otherwise its thread goes on */
    writer = NULL;
}

/* Write a line to standard error, before or after the log writer. Returns how many were lost. */
static uint64_t write_to_stderr(int severity, const char *line)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t before =
        log_output_line(LOG_STDERR | severity, &now, line, strlen(line), PATIENCE).lost;
    return before + log_output_flush(PATIENCE).lost;
}

/* Write a line before or after the log writer. Returns how many were lost. */
static uint64_t write_at_once(int severity, const char *line)
{
    if (failed)
        return !write_elsewhere(severity, line);
    return write_to_stderr(severity, line);
}

static void put(int severity, enum log_subject subject, const char *line)
{
    bool shown = to_syslog && showing && severity <= LOG_WARNING && show(line);
    if (writer != NULL)
        log_writer_put(writer, priority_of(severity), subject, line, strlen(line));
    else if (!shown)
        lost += write_at_once(severity, line);
}

void log_text(int severity, const char *line)
{
    put(severity, LOG_OF_DAEMON, line);
}

void log_connection(int severity, const char *line)
{
    put(severity, LOG_OF_CONNECTION, line);
}

/* Keeps errno. `error` is an errno to append, or 0. */
__attribute__((format(printf, 3, 0))) static void format_line(int severity, int error,
                                                              const char *format, va_list arguments)
{
    char line[LOG_LINE_SIZE];
    int kept = errno;
    if (!log_wants(severity))
        return;
    vsnprintf(line, sizeof line, format, arguments);
    if (error != 0)
        text_append(line, sizeof line, ": %s", strerror(error));
    for (char *at = line; *at != '\0'; at++)
        if (iscntrl((unsigned char)*at))
            *at = ' '; /* of a path, say: a line is one line, and shown as it is */
    put(severity, severity == LOG_DEBUG ? LOG_OF_CONNECTION : LOG_OF_DAEMON, line);
    errno = kept;
}

void log_line(int severity, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_line(severity, 0, format, arguments);
    va_end(arguments);
}

void log_errno(int severity, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_line(severity, errno, format, arguments);
    va_end(arguments);
}

struct warning warning_due(struct warning *warning, bool last_chance, int64_t *wait)
{
    struct warning due = {.count = 0};
    if (warning->count == 0)
        return due;
    int64_t now = clock_nanoseconds();
    int64_t left = warning->last == 0 || last_chance ? 0 : warning->last + NS_PER_SECOND - now;
    if (left > 0) {
        *wait = sooner(*wait, left);
        return due;
    }
    due = *warning;
    warning->last = now;
    warning->count = 0;
    return due;
}
