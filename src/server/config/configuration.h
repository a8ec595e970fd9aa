/* SPDX-License-Identifier: MIT */
/* Everything that says how the daemon is to be: the built-in defaults, over them the file,
 * over that the command line. */
#ifndef SERVER_CONFIG_CONFIGURATION_H
#define SERVER_CONFIG_CONFIGURATION_H

#include "server/config/config_file.h"
#include "server/config/options.h"

/* Put them together. What a running daemon can't change stays what `running` says, with a
 * warning in the log; NULL: none runs. Returns EX_OK; or EX_CONFIG or EX_USAGE with one line
 * in `complaint`, and then `settings` hold nothing of use. */
int options_load(const struct options *options, const struct settings *running,
                 struct settings *settings, char complaint[SETTINGS_COMPLAINT]);

/* Have the file that was read now be the one to read later, even where nobody named it: if it
 * is gone by then, that is no wish for the built-in defaults. */
void options_remember_file(struct options *options);

/* What was read: the name of the file, or "the built-in configuration". */
const char *options_file_name(const struct options *options);

#endif
