/* SPDX-License-Identifier: MIT */
/* A look at the configuration's text before libconfig parses it, for what
 * libconfig 1.5 reads wrong without a word: integers beyond 32 bits lose their
 * upper half, \x00 vanishes from strings, @include follows the working directory
 * and can make its scanner call exit(3), a NUL octet ends the text, and the memory of a
 * string that is no value is lost. */
#ifndef SERVER_CONFIG_CONFIG_SCAN_H
#define SERVER_CONFIG_CONFIG_SCAN_H

#include <stddef.h>

/* Returns NULL if `text` of `length` octets holds none of these, and no escape that
 * libconfig would leave as it is; otherwise what it found, with the line, from 1, in
 * `*line`, and in `*advice` what to do about it. */
const char *config_scan(const char *text, size_t length, unsigned *line, const char **advice);

#endif
