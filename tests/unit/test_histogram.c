/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/histogram.h"
#include "support.h"

#include <string.h>

static struct histogram histogram;

static void start_empty(void)
{
    memset(&histogram, 0, sizeof histogram);
}

START_TEST(an_empty_one_has_no_percentiles)
{
    ck_assert_uint_eq(histogram_percentile(&histogram, 50), 0);
    ck_assert_uint_eq(histogram_percentile(&histogram, 100), 0);
}
END_TEST

START_TEST(small_values_are_kept_exactly)
{
    for (uint64_t value = 1; value <= 100; value++)
        histogram_add(&histogram, value);
    ck_assert_uint_eq(histogram.total, 100);
    ck_assert_uint_eq(histogram_percentile(&histogram, 0), 1);
    ck_assert_uint_eq(histogram_percentile(&histogram, 0.1), 1);
    ck_assert_uint_eq(histogram_percentile(&histogram, 50), 50);
    ck_assert_uint_eq(histogram_percentile(&histogram, 50.1), 51);
    ck_assert_uint_eq(histogram_percentile(&histogram, 100), 100);
}
END_TEST

START_TEST(a_rank_is_exact)
{
    const uint64_t shares[] = {10, 5000, 9000, 9900, 9990, 9999};
    for (size_t i = 0; i < COUNT(shares); i++)
        for (uint64_t total = 1; total <= 2000; total++) {
            uint64_t rank = (total * shares[i] + 9999) / 10000;
            histogram.total = total;
            histogram.most = 3;
            histogram.counts[1] = rank - 1;
            histogram.counts[2] = 1;
            histogram.counts[3] = total - rank;
            ck_assert_uint_eq(histogram_percentile(&histogram, (double)shares[i] / 100), 2);
        }
}
END_TEST

START_TEST(a_bucket_is_hardly_wider_than_its_values)
{
    for (uint64_t value = 1; value < UINT64_MAX / 3; value += value / 5 + 1) {
        start_empty();
        histogram_add(&histogram, value);
        histogram_add(&histogram, UINT64_MAX); /* or `most` would hide the bound */
        uint64_t found = histogram_percentile(&histogram, 50);
        ck_assert_uint_ge(found, value);
        ck_assert_uint_le(found - value, value / 64);
    }
}
END_TEST

START_TEST(bounds_grow_and_the_last_holds_the_largest_value)
{
    for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++)
        ck_assert_uint_gt(histogram_bound(i), histogram_bound(i - 1));
    ck_assert_uint_eq(histogram_bound(HISTOGRAM_BUCKETS - 1), UINT64_MAX);
    histogram_add(&histogram, UINT64_MAX);
    ck_assert_uint_eq(histogram.counts[HISTOGRAM_BUCKETS - 1], 1);
}
END_TEST

START_TEST(no_percentile_is_above_the_largest_value)
{
    histogram_add(&histogram, 1000001);
    ck_assert_uint_eq(histogram_percentile(&histogram, 99), 1000001);
}
END_TEST

START_TEST(merged_ones_count_together)
{
    static struct histogram other;
    memset(&other, 0, sizeof other);
    for (uint64_t value = 1; value <= 50; value++) {
        histogram_add(&histogram, value);
        histogram_add(&other, 50 + value);
    }
    histogram_merge(&histogram, &other);
    ck_assert_uint_eq(histogram.total, 100);
    ck_assert_uint_eq(histogram.most, 100);
    ck_assert_uint_eq(histogram_percentile(&histogram, 75), 75);
}
END_TEST

Suite *histogram_suite(void)
{
    Suite *suite = suite_create("histogram");
    TCase *percentiles = add_case(suite, "percentiles", NULL);
    tcase_add_checked_fixture(percentiles, start_empty, NULL);
    tcase_add_test(percentiles, an_empty_one_has_no_percentiles);
    tcase_add_test(percentiles, small_values_are_kept_exactly);
    tcase_add_test(percentiles, a_rank_is_exact);
    tcase_add_test(percentiles, a_bucket_is_hardly_wider_than_its_values);
    tcase_add_test(percentiles, bounds_grow_and_the_last_holds_the_largest_value);
    tcase_add_test(percentiles, no_percentile_is_above_the_largest_value);
    tcase_add_test(percentiles, merged_ones_count_together);
    return suite;
}
