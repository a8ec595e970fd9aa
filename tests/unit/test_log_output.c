/* SPDX-License-Identifier: MIT */
/* Lines for standard error that fails, is full, or has room for a part of them. */
#include <config.h>

#include "server/log/log.h"
#include "server/log/log_output.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

static int kept_stderr;
static int fd; /* of a file, or where a pipe is read */
static uint64_t written, lost;

/* The room that files have while lines are written. (Check has a file, too.) */
static rlim_t room;

static void redirect(int to)
{
    need(dup2(to, STDERR_FILENO) >= 0, "standard error");
}

static void begin(void)
{
    kept_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    need(kept_stderr >= 0 && signal(SIGXFSZ, SIG_IGN) == SIG_DFL &&
             signal(SIGPIPE, SIG_IGN) != SIG_ERR,
         "standard error");
    written = lost = 0;
    room = RLIM_INFINITY;
}

static void end(void)
{
    redirect(kept_stderr);
    close(kept_stderr);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
}

static void limit(rlim_t size)
{
    struct rlimit now;
    need(getrlimit(RLIMIT_FSIZE, &now) == 0, "a limit");
    now.rlim_cur = size < now.rlim_max ? size : now.rlim_max;
    need(setrlimit(RLIMIT_FSIZE, &now) == 0, "a limit");
}

static void open_file(rlim_t size)
{
    fd = memfd_create("log", MFD_CLOEXEC);
    need(fd >= 0, "a file");
    redirect(fd);
    room = size;
}

static void open_pipe(int flags)
{
    int fds[2];
    need(pipe2(fds, O_CLOEXEC) == 0 && fcntl(fds[1], F_SETFL, O_WRONLY | flags) == 0, "a pipe");
    need(fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE) >= 0, "a pipe of a known size");
    redirect(fds[1]);
    close(fds[1]);
    fd = fds[0];
}

static void add(struct log_result result)
{
    written += result.written;
    lost += result.lost;
}

/* A line is the time, the severity, the text and a newline. */
static void put(const char *text)
{
    const struct timespec at = {.tv_sec = 1764061502};
    limit(room);
    struct log_result result = log_output_line(LOG_STDERR | LOG_INFO, &at, text, strlen(text), 50);
    limit(RLIM_INFINITY);
    add(result);
}

static void flush(void)
{
    limit(room);
    struct log_result result = log_output_flush(50);
    limit(RLIM_INFINITY);
    add(result);
}

#define LINE(text) "2025-11-25T09:05:02.000Z info " text "\n"

static void assert_file(const char *expected)
{
    char text[8192];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    need(length >= 0, "the file");
    text[length] = '\0';
    ck_assert_str_eq(text, expected);
}

static const struct {
    int64_t seconds;
    long nanoseconds;
    const char *line;
} times[] = {
    {-1, 0, "1969-12-31T23:59:59.000Z info text\n"},
    {-1, 999999999, "1969-12-31T23:59:59.999Z info text\n"},
    {0, 0, "1970-01-01T00:00:00.000Z info text\n"},
    {INT64_C(-2147483649), 5000000, "1901-12-13T20:45:51.005Z info text\n"},
    {INT64_C(2147483647), 0, "2038-01-19T03:14:07.000Z info text\n"},
    {INT64_C(2147483648), 0, "2038-01-19T03:14:08.000Z info text\n"},
    {INT64_C(4102444800), 1000000, "2100-01-01T00:00:00.001Z info text\n"},
};

START_TEST(any_time_is_printed)
{
    const struct timespec at = {.tv_sec = times[_i].seconds, .tv_nsec = times[_i].nanoseconds};
    open_file(RLIM_INFINITY);
    add(log_output_line(LOG_STDERR | LOG_INFO, &at, "text", strlen("text"), 50));
    flush();
    assert_file(times[_i].line);
}
END_TEST

START_TEST(the_rest_of_a_line_that_was_cut_is_written_first)
{
    open_file(50);
    put("1.");
    put("2.");
    put("3.");
    flush();
    ck_assert_uint_eq(written, 1);
    ck_assert_uint_eq(lost, 1); /* the third; the second is cut */
    ck_assert_int_eq(log_output_error(), EFBIG);
    put("4.");
    flush();
    ck_assert_uint_eq(written, 1);
    ck_assert_uint_eq(lost, 2);
    room = 60; /* room for a part of the rest */
    put("5.");
    flush();
    ck_assert_uint_eq(written, 1);
    ck_assert_uint_eq(lost, 3);
    room = RLIM_INFINITY;
    put("6.");
    flush();
    ck_assert_uint_eq(written, 3);
    ck_assert_uint_eq(lost, 3);
    assert_file(LINE("1.") LINE("2.") LINE("6."));
    close(fd);
}
END_TEST

START_TEST(what_ends_with_a_line_leaves_nothing_behind)
{
    open_file(2 * strlen(LINE("1.")));
    put("1.");
    put("2.");
    put("3.");
    flush();
    ck_assert_uint_eq(written, 2);
    ck_assert_uint_eq(lost, 1);
    flush();
    ck_assert_uint_eq(lost, 1);
    room = RLIM_INFINITY;
    put("4.");
    flush();
    assert_file(LINE("1.") LINE("2.") LINE("4."));
    ck_assert_uint_eq(written, 3);
    close(fd);
}
END_TEST

