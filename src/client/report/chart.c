/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/chart.h"

#include <inttypes.h>
#include <math.h>

#define WIDTH 50
#define ROWS_MAX 128 /* from a nanosecond to centuries */

/* Return the upper bound of row number `row`. Each power of ten has six; each is about 1.5 times
 * the one before. */
static double bound_of(int row)
{
    static const double steps[] = {1, 1.5, 2, 3, 5, 7};
    int decade = row / 6;
    return steps[row % 6] * pow(10, decade);
}

static int row_of(uint64_t nanoseconds)
{
    int row = 0;
    while (row < ROWS_MAX - 1 && (double)nanoseconds > bound_of(row))
        row++;
    return row;
}

static void put_row(FILE *out, const char *sign, int bound, uint64_t count, uint64_t most,
                    uint64_t total)
{
    int length = (int)ceil((double)count * WIDTH / (double)most);
    fprintf(out, "%s %9g ms |%-*.*s| %6.2f%%\n", sign, bound_of(bound) / 1e6, WIDTH, length,
            "##################################################",
            100.0 * (double)count / (double)total);
}

void chart_print(FILE *out, const struct histogram *histogram)
{
    uint64_t counts[ROWS_MAX] = {0};
    uint64_t most = 1;
    int first = ROWS_MAX;
    int tail = row_of(histogram_percentile(histogram, 99.9)) + 1;

    if (histogram->total == 0)
        return;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->counts[i] == 0)
            continue;
        uint64_t bound = histogram_bound(i);
        int row = row_of(bound < histogram->most ? bound : histogram->most);
        if (row > tail)
            row = tail;
        counts[row] += histogram->counts[i];
        if (row < first)
            first = row;
        if (counts[row] > most)
            most = counts[row];
    }
    for (int row = first; row < tail; row++)
        put_row(out, "<=", row, counts[row], most, histogram->total);
    if (counts[tail] > 0)
        put_row(out, " >", tail - 1, counts[tail], most, histogram->total);
}
