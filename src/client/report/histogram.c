/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/histogram.h"

#include <assert.h>
#include <math.h>

#define PART_BITS 6 /* of HISTOGRAM_PARTS */
_Static_assert(1 << PART_BITS == HISTOGRAM_PARTS, "PART_BITS are those of HISTOGRAM_PARTS");

/* Values below HISTOGRAM_PARTS have a bucket each. Above, the leading bit chooses a row of
 * HISTOGRAM_PARTS buckets and the next PART_BITS bits the bucket in it. */
static size_t index_of(uint64_t value)
{
    if (value < HISTOGRAM_PARTS)
        return (size_t)value;
    unsigned int shift = 63 - (unsigned int)__builtin_clzll(value) - PART_BITS;
    return (size_t)shift * HISTOGRAM_PARTS + (size_t)(value >> shift);
}

uint64_t histogram_bound(size_t index)
{
    assert(index < HISTOGRAM_BUCKETS);
    if (index < HISTOGRAM_PARTS)
        return index;
    size_t shift = index / HISTOGRAM_PARTS - 1;
    uint64_t top = HISTOGRAM_PARTS + index % HISTOGRAM_PARTS;
    return ((top + 1) << shift) - 1;
}

void histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t times)
{
    histogram->total += times;
    if (value > histogram->most)
        histogram->most = value;
    histogram->counts[index_of(value)] += times;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram_add_many(histogram, value, 1);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    into->total += from->total;
    if (from->most > into->most)
        into->most = from->most;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
}

#define WHOLE 10000 /* percentiles have at most two decimals */

/* In whole numbers: a product with a fraction like 99.9 can be rounded up to the next rank. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    uint64_t share = (uint64_t)lround(percent * WHOLE / 100);
    uint64_t rank =
        histogram->total / WHOLE * share + (histogram->total % WHOLE * share + WHOLE - 1) / WHOLE;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && seen >= rank) {
            uint64_t bound = histogram_bound(i);
            return bound < histogram->most ? bound : histogram->most;
        }
    }
    return histogram->most;
}
