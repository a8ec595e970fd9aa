/* SPDX-License-Identifier: MIT */
/* The number of descriptors that a service manager passed. */
#include <config.h>

#include "descriptor_support.h"
#include "log_support.h"
#include "server/process/systemd.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PASSED 3

static char own_pid[32];

static void forget(void)
{
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
}

static void begin(void)
{
    forget();
    snprintf(own_pid, sizeof own_pid, "%d", (int)getpid());
}

static void set(const char *count, const char *pid)
{
    need(setenv("LISTEN_FDS", count, 1) == 0 && setenv("LISTEN_PID", pid, 1) == 0, "variables");
}

static int flags[PASSED];

/* Count with three descriptors open, or two if one is `closed`, and keep their flags. */
static int count_with(int closed)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, SYSTEMD_FIRST_FD + PASSED);
    int passed[PASSED] = {fd, fd, fd};
    need(fd >= 0, "a descriptor");
    if (closed >= 0)
        passed[closed] = -1;
    descriptors_pass(passed, PASSED);
    int count = systemd_count_sockets();
    for (int i = 0; i < PASSED; i++)
        flags[i] = fcntl(SYSTEMD_FIRST_FD + i, F_GETFD);
    descriptors_restore();
    close(fd);
    return count;
}

START_TEST(what_was_passed_is_counted_and_closed_at_execve)
{
    set("3", own_pid);
    ck_assert_int_eq(count_with(-1), 3);
    for (size_t i = 0; i < PASSED; i++)
        ck_assert_int_eq(flags[i], FD_CLOEXEC);
    set("2", own_pid);
    ck_assert_int_eq(count_with(2), 2);
    ck_assert_int_eq(flags[0], FD_CLOEXEC);
    ck_assert_int_eq(flags[1], FD_CLOEXEC);
    ck_assert_int_eq(flags[2], -1);
    set("1", own_pid);
    ck_assert_int_eq(count_with(-1), 1);
    ck_assert_int_eq(flags[1], 0);
    assert_logged("");
}
END_TEST

START_TEST(nothing_was_passed)
{
    ck_assert_int_eq(count_with(-1), 0);
    set("0", own_pid);
    ck_assert_int_eq(count_with(-1), 0);
    unsetenv("LISTEN_FDS");
    ck_assert_int_eq(count_with(-1), 0);
    ck_assert_int_eq(flags[0], 0);
    assert_logged("");
}
END_TEST

START_TEST(what_was_passed_to_another_process_is_left_alone)
{
    char parent[32];
    snprintf(parent, sizeof parent, "%d", (int)getppid());
    const char *const others[] = {parent, "0", "-1", "", "x"};
    for (size_t i = 0; i < COUNT(others); i++) {
        set("3", others[i]);
        ck_assert_int_eq(count_with(-1), 0);
        set("nonsense", others[i]);
        ck_assert_int_eq(count_with(-1), 0);
    }
    unsetenv("LISTEN_PID");
    ck_assert_int_eq(count_with(-1), 0);
    ck_assert_int_eq(flags[0], 0);
    assert_logged("");
}
END_TEST

START_TEST(anything_but_a_number_is_refused)
{
    const char *const counts[] = {"",   "-1",         "x",          "3x",
                                  " 3", "2147483645", "4294967299", "9223372036854775808"};
    for (size_t i = 0; i < COUNT(counts); i++) {
        set(counts[i], own_pid);
        ck_assert_int_eq(count_with(-1), -1);
        assert_logged("crit LISTEN_FDS is not a number of sockets\n");
    }
    ck_assert_int_eq(flags[0], 0);
}
END_TEST

START_TEST(a_descriptor_that_is_not_open_is_refused)
{
    char expected[128];
    set("3", own_pid);
    ck_assert_int_eq(count_with(_i), -1);
    snprintf(expected, sizeof expected, "crit LISTEN_FDS: descriptor %d: Bad file descriptor\n",
             SYSTEMD_FIRST_FD + _i);
    assert_logged(expected);
}
END_TEST

START_TEST(more_than_can_be_open_are_refused)
{
    set("2147483644", own_pid);
    ck_assert_int_eq(count_with(0), -1);
    assert_logged("crit LISTEN_FDS: descriptor 3: Bad file descriptor\n");
}
END_TEST

Suite *activation_suite(void)
{
    Suite *suite = suite_create("activation");
    TCase *tcase = add_case(suite, "activation", NULL);
    tcase_add_checked_fixture(tcase, log_capture, log_release);
    tcase_add_checked_fixture(tcase, begin, forget);
    tcase_add_test(tcase, what_was_passed_is_counted_and_closed_at_execve);
    tcase_add_test(tcase, nothing_was_passed);
    tcase_add_test(tcase, what_was_passed_to_another_process_is_left_alone);
    tcase_add_test(tcase, anything_but_a_number_is_refused);
    tcase_add_loop_test(tcase, a_descriptor_that_is_not_open_is_refused, 0, PASSED);
    tcase_add_test(tcase, more_than_can_be_open_are_refused);
    return suite;
}
