/* SPDX-License-Identifier: MIT */
/* What both programs say of their command line and of their standard output. */
#ifndef COMMON_COMMAND_LINE_H
#define COMMON_COMMAND_LINE_H

#include "common/text.h"

/* Describe the error in the option that getopt_long(3) has just reported by returning `result`,
 * ':' or '?'. `flags` are the program's short options. Returns `text`. */
char *command_line_error(int result, const char *flags, char *const argv[], char text[ERROR_SIZE]);

/* Write a line to standard error, after the name of `program`. Waits at most two seconds for a
 * terminal or a pipe that takes nothing, because the exit status reports the failure, too. Output
 * that an option asks for, such as that of --help, waits for its reader. */
void command_line_complain(const char *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Flush standard output. command_line_flush() reports an error. */
void command_line_flush_early(void);

/* Flush standard output. Call it before exit(3), so that a full disk does not look like an empty
 * answer. Returns 0; or -1 if something could not be written, with the reason on standard error
 * after the name of `program`. */
int command_line_flush(const char *program);

#endif
