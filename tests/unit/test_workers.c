/* SPDX-License-Identifier: MIT */
/* Workers: which one is woken, when one is started, and when they end. */
#include <config.h>

#include "server/connection/workers.h"
#include "server/log/log.h"
#include "settings_support.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 8
#define IDLE 100 /* seconds, by a clock that the test moves */

static struct settings *settings;
static struct lingering *lingering;
static struct workers *workers;
static int wake_fd;
static struct ends pairs[MOST];

static void begin(void)
{
    settings = new_settings();
    log_configure(false, LOG_DAEMON, LOG_CRIT);
    wake_fd = eventfd(0, EFD_CLOEXEC);
    lingering = lingering_create(wake_fd);
    workers = workers_create(lingering, wake_fd);
    need(wake_fd >= 0 && lingering != NULL && workers != NULL, "workers");
    lingering_set_limits(lingering, MOST, 1);
    workers_set_idle_timeout(workers, IDLE);
    for (size_t i = 0; i < MOST; i++)
        pairs[i] = unix_ends();
}

static void end(void)
{
    workers_destroy(workers);
    lingering_destroy(lingering);
    close(wake_fd);
    settings_unref(settings);
}

static int submit(size_t index)
{
    struct connection *connection = calloc(1, sizeof *connection);
    need(connection != NULL, "memory");
    connection->settings = settings_ref(settings);
    connection->fd = pairs[index].ours;
    connection->accepted = clock_nanoseconds();
    connection->deadline = in_seconds(60);
    return workers_submit(workers, connection);
}

static void submit_and_wake(size_t index)
{
    ck_assert_int_eq(submit(index), 0);
    workers_wake(workers);
}

static void greet(size_t index)
{
    write_octets(pairs[index].theirs, WIRE_GREETING, WIRE_OCTETS);
}

static void assert_answered(size_t index)
{
    assert_theirs_end_with(&pairs[index], WIRE_REPLY, WIRE_OCTETS);
}

static void wait_until_done(void)
{
    eventfd_t count;
    while (!workers_have_fewer(workers, 1))
        need(eventfd_read(wake_fd, &count) == 0, "a wake-up");
}

static void one_exchange(size_t index)
{
    greet(index);
    submit_and_wake(index);
    assert_answered(index);
    wait_until_done();
}

static struct gauges read_gauges(void)
{
    struct gauges gauges = {0};
    workers_gauges(workers, &gauges);
    return gauges;
}

static const int64_t idle_time = IDLE * INT64_C(1000000000);

START_TEST(every_connection_is_answered)
{
    for (size_t i = 0; i < MOST; i++)
        greet(i);
    for (size_t i = 0; i < MOST; i++)
        ck_assert_int_eq(submit(i), 0);
    workers_wake(workers);
    for (size_t i = 0; i < MOST; i++)
        assert_answered(i);
    wait_until_done();
}
END_TEST

START_TEST(one_after_the_other_needs_one_worker)
{
    for (size_t i = 0; i < MOST; i++)
        one_exchange(i);
    ck_assert_uint_eq(read_gauges().workers, 1);
}
END_TEST

START_TEST(a_silent_peer_delays_no_other)
{
    for (size_t i = 0; i < MOST - 1; i++)
        submit_and_wake(i);
    greet(MOST - 1);
    submit_and_wake(MOST - 1);
    assert_answered(MOST - 1);
    for (size_t i = 0; i < MOST - 1; i++) {
        greet(i);
        assert_answered(i);
    }
    wait_until_done();
}
END_TEST

/* Start as many workers as there can be, all of them idle or about to be. */
static void start_all(void)
{
    for (size_t i = 0; i < MOST; i++)
        submit_and_wake(i);
    workers_cut(workers);
    wait_until_done();
    for (size_t i = 0; i < MOST; i++)
        pairs[i] = unix_ends();
}

/* All are submitted before a worker is woken: a worker that waits for its peer wakes the next. */
START_TEST(a_silent_peer_in_the_queue_delays_no_other)
{
    start_all();
    greet(MOST - 1);
    for (size_t i = 0; i < MOST; i++)
        ck_assert_int_eq(submit(i), 0);
    workers_wake(workers);
    assert_answered(MOST - 1);
    workers_cut(workers);
    wait_until_done();
}
END_TEST

START_TEST(the_last_slot_is_taken_and_the_end_of_a_connection_is_reported)
{
    eventfd_t count;
    for (size_t i = 0; i < MOST; i++) {
        ck_assert(workers_have_fewer(workers, MOST));
        submit_and_wake(i);
    }
    ck_assert(!workers_have_fewer(workers, MOST));
    greet(3);
    while (!workers_have_fewer(workers, MOST))
        ck_assert_int_eq(eventfd_read(wake_fd, &count), 0);
    workers_cut(workers);
    wait_until_done();
}
END_TEST

