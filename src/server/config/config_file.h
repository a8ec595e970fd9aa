/* SPDX-License-Identifier: MIT */
/* The configuration file: libconfig's syntax, and the keys of the table in settings.c. */
#ifndef SERVER_CONFIG_CONFIG_FILE_H
#define SERVER_CONFIG_CONFIG_FILE_H

#include "server/config/settings.h"

/* Read the file `path` over the values in `settings`. Returns true; or false with one line in
 * `message` that names the file, the line, the key and a valid value. Then `settings` hold some of
 * the file's values and must be dropped. */
bool config_file_read(const char *path, struct settings *settings, char message[ERROR_SIZE]);

/* Parse a text in memory in the same way: `length` octets of whole lines, and a NUL. `path` is only
 * named in messages. */
bool config_file_parse(const char *path, const char *text, size_t length, struct settings *settings,
                       char message[ERROR_SIZE]);

/* Find out whether this process, as it is now, can open the file. Returns 0, or -1 and errno. */
int config_file_check_readable(const char *path);

#endif
