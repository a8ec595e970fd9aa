/* SPDX-License-Identifier: MIT */
/* The queue of lines, and a log that blocks or fails for a while. */
#include <config.h>

#include "server/log/log_writer.h"
#include "support.h"

#include <inttypes.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define LINES_MAX 50000

static char lines[LINES_MAX][96];
static int severities[LINES_MAX];
static atomic_size_t written;
static atomic_size_t flushed;
static size_t gathered; /* of `written`, since the last flush */
static atomic_bool must_block;
static atomic_bool must_fail; /* then what is gathered is lost */
static atomic_size_t reports; /* how many reports of losses were tried */
static sem_t blocked, released;

static struct log_result write_to_array(int severity, const struct timespec *at, const char *line,
                                        size_t length)
{
    if (atomic_exchange(&must_block, false)) {
        sem_post(&blocked);
        sem_wait(&released);
    }
    need(written < LINES_MAX && length == strlen(line) && at->tv_sec > 0, "a line");
    snprintf(lines[written], sizeof lines[0], "%s", line);
    severities[written] = severity;
    gathered++;
    atomic_fetch_add(&written, 1);
    return (struct log_result){0, 0};
}

static struct log_result flush_array(void)
{
    struct log_result result = {gathered, 0};
    gathered = 0;
    if (must_fail) {
        result = (struct log_result){0, result.written};
        atomic_fetch_sub(&written, result.lost);
    }
    atomic_store(&flushed, written);
    return result;
}

static struct log_result report_to_array(enum log_loss why, uint64_t lost)
{
    char line[96];
    const struct timespec now = {.tv_sec = 1};
    snprintf(line, sizeof line, "%" PRIu64 " lines lost: %s", lost,
             why == LOG_LOSS_SLOW ? "slow" : "failed");
    write_to_array(LOG_WARNING, &now, line, strlen(line));
    struct log_result result = flush_array();
    atomic_fetch_add(&reports, 1);
    return result;
}

static const struct log_sink array = {write_to_array, flush_array, report_to_array};
static struct log_writer *writer;

static void create(void)
{
    written = flushed = reports = 0;
    gathered = 0;
    must_fail = false;
    need(sem_init(&blocked, 0, 0) == 0 && sem_init(&released, 0, 0) == 0, "semaphores");
    writer = log_writer_create(&array);
    need(writer != NULL, "a log writer");
}

static void begin(void)
{
    create();
    need(log_writer_start(writer) == 0, "a thread");
}

static void destroy(void)
{
    log_writer_destroy(writer);
}

static void put(int severity, const char *line)
{
    log_writer_put(writer, severity, severity == LOG_INFO ? LOG_OF_CONNECTION : LOG_OF_DAEMON, line,
                   strlen(line));
}

static void put_number(unsigned number)
{
    char line[96];
    snprintf(line, sizeof line, "line number %u, and more text to give it a common length", number);
    put(LOG_INFO, line);
}

/* Block the thread in the first line until release(). */
static void block(void)
{
    atomic_store(&must_block, true);
    put(LOG_INFO, "the first line");
    sem_wait(&blocked);
}

static void release(void)
{
    sem_post(&released);
}

START_TEST(lines_are_written_in_order_with_their_severities)
{
    put(LOG_NOTICE, "one");
    put(LOG_INFO, "");
    put(LOG_ERR, "three");
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_uint_eq(written, 3);
    ck_assert_str_eq(lines[0], "one");
    ck_assert_str_eq(lines[1], "");
    ck_assert_str_eq(lines[2], "three");
    ck_assert_int_eq(severities[0], LOG_NOTICE);
    ck_assert_int_eq(severities[2], LOG_ERR);
    ck_assert_uint_eq(flushed, 3);
}
END_TEST

START_TEST(a_line_is_written_though_no_other_follows)
{
    put(LOG_INFO, "one");
    while (atomic_load(&flushed) < 1)
        sched_yield();
    put(LOG_INFO, "two");
    while (atomic_load(&flushed) < 2)
        sched_yield();
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_uint_eq(written, 2);
}
END_TEST

static void *put_thousand(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 1000; i++)
        put_number(i);
    return NULL;
}

START_TEST(lines_of_many_threads_are_all_written)
{
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_create(&threads[i], NULL, put_thousand, NULL) == 0, "a thread");
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_join(threads[i], NULL) == 0, "the end of a thread");
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_uint_eq(written, 4000);
}
END_TEST

