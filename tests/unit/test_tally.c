/* SPDX-License-Identifier: MIT */
/* The counts of many exchanges, and the status that follows from them. */
#include <config.h>

#include "client/report/tally.h"
#include "support.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static const struct verdict right = {RESULT_RIGHT, PHASE_CLOSE, 0, 16};
static const struct verdict wrong = {RESULT_DIFFERS, PHASE_RECEIVE, 0, 16};
static const struct verdict lost = {RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 0};
static const struct verdict silent = {RESULT_SILENT, PHASE_CLOSE, 0, 16};
static const struct verdict cut = {RESULT_CUT, PHASE_RECEIVE, 0, 5};
static const struct verdict local = {RESULT_LOCAL, PHASE_CONNECT, EADDRNOTAVAIL, 0};

static struct tally tally;
static struct tally other;

static void start_empty(void)
{
    memset(&tally, 0, sizeof tally);
    memset(&other, 0, sizeof other);
}

static void assert_classes(uint64_t rights, uint64_t wrongs, uint64_t losts, uint64_t locals)
{
    ck_assert_uint_eq(tally.classes[CLASS_RIGHT], rights);
    ck_assert_uint_eq(tally.classes[CLASS_WRONG], wrongs);
    ck_assert_uint_eq(tally.classes[CLASS_LOST], losts);
    ck_assert_uint_eq(tally.classes[CLASS_LOCAL], locals);
    ck_assert_uint_eq(tally.sent, rights + wrongs + losts);
    ck_assert_uint_eq(tally.times.histogram.total, rights);
}

static void assert_failure(size_t index, const struct verdict *verdict, uint64_t count)
{
    ck_assert_uint_lt(index, tally.failure_count);
    ck_assert_int_eq(tally.failures[index].verdict.result, verdict->result);
    ck_assert_int_eq(tally.failures[index].verdict.phase, verdict->phase);
    ck_assert_int_eq(tally.failures[index].verdict.error, verdict->error);
    ck_assert_uint_eq(tally.failures[index].count, count);
}

START_TEST(each_class_is_counted_and_only_what_was_begun_is_sent)
{
    for (int i = 0; i < 4; i++)
        tally_add(&tally, &right, 100 + i);
    for (int i = 0; i < 3; i++)
        tally_add(&tally, &wrong, 1);
    for (int i = 0; i < 2; i++)
        tally_add(&tally, &lost, 1000);
    tally_add(&tally, &local, 0);
    assert_classes(4, 3, 2, 1);
}
END_TEST

START_TEST(only_right_ones_have_times)
{
    const struct verdict quiet = {RESULT_QUIET, PHASE_RECEIVE, 0, 0};
    tally_add(&tally, &lost, 1);
    tally_add(&tally, &right, 20);
    tally_add(&tally, &silent, 30);
    tally_add(&tally, &quiet, 40);
    tally_add(&tally, &wrong, 50);
    ck_assert_uint_eq(tally.times.least, 20);
    ck_assert_uint_eq(tally.times.histogram.most, 40);
    ck_assert_double_eq_tol(tally.times.mean, 30, 1e-9);
}
END_TEST

START_TEST(failures_differ_by_result_phase_and_error)
{
    static const struct verdict kinds[] = {
        {RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 0}, /* and each differs in one thing */
        {RESULT_FAILED, PHASE_CONNECT, ENETUNREACH, 0},
        {RESULT_FAILED, PHASE_SEND, ECONNREFUSED, 0},
        {RESULT_LOCAL, PHASE_CONNECT, ECONNREFUSED, 0},
    };
    for (size_t times = 1; times <= 2; times++)
        for (size_t i = 0; i < COUNT(kinds); i++)
            tally_add(&tally, &kinds[i], 1);
    ck_assert_uint_eq(tally.failure_count, COUNT(kinds));
    for (size_t i = 0; i < COUNT(kinds); i++)
        assert_failure(i, &kinds[i], 2);
}
END_TEST

START_TEST(failures_with_more_octets_or_fewer_are_of_one_kind)
{
    for (size_t count = 0; count < 16; count++) {
        const struct verdict early = {RESULT_EOF, PHASE_RECEIVE, 0, count};
        tally_add(&tally, &early, 1);
    }
    ck_assert_uint_eq(tally.failure_count, 1);
    ck_assert_uint_eq(tally.failures[0].count, 16);
    assert_classes(0, 15, 1, 0);
}
END_TEST

static struct verdict kind_number(int number)
{
    return (struct verdict){RESULT_FAILED, PHASE_CONNECT, number, 0};
}

/* Add a failure of each kind. */
static void add_kinds(struct tally *to, int first, int count)
{
    for (int number = first; number < first + count; number++) {
        struct verdict verdict = kind_number(number);
        tally_add(to, &verdict, 1);
    }
}

