/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/decimal.h"
#include "support.h"

#include <stdint.h>
#include <stdio.h>
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

START_TEST(a_number_is_read)
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

START_TEST(what_is_no_finite_decimal_number_is_refused)
{
    static const char *const texts[] = {"",    " 1",    "1 ", "x",   "1x", "0x10", "inf",
                                        "nan", "1e999", "1e", "--1", ".",  "1,5",  "1:2"};
    double number = 0;
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert(!read_decimal(texts[i], strlen(texts[i]), &number));
}
END_TEST

Suite *decimal_suite(void)
{
    Suite *suite = suite_create("decimal");
    TCase *tcase = add_case(suite, "put_decimal", NULL);
    tcase_add_test(tcase, written_as_printf_writes_it);

    TCase *reads = add_case(suite, "read_decimal", NULL);
    tcase_add_test(reads, a_number_is_read);
    tcase_add_test(reads, what_is_no_finite_decimal_number_is_refused);
    return suite;
}
