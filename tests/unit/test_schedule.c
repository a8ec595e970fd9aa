/* SPDX-License-Identifier: MIT */
/* The starts of an open loop: evenly spaced, without drift, and counted exactly. */
#include <config.h>

#include "client/schedule.h"
#include "support.h"

#define SECOND INT64_C(1000000000)

static const double rates[] = {0.01, 1, 3, 7.7, 1000, 99999, 1e6, 1e9};

START_TEST(the_first_is_due_at_once_and_the_others_evenly)
{
    ck_assert_int_eq(schedule_due(1000, 0), 0);
    ck_assert_int_eq(schedule_due(1000, 1), 1000000);
    ck_assert_int_eq(schedule_due(1000, 3600000), 3600 * SECOND);
    ck_assert_int_eq(schedule_due(0.5, 3), 6 * SECOND);
}
END_TEST

START_TEST(no_rounding_adds_up)
{
    for (uint64_t seconds = 1; seconds < 100000; seconds += 999)
        ck_assert_int_eq(schedule_due(3, 3 * seconds), (int64_t)seconds * SECOND);
}
END_TEST

START_TEST(none_is_due_before_the_one_that_precedes_it)
{
    for (uint64_t number = 0; number < 5000; number++)
        ck_assert_int_le(schedule_due(rates[_i], number), schedule_due(rates[_i], number + 1));
}
END_TEST

START_TEST(those_before_an_instant_are_due_before_it_and_no_other_is)
{
    for (int64_t elapsed = 1; elapsed < 100 * SECOND; elapsed = elapsed * 3 + 1) {
        uint64_t count = schedule_before(rates[_i], elapsed);
        ck_assert_int_lt(schedule_due(rates[_i], count - 1), elapsed);
        ck_assert_int_ge(schedule_due(rates[_i], count), elapsed);
    }
}
END_TEST

START_TEST(the_start_at_the_end_itself_does_not_count)
{
    ck_assert_uint_eq(schedule_before(rates[_i], 0), 0);
    ck_assert_uint_eq(schedule_before(1000, SECOND), 1000);
    ck_assert_uint_eq(schedule_before(1000, SECOND + 1), 1001);
    ck_assert_uint_eq(schedule_before(3, 100000 * SECOND), 300000);
}
END_TEST

START_TEST(the_end_of_the_clock_is_handled)
{
    ck_assert_int_ge(schedule_due(1e-9, UINT64_MAX), SECOND * 86400 * 365 * 100);
    uint64_t centuries = schedule_before(rates[_i], INT64_MAX);
    ck_assert_double_ge((double)centuries, 200.0 * 365 * 86400 * rates[_i]);
}
END_TEST

Suite *schedule_suite(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tcase = add_case(suite, "schedule", NULL);
    tcase_add_test(tcase, the_first_is_due_at_once_and_the_others_evenly);
    tcase_add_test(tcase, no_rounding_adds_up);
    tcase_add_loop_test(tcase, none_is_due_before_the_one_that_precedes_it, 0, COUNT(rates));
    tcase_add_loop_test(tcase, those_before_an_instant_are_due_before_it_and_no_other_is, 0,
                        COUNT(rates));
    tcase_add_loop_test(tcase, the_start_at_the_end_itself_does_not_count, 0, COUNT(rates));
    tcase_add_loop_test(tcase, the_end_of_the_clock_is_handled, 0, COUNT(rates));
    return suite;
}
