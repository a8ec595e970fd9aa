/* SPDX-License-Identifier: MIT */
/* Octets from a peer made safe to print: in a log, on a terminal. */
#ifndef COMMON_QUOTE_H
#define COMMON_QUOTE_H

#include <stddef.h>

/* The buffer that `count` quoted octets need at most. */
#define QUOTE_SIZE(count) (4 * (count) + sizeof "''")

/* Write `count` octets into `text` between single quotes, as Python's repr()
 * shows them: printable ASCII as it is, \\ \' \t \n \r by name, every other octet
 * as \xNN. The result is ASCII on one line and ends in NUL; `size` must be at
 * least QUOTE_SIZE(count). Returns `text`. */
char *quote(const void *octets, size_t count, char *text, size_t size);

#endif
