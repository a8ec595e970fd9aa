/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/log/log.h"

#include "common/number.h"
#include "server/log/log_writer.h"

#include <errno.h>
#include <paths.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1024
_Static_assert(CONNECTION_LINE <= LINE_SIZE, "a connection's line is no longer than others");

/* Set by the main thread; a reload sets them while others read. */
enum { TO_TERMINAL, TO_STDERR, TO_SYSLOG };
static atomic_int target = TO_TERMINAL;
static atomic_int facility = LOG_DAEMON;
static atomic_int threshold = LOG_INFO;

/* Set by the main thread before there is another. */
static bool terminal;
static struct log_writer *log_writer;
static struct log_writer_output output;

/* syslog(3) drops lines without a word when nobody takes them. */
static void look_for_syslog(void)
{
    const struct sockaddr_un syslog_address = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)&syslog_address, sizeof syslog_address) != 0 &&
        errno != EPROTOTYPE) /* a stream socket, which syslog(3) takes too */
        log_errno(LOG_WARNING, "log lines are lost until a syslog daemon reads %s", _PATH_LOG);
    close(fd);
}

void log_configure(bool to_syslog, int new_facility, int new_threshold)
{
    int before = target;
    if (before == TO_TERMINAL)
        openlog("sixteend", LOG_PID, LOG_DAEMON);
    target = to_syslog ? TO_SYSLOG : TO_STDERR;
    facility = new_facility;
    threshold = new_threshold;
    if (to_syslog && before != TO_SYSLOG)
        look_for_syslog();
}

void log_to_terminal(void)
{
    terminal = true;
}

bool log_wants(int level)
{
    return level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

int log_syslog_priority(int level)
{
    return target == TO_SYSLOG ? facility | level : -1;
}

static const char *level_name(int level)
{
    switch (level) {
    case LOG_CRIT: return "crit";
    case LOG_ERR: return "err";
    case LOG_WARNING: return "warning";
    case LOG_NOTICE: return "notice";
    case LOG_INFO: return "info";
    default: return "debug";
    }
}

/* RFC 3339, in UTC, and the level. Returns the length. */
static size_t print_stamp(int level, const struct timespec *at, char *stamp)
{
    static time_t second = -1;
    static char printed[sizeof "2026-11-24T09:15:02"]; /* lines of one second share it */
    if (at->tv_sec != second) {
        struct tm tm;
        second = at->tv_sec;
        gmtime_r(&second, &tm);
        strftime(printed, sizeof printed, "%Y-%m-%dT%H:%M:%S", &tm);
    }
    char *to = stpcpy(stamp, printed);
    put_decimal(to, 1000 + (unsigned)(at->tv_nsec / 1000000)); /* three digits behind the 1 … */
    *to = '.';                                                 /* … which becomes the point */
    to = stpcpy(to + strlen(".000"), "Z ");
    to = stpcpy(to, level_name(level));
    return (size_t)(stpcpy(to, " ") - stamp);
}

/* What goes to standard error, gathered to few calls of write(2). Whoever writes the lines
 * has it: the main thread until there is a log_writer, then the log_writer. */
static char captured[65536];
static size_t gathered_length;

static void flush_stderr(void)
{
    const char *from = captured;
    while (gathered_length > 0) {
        ssize_t written = write(STDERR_FILENO, from, gathered_length);
        if (written < 0 && errno == EAGAIN) /* whoever shares it made it non-blocking */
            (void)poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
        else if (written < 0 && errno != EINTR)
            break; /* nobody is left who could be told */
        if (written > 0) {
            from += written;
            gathered_length -= (size_t)written;
        }
    }
    gathered_length = 0;
}

static void gather(const char *text, size_t length)
{
    memcpy(captured + gathered_length, text, length);
    gathered_length += length;
}

static void write_stderr(int level, const struct timespec *at, const char *line, size_t length)
{
    char stamp[64];
    if (sizeof captured - gathered_length < sizeof stamp + LINE_SIZE)
        flush_stderr();
    if (target == TO_STDERR) {
        size_t used = print_stamp(level, at, stamp);
        gather(stamp, used);
    } else {
        gather("sixteend: ", strlen("sixteend: "));
    }
    gather(line, length);
    gather("\n", 1);
}

static void write_out(int level, const struct timespec *at, const char *line, size_t length)
{
    int priority = log_syslog_priority(level);
    if (priority >= 0)
        syslog(priority, "%s", line);
    if (priority < 0 || (terminal && level <= LOG_WARNING))
        write_stderr(level, at, line, length);
}

/* Once there is a log_writer, only it writes. */
static void put_line(int level, const char *line, size_t length)
{
    if (log_writer != NULL) {
        log_writer_put(log_writer, level, line, length);
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    write_out(level, &now, line, length);
    flush_stderr();
}

int log_start(void (*publish)(void *document))
{
    output = (struct log_writer_output){write_out, flush_stderr, publish};
    bool kept = terminal;
    terminal = false;
    log_writer = log_writer_create(&output);
    if (log_writer != NULL)
        return 0;
    terminal = kept;
    log_errno(LOG_CRIT, "cannot start the thread that writes the log");
    return -1;
}

void log_metrics(void *document)
{
    if (log_writer != NULL)
        log_writer_put_metrics(log_writer, document);
    else
        free(document);
}

unsigned long log_lost(void)
{
    return log_writer != NULL ? log_writer_lost(log_writer) : 0;
}

void log_stop(double seconds)
{
    if (!log_writer_stop(log_writer, seconds))
        threshold = -1; /* the log_writer hangs, in syslog(3) with its lock held */
    else
        log_writer = NULL;
}

__attribute__((format(printf, 3, 0))) static void write_line(int level, int error,
                                                             const char *format, va_list arguments)
{
    char line[LINE_SIZE];

    if (!log_wants(level))
        return;
    vsnprintf(line, sizeof line, format, arguments);
    size_t used = strlen(line);
    if (error != 0)
        snprintf(line + used, sizeof line - used, ": %s", strerror(error));
    put_line(level, line, strlen(line));
}

void log_line(int level, const char *format, ...)
{
    int kept = errno;
    va_list arguments;
    va_start(arguments, format);
    write_line(level, 0, format, arguments);
    va_end(arguments);
    errno = kept;
}

void log_errno(int level, const char *format, ...)
{
    int kept = errno;
    va_list arguments;
    va_start(arguments, format);
    write_line(level, kept, format, arguments);
    va_end(arguments);
    errno = kept;
}

void log_connection(const struct connection *connection)
{
    char line[CONNECTION_LINE];
    int level = outcome_level(connection->outcome);
    if (log_wants(level)) {
        connection_format(connection, line);
        put_line(level, line, strlen(line));
    }
}