START_TEST(kinds_beyond_the_last_count_as_the_last)
{
    struct verdict known = kind_number(1);
    struct verdict last = kind_number(TALLY_FAILURES);
    add_kinds(&tally, 1, TALLY_FAILURES + 3);
    tally_add(&tally, &known, 1);
    ck_assert_uint_eq(tally.failure_count, TALLY_FAILURES);
    assert_failure(0, &known, 2);
    assert_failure(TALLY_FAILURES - 1, &last, 1 + 3);
    assert_classes(0, 0, TALLY_FAILURES + 4, 0);
}
END_TEST

START_TEST(what_was_cut_is_neither_sent_nor_a_failure)
{
    tally_add(&tally, &right, 50);
    tally_add(&tally, &cut, 40);
    tally_add(&tally, &cut, 70);
    tally_add(&tally, &cut, 60);
    assert_classes(1, 0, 0, 0);
    ck_assert_uint_eq(tally.classes[CLASS_UNFINISHED], 3);
    ck_assert_uint_eq(tally.longest_cut, 70);
    ck_assert_uint_eq(tally.failure_count, 0);
}
END_TEST

START_TEST(right_ones_without_an_end_of_file_are_counted)
{
    tally_add(&tally, &right, 1);
    tally_add(&tally, &silent, 1);
    tally_add(&tally, &silent, 1);
    assert_classes(3, 0, 0, 0);
    ck_assert_uint_eq(tally.no_end, 2);
}
END_TEST

/* Only exchanges that connected and came to a verdict count. */
START_TEST(what_tcp_sent_again_is_counted)
{
    static const struct tcp_state none = {.is_asked = true, .is_known = true};
    static const struct tcp_state both = {
        .retransmissions = 2, .syn_retransmissions = 1, .is_asked = true, .is_known = true};
    static const struct tcp_state syns = {
        .syn_retransmissions = 3, .is_asked = true, .is_known = true};
    static const struct tcp_state unknown = {.is_asked = true};
    static const struct tcp_state not_asked = {0};

    tally_add_tcp(&tally, &right, &none);
    tally_add_tcp(&tally, &right, &not_asked);
    tally_add_tcp(&tally, &right, &both);
    tally_add_tcp(&tally, &lost, &syns);
    tally_add_tcp(&tally, &cut, &both);
    ck_assert_uint_eq(tally.unknown, 0);
    tally_add_tcp(&other, &wrong, &syns);
    tally_add_tcp(&other, &silent, &both);
    tally_add_tcp(&other, &right, &unknown);
    tally_merge(&tally, &other);
    ck_assert_uint_eq(tally.retransmissions, 4);
    ck_assert_uint_eq(tally.retransmitting, 2);
    ck_assert_uint_eq(tally.syn_retransmissions, 5);
    ck_assert_uint_eq(tally.syn_retransmitting, 3);
    ck_assert_uint_eq(tally.unknown, 1);
}
END_TEST

START_TEST(merged_ones_count_together)
{
    tally_add(&tally, &right, 10);
    tally_add(&tally, &wrong, 1);
    tally_add(&tally, &lost, 1);
    tally_add(&tally, &cut, 5);
    tally_add(&other, &local, 1);
    tally_add(&other, &lost, 1);
    tally_add(&other, &lost, 1);
    tally_add(&other, &right, 30);
    tally_add(&other, &silent, 20);
    tally_add(&other, &cut, 7);
    tally_add(&other, &cut, 6);
    tally_merge(&tally, &other);
    assert_classes(3, 1, 3, 1);
    ck_assert_uint_eq(tally.classes[CLASS_UNFINISHED], 3);
    ck_assert_uint_eq(tally.longest_cut, 7);
    ck_assert_uint_eq(tally.no_end, 1);
    ck_assert_uint_eq(tally.times.least, 10);
    ck_assert_uint_eq(tally.times.histogram.most, 30);
    ck_assert_uint_eq(tally.failure_count, 3);
    assert_failure(0, &wrong, 1);
    assert_failure(1, &lost, 3);
    assert_failure(2, &local, 1);
}
END_TEST

START_TEST(right_ones_are_counted_by_duration)
{
    time_t before = time(NULL);
    tally_add(&tally, &lost, 7);
    ck_assert_int_eq(tally.last_right, 0);
    tally_add(&tally, &right, duration_bounds[3]);
    tally_add(&tally, &silent, duration_bounds[3] + 1);
    tally_add(&tally, &wrong, 7);
    other.last_right = 1;
    tally_merge(&other, &tally);
    tally_merge(&other, &tally);
    ck_assert_uint_eq(other.durations[3], 2);
    ck_assert_uint_eq(other.durations[4], 2);
    ck_assert_uint_eq(other.nanoseconds, 4 * (uint64_t)duration_bounds[3] + 2);
    ck_assert_int_ge(other.last_right, before);
    ck_assert_int_le(other.last_right, time(NULL));
    tally_merge(&other, &(struct tally){.last_right = 1});
    ck_assert_int_ge(other.last_right, before);
}
END_TEST

