/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/log.h"

#include <errno.h>
#include <paths.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1024

/* Set by the main thread before there is another. */
static enum log_target target = LOG_TO_DEFAULT;
static int threshold = LOG_INFO;
static bool terminal;

/* syslog(3) drops lines without a word when nobody takes them. */
static void look_for_syslog(void)
{
    const struct sockaddr_un socket_of_syslog = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)&socket_of_syslog, sizeof socket_of_syslog) != 0 &&
        errno != EPROTOTYPE) /* a stream socket, which syslog(3) takes too */
        log_errno(LOG_WARNING, "log lines are lost until a syslog daemon reads %s", _PATH_LOG);
    close(fd);
}

void log_open(const struct settings *settings)
{
    target = (enum log_target)settings->log.to;
    threshold = settings->log.level;
    if (target == LOG_TO_SYSLOG) {
        openlog("sixteend", LOG_PID, settings->log.facility);
        look_for_syslog();
    }
}

void log_to_terminal(bool also)
{
    terminal = also;
}

bool log_wants(int level)
{
    return level <= threshold;
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

/* RFC 3339, in UTC, and the level. */
static int print_stamp(int level, char *text, size_t size)
{
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t used = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
    return (int)used + snprintf(text + used, size - used, ".%03ldZ %s ", now.tv_nsec / 1000000,
                                level_name(level));
}

/* One write(2) a line, so that lines of several threads never mix. */
static void write_stderr(const char *line, int length)
{
    while (write(STDERR_FILENO, line, (size_t)length) < 0 && errno == EINTR)
        continue;
}

__attribute__((format(printf, 3, 0))) static void write_line(int level, int error,
                                                             const char *format, va_list arguments)
{
    char text[LINE_SIZE];
    char line[LINE_SIZE + 64];

    if (!log_wants(level))
        return;
    vsnprintf(text, sizeof text, format, arguments);
    size_t used = strlen(text);
    if (error != 0)
        snprintf(text + used, sizeof text - used, ": %s", strerror(error));
    if (target == LOG_TO_SYSLOG)
        syslog(level, "%s", text);
    if (target == LOG_TO_STDERR) {
        int stamp = print_stamp(level, line, sizeof line);
        int length = snprintf(line + stamp, sizeof line - (size_t)stamp, "%s\n", text);
        write_stderr(line, stamp + length);
    } else if (target == LOG_TO_DEFAULT || (terminal && level <= LOG_WARNING)) {
        write_stderr(line, snprintf(line, sizeof line, "sixteend: %s\n", text));
    }
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

void log_conversation(const struct conversation *conversation)
{
    char line[CONVERSATION_LINE];
    int level = outcome_level(conversation->outcome);
    if (log_wants(level))
        log_line(level, "%s", conversation_format(conversation, line));
}
