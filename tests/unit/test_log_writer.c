/* SPDX-License-Identifier: MIT */
/* The queue of lines, and a log that takes none for a while. */
#include <config.h>

#include "server/log/log_writer.h"
#include "support.h"

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
static atomic_bool is_stuck;
static sem_t stuck, released;

static void write_to_array(int level, const struct timespec *at, const char *line, size_t length)
{
    if (atomic_exchange(&is_stuck, false)) {
        sem_post(&stuck);
        sem_wait(&released);
    }
    need(written < LINES_MAX && length == strlen(line) && at->tv_sec > 0, "a line");
    snprintf(lines[written], sizeof lines[0], "%s", line);
    severities[written] = level;
    atomic_fetch_add(&written, 1);
}

static void flush_array(void)
{
    atomic_store(&flushed, written);
}

static char published[3][96];
static atomic_size_t metrics_written;

static void publish_to_array(void *document)
{
    size_t count = metrics_written;
    need(count < COUNT(published), "room for a document");
    snprintf(published[count], sizeof published[0], "%s after %zu lines", (char *)document,
             (size_t)flushed);
    free(document);
    atomic_store(&metrics_written, count + 1);
}

static const struct log_writer_output array = {write_to_array, flush_array, publish_to_array};
static struct log_writer *log_writer;

static void begin(void)
{
    written = flushed = metrics_written = 0;
    need(sem_init(&stuck, 0, 0) == 0 && sem_init(&released, 0, 0) == 0, "semaphores");
    log_writer = log_writer_create(&array);
    need(log_writer != NULL, "a log_writer");
}

static void put(int level, const char *line)
{
    log_writer_put(log_writer, level, line, strlen(line));
}

static void put_number(unsigned number)
{
    char line[96];
    snprintf(line, sizeof line, "line number %u, and some more so that it is of common length",
             number);
    put(LOG_INFO, line);
}

/* The thread hangs in the first line until release(). */
static void get_stuck(void)
{
    atomic_store(&is_stuck, true);
    put(LOG_INFO, "the first line");
    sem_wait(&stuck);
}

static void release(void)
{
    sem_post(&released);
}

START_TEST(lines_are_written_in_their_order_with_their_levels)
{
    put(LOG_NOTICE, "one");
    put(LOG_INFO, "");
    put(LOG_ERR, "three");
    ck_assert(log_writer_stop(log_writer, 60));
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
    ck_assert(log_writer_stop(log_writer, 60));
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
        need(pthread_join(threads[i], NULL) == 0, "its end");
    ck_assert(log_writer_stop(log_writer, 60));
    ck_assert_uint_eq(written, 4000);
}
END_TEST

START_TEST(whoever_puts_a_line_never_waits_and_the_loss_is_told)
{
    enum { PUT = 40000 };
    unsigned long lost;
    get_stuck();
    for (unsigned i = 0; i < PUT; i++)
        put_number(i);
    ck_assert_uint_eq(written, 0);
    release();
    ck_assert(log_writer_stop(log_writer, 60));
    const char *last = lines[written - 1];
    ck_assert_int_eq(severities[written - 1], LOG_WARNING);
    ck_assert_msg(sscanf(last, "%lu log lines were lost: they came faster", &lost) == 1, "%s",
                  last);
    ck_assert_uint_gt(lost, 0);
    ck_assert_uint_eq(written + lost, 1 + PUT + 1);
    ck_assert_ptr_nonnull(strstr(lines[1], "line number 0,"));
}
END_TEST

START_TEST(after_a_loss_lines_are_written_again)
{
    get_stuck();
    for (unsigned i = 0; i < 40000; i++)
        put_number(i);
    release();
    while (atomic_load(&flushed) < 2)
        sched_yield();
    put(LOG_INFO, "the last line");
    ck_assert(log_writer_stop(log_writer, 60));
    ck_assert_str_eq(lines[written - 1], "the last line");
}
END_TEST

