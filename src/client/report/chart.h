/* SPDX-License-Identifier: MIT */
/* A histogram of how long exchanges took, as text. */
#ifndef CLIENT_REPORT_CHART_H
#define CLIENT_REPORT_CHART_H

#include "client/report/histogram.h"

#include <stdio.h>

/* Print a histogram of nanoseconds in rows whose bounds are round numbers of milliseconds. The last
 * row has all that are slower than 99.9 percent. Print nothing if it is empty. */
void chart_print(FILE *out, const struct histogram *histogram);

#endif