static void assert_reports(const char *line, uint64_t lost, const char *why)
{
    char expected[96];
    snprintf(expected, sizeof expected, "%" PRIu64 " lines lost: %s", lost, why);
    ck_assert_str_eq(line, expected);
}

START_TEST(to_put_a_line_never_waits_and_the_loss_is_logged)
{
    enum { PUT = 40000 };
    uint64_t lost = 0;
    block();
    for (unsigned i = 0; i < PUT; i++)
        put_number(i);
    ck_assert_uint_eq(written, 0);
    release();
    ck_assert(log_writer_stop(writer, 60));
    const char *last = lines[written - 1];
    ck_assert_int_eq(severities[written - 1], LOG_WARNING);
    ck_assert_msg(sscanf(last, "%" SCNu64, &lost) == 1, "%s", last);
    assert_reports(last, lost, "slow");
    ck_assert_uint_gt(lost, 0);
    ck_assert_uint_eq(written + lost, 1 + PUT + 1);
    ck_assert_ptr_nonnull(strstr(lines[1], "line number 0,"));
}
END_TEST

START_TEST(lines_of_connections_leave_room_for_others)
{
    uint64_t lost = 0;
    block();
    for (unsigned i = 0; i < 40000; i++)
        put_number(i);
    lost = log_writer_lost(writer);
    for (unsigned i = 0; i < 1000; i++)
        put(LOG_WARNING, "a warning");
    ck_assert_uint_eq(log_writer_lost(writer), lost);
    put_number(40000);
    ck_assert_uint_eq(log_writer_lost(writer), lost + 1);
    for (unsigned i = 0; i < 10000; i++)
        put(LOG_WARNING, "one warning more");
    ck_assert_uint_gt(log_writer_lost(writer), lost + 1);
    release();
    ck_assert(log_writer_stop(writer, 60));
}
END_TEST

START_TEST(after_a_loss_lines_are_written_again)
{
    block();
    for (unsigned i = 0; i < 40000; i++)
        put_number(i);
    release();
    while (atomic_load(&flushed) < 2)
        sched_yield();
    put(LOG_INFO, "the last line");
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_str_eq(lines[written - 1], "the last line");
}
END_TEST

START_TEST(stop_gives_up_when_its_time_is_over)
{
    block();
    ck_assert(!log_writer_stop(writer, 0.05));
    release();
    ck_assert(log_writer_stop(writer, 60));
}
END_TEST

START_TEST(a_stop_that_gives_up_counts_what_is_left)
{
    put(LOG_INFO, "written");
    while (atomic_load(&flushed) < 1)
        sched_yield();
    block();
    for (unsigned i = 0; i < 20; i++)
        put_number(i);
    ck_assert_uint_eq(log_writer_lost(writer), 0);
    ck_assert(!log_writer_stop(writer, 0.05));
    ck_assert_uint_eq(log_writer_lost(writer), 21);
    ck_assert_uint_eq(log_writer_unreported(writer), 21);
    release();
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_uint_eq(written, 22);
    ck_assert_uint_eq(log_writer_lost(writer), 21); /* which was said, and does not change */
    ck_assert_uint_eq(log_writer_unreported(writer), 21);
}
END_TEST

static void wait_until(const atomic_size_t *count, size_t value)
{
    while (atomic_load(count) < value)
        sched_yield();
}

START_TEST(lines_that_cannot_be_written_are_counted_and_reported_first)
{
    atomic_store(&must_fail, true);
    put(LOG_INFO, "one");
    while (log_writer_lost(writer) < 1)
        sched_yield();
    put(LOG_INFO, "two");
    while (log_writer_lost(writer) < 2)
        sched_yield();
    wait_until(&reports, 1); /* in vain, which is no further loss */
    ck_assert_uint_eq(log_writer_lost(writer), 2);
    ck_assert_uint_eq(log_writer_unreported(writer), 2);
    ck_assert_uint_eq(written, 0);
    atomic_store(&must_fail, false);
    put(LOG_INFO, "three");
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_uint_eq(written, 2);
    assert_reports(lines[0], 2, "failed");
    ck_assert_str_eq(lines[1], "three");
    ck_assert_uint_eq(log_writer_lost(writer), 2);
    ck_assert_uint_eq(log_writer_unreported(writer), 0);
}
END_TEST

/* The attempts are a second apart. A busy machine can only delay them, so only the lower bound of
 * their time is checked. */
