/* SPDX-License-Identifier: MIT */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* Write `value` and a NUL at `to`, as stpcpy(3) writes text: returns the place of the NUL.
 * Room for 21 characters is enough. For lines that are written so often that printf(3)
 * would show in the processor time of a conversation. */
char *put_decimal(char *to, unsigned long long value);

/* Read the first `length` characters of `text`, which are to be a finite decimal number and nothing
 * else: "10", "-0.5", "1e3". Behind them is the end of the text or what no number has. */
bool read_decimal(const char *text, size_t length, double *number);

#endif
