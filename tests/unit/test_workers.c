/* SPDX-License-Identifier: MIT */
/* Workers: who is woken, who is made, and when they end. */
#include <config.h>

#include "server/connection/workers.h"
#include "server/log/log.h"
#include "support.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 8
#define IDLE 100 /* seconds by a clock that the test moves */

static struct snapshot snapshot = {.users = 1};
static struct lingerers *linger;
static struct handover *handover;
static int wake_fd;
static struct ends pairs[MOST];
static void begin(void)
{
    settings_defaults(&snapshot.settings);
    snapshot.settings.log.level = LOG_CRIT;
    log_open(&snapshot.settings);
    wake_fd = eventfd(0, EFD_CLOEXEC);
    linger = linger_create(MOST, 1, wake_fd);
    handover = handover_create(MOST, IDLE, linger, wake_fd);
    need(wake_fd >= 0 && linger != NULL && handover != NULL, "a handover");
    for (size_t i = 0; i < MOST; i++)
        pairs[i] = unix_ends();
}

static void end(void)
{
    handover_destroy(handover);
    linger_destroy(linger);
    close(wake_fd);
}

static int give(size_t index)
{
    struct conversation *conversation = calloc(1, sizeof *conversation);
    need(conversation != NULL, "memory");
    conversation->snapshot = snapshot_take(&snapshot);
    conversation->fd = pairs[index].ours;
    conversation->accepted = clock_nanoseconds();
    conversation->deadline = in_seconds(60);
    return handover_give(handover, conversation);
}

static void give_and_call(size_t index)
{
    ck_assert_int_eq(give(index), 0);
    handover_call(handover);
}

static void greet(size_t index)
{
    write_octets(pairs[index].theirs, WIRE_GREETING, WIRE_OCTETS);
}

static void assert_answered(size_t index)
{
    assert_theirs_end_with(&pairs[index], WIRE_REPLY, WIRE_OCTETS);
}

static void wait_until_idle(void)
{
    eventfd_t count;
    while (!handover_is_idle(handover))
        need(eventfd_read(wake_fd, &count) == 0, "to be woken");
}

static void one_exchange(size_t index)
{
    greet(index);
    give_and_call(index);
    assert_answered(index);
    wait_until_idle();
}

static const int64_t idle_time = IDLE * INT64_C(1000000000);

START_TEST(every_conversation_is_answered)
{
    for (size_t i = 0; i < MOST; i++)
        greet(i);
    for (size_t i = 0; i < MOST; i++)
        ck_assert_int_eq(give(i), 0);
    handover_call(handover);
    for (size_t i = 0; i < MOST; i++)
        assert_answered(i);
    wait_until_idle();
}
END_TEST

START_TEST(one_after_the_other_needs_one_worker)
{
    for (size_t i = 0; i < MOST; i++)
        one_exchange(i);
    ck_assert_uint_eq(handover_census(handover).workers, 1);
}
END_TEST

START_TEST(silent_peers_hold_up_no_other)
{
    for (size_t i = 0; i < MOST - 1; i++)
        give_and_call(i);
    greet(MOST - 1);
    give_and_call(MOST - 1);
    assert_answered(MOST - 1);
    for (size_t i = 0; i < MOST - 1; i++) {
        greet(i);
        assert_answered(i);
    }
    wait_until_idle();
}
END_TEST

/* As many workers as there can be, all of them parked or about to. */
static void park_all(void)
{
    for (size_t i = 0; i < MOST; i++)
        give_and_call(i);
    handover_cut(handover);
    wait_until_idle();
    for (size_t i = 0; i < MOST; i++)
        pairs[i] = unix_ends();
}

/* All are given before anybody is woken: who waits for a peer wakes the next one. */
START_TEST(silent_peers_in_the_queue_hold_up_no_other)
{
    park_all();
    greet(MOST - 1);
    for (size_t i = 0; i < MOST; i++)
        ck_assert_int_eq(give(i), 0);
    handover_call(handover);
    assert_answered(MOST - 1);
    handover_cut(handover);
    wait_until_idle();
}
END_TEST

START_TEST(no_place_beyond_the_most_and_the_end_of_one_is_told)
{
    eventfd_t count;
    for (size_t i = 0; i < MOST; i++) {
        ck_assert(handover_has_place(handover));
        give_and_call(i);
    }
    ck_assert(!handover_has_place(handover));
    greet(3);
    while (!handover_has_place(handover))
        ck_assert_int_eq(eventfd_read(wake_fd, &count), 0);
    handover_cut(handover);
    wait_until_idle();
}
END_TEST

START_TEST(idle_workers_end_when_their_time_is_over)
{
    clock_stop();
    ck_assert_int_eq(handover_retire(handover), NEVER);
    one_exchange(0);
    ck_assert_int_le(handover_retire(handover), idle_time);
    clock_move(IDLE - 1);
    ck_assert_int_gt(handover_retire(handover), 0);
    ck_assert_uint_eq(handover_census(handover).workers, 1);
    while (handover_retire(handover) != NEVER) /* a worker is counted out before it sleeps */
        clock_move(2);
    ck_assert_uint_eq(handover_census(handover).workers, 0);
    one_exchange(1);
    ck_assert_uint_eq(handover_census(handover).workers, 1);
}
END_TEST

