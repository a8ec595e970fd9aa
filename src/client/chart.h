/* SPDX-License-Identifier: MIT */
/* A small drawing of how long exchanges took. */
#ifndef CLIENT_CHART_H
#define CLIENT_CHART_H

#include "client/histogram.h"

#include <stdio.h>

/* Draw the nanoseconds that are counted, in rows whose bounds are round numbers of milliseconds;
 * the last has all that are slower than 99.9 percent. Nothing where nothing was counted. */
void chart_print(FILE *out, const struct histogram *histogram);

#endif