START_TEST(finish_gives_up_when_its_time_is_over)
{
    get_stuck();
    ck_assert(!log_writer_stop(log_writer, 0.05));
    release();
    ck_assert(log_writer_stop(log_writer, 60));
}
END_TEST

START_TEST(no_scribe_is_finished_already)
{
    ck_assert(log_writer_stop(NULL, 0));
    ck_assert(log_writer_stop(log_writer, 60));
}
END_TEST

static void publish(const char *text)
{
    char *document = strdup(text);
    need(document != NULL, "memory");
    log_writer_put_metrics(log_writer, document);
}

START_TEST(a_document_is_published_though_no_line_is_put)
{
    publish("one");
    while (atomic_load(&metrics_written) < 1)
        sched_yield();
    publish("two");
    while (atomic_load(&metrics_written) < 2)
        sched_yield();
    ck_assert(log_writer_stop(log_writer, 60));
    ck_assert_str_eq(published[0], "one after 0 lines");
    ck_assert_str_eq(published[1], "two after 0 lines");
    ck_assert_uint_eq(metrics_written, 2);
}
END_TEST

/* That the older one is freed is the sanitizers' and valgrind's to see. */
START_TEST(a_newer_document_replaces_one_that_waits)
{
    get_stuck();
    publish("old");
    publish("older");
    publish("new");
    ck_assert_uint_eq(metrics_written, 0);
    release();
    ck_assert(log_writer_stop(log_writer, 60));
    ck_assert_uint_eq(metrics_written, 1);
    ck_assert_str_eq(published[0], "new after 1 lines");
}
END_TEST

START_TEST(a_document_is_published_at_the_finish_behind_the_last_line)
{
    get_stuck();
    put(LOG_INFO, "the last line");
    publish("the last one");
    release();
    ck_assert(log_writer_stop(log_writer, 60));
    ck_assert_uint_eq(metrics_written, 1);
    ck_assert_str_eq(published[0], "the last one after 2 lines");
}
END_TEST

START_TEST(what_is_lost_is_counted_from_the_start_on)
{
    unsigned long told;
    ck_assert_uint_eq(log_writer_lost(log_writer), 0);
    get_stuck();
    for (unsigned i = 0; i < 40000; i++)
        put_number(i);
    unsigned long lost = log_writer_lost(log_writer);
    ck_assert_uint_gt(lost, 0);
    put_number(40000);
    ck_assert_uint_eq(log_writer_lost(log_writer), ++lost);
    release();
    while (atomic_load(&flushed) < 2)
        sched_yield();
    ck_assert_uint_eq(log_writer_lost(log_writer), lost); /* though it was told */
    put(LOG_INFO, "the last line");
    ck_assert(log_writer_stop(log_writer, 60));
    ck_assert_int_eq(sscanf(lines[written - 2], "%lu log lines were lost", &told), 1);
    ck_assert_uint_eq(told, lost);
    ck_assert_str_eq(lines[written - 1], "the last line"); /* and not told again */
}
END_TEST

Suite *log_writer_suite(void)
{
    Suite *suite = suite_create("log_writer");
    TCase *tcase = add_case(suite, "log_writer", NULL);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, lines_are_written_in_their_order_with_their_levels);
    tcase_add_test(tcase, a_line_is_written_though_no_other_follows);
    tcase_add_test(tcase, lines_of_many_threads_are_all_written);
    tcase_add_test(tcase, whoever_puts_a_line_never_waits_and_the_loss_is_told);
    tcase_add_test(tcase, after_a_loss_lines_are_written_again);
    tcase_add_test(tcase, finish_gives_up_when_its_time_is_over);
    tcase_add_test(tcase, no_scribe_is_finished_already);
    tcase_add_test(tcase, a_document_is_published_though_no_line_is_put);
    tcase_add_test(tcase, a_newer_document_replaces_one_that_waits);
    tcase_add_test(tcase, a_document_is_published_at_the_finish_behind_the_last_line);
    tcase_add_test(tcase, what_is_lost_is_counted_from_the_start_on);
    return suite;
}