START_TEST(a_worker_whose_peer_is_silent_is_not_idle)
{
    give_and_call(0);
    while (io_calls() < 2) /* the try, and then the recv that waits */
        sched_yield();
    for (int i = 0; i < 3; i++) {
        clock_move(IDLE + 1);
        ck_assert_int_gt(handover_retire(handover), 0);
        ck_assert_uint_eq(handover_census(handover).workers, 1);
    }
    handover_cut(handover);
    wait_until_idle();
}
END_TEST

START_TEST(cut_ends_conversations_at_once)
{
    for (size_t i = 0; i < MOST; i++)
        give_and_call(i);
    ck_assert(!handover_is_idle(handover));
    handover_cut(handover);
    for (size_t i = 0; i < MOST; i++)
        assert_theirs_end_with(&pairs[i], "", 0);
    wait_until_idle();
}
END_TEST

START_TEST(destroy_joins_every_worker)
{
    for (size_t i = 0; i < MOST; i++)
        give_and_call(i);
    handover_cut(handover);
    wait_until_idle();
    handover_destroy(handover);
    handover = NULL;
}
END_TEST

static void wait_parked(size_t parked)
{
    while (handover_census(handover).parked != parked)
        sched_yield();
}

static void assert_census(size_t live, size_t peak, size_t workers, size_t parked)
{
    struct census census = handover_census(handover);
    ck_assert_uint_eq(census.live, live);
    ck_assert_uint_eq(census.peak, peak);
    ck_assert_uint_eq(census.workers, workers);
    ck_assert_uint_eq(census.parked, parked);
}

START_TEST(the_census_counts_who_is_there_and_the_most_that_ever_were)
{
    assert_census(0, 0, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        give_and_call(i);
        wait_parked(0);
        assert_census(i + 1, i + 1, i + 1, 0);
    }
    greet(1);
    assert_answered(1);
    wait_parked(1);
    assert_census(2, 3, 3, 1);
    handover_cut(handover);
    wait_until_idle();
    wait_parked(3);
    assert_census(0, 3, 3, 3);
    give_and_call(3);
    while (handover_census(handover).parked > 2)
        sched_yield();
    assert_census(1, 3, 3, 2);
    handover_cut(handover);
    wait_until_idle();
}
END_TEST

START_TEST(fewer_or_more_may_be_live_after_a_change)
{
    give_and_call(0);
    give_and_call(1);
    handover_change(handover, 2, IDLE);
    ck_assert(!handover_has_place(handover));
    handover_change(handover, 1, IDLE);
    ck_assert(!handover_has_place(handover));
    handover_change(handover, 3, IDLE);
    ck_assert(handover_has_place(handover));
    give_and_call(2);
    ck_assert(!handover_has_place(handover));
    for (size_t i = 0; i < 3; i++) {
        greet(i); /* whoever was there goes on */
        assert_answered(i);
    }
    wait_until_idle();
}
END_TEST

START_TEST(workers_are_idle_for_another_time_after_a_change)
{
    clock_stop();
    one_exchange(0);
    wait_parked(1);
    handover_change(handover, MOST, 3);
    ck_assert_int_eq(handover_retire(handover), INT64_C(3000000000));
    handover_change(handover, MOST, 5);
    ck_assert_int_eq(handover_retire(handover), INT64_C(5000000000));
    clock_move(4);
    ck_assert_int_eq(handover_retire(handover), INT64_C(1000000000));
    handover_change(handover, MOST, 3);
    ck_assert_int_eq(handover_retire(handover), NEVER);
    assert_census(0, 1, 0, 0);
}
END_TEST

Suite *handover_suite(void)
{
    Suite *suite = suite_create("handover");
    TCase *tcase = add_case(suite, "handover", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, every_conversation_is_answered);
    tcase_add_test(tcase, one_after_the_other_needs_one_worker);
    tcase_add_test(tcase, silent_peers_hold_up_no_other);
    tcase_add_test(tcase, silent_peers_in_the_queue_hold_up_no_other);
    tcase_add_test(tcase, no_place_beyond_the_most_and_the_end_of_one_is_told);
    tcase_add_test(tcase, idle_workers_end_when_their_time_is_over);
    tcase_add_test(tcase, a_worker_whose_peer_is_silent_is_not_idle);
    tcase_add_test(tcase, cut_ends_conversations_at_once);
    tcase_add_test(tcase, destroy_joins_every_worker);
    tcase_add_test(tcase, the_census_counts_who_is_there_and_the_most_that_ever_were);
    tcase_add_test(tcase, fewer_or_more_may_be_live_after_a_change);
    tcase_add_test(tcase, workers_are_idle_for_another_time_after_a_change);
    return suite;
}
