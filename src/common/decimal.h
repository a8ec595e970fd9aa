/* SPDX-License-Identifier: MIT */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

/* Write `value` and a NUL at `to`, as stpcpy(3) writes text: returns the place of the NUL.
 * Room for 21 characters is enough. For lines that are written so often that printf(3)
 * would show in the processor time of a conversation. */
char *put_decimal(char *to, unsigned long long value);

#endif
