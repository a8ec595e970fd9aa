/* SPDX-License-Identifier: MIT */
/* The starts of a run: evenly spaced, without drift, claimed once, and counted exactly. */
#include <config.h>

#include "client/exchange/schedule.h"
#include "support.h"

#define SECOND INT64_C(1000000000)

static const double rates[] = {0.01, 1, 3, 7.7, 1000, 99999, 1e6, 1e9};

/* Return a schedule with this rate for one target. */
static const struct schedule *of(double rate)
{
    static struct schedule schedule;
    schedule = (struct schedule){.rate = rate, .targets = 1};
    return &schedule;
}

START_TEST(the_first_is_due_at_once_and_the_others_evenly)
{
    ck_assert_int_eq(schedule_due(of(1000), 0), 0);
    ck_assert_int_eq(schedule_due(of(1000), 1), 1000000);
    ck_assert_int_eq(schedule_due(of(1000), 3600000), 3600 * SECOND);
    ck_assert_int_eq(schedule_due(of(0.5), 3), 6 * SECOND);
}
END_TEST

START_TEST(no_rounding_adds_up)
{
    for (uint64_t seconds = 1; seconds < 100000; seconds += 999)
        ck_assert_int_eq(schedule_due(of(3), 3 * seconds), (int64_t)seconds * SECOND);
}
END_TEST

START_TEST(none_is_due_before_the_one_that_precedes_it)
{
    for (uint64_t number = 0; number < 5000; number++)
        ck_assert_int_le(schedule_due(of(rates[_i]), number),
                         schedule_due(of(rates[_i]), number + 1));
}
END_TEST

START_TEST(those_before_an_instant_are_due_before_it_and_no_other_is)
{
    for (int64_t elapsed = 1; elapsed < 100 * SECOND; elapsed = elapsed * 3 + 1) {
        uint64_t count = schedule_before(of(rates[_i]), elapsed);
        ck_assert_int_lt(schedule_due(of(rates[_i]), count - 1), elapsed);
        ck_assert_int_ge(schedule_due(of(rates[_i]), count), elapsed);
    }
}
END_TEST

START_TEST(the_start_at_the_end_itself_does_not_count)
{
    ck_assert_uint_eq(schedule_before(of(rates[_i]), 0), 0);
    ck_assert_uint_eq(schedule_before(of(1000), SECOND), 1000);
    ck_assert_uint_eq(schedule_before(of(1000), SECOND + 1), 1001);
    ck_assert_uint_eq(schedule_before(of(3), 100000 * SECOND), 300000);
}
END_TEST

START_TEST(the_end_of_the_clock_is_handled)
{
    ck_assert_int_ge(schedule_due(of(1e-9), UINT64_MAX), SECOND * 86400 * 365 * 100);
    uint64_t centuries = schedule_before(of(rates[_i]), INT64_MAX);
    ck_assert_double_ge((double)centuries, 200.0 * 365 * 86400 * rates[_i]);
}
END_TEST

/* ---- Rounds ---- */

/* The spacing is what the engine chooses. */
static const struct schedule rounds[] = {
    {.rate = 0.01, .targets = 2, .spacing = 1000000},
    {.rate = 1, .targets = 3, .spacing = 1000000},
    {.rate = 1, .targets = 1000, .spacing = 1000000}, /* the last is due just before the next */
    {.rate = 7.7, .targets = 10000, .spacing = 12987},
    {.rate = 3, .targets = 7, .spacing = 1000000},
    {.rate = 1e5, .targets = 10000, .spacing = 1},
    {.rate = 3e8, .targets = 3, .spacing = 1},
};

START_TEST(a_round_has_a_start_for_each_target)
{
    const struct schedule *schedule = &rounds[_i];
    const struct schedule *single = of(schedule->rate);
    for (uint64_t round = 0; round < 3; round++)
        for (uint64_t i = 0; i < schedule->targets; i++)
            ck_assert_int_eq(schedule_due(schedule, round * schedule->targets + i),
                             schedule_due(single, round) + (int64_t)i * schedule->spacing);
}
END_TEST