static const char *longest(char with)
{
    static char text[LOG_LINE_SIZE];
    memset(text, with, sizeof text - 1);
    return text;
}

/* Two of the longest lines have no room together. */
START_TEST(after_the_rest_of_a_long_line_another_has_no_room)
{
    char expected[2 * LOG_LINE_SIZE];
    open_file(10);
    put(longest('1'));
    flush();
    put(longest('2'));
    ck_assert_uint_eq(written, 0);
    ck_assert_uint_eq(lost, 1);
    put("3.");
    room = RLIM_INFINITY;
    flush();
    ck_assert_uint_eq(written, 2);
    ck_assert_uint_eq(lost, 1);
    snprintf(expected, sizeof expected, LINE("%s") LINE("3."), longest('1'));
    assert_file(expected);
    close(fd);
}
END_TEST

START_TEST(every_line_for_a_full_disk_is_counted)
{
    fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    need(fd >= 0, "/dev/full");
    redirect(fd);
    for (unsigned i = 0; i < 1000; i++)
        put("a line of no interest");
    flush();
    ck_assert_uint_eq(written, 0);
    ck_assert_uint_eq(lost, 1000);
    ck_assert_int_eq(log_output_error(), ENOSPC);
    close(fd);
}
END_TEST

START_TEST(a_pipe_without_a_reader_loses_lines)
{
    open_pipe(0);
    close(fd);
    put("1.");
    put("2.");
    flush();
    ck_assert_uint_eq(lost, 2);
    ck_assert_int_eq(log_output_error(), EPIPE);
}
END_TEST

/* Fill a pipe with lines; return how many it took. */
static uint64_t fill(void)
{
    char line[1000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    while (lost == 0) {
        put(line);
        flush();
    }
    return written;
}

static void *read_lines(void *argument)
{
    static char octets[1 << 18];
    ssize_t got;
    size_t length = 0;
    while ((got = read(fd, octets + length, sizeof octets - length)) > 0)
        length += (size_t)got;
    uint64_t *lines = argument;
    for (size_t i = 0; i < length; i++)
        *lines += octets[i] == '\n';
    return octets;
}

static void assert_full_pipe(int flags)
{
    pthread_t thread;
    uint64_t lines = 0;
    open_pipe(flags);
    uint64_t full = fill();
    ck_assert_uint_gt(full, 10);
    ck_assert_uint_eq(lost, 1);
    ck_assert_int_eq(log_output_error(), ETIMEDOUT);
    need(pthread_create(&thread, NULL, read_lines, &lines) == 0, "a thread");
    for (unsigned i = 0; i < 100; i++)
        put("a line of no interest");
    add(log_output_flush(-1));
    ck_assert_uint_eq(written, full + 100);
    ck_assert_uint_eq(lost, 1);
    redirect(kept_stderr);
    need(pthread_join(thread, NULL) == 0, "the end of a thread");
    ck_assert_uint_eq(lines, written);
    close(fd);
}

START_TEST(a_full_pipe_is_waited_for_only_so_long)
{
    assert_full_pipe(0);
}
END_TEST

START_TEST(a_pipe_that_does_not_block_is_waited_for_too)
{
    assert_full_pipe(O_NONBLOCK);
}
END_TEST

START_TEST(a_line_that_has_no_room_waits_only_so_long)
{
    open_pipe(O_NONBLOCK);
    (void)fill();
    put(longest('1'));
    ck_assert_uint_eq(lost, 1);
    put(longest('2'));
    ck_assert_uint_eq(lost, 2);
    ck_assert_int_eq(log_output_error(), ETIMEDOUT);
    flush();
    ck_assert_uint_eq(lost, 3);
    close(fd);
}
END_TEST

START_TEST(a_line_for_syslog_goes_nowhere_else)
{
    const struct timespec at = {.tv_sec = 1};
    open_file(RLIM_INFINITY);
    add(log_output_line(LOG_LOCAL7 | LOG_DEBUG, &at, "a test of sixteend", 18, 50));
    flush();
    ck_assert_uint_eq(written, 1);
    assert_file("");
    close(fd);
}
END_TEST

Suite *log_output_suite(void)
{
    Suite *suite = suite_create("log_output");
    TCase *tcase = add_case(suite, "log_output", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_loop_test(tcase, any_time_is_printed, 0, COUNT(times));
    tcase_add_test(tcase, the_rest_of_a_line_that_was_cut_is_written_first);
    tcase_add_test(tcase, what_ends_with_a_line_leaves_nothing_behind);
    tcase_add_test(tcase, after_the_rest_of_a_long_line_another_has_no_room);
    tcase_add_test(tcase, every_line_for_a_full_disk_is_counted);
    tcase_add_test(tcase, a_pipe_without_a_reader_loses_lines);
    tcase_add_test(tcase, a_full_pipe_is_waited_for_only_so_long);
    tcase_add_test(tcase, a_pipe_that_does_not_block_is_waited_for_too);
    tcase_add_test(tcase, a_line_that_has_no_room_waits_only_so_long);
    tcase_add_test(tcase, a_line_for_syslog_goes_nowhere_else);
    return suite;
}
