/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/chart.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define S (1000 * MS)

/* Ten parts of a bar, full and empty. */
#define TEN "##########"
#define FULL TEN TEN TEN TEN TEN
#define BLANK "          "

static struct histogram histogram;
static char *drawing;

static void start_empty(void)
{
    memset(&histogram, 0, sizeof histogram);
}

static void forget_drawing(void)
{
    free(drawing);
    drawing = NULL;
}

static void add(uint64_t value, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        histogram_add(&histogram, value);
}

static const char *draw(void)
{
    size_t size;
    forget_drawing();
    FILE *out = open_memstream(&drawing, &size);
    need(out != NULL, "memory to write to");
    chart_print(out, &histogram);
    need(fclose(out) == 0, "memory to write to");
    return drawing;
}

START_TEST(nothing_is_drawn_where_nothing_was_counted)
{
    ck_assert_str_eq(draw(), "");
}
END_TEST

START_TEST(one_value_is_one_row)
{
    add(412 * MS / 1000, 1);
    ck_assert_str_eq(draw(), "<=       0.5 ms |" FULL "| 100.00%\n");
}
END_TEST

START_TEST(a_value_at_the_bound_of_a_row_is_in_it)
{
    add(1 * MS, 1);
    ck_assert_str_eq(draw(), "<=         1 ms |" FULL "| 100.00%\n");
}
END_TEST

START_TEST(a_time_of_zero_is_in_the_first_row)
{
    add(0, 1);
    ck_assert_str_eq(draw(), "<=     1e-06 ms |" FULL "| 100.00%\n");
}
END_TEST

START_TEST(values_that_no_exchange_ever_has_are_drawn)
{
    add(UINT64_C(1) << 63, 1);
    ck_assert_str_eq(draw(), "<=     1e+13 ms |" FULL "| 100.00%\n");
    add(UINT64_MAX, 1);
    ck_assert_str_eq(draw(), "<=     1e+13 ms |" FULL "|  50.00%\n"
                             "<=   1.5e+13 ms |" BLANK BLANK BLANK BLANK BLANK "|   0.00%\n"
                             "<=     2e+13 ms |" FULL "|  50.00%\n");
}
END_TEST

START_TEST(bars_are_in_proportion_and_what_was_counted_can_be_seen)
{
    add(900 * MS / 1000, 100);
    add(1250 * MS / 1000, 40);
    add(2500 * MS / 1000, 1);
    ck_assert_str_eq(draw(), "<=         1 ms |" FULL "|  70.92%\n"
                             "<=       1.5 ms |" TEN TEN BLANK BLANK BLANK "|  28.37%\n"
                             "<=         2 ms |" BLANK BLANK BLANK BLANK BLANK "|   0.00%\n"
                             "<=         3 ms |#         " BLANK BLANK BLANK BLANK "|   0.71%\n");
}
END_TEST

START_TEST(the_slowest_thousandth_has_one_row)
{
    add(900 * MS / 1000, 9990);
    add(1250 * MS / 1000, 2); /* it follows the row of the others, however near it is */
    add(3 * MS, 3);
    add(10 * S, 5);
    ck_assert_str_eq(draw(), "<=         1 ms |" FULL "|  99.90%\n"
                             " >         1 ms |#         " BLANK BLANK BLANK BLANK "|   0.10%\n");
}
END_TEST

START_TEST(a_thousandth_and_one_more_has_rows)
{
    add(900 * MS / 1000, 989);
    add(2500 * MS / 1000, 10);
    add(10 * S, 1);
    ck_assert_str_eq(draw(), "<=         1 ms |" FULL "|  98.90%\n"
                             "<=       1.5 ms |" BLANK BLANK BLANK BLANK BLANK "|   0.00%\n"
                             "<=         2 ms |" BLANK BLANK BLANK BLANK BLANK "|   0.00%\n"
                             "<=         3 ms |#         " BLANK BLANK BLANK BLANK "|   1.00%\n"
                             " >         3 ms |#         " BLANK BLANK BLANK BLANK "|   0.10%\n");
}
END_TEST

/* The bound that a lone value's row has, in nanoseconds. */
static double bound_for(uint64_t value)
{
    double bound = 0;
    start_empty();
    add(value, 1);
    ck_assert_int_eq(sscanf(draw(), "<= %lf ms", &bound), 1);
    return bound * 1e6;
}

START_TEST(bounds_are_round_and_next_above_what_they_bound)
{
    static const double steps[] = {1, 1.5, 2, 3, 5, 7, 10};
    for (uint64_t value = 1; value < UINT64_MAX / 3; value += value / 5 + 1) {
        double bound = bound_for(value);
        double power = pow(10, floor(log10(bound) + 1e-9));
        size_t i = 0;
        while (i < COUNT(steps) - 1 && fabs(steps[i] * power - bound) > 1e-6 * bound)
            i++;
        ck_assert_uint_lt(i, COUNT(steps) - 1);
        double below = i > 0 ? steps[i - 1] * power : 0.7 * power;
        ck_assert_double_le((double)value, bound * (1 + 1e-9));
        ck_assert_double_gt((double)value, below * (1 - 1e-9));
    }
}
END_TEST

START_TEST(the_rows_make_100_percent_in_all)
{
    double sum = 0;
    int rows = 0;
    for (uint64_t i = 0; i < 5000; i++)
        add(i * i * i % 99991 * 1000, 1);
    draw();
    for (char *line = strtok(drawing, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        sum += strtod(strrchr(line, '|') + 1, NULL);
        rows++;
    }
    ck_assert_int_gt(rows, 10);
    ck_assert_double_eq_tol(sum, 100, 0.005 * rows + 1e-9);
}
END_TEST

Suite *chart_suite(void)
{
    Suite *suite = suite_create("chart");
    TCase *tcase = add_case(suite, "chart", NULL);
    tcase_add_checked_fixture(tcase, start_empty, forget_drawing);
    tcase_add_test(tcase, nothing_is_drawn_where_nothing_was_counted);
    tcase_add_test(tcase, one_value_is_one_row);
    tcase_add_test(tcase, a_value_at_the_bound_of_a_row_is_in_it);
    tcase_add_test(tcase, a_time_of_zero_is_in_the_first_row);
    tcase_add_test(tcase, values_that_no_exchange_ever_has_are_drawn);
    tcase_add_test(tcase, bars_are_in_proportion_and_what_was_counted_can_be_seen);
    tcase_add_test(tcase, the_slowest_thousandth_has_one_row);
    tcase_add_test(tcase, a_thousandth_and_one_more_has_rows);
    tcase_add_test(tcase, bounds_are_round_and_next_above_what_they_bound);
    tcase_add_test(tcase, the_rows_make_100_percent_in_all);
    return suite;
}