START_TEST(no_start_of_a_round_is_due_before_the_one_that_precedes_it)
{
    for (uint64_t number = 0; number < 5000; number++)
        ck_assert_int_le(schedule_due(&rounds[_i], number), schedule_due(&rounds[_i], number + 1));
}
END_TEST

static void assert_inverse(const struct schedule *schedule, int64_t elapsed)
{
    uint64_t count = schedule_before(schedule, elapsed);
    if (count > 0)
        ck_assert_int_lt(schedule_due(schedule, count - 1), elapsed);
    ck_assert_int_ge(schedule_due(schedule, count), elapsed);
}

START_TEST(the_starts_of_rounds_before_an_instant_are_due_before_it_and_no_other_is)
{
    const struct schedule *schedule = &rounds[_i];
    for (int64_t elapsed = 1; elapsed < 10000 * SECOND; elapsed = elapsed * 5 / 4 + 1)
        assert_inverse(schedule, elapsed);
    for (uint64_t number = 0; number < 1000000; number = number * 9 / 8 + 1)
        for (int64_t away = -1; away <= 1; away++)
            assert_inverse(schedule, schedule_due(schedule, number) + away);
    ck_assert_uint_eq(schedule_before(schedule, 0), 0);
    ck_assert_uint_eq(schedule_before(schedule, -SECOND), 0);
    ck_assert_uint_eq(schedule_before(schedule, 1), 1);
}
END_TEST

START_TEST(the_end_of_the_clock_is_handled_with_rounds)
{
    uint64_t centuries = schedule_before(&rounds[_i], INT64_MAX);
    ck_assert_double_ge((double)centuries, 200.0 * 365 * 86400 * rounds[_i].rate);
    ck_assert_uint_eq(centuries % rounds[_i].targets, 0);
    ck_assert_int_ge(schedule_due(&rounds[_i], UINT64_MAX), SECOND * 86400 * 365 * 100);
}
END_TEST

/* A schedule that begins at SECOND. */
static struct schedule schedule_of(double rate, uint64_t count, int64_t end)
{
    return (struct schedule){
        .rate = rate, .targets = 1, .count = count, .began = SECOND, .grace = SECOND, .end = end};
}

/* Return the number of the next start and in `*due` its instant, or -1. */
static int64_t claim(struct schedule *schedule, int64_t now, int64_t *due)
{
    uint64_t number;
    bool is_due = schedule_is_due(schedule, now);
    ck_assert_int_eq(schedule_claim(schedule, now, &number, due), is_due);
    return is_due ? (int64_t)number : -1;
}

START_TEST(without_a_rate_each_is_due_now)
{
    struct schedule schedule = schedule_of(0, 0, NEVER);
    int64_t due;
    for (int64_t number = 0; number < 5; number++) {
        ck_assert_int_eq(claim(&schedule, 5 * SECOND + number, &due), number);
        ck_assert_int_eq(due, 5 * SECOND + number);
    }
    ck_assert_int_eq(schedule_next(&schedule, 1, 2, 7 * SECOND), 7 * SECOND);
    ck_assert_uint_eq(schedule_total(&schedule), 5);
}
END_TEST

START_TEST(with_a_rate_each_is_due_at_its_instant)
{
    struct schedule schedule = schedule_of(2, 0, NEVER);
    int64_t due;
    ck_assert_int_eq(claim(&schedule, SECOND - 1, &due), -1);
    ck_assert_int_eq(schedule_next(&schedule, 0, 1, SECOND - 1), SECOND);
    ck_assert_int_eq(claim(&schedule, 2 * SECOND, &due), 0);
    ck_assert_int_eq(due, SECOND);
    ck_assert_int_eq(claim(&schedule, 2 * SECOND, &due), 1);
    ck_assert_int_eq(due, SECOND + SECOND / 2);
    ck_assert_int_eq(claim(&schedule, 2 * SECOND, &due), 2);
    ck_assert_int_eq(claim(&schedule, 2 * SECOND, &due), -1);
    ck_assert_int_eq(schedule_next(&schedule, 0, 1, 2 * SECOND), 2 * SECOND + SECOND / 2);
}
END_TEST

