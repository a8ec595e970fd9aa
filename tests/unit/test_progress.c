/* SPDX-License-Identifier: MIT */
/* The line that shows how far a load is. */
#include <config.h>

#include "client/report/progress.h"
#include "support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLEARED "\r\033[K"
#define SECONDS(n) ((int64_t)((n)*1e9))

static struct client_options options;
static struct progress progress;
static int captured;
static int stderr_kept;

static void capture(void)
{
    memset(&options, 0, sizeof options);
    progress = (struct progress){.options = &options};
    captured = memfd_create("stderr", MFD_CLOEXEC);
    stderr_kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    need(captured >= 0 && stderr_kept >= 0 && dup2(captured, STDERR_FILENO) >= 0, "standard error");
}

static void release(void)
{
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    close(captured);
}

/* Fail unless that was written since the last check. */
static void assert_shown(const char *expected)
{
    static char text[512];
    ssize_t length = pread(captured, text, sizeof text - 1, 0);
    need(length >= 0 && ftruncate(captured, 0) == 0 && lseek(captured, 0, SEEK_SET) == 0,
         "what was written");
    text[length] = '\0';
    ck_assert_str_eq(text, expected);
}

static void show(uint64_t done, double seconds)
{
    progress_show(&progress, done, 3, SECONDS(seconds), false);
}

START_TEST(a_load_without_an_end_has_no_time_left)
{
    show(5000, 10);
    assert_shown("10 s: 5000 done, 500/s, 3 errors");
}
END_TEST

START_TEST(a_count_is_left_for_as_long_as_it_takes_at_this_rate)
{
    options.count = 20000;
    show(5000, 10);
    assert_shown("10 s: 5000 done, 500/s, 3 errors, 30 s left");
}
END_TEST

START_TEST(a_duration_or_a_deadline_is_left)
{
    options.duration = 60;
    show(5000, 10);
    assert_shown("10 s: 5000 done, 500/s, 3 errors, 50 s left");
    options.duration = 0;
    options.deadline = 70;
    show(10000, 20);
    assert_shown("20 s: 10000 done, 500/s, 3 errors, 50 s left");
}
END_TEST

/* The soonest of the duration, the deadline and the count. */
START_TEST(what_ends_it_first_is_reported)
{
    options.duration = _i == 0 ? 17 : 40;
    options.deadline = _i == 1 ? 17 : 40;
    options.count = _i == 2 ? 8500 : 100000;
    show(5000, 10);
    assert_shown("10 s: 5000 done, 500/s, 3 errors, 7 s left");
}
END_TEST

START_TEST(the_rate_is_that_since_the_last_look)
{
    options.count = 7000;
    show(5000, 10);
    assert_shown("10 s: 5000 done, 500/s, 3 errors, 4 s left");
    show(5500, 12);
    assert_shown("12 s: 5500 done, 250/s, 3 errors, 6 s left");
}
END_TEST

START_TEST(a_count_that_does_not_grow_has_no_time_left)
{
    options.count = 7000;
    show(5000, 10);
    assert_shown("10 s: 5000 done, 500/s, 3 errors, 4 s left");
    show(5000, 12);
    assert_shown("12 s: 5000 done, 0/s, 3 errors");
}
END_TEST

START_TEST(a_look_at_the_very_beginning_has_no_rate)
{
    options.duration = 60;
    options.count = 10;
    show(0, 0);
    assert_shown("0 s: 0 done, 0/s, 3 errors, 60 s left");
}
END_TEST

/* The time until the deadline, in which exchanges under way can end, does not count. */
START_TEST(no_time_is_left_once_the_duration_is_over)
{
    options.duration = 10;
    options.deadline = 60;
    show(5000, 12);
    assert_shown("12 s: 5000 done, 417/s, 3 errors, 0 s left");
}
END_TEST

START_TEST(on_a_terminal_a_line_takes_the_place_of_the_last)
{
    progress.is_shown = true;
    show(5000, 10);
    show(10000, 20);
    assert_shown(CLEARED "10 s: 5000 done, 500/s, 3 errors" CLEARED
                         "20 s: 10000 done, 500/s, 3 errors");
    progress_clear(&progress);
    assert_shown(CLEARED);
}
END_TEST

