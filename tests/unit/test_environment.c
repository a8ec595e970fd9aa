/* SPDX-License-Identifier: MIT */
/* Numbers in the environment. */
#include <config.h>

#include "common/environment.h"
#include "support.h"

#include <limits.h>
#include <stdlib.h>

#define NAME "SIXTEEN_TEST_NUMBER"

static void forget(void)
{
    unsetenv(NAME);
}

static long long number_of(const char *text)
{
    need(setenv(NAME, text, 1) == 0, "a variable");
    return environment_number(NAME);
}

START_TEST(a_whole_number_is_read)
{
    ck_assert_int_eq(number_of("0"), 0);
    ck_assert_int_eq(number_of("1"), 1);
    ck_assert_int_eq(number_of("0010"), 10);
    ck_assert_int_eq(number_of("4294967297"), 4294967297);
    ck_assert_int_eq(number_of("9223372036854775807"), LLONG_MAX);
}
END_TEST

START_TEST(what_is_not_set_is_no_number)
{
    ck_assert_int_eq(environment_number(NAME), -1);
}
END_TEST

START_TEST(all_else_is_no_number)
{
    const char *const texts[] = {"",   "-1", "-0",  "+1",  " 1", "1 ",
                                 "1x", "x",  "0x1", "1.0", "\n", "9223372036854775808"};
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(number_of(texts[i]) == -1, "'%s'", texts[i]);
}
END_TEST

Suite *environment_suite(void)
{
    Suite *suite = suite_create("environment");
    TCase *tcase = add_case(suite, "environment", NULL);
    tcase_add_checked_fixture(tcase, forget, forget);
    tcase_add_test(tcase, a_whole_number_is_read);
    tcase_add_test(tcase, what_is_not_set_is_no_number);
    tcase_add_test(tcase, all_else_is_no_number);
    return suite;
}
