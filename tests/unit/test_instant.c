/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/instant.h"
#include "support.h"

#define SECOND INT64_C(1000000000)

static const struct {
    int64_t instant;
    const char *text;
} instants[] = {
    {0, "1970-01-01T00:00:00.000000Z"},
    {-1, "1969-12-31T23:59:59.999999Z"},
    {-SECOND, "1969-12-31T23:59:59.000000Z"},
    {-2147483649 * SECOND + 1000, "1901-12-13T20:45:51.000001Z"},
    {2147483647 * SECOND + 999999999, "2038-01-19T03:14:07.999999Z"},
    {2147483648 * SECOND, "2038-01-19T03:14:08.000000Z"},
    {4102444800 * SECOND + 1999, "2100-01-01T00:00:00.000001Z"},
    {INT64_MIN + SECOND, "1677-09-21T00:12:44.145224Z"},
    {INT64_MAX, "2262-04-11T23:47:16.854775Z"},
};

START_TEST(every_instant_is_printed)
{
    char text[INSTANT_TEXT];
    ck_assert_str_eq(instant_format(instants[_i].instant, text), instants[_i].text);
}
END_TEST

Suite *instant_suite(void)
{
    Suite *suite = suite_create("instant");
    TCase *tcase = add_case(suite, "instant", NULL);
    tcase_add_loop_test(tcase, every_instant_is_printed, 0, COUNT(instants));
    return suite;
}
