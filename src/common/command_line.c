/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/command_line.h"

#include "common/descriptor.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long a complaint waits for room, in milliseconds. */
#define PATIENCE 2000

int command_line_next(struct command_line *line, const char *flags, const struct option *options)
{
    line->at = optind > 0 ? optind : 1; /* 0: it is the first call */
    if (!line->has_ended) {
        int flag = getopt_long(line->argc, line->argv, flags, options, NULL);
        if (flag != -1)
            return flag;
        line->has_ended = optind > line->at; /* not at "-", where some C libraries end, too */
    }
    if (optind >= line->argc)
        return -1;
    optarg = line->argv[optind++];
    return OPERAND;
}

char *command_line_error(const struct command_line *line, int result, char text[ERROR_SIZE])
{
    const char *word = line->argv[line->at];
    const char letter[] = {'-', (char)optopt, '\0'};
    bool is_long = strncmp(word, "--", 2) == 0;
    if (result == ':')
        snprintf(text, ERROR_SIZE, "option requires an argument: %s", is_long ? word : letter);
    else if (is_long)
        snprintf(text, ERROR_SIZE, "unknown or ambiguous option, or one that takes no argument: %s",
                 word);
    else
        snprintf(text, ERROR_SIZE, "unknown option %s", letter);
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

void command_line_version(const char *program)
{
#ifdef __clang__
    static const char compiler[] = __VERSION__;
#else
    static const char compiler[] = "gcc " __VERSION__;
#endif
    printf("%s " PACKAGE_VERSION "\n"
           "configured: " CONFIGURED "\n"
           "compiler: %s\n",
           program, compiler);
}

void command_line_keep_output(void)
{
    static char room[65536];
    (void)setvbuf(stdout, room, _IOFBF, sizeof room);
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
