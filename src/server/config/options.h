/* SPDX-License-Identifier: MIT */
/* sixteend's command line: sixteend(8). */
#ifndef SERVER_CONFIG_OPTIONS_H
#define SERVER_CONFIG_OPTIONS_H

#include "server/config/settings.h"

enum mode { MODE_RUN, MODE_TEST, MODE_SHOW, MODE_HELP, MODE_VERSION };

struct options {
    enum mode mode;
    char config[PATH_MAX]; /* the file to read, absolute; "": none was named */
    enum { RUN_DEFAULT, RUN_FOREGROUND, RUN_BACKGROUND } place;
    const char *listen[SETTINGS_LISTEN_MAX];
    size_t listen_count;
    char pid_file[PATH_MAX]; /* absolute, or "" */
    bool to_stderr;
    bool verbose;
};

/* Read the command line. Returns 0; or -1 for a usage error, with one line about it
 * on standard error. */
int options_parse(struct options *options, int argc, char *argv[]);

/* Let what the command line said win over what the settings hold, but for --stderr, which
 * depends on the rest. Returns 0, or -1 with one line in `why` about an address that is none. */
int options_apply(const struct options *options, struct settings *settings, char why[SETTING_WHY]);

/* The same for --stderr, and settings_resolve(): where the log goes, once it stands whether
 * the daemon is in the background. Returns 0, or -1 with one line in `why` when both together
 * make no sense. */
int options_apply_log(const struct options *options, struct settings *settings,
                      char why[SETTING_WHY]);

/* Print the text of --help. */
void options_help(FILE *out);

#endif
