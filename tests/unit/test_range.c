/* SPDX-License-Identifier: MIT */
/* Thresholds as in the guidelines for monitoring plugins, and the values that they alert for. */
#include <config.h>

#include "client/options/range.h"
#include "support.h"

#include <math.h>
#include <string.h>

static struct range parsed(const char *text)
{
    struct range range;
    char why[RANGE_WHY];
    ck_assert_msg(range_parse(text, strlen(text), &range, why), "%s: %s", text, why);
    return range;
}

static const struct {
    const char *text;
    struct range range;
} right[] = {
    {"10", {0, 10, false}},
    {"0", {0, 0, false}},
    {"-0", {0, 0, false}},
    {"0.25", {0, 0.25, false}},
    {".5", {0, 0.5, false}},
    {"5.", {0, 5, false}},
    {"1e-3", {0, 0.001, false}},
    {"+1E+3", {0, 1000, false}},
    {"1e-999", {0, 0, false}},
    {"010", {0, 10, false}},
    {":10", {0, 10, false}},
    {":0", {0, 0, false}},
    {":5.75", {0, 5.75, false}},
    {"@:10", {0, 10, true}},
    {"10:", {10, HUGE_VAL, false}},
    {"-10:", {-10, HUGE_VAL, false}},
    {"~:10", {-HUGE_VAL, 10, false}},
    {"~:-10", {-HUGE_VAL, -10, false}},
    {"~:", {-HUGE_VAL, HUGE_VAL, false}},
    {"10:20", {10, 20, false}},
    {"10:10", {10, 10, false}},
    {"-2.5:-.5", {-2.5, -0.5, false}},
    {"@10", {0, 10, true}},
    {"@10:", {10, HUGE_VAL, true}},
    {"@~:10", {-HUGE_VAL, 10, true}},
    {"@~:", {-HUGE_VAL, HUGE_VAL, true}},
    {"@10:20", {10, 20, true}},
};

START_TEST(a_range_is_read)
{
    struct range range = parsed(right[_i].text);
    ck_assert(range.from == right[_i].range.from);
    ck_assert(range.to == right[_i].range.to);
    ck_assert(range.inside == right[_i].range.inside);
}
END_TEST

#define NO_RANGE "not a range; use 10, 10:, ~:10, 10:20 or @10:20"
#define BACKWARDS "the range ends before it starts; the default start is 0"

static const struct {
    const char *text, *why;
} wrong[] = {
    {"", NO_RANGE},           {"@", NO_RANGE},         {":", NO_RANGE},
    {"@:", NO_RANGE},         {"~", NO_RANGE},         {"~10", NO_RANGE},
    {"~~:10", NO_RANGE},      {"10:~", NO_RANGE},      {"~:~", NO_RANGE},
    {"@@10", NO_RANGE},       {"10@", NO_RANGE},       {"10:20:30", NO_RANGE},
    {"10::", NO_RANGE},       {"10 ", NO_RANGE},       {" 10", NO_RANGE},
    {"10: 20", NO_RANGE},     {"10 :20", NO_RANGE},    {"10:20 ", NO_RANGE},
    {"10s", NO_RANGE},        {"10:20s", NO_RANGE},    {"ten", NO_RANGE},
    {"0x10", NO_RANGE},       {"0x10:0x20", NO_RANGE}, {"inf", NO_RANGE},
    {"-inf:10", NO_RANGE},    {"10:inf", NO_RANGE},    {"infinity", NO_RANGE},
    {"nan", NO_RANGE},        {"nan:10", NO_RANGE},    {"1e", NO_RANGE},
    {"1e999", NO_RANGE},      {"-1e999:", NO_RANGE},   {"1e5.5", NO_RANGE},
    {"0,5", NO_RANGE},        {"-", NO_RANGE},         {"+", NO_RANGE},
    {".", NO_RANGE},          {"1.2.3", NO_RANGE},     {"1-2", NO_RANGE},
    {"--1", NO_RANGE},        {"-10", BACKWARDS},      {"20:10", BACKWARDS},
    {"@20:10", BACKWARDS},    {"-1:-2", BACKWARDS},    {"@-0.001", BACKWARDS},
    {"1:0.99999", BACKWARDS}, {":-1", BACKWARDS},      {"::10", NO_RANGE},
    {":~", NO_RANGE},         {"@@:10", NO_RANGE},
};

START_TEST(another_text_is_refused)
{
    struct range range;
    char why[RANGE_WHY];
    ck_assert(!range_parse(wrong[_i].text, strlen(wrong[_i].text), &range, why));
    ck_assert_str_eq(why, wrong[_i].why);
}
END_TEST

static const struct {
    const char *text;
    double value;
    bool alerts;
} values[] = {
    {"10", -0.001, true},      {"10", 0, false},        {"10", 10, false},
    {"10", 10.001, true},      {"10:", 9.999, true},    {"10:", 10, false},
    {"10:", 1e300, false},     {"~:10", -1e300, false}, {"~:10", 10, false},
    {"~:10", 10.001, true},    {"10:20", 9.999, true},  {"10:20", 10, false},
    {"10:20", 20, false},      {"10:20", 20.001, true}, {"@10:20", 9.999, false},
    {"@10:20", 10, true},      {"@10:20", 20, true},    {"@10:20", 20.001, false},
    {"@10", -0.001, false},    {"@10", 0, true},        {"@10:", 9.999, false},
    {"@10:", 1e300, true},     {"@~:10", -1e300, true}, {"@~:10", 10.001, false},
    {"~:", -1e300, false},     {"~:", 1e300, false},    {"@~:", 1e300, true},
    {"10:10", 10, false},      {"10:10", 10.001, true}, {"@10:10", 10, true},
    {"@10:10", 10.001, false},
};

