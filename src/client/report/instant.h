/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_REPORT_INSTANT_H
#define CLIENT_REPORT_INSTANT_H

#include <stdint.h>

/* Room for a year of up to six digits. */
#define INSTANT_TEXT sizeof "123456-11-30T12:34:56.123456Z"

/* Write an instant of wall_nanoseconds(), in UTC and microseconds: RFC 3339. Returns `text`. */
char *instant_format(int64_t instant, char text[INSTANT_TEXT]);

#endif
