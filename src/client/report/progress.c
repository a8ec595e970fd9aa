/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/progress.h"

#include "common/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"
#define WIDTH_DEFAULT 80

struct progress progress_of(const struct client_options *options)
{
    const char *terminal = getenv("TERM");
    bool can_clear = terminal != NULL && strcmp(terminal, "dumb") != 0;
    return (struct progress){.options = options,
                             .is_shown = options->mode == CLIENT_LOAD && !options->quiet &&
                                         options->format == FORMAT_TEXT && can_clear &&
                                         isatty(STDERR_FILENO) == 1};
}

/* Return the seconds until the load will end; infinity if that is not known. */
static double seconds_left(const struct client_options *options, uint64_t done, double rate,
                           double elapsed)
{
    double end = HUGE_VAL;
    if (options->duration > 0)
        end = options->duration;
    if (options->deadline > 0)
        end = fmin(end, options->deadline);
    if (options->count > done && rate > 0)
        end = fmin(end, elapsed + (double)(options->count - done) / rate);
    return fmax(end - elapsed, 0);
}

static int width_of_terminal(void)
{
    struct winsize size;
    bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return is_known ? size.ws_col : WIDTH_DEFAULT;
}

void progress_show(struct progress *progress, uint64_t done, uint64_t failed, int64_t elapsed,
                   bool stays)
{
    double seconds = (double)elapsed / 1e9;
    double since = (double)(elapsed - progress->elapsed) / 1e9;
    double rate = since > 0 ? (double)(done - progress->done) / since : 0;
    double left = seconds_left(progress->options, done, rate, seconds);

    char text[200];
    snprintf(text, sizeof text, "%.0f s: %" PRIu64 " done, %.0f/s, %" PRIu64 " errors", seconds,
             done, rate, failed);
    if (isfinite(left))
        text_append(text, sizeof text, ", %.0f s left", left);
    /* A longer line would wrap, and only its last row could be cleared. */
    if (progress->is_shown)
        fprintf(stderr, CLEAR_LINE "%.*s", width_of_terminal() - 1, text);
    else
        fputs(text, stderr);
    fputs(stays ? "\n" : "", stderr);
    progress->done = done;
    progress->elapsed = elapsed;
}

void progress_clear(const struct progress *progress)
{
    if (progress->is_shown)
        fputs(CLEAR_LINE, stderr);
}