START_TEST(each_target_has_its_instant)
{
    struct schedule schedule = schedule_of(1, 6, NEVER);
    int64_t due;
    schedule.targets = 3;
    schedule.spacing = SECOND / 4;
    ck_assert_int_eq(claim(&schedule, SECOND, &due), 0);
    ck_assert_int_eq(claim(&schedule, SECOND, &due), -1);
    ck_assert_int_eq(schedule_next(&schedule, 0, 1, SECOND + 1), SECOND + SECOND / 4);
    for (int64_t number = 1; number < 6; number++) {
        ck_assert_int_eq(claim(&schedule, 3 * SECOND, &due), number);
        ck_assert_int_eq(due, SECOND + number / 3 * SECOND + number % 3 * SECOND / 4);
    }
    ck_assert_int_eq(claim(&schedule, 9 * SECOND, &due), -1);
    ck_assert_int_eq(schedule_next(&schedule, 0, 1, 3 * SECOND), NEVER);
}
END_TEST

START_TEST(the_end_can_be_in_a_round)
{
    static const struct {
        int64_t end;
        uint64_t total;
    } rows[] = {{SECOND, 0},
                {SECOND + 1, 1},
                {2 * SECOND, 3},
                {2 * SECOND + 1, 4},
                {2 * SECOND + SECOND / 4, 4},
                {2 * SECOND + SECOND / 2, 5}};
    struct schedule schedule = schedule_of(1, 0, rows[_i].end);
    schedule.targets = 3;
    schedule.spacing = SECOND / 4;
    ck_assert_uint_eq(schedule_total(&schedule), rows[_i].total);
}
END_TEST

START_TEST(without_a_rate_the_targets_take_turns)
{
    struct schedule schedule = schedule_of(0, 4, NEVER);
    int64_t due;
    schedule.targets = 2;
    for (int64_t number = 0; number < 4; number++)
        ck_assert_int_eq(claim(&schedule, 5 * SECOND, &due), number);
    ck_assert_int_eq(claim(&schedule, 5 * SECOND, &due), -1);
    ck_assert_uint_eq(schedule_total(&schedule), 4);
}
END_TEST

START_TEST(a_count_is_the_end)
{
    struct schedule schedule = schedule_of(_i == 0 ? 0 : 1000, 2, NEVER);
    int64_t due;
    ck_assert_int_eq(claim(&schedule, 2 * SECOND, &due), 0);
    ck_assert_int_eq(claim(&schedule, 2 * SECOND, &due), 1);
    ck_assert_int_eq(claim(&schedule, 3 * SECOND, &due), -1);
    ck_assert_int_eq(schedule_next(&schedule, 0, 1, 3 * SECOND), NEVER);
    ck_assert_uint_eq(schedule_total(&schedule), 2);
}
END_TEST

/* Two starts are due, at SECOND and at 2 * SECOND, before the end. */
START_TEST(what_was_due_before_the_end_begins_for_as_long_as_the_grace)
{
    struct schedule schedule = schedule_of(1, 0, 3 * SECOND);
    int64_t due;
    ck_assert_int_eq(claim(&schedule, 3 * SECOND, &due), 0);
    ck_assert_int_eq(claim(&schedule, 4 * SECOND, &due), -1);
    ck_assert_int_eq(schedule_next(&schedule, 0, 1, 4 * SECOND), NEVER);
    ck_assert_int_eq(claim(&schedule, 4 * SECOND - 1, &due), 1);
    ck_assert_int_eq(due, 2 * SECOND);
    ck_assert_int_eq(claim(&schedule, 4 * SECOND - 1, &due), -1);
    ck_assert_uint_eq(schedule_total(&schedule), 2);
}
END_TEST

START_TEST(there_is_no_grace_without_a_rate_or_with_skips)
{
    struct schedule schedule = schedule_of(_i == 0 ? 0 : 1, 0, 3 * SECOND);
    int64_t due;
    schedule.skips = _i > 0;
    ck_assert_int_eq(claim(&schedule, 3 * SECOND - 1, &due), 0);
    ck_assert_int_eq(claim(&schedule, 3 * SECOND, &due), -1);
    ck_assert_uint_eq(schedule_total(&schedule), 1);
}
END_TEST

