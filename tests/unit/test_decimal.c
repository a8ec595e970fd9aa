/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/decimal.h"
#include "support.h"

#include <stdint.h>
#include <stdio.h>

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

Suite *decimal_suite(void)
{
    Suite *suite = suite_create("decimal");
    TCase *tcase = add_case(suite, "put_decimal", NULL);
    tcase_add_test(tcase, written_as_printf_writes_it);
    return suite;
}
