/* SPDX-License-Identifier: MIT */
/* Numbers as text, and in the environment. */
#include <config.h>

#include "common/number.h"
#include "support.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_written(unsigned long long value)
{
    char expected[32];
    char text[32];
    int length = snprintf(expected, sizeof expected, "%llu", value);
    ck_assert_ptr_eq(put_decimal(text, value), text + length);
    ck_assert_str_eq(text, expected);
}

START_TEST(written_as_printf_writes_it)
{
    for (unsigned long long value = 0; value < 1100; value++)
        assert_written(value);
    for (unsigned long long value = 1; value < UINT64_MAX / 10; value *= 10) {
        assert_written(value * 10 - 1);
        assert_written(value * 10);
    }
    assert_written(UINT64_MAX);
}
END_TEST

START_TEST(a_decimal_number_is_read)
{
    static const struct {
        const char *text;
        size_t length;
        double number;
    } rows[] = {
        {"10", 2, 10}, {"-0.5", 4, -0.5}, {"1e3", 3, 1000}, {".5", 2, 0.5}, {"10:20", 2, 10}};
    double number = 0;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert(read_decimal(rows[i].text, rows[i].length, &number));
        ck_assert_double_eq(number, rows[i].number);
    }
}
END_TEST

START_TEST(anything_but_a_finite_decimal_number_is_refused)
{
    static const char *const texts[] = {"",    " 1",    "1 ", "x",   "1x", "0x10", "inf",
                                        "nan", "1e999", "1e", "--1", ".",  "1,5",  "1:2"};
    double number = 0;
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert(!read_decimal(texts[i], strlen(texts[i]), &number));
}
END_TEST

START_TEST(a_whole_number_is_read)
{
    static const struct {
        const char *text;
        unsigned long long max, number;
    } rows[] = {{"0", 0, 0},
                {"7", 7, 7},
                {"007", 7, 7},
                {"4294967296", UINT64_MAX, UINT64_C(4294967296)},
                {"18446744073709551615", UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned long long number = 12345;
        ck_assert(read_whole(rows[i].text, rows[i].max, &number));
        ck_assert_uint_eq(number, rows[i].number);
    }
}
END_TEST

START_TEST(anything_but_a_whole_number_up_to_the_maximum_is_refused)
{
    static const struct {
        const char *text;
        unsigned long long max;
    } rows[] = {{"", UINT64_MAX},
                {"-0", UINT64_MAX},
                {"-1", UINT64_MAX},
                {"+1", UINT64_MAX},
                {" 1", UINT64_MAX},
                {"1 ", UINT64_MAX},
                {"1x", UINT64_MAX},
                {"0x1", UINT64_MAX},
                {"1.0", UINT64_MAX},
                {"1e3", UINT64_MAX},
                {"1", 0},
                {"8", 7},
                {"65536", 65535},
                {"18446744073709551615", UINT64_MAX - 1},
                {"18446744073709551616", UINT64_MAX - 1},
                {"18446744073709551617", 1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned long long number;
        ck_assert_msg(!read_whole(rows[i].text, rows[i].max, &number), "'%s'", rows[i].text);
    }
}
END_TEST

static const struct {
    double value;
    int decimals;
    const char *text;
} fixed[] = {
    {0, 0, "0"},
    {0, 3, "0"},
    {10, 0, "10"},
    {100, 2, "100"},
    {0.5, 3, "0.5"},
    {1.25, 1, "1.2"},
    {-0.25, 2, "-0.25"},
    {0.0004, 3, "0"},
    {0.00001, 9, "0.00001"},
    {1e15, 2, "1000000000000000"},
    {31536000, 3, "31536000"},
};

START_TEST(written_without_an_exponent_or_trailing_zeros)
{
    char text[32] = "what was there before";
    ck_assert_ptr_eq(put_fixed(text, sizeof text, fixed[_i].value, fixed[_i].decimals), text);
    ck_assert_str_eq(text, fixed[_i].text);
}
END_TEST

static const struct {
    double value;
    int decimals;
    const char *text;
} rates[] = {
    {0, 1, "0.0"},
    {35180.44, 1, "35180.4"},
    {0.05, 1, "0.1"},
    {0.0476, 1, "0.05"},
    {0.0004, 3, "0.0004"},
    {998.7, 3, "998.700"},
    {1e-9, 3, "0.000000001"},
    {1e-30, 1, "0.00000000000000000000"},
};

START_TEST(a_rate_is_not_rounded_to_nothing)
{
    char text[RATE_TEXT];
    ck_assert_ptr_eq(put_rate(text, rates[_i].value, rates[_i].decimals), text);
    ck_assert_str_eq(text, rates[_i].text);
}
END_TEST

#define NAME "SIXTEEN_TEST_NUMBER"

static void unset(void)
{
    unsetenv(NAME);
}

static long long number_of(const char *text)
{
    need(setenv(NAME, text, 1) == 0, "a variable");
    return environment_number(NAME);
}

START_TEST(the_whole_number_of_a_variable_is_read)
{
    ck_assert_int_eq(number_of("0"), 0);
    ck_assert_int_eq(number_of("1"), 1);
    ck_assert_int_eq(number_of("0010"), 10);
    ck_assert_int_eq(number_of("4294967297"), 4294967297);
    ck_assert_int_eq(number_of("9223372036854775807"), LLONG_MAX);
}
END_TEST

START_TEST(an_unset_variable_is_no_number)
{
    ck_assert_int_eq(environment_number(NAME), -1);
}
END_TEST

START_TEST(any_other_value_is_no_number)
{
    const char *const texts[] = {"",   "-1", "-0",  "+1",  " 1", "1 ",
                                 "1x", "x",  "0x1", "1.0", "\n", "9223372036854775808"};
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(number_of(texts[i]) == -1, "'%s'", texts[i]);
}
END_TEST

Suite *number_suite(void)
{
    Suite *suite = suite_create("number");
    TCase *tcase = add_case(suite, "put_decimal", NULL);
    tcase_add_test(tcase, written_as_printf_writes_it);

    TCase *reads = add_case(suite, "read_decimal", NULL);
    tcase_add_test(reads, a_decimal_number_is_read);
    tcase_add_test(reads, anything_but_a_finite_decimal_number_is_refused);

    TCase *whole = add_case(suite, "read_whole", NULL);
    tcase_add_test(whole, a_whole_number_is_read);
    tcase_add_test(whole, anything_but_a_whole_number_up_to_the_maximum_is_refused);

    TCase *fixeds = add_case(suite, "put_fixed", NULL);
    tcase_add_loop_test(fixeds, written_without_an_exponent_or_trailing_zeros, 0, COUNT(fixed));

    TCase *put_rates = add_case(suite, "put_rate", NULL);
    tcase_add_loop_test(put_rates, a_rate_is_not_rounded_to_nothing, 0, COUNT(rates));

    TCase *environment = add_case(suite, "environment_number", NULL);
    tcase_add_checked_fixture(environment, unset, unset);
    tcase_add_test(environment, the_whole_number_of_a_variable_is_read);
    tcase_add_test(environment, an_unset_variable_is_no_number);
    tcase_add_test(environment, any_other_value_is_no_number);
    return suite;
}