START_TEST(idle_workers_end_when_their_time_is_over)
{
    clock_stop();
    ck_assert_int_eq(workers_end_idle(workers), NEVER);
    one_exchange(0);
    ck_assert_int_le(workers_end_idle(workers), idle_time);
    clock_move(IDLE - 1);
    ck_assert_int_gt(workers_end_idle(workers), 0);
    ck_assert_uint_eq(read_gauges().workers, 1);
    while (workers_end_idle(workers) != NEVER) /* the connection ends before the worker is idle */
        clock_move(2);
    ck_assert_uint_eq(read_gauges().workers, 0);
    one_exchange(1);
    ck_assert_uint_eq(read_gauges().workers, 1);
}
END_TEST

START_TEST(a_worker_whose_peer_is_silent_is_not_idle)
{
    submit_and_wake(0);
    while (io_calls() < 2) /* the try, and then the recv that waits */
        sched_yield();
    for (int i = 0; i < 3; i++) {
        clock_move(IDLE + 1);
        ck_assert_int_gt(workers_end_idle(workers), 0);
        ck_assert_uint_eq(read_gauges().workers, 1);
    }
    workers_cut(workers);
    wait_until_done();
}
END_TEST

START_TEST(cut_ends_connections_at_once)
{
    for (size_t i = 0; i < MOST; i++)
        submit_and_wake(i);
    ck_assert(!workers_have_fewer(workers, 1));
    workers_cut(workers);
    for (size_t i = 0; i < MOST; i++)
        assert_theirs_end_with(&pairs[i], "", 0);
    wait_until_done();
}
END_TEST

START_TEST(destroy_joins_every_worker)
{
    for (size_t i = 0; i < MOST; i++)
        submit_and_wake(i);
    workers_cut(workers);
    wait_until_done();
    workers_destroy(workers);
    workers = NULL;
}
END_TEST

static void wait_idle(size_t idle)
{
    while (read_gauges().idle != idle)
        sched_yield();
}

static void assert_gauges(size_t active, size_t peak, size_t count, size_t idle)
{
    struct gauges gauges = read_gauges();
    ck_assert_uint_eq(gauges.active, active);
    ck_assert_uint_eq(gauges.peak, peak);
    ck_assert_uint_eq(gauges.workers, count);
    ck_assert_uint_eq(gauges.idle, idle);
}

START_TEST(the_gauges_count_connections_workers_and_the_peak)
{
    assert_gauges(0, 0, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        submit_and_wake(i);
        wait_idle(0);
        assert_gauges(i + 1, i + 1, i + 1, 0);
    }
    greet(1);
    assert_answered(1);
    wait_idle(1);
    assert_gauges(2, 3, 3, 1);
    workers_cut(workers);
    wait_until_done();
    wait_idle(3);
    assert_gauges(0, 3, 3, 3);
    submit_and_wake(3);
    while (read_gauges().idle > 2)
        sched_yield();
    assert_gauges(1, 3, 3, 2);
    workers_cut(workers);
    wait_until_done();
}
END_TEST

START_TEST(fewer_or_more_can_be_active_after_a_change)
{
    submit_and_wake(0);
    submit_and_wake(1);
    ck_assert(!workers_have_fewer(workers, 2));
    ck_assert(!workers_have_fewer(workers, 1));
    ck_assert(workers_have_fewer(workers, 3));
    submit_and_wake(2);
    ck_assert(!workers_have_fewer(workers, 3));
    for (size_t i = 0; i < 3; i++) {
        greet(i); /* active connections go on */
        assert_answered(i);
    }
    wait_until_done();
}
END_TEST

START_TEST(the_idle_timeout_can_change)
{
    clock_stop();
    one_exchange(0);
    wait_idle(1);
    workers_set_idle_timeout(workers, 3);
    ck_assert_int_eq(workers_end_idle(workers), INT64_C(3000000000));
    workers_set_idle_timeout(workers, 5);
    ck_assert_int_eq(workers_end_idle(workers), INT64_C(5000000000));
    clock_move(4);
    ck_assert_int_eq(workers_end_idle(workers), INT64_C(1000000000));
    workers_set_idle_timeout(workers, 3);
    ck_assert_int_eq(workers_end_idle(workers), NEVER);
    assert_gauges(0, 1, 0, 0);
}
END_TEST

Suite *workers_suite(void)
{
    Suite *suite = suite_create("workers");
    TCase *tcase = add_case(suite, "workers", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, every_connection_is_answered);
    tcase_add_test(tcase, one_after_the_other_needs_one_worker);
    tcase_add_test(tcase, a_silent_peer_delays_no_other);
    tcase_add_test(tcase, a_silent_peer_in_the_queue_delays_no_other);
    tcase_add_test(tcase, the_last_slot_is_taken_and_the_end_of_a_connection_is_reported);
    tcase_add_test(tcase, idle_workers_end_when_their_time_is_over);
    tcase_add_test(tcase, a_worker_whose_peer_is_silent_is_not_idle);
    tcase_add_test(tcase, cut_ends_connections_at_once);
    tcase_add_test(tcase, destroy_joins_every_worker);
    tcase_add_test(tcase, the_gauges_count_connections_workers_and_the_peak);
    tcase_add_test(tcase, fewer_or_more_can_be_active_after_a_change);
    tcase_add_test(tcase, the_idle_timeout_can_change);
    return suite;
}
