/* SPDX-License-Identifier: MIT */
/* The statistics. The counters begin with the program, so each test checks what it added. */
#include <config.h>

#include "log_support.h"
#include "server/log/stats.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The number of lines that the log writer lost. NOLINTBEGIN(bugprone-reserved-identifier) */
uint64_t __wrap_log_lost(void);

uint64_t __wrap_log_lost(void)
{
    return 7;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct stats before;
static struct stats after;

static void begin(void)
{
    stats_read(&before);
}

/* Fail unless the counters are those from before plus `more`. */
static void assert_added(const struct stats *more)
{
    stats_read(&after);
    ck_assert_uint_eq(after.accepted, before.accepted + more->accepted);
    for (size_t i = 0; i < OUTCOMES; i++)
        ck_assert_uint_eq(after.outcomes[i], before.outcomes[i] + more->outcomes[i]);
    for (size_t i = 0; i <= DURATION_BOUNDS; i++)
        ck_assert_uint_eq(after.durations[i], before.durations[i] + more->durations[i]);
    ck_assert_uint_eq(after.microseconds, before.microseconds + more->microseconds);
    ck_assert_uint_eq(after.reloads, before.reloads + more->reloads);
    ck_assert_uint_eq(after.reloads_refused, before.reloads_refused + more->reloads_refused);
    ck_assert_uint_eq(after.lines_lost, 7);
}

START_TEST(counters_stay_until_something_is_counted)
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

START_TEST(what_is_not_a_counter_is_cleared)
{
    memset(&after, 0xff, sizeof after);
    stats_read(&after);
    ck_assert_int_eq(after.connections_limit, 0);
    ck_assert_uint_eq(after.accept_errors, 0);
    ck_assert_uint_eq(after.gauges.active, 0);
    ck_assert_uint_eq(after.gauges.peak, 0);
    ck_assert_uint_eq(after.gauges.lingering, 0);
    ck_assert_uint_eq(after.gauges.workers, 0);
    ck_assert_uint_eq(after.gauges.idle, 0);
    ck_assert_uint_eq(after.listeners, 0);
}
END_TEST

START_TEST(each_outcome_is_counted)
{
    struct stats more = {.durations[0] = 1, .microseconds = 97};
    stats_outcome((enum outcome)_i, 97);
    more.outcomes[_i] = 1;
    assert_added(&more);
}
END_TEST

START_TEST(the_bounds_go_up_from_a_tenth_of_a_millisecond_to_ten_seconds)
{
    ck_assert_int_eq(duration_bounds[0], 100000);
    ck_assert_int_eq(duration_bounds[DURATION_BOUNDS - 1], 10000000000);
    for (size_t i = 1; i < DURATION_BOUNDS; i++)
        ck_assert_int_gt(duration_bounds[i], duration_bounds[i - 1]);
}
END_TEST

START_TEST(a_duration_at_its_bound_is_below_it_and_a_longer_one_above)
{
    struct stats more = {.outcomes[OUTCOME_OK] = 2};
    const int64_t bound = duration_bounds[_i] / 1000;
    stats_outcome(OUTCOME_OK, bound);
    stats_outcome(OUTCOME_OK, bound + 1);
    more.durations[_i] = 1;
    more.durations[_i + 1] = 1;
    more.microseconds = 2 * (uint64_t)bound + 1;
    assert_added(&more);
}
END_TEST

START_TEST(the_shortest_and_the_longest_durations_are_counted)
{
    const int64_t day = INT64_C(86400000000);
    stats_outcome(OUTCOME_OK, 0);
    stats_outcome(OUTCOME_SLOW, day);
    assert_added(&(struct stats){.outcomes[OUTCOME_OK] = 1,
                                 .outcomes[OUTCOME_SLOW] = 1,
                                 .durations[0] = 1,
                                 .durations[DURATION_BOUNDS] = 1,
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
static pthread_barrier_t start; /* so that all count at the same time */

static void *count_many(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start);
    for (int i = 0; i < TIMES; i++) {
        stats_accepted();
        stats_outcome(OUTCOME_SHORT, 101);
        stats_reload(false);
    }
    return NULL;
}

START_TEST(the_last_reload_is_noted)
{
    int64_t begun = time(NULL);
    stats_reload(true); /* other tests can have noted a refused one */
    stats_begin();
    stats_read(&after);
    ck_assert_int_ge(after.started, begun);
    ck_assert_int_eq(after.configured, after.started);
    ck_assert(!after.reload_refused);
    while (time(NULL) <= after.started)
        sched_yield();
    stats_reload(false);
    stats_read(&after);
    ck_assert_int_eq(after.configured, after.started);
    ck_assert(after.reload_refused);
    stats_reload(true);
    stats_read(&after);
    ck_assert_int_gt(after.configured, after.started);
    ck_assert(!after.reload_refused);
}
END_TEST

START_TEST(many_threads_count_and_nothing_is_lost)
{
    pthread_t threads[THREADS];
    need(pthread_barrier_init(&start, NULL, THREADS) == 0, "a barrier");
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_create(&threads[i], NULL, count_many, NULL) == 0, "a thread");
    for (int i = 0; i < 1000; i++)
        stats_read(&after); /* a reader disturbs no other thread */
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_join(threads[i], NULL) == 0, "the end of a thread");
    pthread_barrier_destroy(&start);
    assert_added(&(struct stats){.accepted = THREADS * TIMES,
                                 .outcomes[OUTCOME_SHORT] = THREADS * TIMES,
                                 .durations[1] = THREADS * TIMES,
                                 .microseconds = UINT64_C(101) * THREADS * TIMES,
                                 .reloads_refused = THREADS * TIMES});
}
END_TEST

static struct stats stats;

static void add_listener(const char *address, unsigned queued, unsigned limit)
{
    struct listener_stats listener = {.queued = queued, .limit = limit};
    snprintf(listener.address, sizeof listener.address, "%s", address);
    stats_add_listener(&stats, &listener);
}

static void begin_with_numbers(void)
{
    stats =
        (struct stats){.accepted = 1234567890123,
                       .outcomes = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
                       .gauges = {.active = 3, .peak = 40, .lingering = 6, .workers = 5, .idle = 2},
                       .lines_lost = 7};
    stats_add_accept_error(&stats, "EPROTO", 21);
    stats_add_accept_error(&stats, "EPERM", 0);
    stats_add_accept_error(&stats, "EMFILE", 22);
    stats_add_accept_error(&stats, "other", 23);
    add_listener("127.0.0.1:1060", 4, 4096);
    add_listener("[::1]:1060", 0, 128);
}

#define CONNECTIONS                                                                            \
    "notice connections accepted=1234567890123 active=3 peak=40 lingering=6 workers=5 idle=2 " \
    "lines_lost=7\n"
#define OUTCOMES_LINE                                                                           \
    "notice outcomes ok=10 excess=11 mismatch=12 short=13 probe=14 slow=15 reset=16 denied=17 " \
    "limited=18 malformed=19 failed=20\n"

START_TEST(each_line_has_its_numbers)
{
    stats_log(&stats);
    assert_logged(CONNECTIONS OUTCOMES_LINE "notice accept errors EPROTO=21 EMFILE=22 other=23\n"
                                            "notice listener 127.0.0.1:1060 queued=4 limit=4096\n"
                                            "notice listener [::1]:1060 queued=0 limit=128\n");
}
END_TEST

/* A kernel can report the queue of one socket of an address, and not that of another. */
START_TEST(a_queue_that_is_not_known_has_no_numbers)
{
    add_listener("127.0.0.1:1060", 0, 0);
    add_listener("[::1]:1061", 0, 0);
    add_listener("[::1]:1061", 5, 128);
    stats_log(&stats);
    ck_assert_ptr_nonnull(strstr(logged_text(), "notice listener 127.0.0.1:1060 queue=unknown\n"
                                                "notice listener [::1]:1060 queued=0 limit=128\n"
                                                "notice listener [::1]:1061 queue=unknown\n"));
}
END_TEST

START_TEST(without_errors_and_listeners_lines_are_shorter)
{
    for (size_t i = 0; i < stats.accept_errors; i++)
        stats.accept_error[i].count = 0;
    stats.listeners = 0;
    stats_log(&stats);
    assert_logged(CONNECTIONS OUTCOMES_LINE "notice accept errors none=0\n");
    stats.accept_errors = 0;
    stats_log(&stats);
    assert_logged(CONNECTIONS OUTCOMES_LINE "notice accept errors none=0\n");
}
END_TEST

START_TEST(the_largest_numbers_fit_their_lines)
{
    memset(&stats, 0xff, sizeof stats);
    stats.accept_errors = stats.listeners = 0;
    add_accept_errors(&stats, UINT64_MAX, 0);
    stats_log(&stats);
    const char *logged = logged_text();
    ck_assert_ptr_nonnull(strstr(logged, "accepted=18446744073709551615 active="));
    ck_assert_ptr_nonnull(strstr(logged, " lines_lost=18446744073709551615\n"));
    ck_assert_ptr_nonnull(strstr(logged, " failed=18446744073709551615\n"));
    ck_assert_ptr_nonnull(strstr(logged, " other=18446744073709551615\n"));
}
END_TEST

START_TEST(listeners_that_share_an_address_are_added_up)
{
    add_listener("[::1]:1060", 5, 7);
    add_listener("[::1]:1061", 1, 2);
    add_listener("127.0.0.1:1060", 1, 1);
    ck_assert_uint_eq(stats.listeners, 3);
    ck_assert_uint_eq(stats.listener[0].queued, 5);
    ck_assert_uint_eq(stats.listener[0].limit, 4097);
    ck_assert_uint_eq(stats.listener[1].queued, 5);
    ck_assert_uint_eq(stats.listener[1].limit, 135);
    ck_assert_str_eq(stats.listener[2].address, "[::1]:1061");
    ck_assert_uint_eq(stats.listener[2].queued, 1);
    ck_assert_uint_eq(stats.listener[2].limit, 2);
}
END_TEST

START_TEST(the_status_is_one_line)
{
    char text[400];
    stats_status(&stats, text, sizeof text);
    ck_assert_str_eq(text, "3 active, 1234567890123 accepted, 21 ok, 20 failed, 18 limited, 7 log "
                           "lines lost; listening at 127.0.0.1:1060, [::1]:1060");
}
END_TEST

START_TEST(the_status_is_cut_to_its_room)
{
    char whole[400];
    stats_status(&stats, whole, sizeof whole);
    for (size_t size = 1; size < sizeof whole; size++) {
        char cut[sizeof whole + 1];
        memset(cut, '#', sizeof cut);
        stats_status(&stats, cut, size);
        ck_assert_uint_eq(strlen(cut), size - 1 < strlen(whole) ? size - 1 : strlen(whole));
        ck_assert_int_eq(strncmp(cut, whole, strlen(cut)), 0);
        ck_assert_int_eq(cut[size], '#');
    }
}
END_TEST

Suite *stats_suite(void)
{
    Suite *suite = suite_create("stats");
    TCase *tcase = add_case(suite, "stats, counted", NULL);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, counters_stay_until_something_is_counted);
    tcase_add_test(tcase, connections_are_counted);
    tcase_add_test(tcase, what_is_not_a_counter_is_cleared);
    tcase_add_loop_test(tcase, each_outcome_is_counted, 0, OUTCOMES);
    tcase_add_test(tcase, the_bounds_go_up_from_a_tenth_of_a_millisecond_to_ten_seconds);
    tcase_add_loop_test(tcase, a_duration_at_its_bound_is_below_it_and_a_longer_one_above, 0,
                        DURATION_BOUNDS);
    tcase_add_test(tcase, the_shortest_and_the_longest_durations_are_counted);
    tcase_add_test(tcase, reloads_are_counted_as_they_end);
    tcase_add_test(tcase, the_last_reload_is_noted);
    tcase_add_test(tcase, many_threads_count_and_nothing_is_lost);

    TCase *reported = add_case(suite, "stats, reported", NULL);
    tcase_add_checked_fixture(reported, log_capture, log_release);
    tcase_add_checked_fixture(reported, begin_with_numbers, NULL);
    tcase_add_test(reported, each_line_has_its_numbers);
    tcase_add_test(reported, a_queue_that_is_not_known_has_no_numbers);
    tcase_add_test(reported, without_errors_and_listeners_lines_are_shorter);
    tcase_add_test(reported, the_largest_numbers_fit_their_lines);
    tcase_add_test(reported, listeners_that_share_an_address_are_added_up);
    tcase_add_test(reported, the_status_is_one_line);
    tcase_add_test(reported, the_status_is_cut_to_its_room);
    return suite;
}
