/* SPDX-License-Identifier: MIT */
/* Until the log writer starts, the main thread writes each line at once. From then on only the log
 * writer calls syslog(3), or write(2) for the log; it gathers lines for standard error, so that
 * one write(2) takes many.
 *
 * Each line passes its facility to syslog(3): a reload that changed it by openlog(3) would wait
 * for the lock that a hanging syslog(3) holds. Target, facility and threshold are atomic, because
 * the main thread changes them at a reload while other threads read them. If the log writer does
 * not stop in time, it may hang in syslog(3) with that lock held, so nothing is logged any more. */
#include <config.h>

#include "server/log/log.h"

#include "common/deadline.h"
#include "common/number.h"
#include "common/text.h"
#include "server/log/log_writer.h"

#include <ctype.h>
#include <errno.h>
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

/* log.to, log.facility and log.level, or --stderr and --verbose. */
static atomic_int target; /* TO_TERMINAL until the first log_configure() */
static atomic_int facility = LOG_DAEMON;
static atomic_int threshold = LOG_INFO;
enum { TO_TERMINAL, TO_STDERR, TO_SYSLOG };

/* The main thread's, until it starts the log writer. */
static bool starting = true; /* warnings go to standard error too */
static struct log_writer *writer;

/* syslog(3) drops lines silently if no daemon takes them. */
static void look_for_syslog(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
        errno != EPROTOTYPE) /* a stream socket, which syslog(3) accepts too */
        log_errno(LOG_WARNING, "no syslog daemon reads %s; log lines are lost until one does",
                  _PATH_LOG);
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

bool log_wants(int severity)
{
    return severity <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static const char *const severity_names[] = {
    [LOG_CRIT] = "crit",     [LOG_ERR] = "err",   [LOG_WARNING] = "warning",
    [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

#define STAMP_SIZE 64

/* Write the time, in UTC as RFC 3339 has it, and the severity. Returns the end. */
static char *print_stamp(int severity, const struct timespec *at, char *stamp)
{
    static time_t second = -1;
    static char printed[sizeof "2026-11-24T09:15:02"]; /* shared by all lines of one second */
    if (at->tv_sec != second) {
        struct tm tm;
        second = at->tv_sec;
        gmtime_r(&second, &tm);
        strftime(printed, sizeof printed, "%Y-%m-%dT%H:%M:%S", &tm);
    }
    char *to = stpcpy(stamp, printed);
    put_decimal(to, 1000 + (unsigned)(at->tv_nsec / 1000000)); /* three digits after a 1 … */
    *to = '.';                                                 /* … that becomes the point */
    to = stpcpy(to + strlen(".000"), "Z ");
    to = stpcpy(to, severity_names[severity]);
    return stpcpy(to, " ");
}

/* Lines for standard error that are not written yet. Owned by the thread that writes the log. */
static char gathered[65536];
static size_t gathered_length;

static void flush_stderr(void)
{
    const char *from = gathered;
    while (gathered_length > 0) {
        ssize_t written = write(STDERR_FILENO, from, gathered_length);
        if (written >= 0) {
            from += written;
            gathered_length -= (size_t)written;
        } else if (errno == EAGAIN) { /* another process made it non-blocking */
            (void)poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            gathered_length = 0; /* there is no other place to report it */
        }
    }
}

static void write_stderr(int severity, const struct timespec *at, const char *line, size_t length)
{
    if (sizeof gathered - gathered_length < STAMP_SIZE + LOG_LINE_SIZE)
        flush_stderr();
    char *to = gathered + gathered_length;
    to = target == TO_STDERR ? print_stamp(severity, at, to) : stpcpy(to, "sixteend: ");
    to = mempcpy(to, line, length);
    *to++ = '\n';
    gathered_length = (size_t)(to - gathered);
}

static void write_out(int severity, const struct timespec *at, const char *line, size_t length)
{
    bool to_syslog = target == TO_SYSLOG;
    if (to_syslog)
        syslog(facility | severity, "%s", line);
    if (!to_syslog || (starting && severity <= LOG_WARNING))
        write_stderr(severity, at, line, length);
}

int log_start(void)
{
    static const struct log_sink sink = {write_out, flush_stderr};
    starting = false;
    writer = log_writer_create(&sink);
    if (writer != NULL)
        return 0;
    starting = true;
    log_errno(LOG_CRIT, "cannot start the log writer");
    return -1;
}

unsigned long log_lost(void)
{
    return writer != NULL ? log_writer_lost(writer) : 0;
}

void log_stop(double seconds)
{
    if (!log_writer_stop(writer, seconds))
        threshold = -1;
    else
        writer = NULL;
}

void log_text(int severity, const char *line)
{
    size_t length = strlen(line);
    struct timespec now;
    if (writer != NULL) {
        log_writer_put(writer, severity, line, length);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    write_out(severity, &now, line, length);
    flush_stderr();
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
    log_text(severity, line);
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

bool warning_due(struct warning *warning, bool last_chance, unsigned long *count, int64_t *wait)
{
    if (warning->count == 0)
        return false;
    int64_t now = clock_nanoseconds();
    int64_t left = warning->last == 0 || last_chance ? 0 : warning->last + NS_PER_SECOND - now;
    if (left > 0) {
        *wait = sooner(*wait, left);
        return false;
    }
    *count = warning->count;
    *warning = (struct warning){.last = now};
    return true;
}
