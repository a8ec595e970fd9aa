/* SPDX-License-Identifier: MIT */
/* Numbers as text: read strictly, and written without printf(3). */
#ifndef COMMON_NUMBER_H
#define COMMON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Write `value` and a NUL at `to`, which needs room for 21 characters. Returns the place of the
 * NUL, as stpcpy(3) does. It saves the processor time of printf(3) in frequent lines. */
char *put_decimal(char *to, unsigned long long value);

/* Read `text`, which must consist of digits and be at most `max`, which is less than ULLONG_MAX. */
bool read_whole(const char *text, unsigned long long max, unsigned long long *number);

/* Read the first `length` characters of `text`, which must be a finite decimal number: "10",
 * "-0.5", "1e3". The character after them must not be part of a number. */
bool read_decimal(const char *text, size_t length, double *number);

/* Write `value` with at most `decimals` decimals, without an exponent or trailing zeros. Returns
 * `text`, which has room for `size` characters. */
char *put_fixed(char *text, size_t size, double value, int decimals);

/* The size of a rate as text. */
#define RATE_TEXT 48

/* Write `rate`, which is not negative, with `decimals` decimals, and with more of them, up to 20,
 * if it would be rounded to 0. Returns `text`. */
char *put_rate(char text[RATE_TEXT], double rate, int decimals);

/* Return the whole number that an environment variable holds, or -1 if it is unset or holds
 * anything else. */
long long environment_number(const char *name);

#endif