/* Open a terminal of this width as standard error. Returns its other end. */
static int open_terminal(unsigned short width)
{
    const struct winsize size = {.ws_row = 24, .ws_col = width};
    int other = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    need(other >= 0 && grantpt(other) == 0 && unlockpt(other) == 0, "a terminal");
    int terminal = open(ptsname(other), O_RDWR | O_NOCTTY | O_CLOEXEC);
    need(terminal >= 0 && ioctl(terminal, TIOCSWINSZ, &size) == 0 &&
             dup2(terminal, STDERR_FILENO) >= 0,
         "its other end");
    close(terminal);
    return other;
}

START_TEST(on_a_terminal_a_line_is_narrower_than_it)
{
    const char expected[] = CLEARED "10 s: 5000 done, 50";
    char text[256] = "";
    int other = open_terminal(20);
    progress.is_shown = true;
    show(5000, 10);
    ssize_t length = read(other, text, sizeof text - 1);
    close(other);
    ck_assert_int_eq(length, sizeof expected - 1);
    ck_assert_str_eq(text, expected);
}
END_TEST

static const struct {
    const char *terminal;
    enum client_mode mode;
    enum client_format format;
    bool quiet;
    bool is_shown;
} lines[] = {
    {"xterm", CLIENT_LOAD, FORMAT_TEXT, false, true},
    {"dumb", CLIENT_LOAD, FORMAT_TEXT, false, false},
    {NULL, CLIENT_LOAD, FORMAT_TEXT, false, false},
    {"xterm", CLIENT_LOAD, FORMAT_TEXT, true, false},
    {"xterm", CLIENT_LOAD, FORMAT_JSON, false, false},
    {"xterm", CLIENT_REPEATED, FORMAT_TEXT, false, false},
};

START_TEST(only_a_load_that_reports_text_on_a_terminal_is_shown)
{
    int other = open_terminal(80);
    options.mode = lines[_i].mode;
    options.format = lines[_i].format;
    options.quiet = lines[_i].quiet;
    unsetenv("TERM");
    if (lines[_i].terminal != NULL)
        setenv("TERM", lines[_i].terminal, 1);
    progress = progress_of(&options);
    close(other);
    ck_assert_int_eq(progress.is_shown, lines[_i].is_shown);
}
END_TEST

START_TEST(a_line_that_stays_has_an_end)
{
    progress_show(&progress, 5000, 0, SECONDS(10), true);
    assert_shown("10 s: 5000 done, 500/s, 0 errors\n");
    progress.is_shown = true;
    progress_show(&progress, 5000, 0, SECONDS(20), true);
    assert_shown(CLEARED "20 s: 5000 done, 0/s, 0 errors\n");
}
END_TEST

START_TEST(where_there_is_no_terminal_nothing_is_shown_and_cleared)
{
    options.mode = CLIENT_LOAD;
    setenv("TERM", "xterm", 1);
    progress = progress_of(&options);
    ck_assert(!progress.is_shown);
    ck_assert_ptr_eq(progress.options, &options);
    progress_clear(&progress);
    assert_shown("");
}
END_TEST

Suite *progress_suite(void)
{
    Suite *suite = suite_create("progress");
    TCase *tcase = add_case(suite, "progress", NULL);
    tcase_add_checked_fixture(tcase, capture, release);
    tcase_add_test(tcase, a_load_without_an_end_has_no_time_left);
    tcase_add_test(tcase, a_count_is_left_for_as_long_as_it_takes_at_this_rate);
    tcase_add_test(tcase, a_duration_or_a_deadline_is_left);
    tcase_add_loop_test(tcase, what_ends_it_first_is_reported, 0, 3);
    tcase_add_test(tcase, the_rate_is_that_since_the_last_look);
    tcase_add_test(tcase, a_count_that_does_not_grow_has_no_time_left);
    tcase_add_test(tcase, a_look_at_the_very_beginning_has_no_rate);
    tcase_add_test(tcase, no_time_is_left_once_the_duration_is_over);
    tcase_add_test(tcase, on_a_terminal_a_line_takes_the_place_of_the_last);
    tcase_add_test(tcase, on_a_terminal_a_line_is_narrower_than_it);
    tcase_add_loop_test(tcase, only_a_load_that_reports_text_on_a_terminal_is_shown, 0,
                        COUNT(lines));
    tcase_add_test(tcase, a_line_that_stays_has_an_end);
    tcase_add_test(tcase, where_there_is_no_terminal_nothing_is_shown_and_cleared);
    return suite;
}
