/* SPDX-License-Identifier: MIT */
/* The configuration file: libconfig's syntax, our table's keys. */
#ifndef SERVER_CONFIG_CONFIG_FILE_H
#define SERVER_CONFIG_CONFIG_FILE_H

#include "server/config/settings.h"

/* Room for "FILE:LINE: KEY must be …, not …". */
#define SETTINGS_COMPLAINT (PATH_MAX + SETTING_WHY + 256)

/* Read the file `path` over the values that `settings` has. Returns true, or
 * false with one line in `complaint` that names the file, the line, the key and
 * what would be right; `settings` is then as it was. */
bool config_file_read(const char *path, struct settings *settings,
                      char complaint[SETTINGS_COMPLAINT]);

/* The same for text that lies in memory, `length` octets of whole lines and a NUL;
 * `path` is only named in complaints. */
bool config_file_parse(const char *path, const char *text, size_t length, struct settings *settings,
                       char complaint[SETTINGS_COMPLAINT]);

#endif
