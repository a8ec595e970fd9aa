/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/log/metrics_writer.h"

#include "server/log/log.h"
#include "server/log/prometheus.h"

#include <errno.h>
#include <stdlib.h>

/* The main thread does not read /proc: that takes long while very many descriptors are open. */
static char *format(void *stats)
{
    struct process_stats process;
    process_stats_read(&process);
    return prometheus_format(stats, &process);
}

static void report(const char *path, int error)
{
    errno = error;
    if (error == 0)
        log_line(LOG_NOTICE, "metrics.file: %s is written again", path);
    else if (error == REPLACE_FOREIGN)
        log_line(LOG_WARNING,
                 "metrics.file: %s exists and is not a metrics file of sixteend; it is not "
                 "replaced: remove it, or name another file",
                 path);
    else if (error == FILE_WRITER_HANGS)
        log_line(LOG_WARNING, "metrics.file: cannot write %s: its disk does not answer", path);
    else if (error == EROFS)
        log_line(LOG_WARNING,
                 "metrics.file: cannot write %s: the file system is read-only; under systemd, use "
                 "/run/sixteend, or name the directory in ReadWritePaths= of a drop-in",
                 path);
    else
        log_errno(LOG_WARNING, "metrics.file: cannot write %s", path);
}

struct file_writer *metrics_writer_create(void)
{
    static const struct file_kind kind = {"# HELP sixteend_", format, report};
    return file_writer_create(&kind);
}

void metrics_writer_put(struct file_writer *writer, const char *path, const struct stats *stats)
{
    struct stats *copy = malloc(sizeof *copy);
    if (copy != NULL)
        *copy = *stats;
    file_writer_put(writer, path, copy);
}