START_TEST(a_loss_is_reported_though_no_line_follows)
{
    int64_t before = clock_nanoseconds();
    atomic_store(&must_fail, true);
    put(LOG_INFO, "one");
    wait_until(&reports, 2);
    ck_assert_int_ge(clock_nanoseconds() - before, 2 * INT64_C(1000000000));
    atomic_store(&must_fail, false);
    wait_until(&written, 1);
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_uint_eq(written, 1);
    assert_reports(lines[0], 1, "failed");
}
END_TEST

START_TEST(a_loss_at_the_end_is_reported_or_known_as_unreported)
{
    atomic_store(&must_fail, true);
    put(LOG_INFO, "one");
    put(LOG_INFO, "two");
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_uint_ge(reports, 1);
    ck_assert_uint_eq(log_writer_lost(writer), 2);
    ck_assert_uint_eq(log_writer_unreported(writer), 2);
}
END_TEST

START_TEST(lines_wait_for_the_thread)
{
    put(LOG_INFO, "one");
    put(LOG_INFO, "two");
    ck_assert_uint_eq(written, 0);
    need(log_writer_start(writer) == 0, "a thread");
    wait_until(&flushed, 2);
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_str_eq(lines[0], "one");
    ck_assert_uint_eq(written, 2);
}
END_TEST

START_TEST(a_stop_without_a_thread_writes_the_lines)
{
    put(LOG_INFO, "one");
    ck_assert(log_writer_stop(writer, 60));
    ck_assert_str_eq(lines[0], "one");
    ck_assert_uint_eq(written, 1);
    ck_assert_uint_eq(log_writer_lost(writer), 0);
}
END_TEST

START_TEST(a_stop_without_a_thread_gives_up_too)
{
    atomic_store(&must_block, true);
    put(LOG_INFO, "one");
    ck_assert(!log_writer_stop(writer, 0.05));
    ck_assert_uint_eq(log_writer_lost(writer), 1);
    release();
    ck_assert(log_writer_stop(writer, 60));
}
END_TEST

START_TEST(lost_lines_are_counted_since_the_start)
{
    ck_assert_uint_eq(log_writer_lost(writer), 0);
    block();
    for (unsigned i = 0; i < 40000; i++)
        put_number(i);
    uint64_t lost = log_writer_lost(writer);
    ck_assert_uint_gt(lost, 0);
    put_number(40000);
    ck_assert_uint_eq(log_writer_lost(writer), ++lost);
    release();
    while (atomic_load(&flushed) < 2)
        sched_yield();
    ck_assert_uint_eq(log_writer_lost(writer), lost); /* even after it was logged */
    put(LOG_INFO, "the last line");
    ck_assert(log_writer_stop(writer, 60));
    assert_reports(lines[written - 2], lost, "slow");
    ck_assert_str_eq(lines[written - 1], "the last line"); /* and the loss is not logged again */
}
END_TEST

Suite *log_writer_suite(void)
{
    Suite *suite = suite_create("log_writer");
    TCase *tcase = add_case(suite, "log_writer", NULL);
    tcase_add_checked_fixture(tcase, begin, destroy);
    tcase_add_test(tcase, lines_are_written_in_order_with_their_severities);
    tcase_add_test(tcase, a_line_is_written_though_no_other_follows);
    tcase_add_test(tcase, lines_of_many_threads_are_all_written);
    tcase_add_test(tcase, to_put_a_line_never_waits_and_the_loss_is_logged);
    tcase_add_test(tcase, lines_of_connections_leave_room_for_others);
    tcase_add_test(tcase, after_a_loss_lines_are_written_again);
    tcase_add_test(tcase, stop_gives_up_when_its_time_is_over);
    tcase_add_test(tcase, a_stop_that_gives_up_counts_what_is_left);
    tcase_add_test(tcase, lines_that_cannot_be_written_are_counted_and_reported_first);
    tcase_add_test(tcase, a_loss_is_reported_though_no_line_follows);
    tcase_add_test(tcase, a_loss_at_the_end_is_reported_or_known_as_unreported);
    tcase_add_test(tcase, lost_lines_are_counted_since_the_start);
    tcase = add_case(suite, "log_writer before its thread", NULL);
    tcase_add_checked_fixture(tcase, create, destroy);
    tcase_add_test(tcase, lines_wait_for_the_thread);
    tcase_add_test(tcase, a_stop_without_a_thread_writes_the_lines);
    tcase_add_test(tcase, a_stop_without_a_thread_gives_up_too);
    return suite;
}
