/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

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

int command_line_flush(const char *program)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "%s: cannot write to standard output%s%s\n", program, errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    return -1;
}
