/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/progress.h"

#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

struct progress progress_of(const struct client_options *options)
{
    return (struct progress){.options = options,
                             .is_shown = options->mode == CLIENT_LOAD && !options->quiet &&
                                         options->format == FORMAT_TEXT &&
                                         isatty(STDERR_FILENO) == 1};
}

/* Seconds until the load will end; infinity where that is not known. */
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

void progress_show(struct progress *progress, struct load_progress load, int64_t elapsed,
                   bool stays)
{
    double seconds = (double)elapsed / 1e9;
    double since = (double)(elapsed - progress->elapsed) / 1e9;
    double rate = since > 0 ? (double)(load.done - progress->done) / since : 0;
    double left = seconds_left(progress->options, load.done, rate, seconds);

    fprintf(stderr, "%s%.0f s: %" PRIu64 " done, %.0f/s, %" PRIu64 " errors",
            progress->is_shown ? CLEAR_LINE : "", seconds, load.done, rate, load.errors);
    if (isfinite(left))
        fprintf(stderr, ", %.0f s left", left);
    fputs(stays ? "\n" : "", stderr);
    progress->done = load.done;
    progress->elapsed = elapsed;
}

void progress_clear(const struct progress *progress)
{
    if (progress->is_shown)
        fputs(CLEAR_LINE, stderr);
}
