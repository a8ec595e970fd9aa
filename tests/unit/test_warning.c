/* SPDX-License-Identifier: MIT */
/* Warnings, at most once a second by a clock that only the tests move. */
#include <config.h>

#include "server/log/log.h"
#include "support.h"

#include <errno.h>

#define SECOND INT64_C(1000000000)

static struct warning warning;

static void begin(void)
{
    warning = (struct warning){0};
    clock_stop();
}

static void happens(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        warning.count++;
}

/* Return the count that must be written, or 0. */
static unsigned long due(void)
{
    int64_t wait = NEVER;
    return warning_due(&warning, false, &wait).count;
}

static void assert_wait(int64_t before, int64_t after)
{
    int64_t wait = before;
    ck_assert_uint_eq(warning_due(&warning, false, &wait).count, 0);
    ck_assert_int_eq(wait, after);
}

START_TEST(what_never_happened_is_not_written)
{
    assert_wait(NEVER, NEVER);
    clock_move(3600);
    assert_wait(7, 7);
}
END_TEST

START_TEST(the_first_time_is_written_at_once)
{
    happens(1);
    ck_assert_uint_eq(due(), 1);
    assert_wait(NEVER, NEVER);
}
END_TEST

/* Half a second after the clock began. */
START_TEST(the_first_time_is_written_at_once_whatever_the_clock_says)
{
    clock_move(0.5 - (double)clock_nanoseconds() / 1e9);
    ck_assert_int_lt(clock_nanoseconds(), SECOND);
    happens(1);
    ck_assert_uint_eq(due(), 1);
}
END_TEST

START_TEST(the_next_is_not_written_within_a_second)
{
    happens(1);
    ck_assert_uint_eq(due(), 1);
    happens(1);
    ck_assert_uint_eq(due(), 0);
    clock_move(0.999999999);
    ck_assert_uint_eq(due(), 0);
    clock_move(0.000000001);
    ck_assert_uint_eq(due(), 1);
    happens(1);
    ck_assert_uint_eq(due(), 0);
}
END_TEST

START_TEST(after_a_quiet_second_it_is_written_at_once)
{
    happens(1);
    ck_assert_uint_eq(due(), 1);
    clock_move(1);
    assert_wait(NEVER, NEVER);
    happens(1);
    ck_assert_uint_eq(due(), 1);
}
END_TEST

START_TEST(the_wait_is_lowered_to_when_it_is_due)
{
    happens(1);
    ck_assert_uint_eq(due(), 1);
    happens(1);
    assert_wait(NEVER, SECOND);
    clock_move(0.25);
    assert_wait(NEVER, SECOND / 4 * 3);
    assert_wait(SECOND / 4 * 3 + 1, SECOND / 4 * 3);
    assert_wait(SECOND / 2, SECOND / 2);
    assert_wait(0, 0);
}
END_TEST

START_TEST(a_warning_that_is_due_leaves_the_wait_alone)
{
    int64_t wait = 5;
    happens(1);
    ck_assert_uint_eq(warning_due(&warning, false, &wait).count, 1);
    ck_assert_int_eq(wait, 5);
}
END_TEST

START_TEST(at_the_last_chance_it_is_written_within_the_second)
{
    int64_t wait = 5;
    ck_assert_uint_eq(warning_due(&warning, true, &wait).count, 0);
    happens(1);
    ck_assert_uint_eq(due(), 1);
    happens(2);
    ck_assert_uint_eq(due(), 0);
    warning.error = EMFILE;
    struct warning last = warning_due(&warning, true, &wait);
    ck_assert_uint_eq(last.count, 2);
    ck_assert_int_eq(last.error, EMFILE);
    ck_assert_int_eq(wait, 5);
}
END_TEST

START_TEST(every_time_is_counted_once)
{
    unsigned long counted = 0;
    for (unsigned i = 1; i <= 100; i++) {
        happens(i);
        counted += due();
        clock_move(0.03);
    }
    clock_move(1);
    unsigned long last = due();
    ck_assert_uint_gt(last, 0);
    ck_assert_uint_eq(counted + last, 5050);
    clock_move(1);
    ck_assert_uint_eq(due(), 0);
}
END_TEST

START_TEST(the_count_is_of_the_times_since_the_last)
{
    happens(3);
    ck_assert_uint_eq(due(), 3);
    happens(4);
    clock_move(1);
    happens(5);
    ck_assert_uint_eq(due(), 9);
}
END_TEST

Suite *warning_suite(void)
{
    Suite *suite = suite_create("warning");
    TCase *tcase = add_case(suite, "warning", NULL);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, what_never_happened_is_not_written);
    tcase_add_test(tcase, the_first_time_is_written_at_once);
    tcase_add_test(tcase, the_first_time_is_written_at_once_whatever_the_clock_says);
    tcase_add_test(tcase, the_next_is_not_written_within_a_second);
    tcase_add_test(tcase, after_a_quiet_second_it_is_written_at_once);
    tcase_add_test(tcase, the_wait_is_lowered_to_when_it_is_due);
    tcase_add_test(tcase, a_warning_that_is_due_leaves_the_wait_alone);
    tcase_add_test(tcase, at_the_last_chance_it_is_written_within_the_second);
    tcase_add_test(tcase, every_time_is_counted_once);
    tcase_add_test(tcase, the_count_is_of_the_times_since_the_last);
    return suite;
}
