/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/times.h"
#include "support.h"

#include <string.h>

/* Their mean is 5, and the sum of the squared differences from it is 32. */
static const uint64_t figures[] = {5, 2, 4, 9, 4, 7, 4, 5};

static struct times times;
static struct times other;

static void start_empty(void)
{
    memset(&times, 0, sizeof times);
    memset(&other, 0, sizeof other);
}

static void add_figures(struct times *to, uint64_t offset)
{
    for (size_t i = 0; i < COUNT(figures); i++)
        times_add(to, offset + figures[i]);
}

static void assert_times(uint64_t count, uint64_t least, uint64_t most, double mean,
                         double deviation)
{
    ck_assert_uint_eq(times.histogram.total, count);
    ck_assert_uint_eq(times.least, least);
    ck_assert_uint_eq(times.histogram.most, most);
    ck_assert_double_eq_tol(times.mean, mean, 1e-9);
    ck_assert_double_eq_tol(times_deviation(&times), deviation, 1e-9);
}

START_TEST(where_none_was_counted_everything_is_0)
{
    assert_times(0, 0, 0, 0, 0);
}
END_TEST

START_TEST(one_is_the_least_the_most_and_the_mean)
{
    times_add(&times, 412);
    assert_times(1, 412, 412, 412, 0);
}
END_TEST

START_TEST(eight_have_the_mean_and_the_deviation_of_the_textbook)
{
    add_figures(&times, 0);
    assert_times(8, 2, 9, 5, 2);
}
END_TEST

START_TEST(nothing_is_less_than_0_whenever_it_came)
{
    times_add(&times, 0);
    times_add(&times, 6);
    assert_times(2, 0, 6, 3, 3);
    start_empty();
    times_add(&times, 6);
    times_add(&times, 0);
    assert_times(2, 0, 6, 3, 3);
}
END_TEST

/* Count the first `_i` of them in one, the rest in the other. */
START_TEST(merged_ones_are_as_if_all_had_been_counted_in_one)
{
    static struct times all;
    memset(&all, 0, sizeof all);
    for (size_t i = 0; i < COUNT(figures); i++) {
        times_add(i < (size_t)_i ? &times : &other, figures[i]);
        times_add(&all, figures[i]);
    }
    times_merge(&times, &other);
    assert_times(8, 2, 9, 5, 2);
    ck_assert_mem_eq(&times.histogram, &all.histogram, sizeof all.histogram);
}
END_TEST

START_TEST(merging_those_of_which_each_is_longer_keeps_the_least)
{
    times_add(&times, 1);
    add_figures(&other, 100);
    times_merge(&times, &other);
    ck_assert_uint_eq(times.least, 1);
    ck_assert_uint_eq(times.histogram.most, 109);
}
END_TEST

START_TEST(merging_none_changes_nothing)
{
    static struct times before;
    add_figures(&times, 0);
    before = times;
    times_merge(&times, &other);
    ck_assert_mem_eq(&times, &before, sizeof before);
}
END_TEST

START_TEST(merging_none_with_none_is_none)
{
    times_merge(&times, &other);
    ck_assert_mem_eq(&times, &other, sizeof other);
    times_add(&times, 7);
    assert_times(1, 7, 7, 7, 0);
}
END_TEST

/* An hour in nanoseconds: a double rounds the sum of a million of its squares by 1e15. */
#define HOUR UINT64_C(3600000000000)

START_TEST(what_many_long_ones_differ_by_is_not_lost)
{
    const uint64_t rounds = 125000;
    for (uint64_t round = 0; round < rounds; round++)
        add_figures(round % 2 == 0 ? &times : &other, HOUR);
    times_merge(&times, &other);
    ck_assert_uint_eq(times.histogram.total, rounds * COUNT(figures));
    ck_assert_uint_eq(times.least, HOUR + 2);
    ck_assert_uint_eq(times.histogram.most, HOUR + 9);
    ck_assert_double_eq_tol(times.mean - (double)HOUR, 5, 0.5);
    ck_assert_double_eq_tol(times_deviation(&times), 2, 0.1);
}
END_TEST

START_TEST(the_longest_that_there_are_have_a_mean_and_a_deviation)
{
    times_add(&times, UINT64_MAX);
    times_add(&times, 0);
    ck_assert_uint_eq(times.histogram.most, UINT64_MAX);
    ck_assert_double_eq_tol(times.mean / (double)UINT64_MAX, 0.5, 1e-9);
    ck_assert_double_eq_tol(times_deviation(&times) / (double)UINT64_MAX, 0.5, 1e-9);
}
END_TEST

START_TEST(the_percentiles_go_up)
{
    for (size_t i = 1; i < PERCENTILES; i++)
        ck_assert_double_gt(percentiles[i].percent, percentiles[i - 1].percent);
    ck_assert_double_lt(percentiles[PERCENTILES - 1].percent, 100);
}
END_TEST

Suite *times_suite(void)
{
    Suite *suite = suite_create("times");
    TCase *tcase = add_case(suite, "times", NULL);
    tcase_add_checked_fixture(tcase, start_empty, NULL);
    tcase_add_test(tcase, where_none_was_counted_everything_is_0);
    tcase_add_test(tcase, one_is_the_least_the_most_and_the_mean);
    tcase_add_test(tcase, eight_have_the_mean_and_the_deviation_of_the_textbook);
    tcase_add_test(tcase, nothing_is_less_than_0_whenever_it_came);
    tcase_add_loop_test(tcase, merged_ones_are_as_if_all_had_been_counted_in_one, 0,
                        COUNT(figures) + 1);
    tcase_add_test(tcase, merging_those_of_which_each_is_longer_keeps_the_least);
    tcase_add_test(tcase, merging_none_changes_nothing);
    tcase_add_test(tcase, merging_none_with_none_is_none);
    tcase_add_test(tcase, what_many_long_ones_differ_by_is_not_lost);
    tcase_add_test(tcase, the_longest_that_there_are_have_a_mean_and_a_deviation);
    tcase_add_test(tcase, the_percentiles_go_up);
    return suite;
}
