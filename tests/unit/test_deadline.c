/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/deadline.h"
#include "support.h"

#include <limits.h>
#include <math.h>

START_TEST(a_deadline_is_its_start_plus_seconds)
{
    ck_assert_int_eq(deadline_after(0, 10).at, INT64_C(10000000000));
    ck_assert_int_eq(deadline_after(7, 0.5).at, 500000007);
    ck_assert_int_eq(deadline_after(7, 0).at, 7);
    ck_assert_int_eq(deadline_after(0, 86400).at, INT64_C(86400000000000));
}
END_TEST

START_TEST(a_deadline_is_exact_for_decimal_fractions)
{
    for (int64_t ms = 0; ms <= 100000; ms++)
        ck_assert_int_eq(deadline_after(0, (double)ms / 1000).at, ms * 1000000);
}
END_TEST

START_TEST(a_deadline_stops_at_the_end_of_the_range)
{
    ck_assert_int_eq(deadline_after(INT64_MAX - 5, 1).at, NEVER);
    ck_assert_int_eq(deadline_after(0, 9223372037.0).at, NEVER);
    ck_assert_int_eq(deadline_after(clock_nanoseconds(), 1e300).at, NEVER);
    ck_assert_int_eq(deadline_after(1, HUGE_VAL).at, NEVER);
    ck_assert_int_eq(deadline_after(INT64_MAX, 0).at, NEVER);
}
END_TEST

START_TEST(what_is_left_is_never_negative)
{
    const struct deadline deadline = {1000};
    ck_assert_int_eq(deadline_left(deadline, 0), 1000);
    ck_assert_int_eq(deadline_left(deadline, 999), 1);
    ck_assert_int_eq(deadline_left(deadline, 1000), 0);
    ck_assert_int_eq(deadline_left(deadline, 1001), 0);
    ck_assert_int_eq(deadline_left(deadline, INT64_MAX), 0);
    ck_assert_int_eq(deadline_left((struct deadline){NEVER}, 0), NEVER);
}
END_TEST

START_TEST(the_clock_never_goes_back)
{
    int64_t before = clock_nanoseconds();
    ck_assert_int_gt(before, 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_nanoseconds();
        ck_assert_int_ge(now, before);
        before = now;
    }
}
END_TEST

static void assert_timeval(int64_t nanoseconds, intmax_t seconds, intmax_t microseconds)
{
    struct timeval timeval = timeval_from(nanoseconds);
    ck_assert_int_eq(timeval.tv_sec, seconds);
    ck_assert_int_eq(timeval.tv_usec, microseconds);
}

START_TEST(a_timeval_is_rounded_up)
{
    assert_timeval(1000, 0, 1);
    assert_timeval(1001, 0, 2);
    assert_timeval(1999, 0, 2);
    assert_timeval(2000, 0, 2);
    assert_timeval(999999000, 0, 999999);
    assert_timeval(999999001, 1, 0);
    assert_timeval(INT64_C(86400000000001), 86400, 1);
    assert_timeval(INT64_MAX, INT64_C(9223372036), 854776);
}
END_TEST

START_TEST(a_timeval_is_never_zero_which_would_mean_no_timeout)
{
    assert_timeval(1, 0, 1);
    assert_timeval(0, 0, 1);
    assert_timeval(-1, 0, 1);
    assert_timeval(INT64_MIN, 0, 1);
}
END_TEST

START_TEST(a_timespec_is_exact)
{
    const int64_t all[] = {0, 1, 999999999, 1000000000, 1000000001, INT64_MAX};
    for (size_t i = 0; i < COUNT(all); i++) {
        struct timespec timespec = timespec_from(all[i]);
        ck_assert_int_eq(timespec.tv_sec, all[i] / 1000000000);
        ck_assert_int_eq(timespec.tv_nsec, all[i] % 1000000000);
    }
    const struct timespec before = timespec_from(-1);
    ck_assert_int_eq(before.tv_sec, -1);
    ck_assert_int_eq(before.tv_nsec, 999999999);
}
END_TEST

START_TEST(a_timeout_of_poll_is_rounded_up)
{
    ck_assert_int_eq(poll_timeout_from(INT64_MIN), 0);
    ck_assert_int_eq(poll_timeout_from(-1), 0);
    ck_assert_int_eq(poll_timeout_from(0), 0);
    ck_assert_int_eq(poll_timeout_from(1), 1);
    ck_assert_int_eq(poll_timeout_from(1000000), 1);
    ck_assert_int_eq(poll_timeout_from(1000001), 2);
    ck_assert_int_eq(poll_timeout_from(INT64_C(2147483647) * 1000000), INT_MAX);
    ck_assert_int_eq(poll_timeout_from(INT64_C(2147483647) * 1000000 + 1), INT_MAX);
    ck_assert_int_eq(poll_timeout_from(NEVER - 1), INT_MAX);
    ck_assert_int_eq(poll_timeout_from(NEVER), -1);
}
END_TEST

START_TEST(the_sooner_of_two_waits_is_the_shorter)
{
    const struct {
        int64_t wait, other, sooner;
    } all[] = {{1, 2, 1},
               {2, 1, 1},
               {3, 3, 3},
               {0, 1, 0},
               {1, 0, 0},
               {NEVER, 5, 5},
               {5, NEVER, 5},
               {NEVER, 0, 0},
               {0, NEVER, 0},
               {NEVER, NEVER, NEVER},
               {NEVER, NEVER - 1, NEVER - 1}};
    for (size_t i = 0; i < COUNT(all); i++)
        ck_assert_int_eq(sooner(all[i].wait, all[i].other), all[i].sooner);
}
END_TEST

Suite *deadline_suite(void)
{
    Suite *suite = suite_create("deadline");
    TCase *tcase = add_case(suite, "deadline", NULL);
    tcase_add_test(tcase, a_deadline_is_its_start_plus_seconds);
    tcase_add_test(tcase, a_deadline_is_exact_for_decimal_fractions);
    tcase_add_test(tcase, a_deadline_stops_at_the_end_of_the_range);
    tcase_add_test(tcase, what_is_left_is_never_negative);
    tcase_add_test(tcase, the_clock_never_goes_back);
    tcase_add_test(tcase, the_sooner_of_two_waits_is_the_shorter);
    tcase_add_test(tcase, a_timeval_is_rounded_up);
    tcase_add_test(tcase, a_timeval_is_never_zero_which_would_mean_no_timeout);
    tcase_add_test(tcase, a_timespec_is_exact);
    tcase_add_test(tcase, a_timeout_of_poll_is_rounded_up);
    return suite;
}
