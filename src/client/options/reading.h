/* SPDX-License-Identifier: MIT */
/* What the two command lines have in common: options.c reads that of sixteen, and check_options.c
 * that of check_sixteen. Only they include this. */
#ifndef CLIENT_OPTIONS_READING_H
#define CLIENT_OPTIONS_READING_H

#include "client/options/options.h"
#include "common/command_line.h"

/* Options without a letter. */
enum {
    OPTION_MESSAGE = 256,
    OPTION_EXPECT,
    OPTION_ALL,
    OPTION_PROXY,
    OPTION_MISBEHAVE,
    OPTION_JSON,
    OPTION_PLUGIN,
    OPTION_WARN,
    OPTION_CRIT,
    OPTION_RATE,
    OPTION_DURATION,
    OPTION_RESOLVE,
    OPTION_TARGETS,
    OPTION_REPORT,
    OPTION_CONNECT,
    OPTION_METRICS,
    OPTION_PATH
};

/* What is being read, and where to say what is wrong with it. */
struct reading {
    const char *program;
    struct client_options *options;
    struct command_line *line;
    char *why;
};

/* Say what is wrong. Returns -1. */
__attribute__((format(printf, 2, 3))) int wrong(const struct reading *reading, const char *format,
                                                ...);

/* Fill in the defaults. */
void client_options_begin(struct client_options *options);

/* Take one of sixteen's options, with its argument in `optarg`. Returns 0, or -1 and says what is
 * wrong. */
int client_options_take(const struct reading *reading, int flag);

/* The same for arguments that the two command lines name differently. */
int set_seconds(const struct reading *reading, const char *name, double *seconds);
int set_whole(const struct reading *reading, const char *name, uint64_t most, uint64_t *number);
int set_threshold(const struct reading *reading, const char *name, struct threshold *threshold);

/* Take the operands, if nothing was wrong up to now (`status` is 0); then check that the options
 * agree, and derive the rest from them. Returns 0, or -1 and says what is wrong. */
int client_options_end(const struct reading *reading, int status, char *const operands[],
                       int count);

#endif
