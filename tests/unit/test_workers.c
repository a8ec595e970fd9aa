/* SPDX-License-Identifier: MIT */
/* Workers: which one is called, when one is started, when they end, and what they leave. */
#include <config.h>

#include "server/connection/workers.h"
#include "server/log/log.h"
#include "settings_support.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MOST 8
#define PROCESSORS 2 /* faulty_io.h */
#define MS 0.001
#define HOUR 3600

static struct settings *settings;
static struct monitor monitor = {.wake_fd = -1};
static struct workers workers;
static struct ends pairs[MOST];

/* Whether a worker wrote to `monitor.wake_fd` outside the monitor.
 * NOLINTBEGIN(bugprone-reserved-identifier)
 */
static atomic_bool wrote_outside;
int __real_eventfd_write(int fd, eventfd_t value);
int __wrap_eventfd_write(int fd, eventfd_t value);

int __wrap_eventfd_write(int fd, eventfd_t value)
{
    if (fd == monitor.wake_fd && pthread_mutex_trylock(&monitor.lock) == 0) {
        wrote_outside = true;
        monitor_leave(&monitor);
    }
    return __real_eventfd_write(fd, value);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static void begin(void)
{
    settings = new_settings();
    log_configure(false, LOG_DAEMON, LOG_CRIT);
    need(monitor_init(&monitor) == 0, "a monitor");
    workers_init(&workers, &monitor);
    workers_set_idle_timeout(&workers, HOUR);
    for (size_t i = 0; i < MOST; i++)
        pairs[i] = unix_ends();
}

/* Close half-closed connections. Returns their number. */
static size_t close_all(struct connection_list *list)
{
    struct connection *connection;
    size_t count = 0;
    while ((connection = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, connection, all);
        ck_assert(connection->half_closed && is_open(connection->fd));
        close(connection->fd);
        free(connection);
        count++;
    }
    return count;
}

/* Close those that the workers left. Returns their number. */
static size_t close_half_closed(void)
{
    struct connection_list list = {0};
    bool any = workers_take_half_closed(&workers, &list);
    size_t count = close_all(&list);
    ck_assert(any == (count > 0));
    return count;
}

static void end_workers(void)
{
    (void)close_half_closed();
    workers_end(&workers);
}

static void end(void)
{
    end_workers();
    monitor_destroy(&monitor);
    monitor.wake_fd = -1;
    ck_assert(!wrote_outside);
    for (size_t i = 0; i < MOST; i++)
        close_theirs(&pairs[i]);
    settings_unref(settings);
}

static struct connection *new_connection(size_t index)
{
    struct connection *connection = calloc(1, sizeof *connection);
    need(connection != NULL, "memory");
    connection->settings = settings_ref(settings);
    connection->fd = pairs[index].ours;
    connection->accepted = clock_nanoseconds();
    connection->deadline = in_seconds(60);
    return connection;
}

/* Returns the worker that was called. */
static struct worker *submit(size_t index)
{
    struct worker *called;
    struct connection *connection = new_connection(index);
    monitor_enter(&monitor);
    ck_assert_int_eq(workers_submit(&workers, connection, &called), 0);
    monitor_leave(&monitor);
    return called;
}

static void submit_and_wake(size_t index)
{
    workers_wake(submit(index));
}

static void cut(void)
{
    monitor_enter(&monitor);
    workers_cut(&workers);
    monitor_leave(&monitor);
}

static void greet(size_t index)
{
    write_octets(pairs[index].theirs, WIRE_GREETING, WIRE_OCTETS);
}

static void assert_answered(size_t index)
{
    assert_theirs_end_with(&pairs[index], WIRE_REPLY, WIRE_OCTETS);
}

static eventfd_t wakes(void)
{
    eventfd_t count;
    return eventfd_read(monitor.wake_fd, &count) == 0 ? count : 0;
}

static void wait_until_done(void)
{
    while (!workers_are_done(&workers)) {
        wait_readable(monitor.wake_fd);
        (void)wakes();
    }
}

static struct gauges read_gauges(void)
{
    struct gauges gauges = {0};
    workers_gauges(&workers, &gauges);
    return gauges;
}

static void wait_active(size_t active)
{
    while (read_gauges().active != active)
        sched_yield();
}

static void wait_idle(size_t idle)
{
    while (read_gauges().idle != idle)
        sched_yield();
}

static void wait_workers(size_t count)
{
    while (read_gauges().workers != count)
        sched_yield();
}

static void one_exchange(size_t index)
{
    greet(index);
    submit_and_wake(index);
    assert_answered(index);
    wait_active(0);
}

START_TEST(every_connection_is_answered)
{
    struct worker *called[MOST];
    for (size_t i = 0; i < MOST; i++)
        greet(i);
    for (size_t i = 0; i < MOST; i++)
        called[i] = submit(i);
    for (size_t i = 0; i < MOST; i++)
        workers_wake(called[i]);
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

/* Start as many workers as there can be, all of them idle. */
static void start_all(void)
{
    for (size_t i = 0; i < MOST; i++)
        submit_and_wake(i);
    cut();
    wait_idle(MOST);
    for (size_t i = 0; i < MOST; i++) {
        close_theirs(&pairs[i]);
        pairs[i] = unix_ends();
    }
}

/* Submit all connections, of which the first ones call an idle worker each. */
static void submit_all(struct worker *called[PROCESSORS])
{
    for (size_t i = 0; i < MOST; i++) {
        struct worker *worker = submit(i);
        if (i < PROCESSORS)
            ck_assert_ptr_nonnull(called[i] = worker);
        else
            ck_assert_ptr_null(worker);
    }
}

static void wake_all(struct worker *called[PROCESSORS])
{
    for (size_t i = 0; i < PROCESSORS; i++)
        workers_wake(called[i]);
}

/* With two processors two workers are awake: each of the first two that are called takes one
 * connection after the other. */
START_TEST(only_so_many_are_called_that_each_has_a_processor)
{
    struct worker *called[PROCESSORS];
    start_all();
    for (size_t i = 0; i < MOST; i++)
        greet(i);
    submit_all(called);
    ck_assert_uint_eq(read_gauges().idle, MOST - PROCESSORS);
    wake_all(called);
    for (size_t i = 0; i < MOST; i++)
        assert_answered(i);
    wait_idle(MOST);
}
END_TEST

/* All are submitted before a worker is woken: a worker that waits for its peer calls the next. */
START_TEST(a_silent_peer_in_the_queue_delays_no_other)
{
    struct worker *called[PROCESSORS];
    start_all();
    greet(MOST - 1);
    submit_all(called);
    wake_all(called);
    assert_answered(MOST - 1);
    cut();
    wait_until_done();
}
END_TEST

START_TEST(to_wake_no_worker_does_nothing)
{
    workers_wake(NULL);
}
END_TEST

static size_t active(void)
{
    monitor_enter(&monitor);
    size_t count = workers.active;
    monitor_leave(&monitor);
    return count;
}

START_TEST(the_end_of_a_connection_is_notified_in_the_monitor)
{
    for (size_t i = 0; i < MOST; i++) {
        ck_assert_uint_eq(active(), i);
        submit_and_wake(i);
    }
    greet(3);
    monitor_enter(&monitor);
    while (workers.active == MOST)
        monitor_wait(&monitor, NEVER);
    ck_assert_uint_eq(workers.active, MOST - 1);
    monitor_leave(&monitor);
    assert_answered(3);
    end_theirs(&pairs[4]); /* not half-closed */
    monitor_enter(&monitor);
    while (workers.active == MOST - 1)
        monitor_wait(&monitor, NEVER);
    monitor_leave(&monitor);
    cut();
    wait_until_done();
}
END_TEST

START_TEST(without_a_thread_the_connection_stays_the_caller_s)
{
    struct worker *called = NULL;
    struct connection *connection = new_connection(1);
    submit_and_wake(0);
    threads_left = 0;
    monitor_enter(&monitor);
    ck_assert_int_eq(workers_submit(&workers, connection, &called), EAGAIN);
    ck_assert_uint_eq(workers.active, 1);
    monitor_leave(&monitor);
    ck_assert_ptr_null(called);
    ck_assert(is_open(pairs[1].ours));
    settings_unref(connection->settings);
    close(connection->fd);
    free(connection);
    greet(0);
    assert_answered(0);
    wait_idle(1);
    one_exchange(2); /* takes no other thread */
}
END_TEST

static double seconds_since(int64_t instant)
{
    return (double)(clock_nanoseconds() - instant) / 1e9;
}

START_TEST(idle_workers_end_by_themselves_when_their_time_is_over)
{
    int64_t start = clock_nanoseconds();
    workers_set_idle_timeout(&workers, 30 * MS);
    one_exchange(0);
    wait_workers(0);
    ck_assert_double_ge(seconds_since(start), 30 * MS);
    workers_set_idle_timeout(&workers, HOUR);
    one_exchange(1);
    ck_assert_uint_eq(read_gauges().workers, 1);
}
END_TEST

START_TEST(the_surplus_ends_and_the_busy_ones_stay)
{
    start_all();
    submit_and_wake(0);
    wait_idle(MOST - 1);
    workers_set_idle_timeout(&workers, 1 * MS);
    wait_workers(1);
    ck_assert_uint_eq(active(), 1);
    greet(0);
    assert_answered(0);
    wait_workers(0);
}
END_TEST

START_TEST(a_changed_idle_timeout_reaches_workers_that_sleep)
{
    start_all();
    workers_set_idle_timeout(&workers, HOUR);
    workers_set_idle_timeout(&workers, HOUR - 1);
    wait_idle(MOST); /* they were called, and sleep again */
    workers_set_idle_timeout(&workers, 0);
    wait_workers(0);
    one_exchange(0);
    wait_workers(0);
}
END_TEST

/* The monitor is held until the worker's time is over: it finds itself called when it enters. The
 * call can come too late for that on a busy machine, and is then repeated. */
START_TEST(a_worker_that_is_called_as_its_time_ends_is_not_lost)
{
    struct worker *called = NULL;
    size_t index = 0;
    workers_set_idle_timeout(&workers, 20 * MS);
    for (; called == NULL && index < MOST - 1; index++) {
        one_exchange(index);
        while (read_gauges().idle != 1 && read_gauges().workers != 0)
            sched_yield();
        int64_t start = clock_nanoseconds();
        monitor_enter(&monitor);
        greet(index + 1);
        ck_assert_int_eq(workers_submit(&workers, new_connection(index + 1), &called), 0);
        while (seconds_since(start) < 30 * MS)
            sched_yield();
        monitor_leave(&monitor);
        workers_wake(called);
        assert_answered(++index);
        wait_active(0);
    }
    ck_assert_ptr_nonnull(called);
    ck_assert_uint_eq(read_gauges().peak, 1);
    wait_workers(0);
}
END_TEST

START_TEST(cut_ends_connections_at_once)
{
    for (size_t i = 0; i < MOST; i++)
        submit_and_wake(i);
    ck_assert(!workers_are_done(&workers));
    cut();
    for (size_t i = 0; i < MOST; i++)
        assert_theirs_end_with(&pairs[i], "", 0);
    wait_until_done();
}
END_TEST

START_TEST(end_waits_for_every_worker)
{
    for (size_t i = 0; i < MOST; i++)
        submit_and_wake(i);
    cut();
    wait_until_done();
    end_workers();
}
END_TEST

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
    cut();
    wait_until_done();
    wait_idle(3);
    assert_gauges(0, 3, 3, 3);
    submit_and_wake(3);
    while (read_gauges().idle > 2)
        sched_yield();
    assert_gauges(1, 3, 3, 2);
    cut();
    wait_until_done();
}
END_TEST

START_TEST(half_closed_connections_are_left_in_their_order)
{
    struct connection_list list = {0};
    const struct connection *connection;
    size_t count = 0;
    for (size_t i = 0; i < 3; i++)
        one_exchange(i);
    ck_assert(workers_take_half_closed(&workers, &list));
    ck_assert(!workers_take_half_closed(&workers, &list));
    TAILQ_FOREACH (connection, &list, all)
        ck_assert_int_eq(connection->fd, pairs[count++].ours);
    ck_assert_uint_eq(close_all(&list), 3);
}
END_TEST

START_TEST(a_connection_without_a_reply_is_closed_by_its_worker)
{
    submit_and_wake(0);
    end_theirs(&pairs[0]);
    wait_active(0);
    ck_assert(!is_open(pairs[0].ours));
    ck_assert_uint_eq(close_half_closed(), 0);
}
END_TEST

/* A worker writes before a thread that enters the monitor later can see that it has ended the
 * connection. */
START_TEST(the_first_half_closed_connection_after_an_empty_look_wakes_the_loop)
{
    one_exchange(0);
    ck_assert_uint_eq(wakes(), 1);
    one_exchange(1);
    ck_assert_uint_eq(close_half_closed(), 2);
    one_exchange(2); /* a look is planned: no wake-up */
    ck_assert_uint_eq(close_half_closed(), 1);
    ck_assert_uint_eq(wakes(), 0);
    ck_assert_uint_eq(close_half_closed(), 0);
    one_exchange(3);
    ck_assert_uint_eq(wakes(), 1);
    one_exchange(4);
    ck_assert_uint_eq(close_half_closed(), 2);
    end_workers();
    ck_assert_uint_eq(wakes(), 0);
}
END_TEST

START_TEST(each_time_it_is_asked_for_the_end_of_a_connection_wakes_the_loop)
{
    one_exchange(0);
    wait_readable(monitor.wake_fd);
    ck_assert_uint_eq(close_half_closed(), 1);
    ck_assert_uint_eq(wakes(), 1);
    submit_and_wake(1);
    submit_and_wake(2);
    for (size_t i = 1; i < 3; i++) {
        ck_assert(!workers_are_done(&workers));
        end_theirs(&pairs[i]);
        wait_readable(monitor.wake_fd);
        ck_assert_uint_eq(wakes(), 1);
    }
    ck_assert(workers_are_done(&workers));
}
END_TEST

START_TEST(it_is_asked_for_while_a_connection_is_being_closed)
{
    close_hold(pairs[0].ours);
    end_theirs(&pairs[0]);
    submit_and_wake(0);
    wait_close_held();
    ck_assert(!workers_are_done(&workers));
    close_let();
    wait_readable(monitor.wake_fd);
    ck_assert(workers_are_done(&workers));
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
    tcase_add_test(tcase, only_so_many_are_called_that_each_has_a_processor);
    tcase_add_test(tcase, to_wake_no_worker_does_nothing);
    tcase_add_test(tcase, the_end_of_a_connection_is_notified_in_the_monitor);
    tcase_add_test(tcase, without_a_thread_the_connection_stays_the_caller_s);
    tcase_add_test(tcase, idle_workers_end_by_themselves_when_their_time_is_over);
    tcase_add_test(tcase, the_surplus_ends_and_the_busy_ones_stay);
    tcase_add_test(tcase, a_changed_idle_timeout_reaches_workers_that_sleep);
    tcase_add_test(tcase, a_worker_that_is_called_as_its_time_ends_is_not_lost);
    tcase_add_test(tcase, cut_ends_connections_at_once);
    tcase_add_test(tcase, end_waits_for_every_worker);
    tcase_add_test(tcase, the_gauges_count_connections_workers_and_the_peak);
    tcase_add_test(tcase, half_closed_connections_are_left_in_their_order);
    tcase_add_test(tcase, a_connection_without_a_reply_is_closed_by_its_worker);
    tcase_add_test(tcase, the_first_half_closed_connection_after_an_empty_look_wakes_the_loop);
    tcase_add_test(tcase, each_time_it_is_asked_for_the_end_of_a_connection_wakes_the_loop);
    tcase_add_test(tcase, it_is_asked_for_while_a_connection_is_being_closed);
    return suite;
}
