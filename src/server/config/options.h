/* SPDX-License-Identifier: MIT */
/* sixteend's command line, and the settings that result from it: the defaults, over them the
 * configuration file, over that the command line. */
#ifndef SERVER_CONFIG_OPTIONS_H
#define SERVER_CONFIG_OPTIONS_H

#include "server/config/config_file.h"

enum mode { MODE_RUN, MODE_TEST, MODE_SHOW, MODE_HELP, MODE_VERSION };

enum run_in { RUN_DEFAULT, RUN_FOREGROUND, RUN_BACKGROUND };

struct options {
    int mode;              /* enum mode */
    int run_in;            /* enum run_in */
    char config[PATH_MAX]; /* the file to read, absolute; empty for none */
    struct endpoints listen;
    char pid_file[PATH_MAX]; /* absolute, or empty */
    int ready_fd;            /* to write to when the daemon is ready, or 0 */
    bool to_stderr;
    bool verbose;
};

/* Parse the command line. The default file is remembered if it exists, as if an option named it: if
 * it is gone at a reload, that is an error, and does not mean the defaults. Returns 0; or -1 for a
 * usage error, with one line in `message`, which is "" otherwise. */
int options_parse(struct options *options, int argc, char *argv[], char message[ERROR_SIZE]);

/* Print the text of --help. */
void options_help(FILE *out);

/* Print the text of --version. */
void options_version(void);

/* Create the settings. `running` are those of a running daemon, whose fixed keys stay, or NULL.
 * Returns EX_OK with the settings in `*loaded` and a warning for the log, or "", in `message`.
 * Otherwise returns EX_CONFIG, EX_USAGE or EX_OSERR with one line in `message`. */
int options_load(const struct options *options, const struct settings *running,
                 struct settings **loaded, char message[ERROR_SIZE]);

/* Return the name of the file that is read, or "the built-in defaults". */
const char *options_file_name(const struct options *options);

#endif
