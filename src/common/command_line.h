/* SPDX-License-Identifier: MIT */
/* What both programs say of their command line and of their standard output. */
#ifndef COMMON_COMMAND_LINE_H
#define COMMON_COMMAND_LINE_H

#include "common/text.h"

#include <stdbool.h>

struct option;

/* A command line, and how far it is read. */
struct command_line {
    int argc;
    char **argv;
    int at;         /* the argument in which the last option or operand was */
    bool has_ended; /* what follows "--" are operands */
};

/* Return the next option as getopt_long(3) does, or OPERAND for an operand, which is then `optarg`;
 * or -1 at the end. So options can be anywhere, and their order is kept, whatever the C library
 * makes of them by default. `flags` must start with "-:". */
#define OPERAND 1
int command_line_next(struct command_line *line, const char *flags, const struct option *options);

/* Describe the error in the option for which command_line_next() has just returned `result`, ':' or
 * '?'. Returns `text`. */
char *command_line_error(const struct command_line *line, int result, char text[ERROR_SIZE]);

/* Write a line to standard error, after the name of `program`. Waits at most two seconds for a
 * terminal or a pipe that takes nothing, because the exit status reports the failure, too. Output
 * that an option asks for, such as that of --help, waits for its reader. */
void command_line_complain(const char *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print what --version starts with: the name of `program` and the version, then what was configured
 * and the compiler. */
void command_line_version(const char *program);

/* Keep up to 64 KiB of what is printed to standard output until it is flushed. Otherwise a
 * printf(3) could fail whose errno nobody asks for. Call it before anything is printed. */
void command_line_keep_output(void);

/* Flush standard output. command_line_flush() reports an error. */
void command_line_flush_early(void);

/* Flush standard output. Call it before exit(3), so that a full disk does not look like an empty
 * answer. Returns 0; or -1 if something could not be written, with the reason on standard error
 * after the name of `program`. */
int command_line_flush(const char *program);

#endif