/* A start could still have begun if it was less late than the interval, and than 0.1 s. */
START_TEST(what_could_still_have_begun_at_the_end_is_not_missed)
{
    static const struct {
        double rate;
        int64_t end;
        uint64_t total;
    } rows[] = {
        {1, 4 * SECOND - 1, 3}, {1, 4 * SECOND, 3}, {1, 4 * SECOND + 1, 4}, {100, SECOND / 5, 10}};
    struct schedule schedule = schedule_of(rows[_i].rate, 0, rows[_i].end + SECOND);
    schedule.skips = true;
    ck_assert_uint_eq(schedule_total(&schedule), rows[_i].total);
}
END_TEST

START_TEST(threads_look_at_different_instants)
{
    struct schedule schedule = schedule_of(1, 0, NEVER);
    for (unsigned index = 0; index < 3; index++)
        ck_assert_int_eq(schedule_next(&schedule, index, 3, SECOND + 1),
                         SECOND + (index == 0 ? 3 : index) * SECOND);
}
END_TEST

/* No place is free for a start that is due, so the thread looks again at the next instant. */
START_TEST(a_thread_without_a_place_looks_at_the_next_instant)
{
    struct schedule schedule = schedule_of(1, 0, NEVER);
    ck_assert_int_eq(schedule_next(&schedule, 0, 1, SECOND + SECOND / 2), 2 * SECOND);
}
END_TEST

START_TEST(nothing_is_due_before_the_beginning)
{
    struct schedule schedule = {.rate = 1000, .targets = 1};
    ck_assert_uint_eq(schedule_total(&schedule), 0);
}
END_TEST

START_TEST(what_was_due_and_not_claimed_is_in_the_total)
{
    struct schedule schedule = schedule_of(1000, 0, 2 * SECOND);
    int64_t due;
    ck_assert_int_eq(claim(&schedule, 2 * SECOND, &due), 0);
    ck_assert_uint_eq(schedule_total(&schedule), 1000);
    schedule.count = 10;
    ck_assert_uint_eq(schedule_total(&schedule), 10);
    schedule.end = SECOND;
    ck_assert_uint_eq(schedule_total(&schedule), 1);
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

    TCase *turns = add_case(suite, "schedule, rounds", NULL);
    tcase_add_loop_test(turns, a_round_has_a_start_for_each_target, 0, COUNT(rounds));
    tcase_add_loop_test(turns, no_start_of_a_round_is_due_before_the_one_that_precedes_it, 0,
                        COUNT(rounds));
    tcase_add_loop_test(turns,
                        the_starts_of_rounds_before_an_instant_are_due_before_it_and_no_other_is, 0,
                        COUNT(rounds));
    tcase_add_loop_test(turns, the_end_of_the_clock_is_handled_with_rounds, 0, COUNT(rounds));

    TCase *claims = add_case(suite, "schedule, claims", NULL);
    tcase_add_test(claims, without_a_rate_each_is_due_now);
    tcase_add_test(claims, with_a_rate_each_is_due_at_its_instant);
    tcase_add_test(claims, each_target_has_its_instant);
    tcase_add_loop_test(claims, the_end_can_be_in_a_round, 0, 6);
    tcase_add_test(claims, without_a_rate_the_targets_take_turns);
    tcase_add_loop_test(claims, a_count_is_the_end, 0, 2);
    tcase_add_test(claims, what_was_due_before_the_end_begins_for_as_long_as_the_grace);
    tcase_add_loop_test(claims, there_is_no_grace_without_a_rate_or_with_skips, 0, 2);
    tcase_add_loop_test(claims, what_could_still_have_begun_at_the_end_is_not_missed, 0, 4);
    tcase_add_test(claims, threads_look_at_different_instants);
    tcase_add_test(claims, a_thread_without_a_place_looks_at_the_next_instant);
    tcase_add_test(claims, nothing_is_due_before_the_beginning);
    tcase_add_test(claims, what_was_due_and_not_claimed_is_in_the_total);
    return suite;
}
