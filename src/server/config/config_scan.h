/* SPDX-License-Identifier: MIT */
/* Find in the configuration's text what libconfig 1.5 misreads silently, before libconfig parses
 * it. */
#ifndef SERVER_CONFIG_CONFIG_SCAN_H
#define SERVER_CONFIG_CONFIG_SCAN_H

#include <stddef.h>

/* Scan `text` of `length` octets. Returns what is wrong, with the line, counted from 1, in `*line`,
 * and what to do in `*advice`. Returns NULL if nothing is; then `*line` is where the innermost
 * setting begins that the end of the text leaves unfinished, or otherwise the last line. */
const char *config_scan(const char *text, size_t length, unsigned *line, const char **advice);

#endif
