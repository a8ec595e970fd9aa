/* SPDX-License-Identifier: MIT */
/* The monitor: its lock, and its condition by the clock of clock_nanoseconds(). */
#include <config.h>

#include "server/connection/monitor.h"
#include "support.h"

#define THREADS 4
#define TIMES 10000

static struct monitor monitor;
static unsigned count; /* protected by the monitor */
static unsigned ready;

static void begin(void)
{
    need(monitor_init(&monitor) == 0, "a monitor");
    count = ready = 0;
}

static void end(void)
{
    monitor_destroy(&monitor);
}

static void start(pthread_t threads[THREADS], void *(*run)(void *))
{
    for (size_t i = 0; i < THREADS; i++)
        need(pthread_create(&threads[i], NULL, run, NULL) == 0, "a thread");
}

static void join(const pthread_t threads[THREADS])
{
    for (size_t i = 0; i < THREADS; i++)
        need(pthread_join(threads[i], NULL) == 0, "the end of a thread");
}

static void *count_up(void *argument)
{
    for (int i = 0; i < TIMES; i++) {
        monitor_enter(&monitor);
        count++;
        monitor_leave(&monitor);
    }
    return argument;
}

START_TEST(one_thread_at_a_time_is_inside)
{
    pthread_t threads[THREADS];
    start(threads, count_up);
    join(threads);
    ck_assert_uint_eq(count, THREADS * TIMES);
}
END_TEST

static void *wait_for_count(void *argument)
{
    monitor_enter(&monitor);
    ready++;
    monitor_notify(&monitor);
    while (count == 0)
        monitor_wait(&monitor, NEVER);
    monitor_leave(&monitor);
    return argument;
}

START_TEST(a_notification_wakes_every_thread_that_waits)
{
    pthread_t threads[THREADS];
    start(threads, wait_for_count);
    monitor_enter(&monitor);
    while (ready < THREADS)
        monitor_wait(&monitor, NEVER);
    count = 1;
    monitor_notify(&monitor);
    monitor_leave(&monitor);
    join(threads);
}
END_TEST

/* By the clock of the day the wait would end at once, over and over. A few waits can end early. */
START_TEST(without_a_notification_the_wait_ends_at_its_instant)
{
    unsigned waits = 0;
    int64_t until = clock_nanoseconds() + 20 * INT64_C(1000000);
    monitor_enter(&monitor);
    for (; clock_nanoseconds() < until; waits++)
        monitor_wait(&monitor, until);
    monitor_wait(&monitor, until); /* which has passed */
    monitor_leave(&monitor);
    ck_assert_uint_le(waits, 10);
}
END_TEST

Suite *monitor_suite(void)
{
    Suite *suite = suite_create("monitor");
    TCase *tcase = add_case(suite, "monitor", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, one_thread_at_a_time_is_inside);
    tcase_add_test(tcase, a_notification_wakes_every_thread_that_waits);
    tcase_add_test(tcase, without_a_notification_the_wait_ends_at_its_instant);
    return suite;
}
