/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "log_support.h"
#include "server/connection/acceptor.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int captured = -1;
static int stderr_copy;

void log_capture(void)
{
    captured = memfd_create("log", MFD_CLOEXEC);
    stderr_copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    need(captured >= 0 && stderr_copy >= 0 && dup2(captured, STDERR_FILENO) >= 0, "standard error");
    log_configure(false, LOG_DAEMON, LOG_DEBUG);
}

void log_release(void)
{
    log_configure(false, LOG_DAEMON, LOG_INFO);
    dup2(stderr_copy, STDERR_FILENO);
    close(stderr_copy);
    close(captured);
}

const char *logged_text(void)
{
    static char text[65536];
    ssize_t length = pread(captured, text, sizeof text - 1, 0);
    need(length >= 0 && ftruncate(captured, 0) == 0 && lseek(captured, 0, SEEK_SET) == 0,
         "the log");
    text[length] = '\0';
    char *to = text;
    for (const char *line = text; *line != '\0';) {
        line += strcspn(line, " ");
        line += *line == ' ';
        size_t rest = strcspn(line, "\n");
        rest += line[rest] == '\n';
        memmove(to, line, rest);
        to += rest;
        line += rest;
    }
    *to = '\0';
    return text;
}

void add_accept_errors(struct stats *stats, uint64_t first, uint64_t step)
{
    static struct stats named;
    struct monitor monitor;
    struct acceptors acceptors;
    need(monitor_init(&monitor) == 0, "a monitor");
    acceptors = (struct acceptors){.monitor = &monitor};
    named.accept_errors = 0;
    acceptors_count_errors(&acceptors, &named);
    for (size_t i = 0; i < named.accept_errors; i++)
        stats_add_accept_error(stats, named.accept_error[i].name, first + i * step);
    monitor_destroy(&monitor);
}
