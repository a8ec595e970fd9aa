/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/command_line.h"

#include "common/descriptor.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long a complaint waits for room, in milliseconds. */
#define PATIENCE 2000

char *command_line_error(int result, const char *flags, char *const argv[], char text[ERROR_SIZE])
{
    const char *last = argv[optind - 1];
    if (result == ':')
        snprintf(text, ERROR_SIZE, "option requires an argument: %s", last);
    /* A letter that is a known flag stands for its long option, which was given an argument. */
    else if (optopt == 0 || optopt > UCHAR_MAX || (optopt != ':' && strchr(flags, optopt) != NULL))
        snprintf(text, ERROR_SIZE, "unknown or ambiguous option, or one that takes no argument: %s",
                 last);
    else
        snprintf(text, ERROR_SIZE, "unknown option -%c", optopt);
    return text;
}

void command_line_complain(const char *program, const char *format, ...)
{
    char text[ERROR_SIZE + 64]; /* with the name of the program */
    va_list arguments;
    size_t used = (size_t)snprintf(text, sizeof text, "%s: ", program);
    va_start(arguments, format);
    vsnprintf(text + used, sizeof text - used, format, arguments);
    va_end(arguments);
    used = strnlen(text, sizeof text - 2);
    memcpy(text + used, "\n", sizeof "\n");
    (void)write_text_when_ready(STDERR_FILENO, text, PATIENCE);
}

static int early_error;

void command_line_flush_early(void)
{
    if (fflush(stdout) != 0 && early_error == 0)
        early_error = errno;
}

int command_line_flush(const char *program)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (early_error != 0)
        errno = early_error;
    command_line_complain(program, "cannot write to standard output%s%s", errno != 0 ? ": " : "",
                          errno != 0 ? strerror(errno) : "");
    return -1;
}
