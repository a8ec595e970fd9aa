/* SPDX-License-Identifier: MIT */
/* Text for logs, terminals and messages. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <limits.h>
#include <stddef.h>

/* The size of a buffer for an error message, which can hold a path. */
#define ERROR_SIZE (PATH_MAX + 1024)

/* The buffer size that `count` quoted octets need at most. */
#define QUOTE_SIZE(count) (6 * (count) + sizeof "\"\"")

/* Quote `count` octets for a field that programs read, as a JSON string (RFC 8259), which readers
 * of logfmt take too: between double quotes, printable ASCII as it is except \" and \\, and every
 * other octet as \u00NN, the character of its number. The result is ASCII on one line and ends in
 * NUL; `size` must be at least QUOTE_SIZE(count). Returns `text`. */
char *quote(const void *octets, size_t count, char *text, size_t size);

/* The same for a sentence that people read, as Python's repr() quotes: between single quotes, with
 * \\ \' \t \n \r, and every other octet as \xNN, which sixteen(1) and sixteen.conf(5) take. */
char *quote_repr(const void *octets, size_t count, char *text, size_t size);

/* Quote the first `length` octets of a text like quote_repr(), but at most QUOTE_CUT; "..." marks a
 * cut. Returns `quoted`. */
#define QUOTE_CUT 60
#define QUOTE_CUT_SIZE (QUOTE_SIZE(QUOTE_CUT) + sizeof "...")
char *quote_cut(const char *text, size_t length, char quoted[QUOTE_CUT_SIZE]);

/* Append a formatted text to `text`, which has room for `size` characters and is cut to it. */
void text_append(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