START_TEST(ends_belong_to_the_range_whichever_side_alerts)
{
    struct range range = parsed(values[_i].text);
    ck_assert_msg(range_alerts(&range, values[_i].value) == values[_i].alerts, "%s: %f",
                  values[_i].text, values[_i].value);
}
END_TEST

/* Only a number is read by every program, and no exponent. */
static const struct {
    const char *text, *written;
} forms[] = {
    {"10", "10"},
    {":10", "10"},
    {"~:10", "10"},
    {"-5:10", "10"},
    {"0:0", "0"},
    {"-0", "0"},
    {"0.05", "0.05"},
    {".1e-2", "0.001"},
    {"1E+3", "1000"},
    {"1e-12", "0.000000000001"},
    {"12345678901234567890:", "12345678901234567168:"},
    {"0.1:0.3", "0.1:0.3"},
    {"10:", "10:"},
    {"~:-1", "~:-1"},
    {"-2:-1.5", "-2:-1.5"},
    {"0:", ""},
    {"~:", ""},
    {"-1:", ""},
    {"@10", ""},
    {"@10:20", ""},
};

START_TEST(performance_data_have_a_plain_form)
{
    struct range range = parsed(forms[_i].text);
    char text[RANGE_TEXT];
    ck_assert_str_eq(range_write(&range, text), forms[_i].written);
}
END_TEST

START_TEST(every_number_is_written_exactly)
{
    const double numbers[] = {5e-324, 2.2250738585072014e-308, 0.1, 1e15 + 0.3,
                              1.7976931348623157e308};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct range range = {numbers[i], numbers[i], false};
        char text[RANGE_TEXT];
        struct range again = parsed(range_write(&range, text));
        ck_assert(again.from == numbers[i] && again.to == numbers[i]);
    }
}
END_TEST

static const struct {
    const char *text;
    bool has_range, has_loss;
    double to, loss;
} thresholds[] = {
    {"", false, false, 0, 0},         {"0.5", true, false, 0.5, 0},
    {"0.5,20%", true, true, 0.5, 20}, {",20%", false, true, 0, 20},
    {"20%", false, true, 0, 20},      {":10,0%", true, true, 10, 0},
    {"10,100%", true, true, 10, 100}, {"1,.5%", true, true, 1, 0.5},
    {"1:2,1e1%", true, true, 2, 10},
};

START_TEST(a_threshold_is_a_range_a_loss_or_both)
{
    struct threshold threshold;
    char why[RANGE_WHY];
    const char *text = thresholds[_i].text;
    ck_assert_msg(threshold_parse(text, &threshold, why), "%s: %s", text, why);
    ck_assert_str_eq(threshold.text, text);
    ck_assert(threshold.has_range == thresholds[_i].has_range);
    ck_assert(threshold.has_loss == thresholds[_i].has_loss);
    ck_assert(threshold.range.to == thresholds[_i].to);
    ck_assert(threshold.loss == thresholds[_i].loss);
}
END_TEST

#define NO_LOSS "the loss must be a percentage from 0 to 100, like 20%"

static const struct {
    const char *text, *why;
} wrong_thresholds[] = {
    {"%", NO_LOSS},      {",%", NO_LOSS},       {"1,%", NO_LOSS},    {"1,101%", NO_LOSS},
    {"1,-1%", NO_LOSS},  {"1,x%", NO_LOSS},     {"1,20%%", NO_LOSS}, {"1:12%", NO_LOSS},
    {"1,nan%", NO_LOSS}, {"1,20 %", NO_LOSS},   {"1,20", NO_RANGE},  {",", NO_RANGE},
    {"1,", NO_RANGE},    {"1,2,20%", NO_RANGE}, {"x,20%", NO_RANGE}, {"2:1,20%", BACKWARDS},
    {"20%,1", NO_RANGE}, {":,20%", NO_RANGE},
};

START_TEST(another_threshold_is_refused)
{
    struct threshold threshold;
    char why[RANGE_WHY];
    ck_assert(!threshold_parse(wrong_thresholds[_i].text, &threshold, why));
    ck_assert_str_eq(why, wrong_thresholds[_i].why);
}
END_TEST

Suite *range_suite(void)
{
    Suite *suite = suite_create("range");
    TCase *text = add_case(suite, "range as text", NULL);
    tcase_add_loop_test(text, a_range_is_read, 0, COUNT(right));
    tcase_add_loop_test(text, another_text_is_refused, 0, COUNT(wrong));
    TCase *alerts = add_case(suite, "range_alerts", NULL);
    tcase_add_loop_test(alerts, ends_belong_to_the_range_whichever_side_alerts, 0, COUNT(values));
    TCase *written = add_case(suite, "range_write", NULL);
    tcase_add_loop_test(written, performance_data_have_a_plain_form, 0, COUNT(forms));
    tcase_add_test(written, every_number_is_written_exactly);
    TCase *whole = add_case(suite, "threshold_parse", NULL);
    tcase_add_loop_test(whole, a_threshold_is_a_range_a_loss_or_both, 0, COUNT(thresholds));
    tcase_add_loop_test(whole, another_threshold_is_refused, 0, COUNT(wrong_thresholds));
    return suite;
}
