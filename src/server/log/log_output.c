/* SPDX-License-Identifier: MIT */
/* Lines for standard error are gathered, so that one write(2) takes many. It takes PIPE_BUF octets
 * at most: that is what a pipe has room for once poll(2) says that it can be written, so the thread
 * waits in poll(2) and not in write(2), and it is known which lines are out.
 *
 * If a write fails, the lines that wait are lost, but for the rest of a line of which the start is
 * out. That rest stays, and is written before anything else once there is room again: after a full
 * disk, the next line does not continue half a line. */
#include <config.h>

#include "server/log/log_output.h"

#include "common/descriptor.h"
#include "common/number.h"
#include "server/log/log.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Room for the time, the severity, the spaces after them, and the newline. */
#define STAMP_SIZE 64

static char gathered[PIPE_BUF];
static size_t gathered_length;
static bool cut; /* `gathered` begins with the rest of a line */
static int last_error;

static const char *const severity_names[] = {
    [LOG_CRIT] = "crit",     [LOG_ERR] = "err",   [LOG_WARNING] = "warning",
    [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

/* Write the time, in UTC as RFC 3339 has it, and the severity. Returns the end. */
static char *print_stamp(int severity, const struct timespec *at, char *stamp)
{
    static time_t second;
    static char printed[sizeof "2026-11-24T09:15:02"]; /* shared by all lines of one second */
    if (at->tv_sec != second || printed[0] == '\0') {
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

static uint64_t count_lines(const char *from, const char *end)
{
    uint64_t lines = 0;
    while ((from = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        lines++;
        from++;
    }
    return lines;
}

/* Forget what is gathered, except for the rest of a line. Returns how many lines that were. */
static uint64_t drop(void)
{
    const char *end = gathered + gathered_length;
    const char *kept = cut ? (char *)memchr(gathered, '\n', gathered_length) + 1 : gathered;
    uint64_t lost = count_lines(kept, end);
    gathered_length = (size_t)(kept - gathered);
    return lost;
}

struct log_result log_output_flush(int milliseconds)
{
    struct log_result result = {0, 0};
    while (gathered_length > 0) {
        ssize_t written = write_when_ready(STDERR_FILENO, gathered, gathered_length, milliseconds);
        if (written <= 0) {
            last_error = errno;
            result.lost = drop();
            break;
        }
        const char *rest = gathered + written;
        result.written += count_lines(gathered, rest);
        cut = rest[-1] != '\n';
        gathered_length -= (size_t)written;
        memmove(gathered, rest, gathered_length);
    }
    return result;
}

static bool has_room(size_t length)
{
    return sizeof gathered - gathered_length >= STAMP_SIZE + length;
}

static struct log_result gather(int severity, const struct timespec *at, const char *line,
                                size_t length, int milliseconds)
{
    struct log_result result = {0, 0};
    if (!has_room(length))
        result = log_output_flush(milliseconds);
    if (!has_room(length)) { /* the rest of a line takes it */
        result.lost++;
        return result;
    }
    char *to = print_stamp(severity, at, gathered + gathered_length);
    to = mempcpy(to, line, length);
    *to++ = '\n';
    gathered_length = (size_t)(to - gathered);
    return result;
}

struct log_result log_output_line(int priority, const struct timespec *at, const char *line,
                                  size_t length, int milliseconds)
{
    if ((priority & LOG_STDERR) != 0)
        return gather(LOG_PRI(priority), at, line, length, milliseconds);
    syslog(priority, "%s", line);
    return (struct log_result){.written = 1};
}

int log_output_error(void)
{
    return last_error;
}