START_TEST(merging_none_changes_nothing)
{
    tally_add(&other, &right, 10);
    tally_add(&other, &lost, 1);
    tally = other;
    memset(&other, 0, sizeof other);
    tally_merge(&tally, &other);
    assert_classes(1, 0, 1, 0);
    ck_assert_uint_eq(tally.failure_count, 1);
    assert_failure(0, &lost, 1);
}
END_TEST

START_TEST(merged_kinds_beyond_the_last_count_as_the_last)
{
    struct verdict last = kind_number(TALLY_FAILURES);
    add_kinds(&tally, 1, TALLY_FAILURES);
    add_kinds(&other, 2, TALLY_FAILURES);
    tally_merge(&tally, &other);
    ck_assert_uint_eq(tally.failure_count, TALLY_FAILURES);
    ck_assert_uint_eq(tally.failures[0].count, 1);
    for (size_t i = 1; i < TALLY_FAILURES - 1; i++)
        ck_assert_uint_eq(tally.failures[i].count, 2);
    assert_failure(TALLY_FAILURES - 1, &last, 1 + 2);
    assert_classes(0, 0, UINT64_C(2) * TALLY_FAILURES, 0);
}
END_TEST

static const struct {
    uint64_t sent;
    uint64_t lost;
    const char *percent;
} shares[] = {
    {0, 0, "0"},
    {1, 0, "0"},
    {1, 1, "100"},
    {2, 1, "50"},
    {3, 1, "33.33"},
    {3, 2, "66.67"},
    {1000, 1, "0.1"},
    {30000, 1, "0.003"},
    {30000, 29999, "99.997"},
    {1000000, 1, "0.0001"},
    {1000000, 999999, "99.9999"},
    {UINT64_C(1000000000000000), 1, "0.0000000000001"},
    {UINT64_C(1000000000000000), UINT64_C(999999999999999), "99.9999999999999"},
};

START_TEST(lost_percent_are_rounded_neither_to_none_nor_to_all)
{
    char text[TALLY_PERCENT] = "what was there before";
    tally.sent = shares[_i].sent;
    tally.classes[CLASS_LOST] = shares[_i].lost;
    ck_assert_ptr_eq(tally_lost(&tally, text), text);
    ck_assert_str_eq(text, shares[_i].percent);
}
END_TEST

/* Bits of `_i`: 1 right, 2 wrong, 4 lost, 8 failed on this host. */
START_TEST(the_status_reports_the_server_before_this_host)
{
    static const int expected[16] = {1, 0, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1};
    const struct verdict verdicts[] = {right, wrong, lost, local};
    for (size_t i = 0; i < COUNT(verdicts); i++)
        if (_i & (1 << i))
            tally_add(&tally, &verdicts[i], 1);
    ck_assert_int_eq(tally_status(&tally), expected[_i]);
    tally_add(&tally, &cut, 1);
    ck_assert_int_eq(tally_status(&tally), expected[_i]);
}
END_TEST

START_TEST(the_status_is_wrong_if_what_was_cut_was_slower_than_each_right_one)
{
    tally_add(&tally, &right, 100);
    tally_add(&tally, &right, 50);
    tally_add(&tally, &cut, 100);
    ck_assert_int_eq(tally_status(&tally), 0);
    tally_add(&tally, &cut, 101);
    ck_assert_int_eq(tally_status(&tally), 1);
}
END_TEST

Suite *tally_suite(void)
{
    Suite *suite = suite_create("tally");
    TCase *tcase = add_case(suite, "tally", NULL);
    tcase_add_checked_fixture(tcase, start_empty, NULL);
    tcase_add_test(tcase, each_class_is_counted_and_only_what_was_begun_is_sent);
    tcase_add_test(tcase, only_right_ones_have_times);
    tcase_add_test(tcase, failures_differ_by_result_phase_and_error);
    tcase_add_test(tcase, failures_with_more_octets_or_fewer_are_of_one_kind);
    tcase_add_test(tcase, kinds_beyond_the_last_count_as_the_last);
    tcase_add_test(tcase, what_was_cut_is_neither_sent_nor_a_failure);
    tcase_add_test(tcase, right_ones_without_an_end_of_file_are_counted);
    tcase_add_test(tcase, what_tcp_sent_again_is_counted);
    tcase_add_test(tcase, merged_ones_count_together);
    tcase_add_test(tcase, right_ones_are_counted_by_duration);
    tcase_add_test(tcase, merging_none_changes_nothing);
    tcase_add_test(tcase, merged_kinds_beyond_the_last_count_as_the_last);
    tcase_add_loop_test(tcase, lost_percent_are_rounded_neither_to_none_nor_to_all, 0,
                        COUNT(shares));
    tcase_add_loop_test(tcase, the_status_reports_the_server_before_this_host, 0, 16);
    tcase_add_test(tcase, the_status_is_wrong_if_what_was_cut_was_slower_than_each_right_one);
    return suite;
}
