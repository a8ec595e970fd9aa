/* SPDX-License-Identifier: MIT */
/* A repeated run writes its file when it begins, so that a mistake in the path is reported at once
 * and every counter is seen to start from 0. Results are written within a second, and the file at
 * least once an interval, so that its age shows that the run goes on. The results of a
 * load are written only at its end, because its threads do not share them while it runs. */
#include <config.h>

#include "client/metrics.h"

#include "client/report/prometheus.h"
#include "common/command_line.h"
#include "common/deadline.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000000)
#define PATIENCE 2 /* seconds for the disk, at the end */

/* Whether the last write failed. Protected by the lock of the writer, and read after its end. */
static bool is_failing;

static const char *hint_for(int error)
{
    bool is_directory =
        error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM || error == EROFS;
    return is_directory ? "; it needs a directory in which this user can create files" : "";
}

static void report(const char *path, int error)
{
    is_failing = error != 0;
    if (error == 0)
        command_line_complain("sixteen", "--metrics: %s is written again", path);
    else if (error == REPLACE_FOREIGN)
        command_line_complain("sixteen",
                              "--metrics: %s exists and is not a metrics file of sixteen; it is "
                              "not replaced: remove it, or name another file",
                              path);
    else if (error == FILE_WRITER_HANGS)
        command_line_complain("sixteen", "--metrics: cannot write %s: its disk does not answer",
                              path);
    else
        command_line_complain("sixteen", "--metrics: cannot write %s: %s%s", path, strerror(error),
                              hint_for(error));
}

static char *format(void *text)
{
    return text;
}

int metrics_open(struct metrics *metrics, struct results *results)
{
    static const struct file_kind kind = {"# HELP sixteen_", format, report};
    const struct client_options *options = results->options;

    *metrics = (struct metrics){.file = options->metrics, .results = results, .period = NEVER};
    if (metrics->file == NULL)
        return 0;
    metrics->started = time(NULL);
    if (options->mode == CLIENT_REPEATED)
        metrics->period = deadline_after(0, fmax(options->interval, 1)).at;
    metrics->written = -metrics->period;
    metrics->writer = file_writer_create(&kind);
    if (metrics->writer != NULL)
        return 0;
    command_line_complain("sixteen", "--metrics: cannot start the thread that writes the file: %s",
                          strerror(errno));
    return -1;
}

/* Write the results. If they are not up to date, memory is short, and the writer reports that. */
static void put(struct metrics *metrics, bool is_up_to_date)
{
    const struct results *results = metrics->results;
    char *text = is_up_to_date ? prometheus_targets(results->by_target, results->targets->count,
                                                    metrics->started)
                               : NULL;
    file_writer_put(metrics->writer, metrics->file, text);
}

int64_t metrics_turn(struct metrics *metrics, int64_t now)
{
    const struct results *results = metrics->results;

    if (metrics->period == NEVER)
        return NEVER;
    int64_t due = metrics->written + (results->ended == metrics->ended ? metrics->period : SECOND);
    if (now < due)
        return due;
    metrics->written = now;
    metrics->ended = results->ended;
    put(metrics, results_by_target(metrics->results) == 0);
    return now + metrics->period;
}

void metrics_put(struct metrics *metrics)
{
    if (metrics->file != NULL)
        put(metrics, true);
}

bool metrics_close(struct metrics *metrics)
{
    return file_writer_stop(metrics->writer, PATIENCE) && !is_failing;
}
