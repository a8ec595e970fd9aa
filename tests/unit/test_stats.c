/* SPDX-License-Identifier: MIT */
/* The counters. They begin with the program, so each test looks at what it added. */
#include <config.h>

#include "server/log/stats.h"
#include "support.h"

static struct stats before;
static struct stats after;

static void begin(void)
{
    stats_get(&before);
}

/* Fails unless all counts are those from before and what `more` says. */
static void assert_added(const struct stats *more)
{
    stats_get(&after);
    ck_assert_uint_eq(after.accepted, before.accepted + more->accepted);
    for (size_t i = 0; i < OUTCOMES; i++)
        ck_assert_uint_eq(after.outcomes[i], before.outcomes[i] + more->outcomes[i]);
    for (size_t i = 0; i < ACCEPT_ERRORS; i++)
        ck_assert_uint_eq(after.accept_errors[i], before.accept_errors[i] + more->accept_errors[i]);
    for (size_t i = 0; i <= STATS_BOUNDS; i++)
        ck_assert_uint_eq(after.durations[i], before.durations[i] + more->durations[i]);
    ck_assert_uint_eq(after.microseconds, before.microseconds + more->microseconds);
    ck_assert_uint_eq(after.reloads, before.reloads + more->reloads);
    ck_assert_uint_eq(after.reloads_refused, before.reloads_refused + more->reloads_refused);
}

static void count_outcome(enum outcome outcome, int64_t us)
{
    const struct connection connection = {
        .outcome = outcome, .accepted = 5000, .decided = 5000 + us * 1000 + 999};
    stats_outcome(&connection);
}

START_TEST(what_nobody_counts_stays)
{
    assert_added(&(struct stats){0});
}
END_TEST

START_TEST(connections_are_counted)
{
    stats_accepted();
    stats_accepted();
    assert_added(&(struct stats){.accepted = 2});
}
END_TEST

START_TEST(each_accept_error_is_counted)
{
    struct stats more = {0};
    stats_accept_error((size_t)_i);
    more.accept_errors[_i] = 1;
    assert_added(&more);
}
END_TEST

START_TEST(each_outcome_is_counted)
{
    struct stats more = {.durations[0] = 1, .microseconds = 97};
    count_outcome((enum outcome)_i, 97);
    more.outcomes[_i] = 1;
    assert_added(&more);
}
END_TEST

START_TEST(the_bounds_go_up_from_a_tenth_of_a_millisecond_to_ten_seconds)
{
    ck_assert_int_eq(stats_bounds[0], 100);
    ck_assert_int_eq(stats_bounds[STATS_BOUNDS - 1], 10000000);
    for (size_t i = 1; i < STATS_BOUNDS; i++)
        ck_assert_int_gt(stats_bounds[i], stats_bounds[i - 1]);
}
END_TEST

START_TEST(a_duration_at_its_bound_is_below_it_and_a_longer_one_above)
{
    struct stats more = {.outcomes[OUTCOME_OK] = 2};
    count_outcome(OUTCOME_OK, stats_bounds[_i]);
    count_outcome(OUTCOME_OK, stats_bounds[_i] + 1);
    more.durations[_i] = 1;
    more.durations[_i + 1] = 1;
    more.microseconds = 2 * (uint64_t)stats_bounds[_i] + 1;
    assert_added(&more);
}
END_TEST

START_TEST(the_shortest_and_the_longest_durations_are_counted)
{
    const int64_t day = INT64_C(86400000000);
    count_outcome(OUTCOME_OK, 0);
    count_outcome(OUTCOME_SLOW, day);
    assert_added(&(struct stats){.outcomes[OUTCOME_OK] = 1,
                                 .outcomes[OUTCOME_SLOW] = 1,
                                 .durations[0] = 1,
                                 .durations[STATS_BOUNDS] = 1,
                                 .microseconds = (uint64_t)day});
}
END_TEST

START_TEST(reloads_are_counted_as_they_end)
{
    stats_reload(true);
    stats_reload(true);
    stats_reload(false);
    assert_added(&(struct stats){.reloads = 2, .reloads_refused = 1});
}
END_TEST

enum { THREADS = 4, TIMES = 50000 };
static pthread_barrier_t start; /* so that they meet */

static void *count_many(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start);
    for (int i = 0; i < TIMES; i++) {
        stats_accepted();
        stats_accept_error(3);
        count_outcome(OUTCOME_SHORT, 101);
        stats_reload(false);
    }
    return NULL;
}

START_TEST(many_threads_count_and_nothing_is_lost)
{
    pthread_t threads[THREADS];
    need(pthread_barrier_init(&start, NULL, THREADS) == 0, "a barrier");
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_create(&threads[i], NULL, count_many, NULL) == 0, "a thread");
    for (int i = 0; i < 1000; i++)
        stats_get(&after); /* whoever reads disturbs nobody */
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_join(threads[i], NULL) == 0, "its end");
    pthread_barrier_destroy(&start);
    assert_added(&(struct stats){.accepted = THREADS * TIMES,
                                 .accept_errors[3] = THREADS * TIMES,
                                 .outcomes[OUTCOME_SHORT] = THREADS * TIMES,
                                 .durations[1] = THREADS * TIMES,
                                 .microseconds = UINT64_C(101) * THREADS * TIMES,
                                 .reloads_refused = THREADS * TIMES});
}
END_TEST

Suite *stats_suite(void)
{
    Suite *suite = suite_create("stats");
    TCase *tcase = add_case(suite, "stats", NULL);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, what_nobody_counts_stays);
    tcase_add_test(tcase, connections_are_counted);
    tcase_add_loop_test(tcase, each_accept_error_is_counted, 0, ACCEPT_ERRORS);
    tcase_add_loop_test(tcase, each_outcome_is_counted, 0, OUTCOMES);
    tcase_add_test(tcase, the_bounds_go_up_from_a_tenth_of_a_millisecond_to_ten_seconds);
    tcase_add_loop_test(tcase, a_duration_at_its_bound_is_below_it_and_a_longer_one_above, 0,
                        STATS_BOUNDS);
    tcase_add_test(tcase, the_shortest_and_the_longest_durations_are_counted);
    tcase_add_test(tcase, reloads_are_counted_as_they_end);
    tcase_add_test(tcase, many_threads_count_and_nothing_is_lost);
    return suite;
}
