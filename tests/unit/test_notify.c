/* SPDX-License-Identifier: MIT */
/* The messages for a service manager, on a socket of the test's own. */
#include <config.h>

#include "log_support.h"
#include "server/process/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager = -1;
static char name[sizeof((struct sockaddr_un *)NULL)->sun_path];

static void forget(void)
{
    notify_close();
    if (manager >= 0)
        close(manager);
    manager = -1;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

static void set(const char *variable, const char *value)
{
    need(setenv(variable, value, 1) == 0, "a variable");
}

static void open_manager(const struct sockaddr_un *address, socklen_t length)
{
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    need(manager >= 0 && bind(manager, (const struct sockaddr *)address, length) == 0,
         "a datagram socket");
}

/* The kernel chooses an abstract name that is free: unix(7), autobind. */
static void listen_at_abstract_name(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;
    open_manager(&address, sizeof(sa_family_t));
    need(getsockname(manager, (struct sockaddr *)&address, &length) == 0, "its name");
    snprintf(name, sizeof name, "@%.*s", (int)(length - offsetof(struct sockaddr_un, sun_path) - 1),
             address.sun_path + 1);
}

static void begin_abstract(void)
{
    forget();
    listen_at_abstract_name();
    set("NOTIFY_SOCKET", name);
}

static void reach_manager(void)
{
    ck_assert_int_eq(notify_open(), 0);
    ck_assert(notify_wanted());
}

/* Fail unless that is the next message. */
static void assert_notified(const char *expected)
{
    char message[1024];
    ssize_t length = recvfrom(manager, message, sizeof message - 1, 0, NULL, NULL);
    ck_assert_int_ge(length, 0);
    message[length] = '\0';
    ck_assert_str_eq(message, expected);
}

static void assert_not_notified(void)
{
    char message[1024];
    ck_assert_int_eq(recvfrom(manager, message, sizeof message, 0, NULL, NULL), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(each_message_has_its_words)
{
    char expected[64];
    reach_manager();
    clock_stop();
    clock_move(1000);
    notify_ready("Ready");
    assert_notified("READY=1\nSTATUS=Ready");
    notify_reloading();
    snprintf(expected, sizeof expected, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)clock_nanoseconds() / 1000);
    assert_notified(expected);
    notify_status("3 active");
    assert_notified("STATUS=3 active");
    notify_watchdog();
    assert_notified("WATCHDOG=1");
    notify_stopping();
    assert_notified("STOPPING=1");
    assert_not_notified();
    assert_logged("");
}
END_TEST

START_TEST(a_status_is_cut_to_a_message)
{
    char status[1000];
    char message[1024];
    memset(status, 'x', sizeof status - 1);
    status[sizeof status - 1] = '\0';
    reach_manager();
    notify_status(status);
    ssize_t length = recvfrom(manager, message, sizeof message, 0, NULL, NULL);
    ck_assert_int_eq(length, 511);
    notify_ready(status);
    ck_assert_int_eq(recvfrom(manager, message, sizeof message, 0, NULL, NULL), 511);
    ck_assert_mem_eq(message, "READY=1\nSTATUS=xxxx", 19);
}
END_TEST

static char directory[sizeof "/tmp/sixteend-notify-XXXXXX"];
static struct sockaddr_un path;

/* Instead of the abstract name: a path, at which the manager makes its socket. */
static void begin_path(void)
{
    snprintf(directory, sizeof directory, "/tmp/sixteend-notify-XXXXXX");
    need(mkdtemp(directory) != NULL, "a directory");
    path = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(path.sun_path, sizeof path.sun_path, "%s/socket", directory);
    open_manager(&path, sizeof path);
    set("NOTIFY_SOCKET", path.sun_path);
}

static void end_path(void)
{
    unlink(path.sun_path);
    rmdir(directory);
    forget();
}

START_TEST(a_path_is_reached_too)
{
    reach_manager();
    notify_ready("Ready");
    assert_notified("READY=1\nSTATUS=Ready");
    assert_not_notified();
}
END_TEST

START_TEST(a_socket_that_was_made_anew_is_found)
{
    int earlier = manager;
    reach_manager();
    unlink(path.sun_path);
    open_manager(&path, sizeof path);
    notify_ready("Ready");
    assert_notified("READY=1\nSTATUS=Ready");
    close(earlier);
    notify_watchdog();
    assert_notified("WATCHDOG=1");
    assert_not_notified();
    assert_logged("");
}
END_TEST

START_TEST(a_socket_without_its_name_is_still_reached)
{
    reach_manager();
    unlink(path.sun_path);
    notify_ready("Ready");
    assert_notified("READY=1\nSTATUS=Ready");
    assert_logged("");
}
END_TEST

START_TEST(a_manager_that_comes_back_is_found)
{
    reach_manager();
    close(manager);
    unlink(path.sun_path);
    notify_ready("Ready");
    assert_logged("warning cannot notify the service manager of READY=1: Connection refused\n");
    open_manager(&path, sizeof path);
    notify_status("1 active");
    assert_notified("READY=1\nSTATUS=1 active");
    assert_logged("");
}
END_TEST

START_TEST(the_socket_is_closed_at_execve)
{
    int next = fcntl(manager, F_DUPFD_CLOEXEC, 0);
    close(next);
    reach_manager();
    ck_assert_int_eq(fcntl(next, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(without_a_manager_nothing_is_done)
{
    if (_i == 0)
        unsetenv("NOTIFY_SOCKET");
    else
        set("NOTIFY_SOCKET", "");
    set("WATCHDOG_USEC", "1000000");
    ck_assert_int_eq(notify_open(), 0);
    ck_assert(!notify_wanted());
    ck_assert_int_eq(notify_watchdog_interval(), NEVER);
    notify_ready("Ready");
    notify_reloading();
    notify_status("3 active");
    notify_watchdog();
    notify_stopping();
    ck_assert_uint_eq(io_calls(), 0);
    assert_not_notified();
    assert_logged("");
}
END_TEST

START_TEST(after_the_close_nothing_is_sent)
{
    set("WATCHDOG_USEC", "1000000");
    reach_manager();
    notify_close();
    notify_close();
    ck_assert(!notify_wanted());
    ck_assert_int_eq(notify_watchdog_interval(), NEVER);
    notify_ready("Ready");
    assert_not_notified();
    assert_logged("");
}
END_TEST

START_TEST(an_invalid_name_is_refused)
{
    char longest[sizeof name + 1];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof name] = '\0';
    const char *const names[] = {"/", "@", "socket", "./socket", "vsock:2:1", longest};
    for (size_t i = 0; i < COUNT(names); i++) {
        set("NOTIFY_SOCKET", names[i]);
        ck_assert_int_eq(notify_open(), -1);
        ck_assert(!notify_wanted());
        assert_logged(
            "crit NOTIFY_SOCKET is neither an absolute path nor an abstract socket name\n");
    }
}
END_TEST

START_TEST(a_manager_that_cannot_be_reached_is_a_failure)
{
    set("WATCHDOG_USEC", "1000000");
    set("NOTIFY_SOCKET", "/dev/null/none");
    ck_assert_int_eq(notify_open(), -1);
    assert_logged("crit cannot reach the service manager at NOTIFY_SOCKET: Not a directory\n");
    set("NOTIFY_SOCKET", name);
    close(manager);
    manager = -1;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(next);
    ck_assert_int_eq(notify_open(), -1);
    assert_logged("crit cannot reach the service manager at NOTIFY_SOCKET: Connection refused\n");
    ck_assert(!notify_wanted());
    ck_assert_int_eq(notify_watchdog_interval(), NEVER);
    ck_assert(!is_open(next));
}
END_TEST

START_TEST(a_manager_that_takes_nothing_is_not_waited_for)
{
    reach_manager();
    const char *logged = "";
    int sent = 0;
    for (; sent < 100000 && *logged == '\0'; sent++) {
        notify_ready("Ready");
        logged = logged_text();
    }
    ck_assert_str_eq(logged, "warning cannot notify the service manager of READY=1: Resource "
                             "temporarily unavailable\n");
    notify_stopping();
    assert_logged(""); /* the warning comes once */
    for (int i = 1; i < sent; i++)
        assert_notified("READY=1\nSTATUS=Ready");
    assert_not_notified();
    notify_status("again");
    assert_notified("STATUS=again");
    ck_assert_int_eq(io_last_call().flags, MSG_DONTWAIT | MSG_NOSIGNAL);
}
END_TEST

START_TEST(ready_is_sent_later_if_it_could_not_be_sent)
{
    reach_manager();
    int sent = 0;
    for (const char *logged = ""; sent < 100000 && *logged == '\0'; sent++) {
        notify_status("busy");
        logged = logged_text();
    }
    notify_ready("Ready");
    (void)logged_text();
    for (int i = 1; i < sent; i++)
        assert_notified("STATUS=busy");
    assert_not_notified();
    notify_status("1 active");
    assert_notified("READY=1\nSTATUS=1 active");
    notify_status("2 active");
    assert_notified("STATUS=2 active");
}
END_TEST

START_TEST(a_manager_that_has_gone_is_a_warning)
{
    reach_manager();
    close(manager);
    manager = -1;
    notify_watchdog();
    assert_logged("warning cannot notify the service manager of WATCHDOG=1: Connection refused\n");
}
END_TEST

static int64_t interval_of(const char *us, const char *pid)
{
    notify_close();
    set("WATCHDOG_USEC", us);
    unsetenv("WATCHDOG_PID");
    if (pid != NULL)
        set("WATCHDOG_PID", pid);
    reach_manager();
    return notify_watchdog_interval();
}

START_TEST(the_interval_is_half_the_time_that_the_manager_allows)
{
    ck_assert_int_eq(interval_of("1", NULL), 500);
    ck_assert_int_eq(interval_of("30000000", NULL), INT64_C(15000000000));
    ck_assert_int_eq(interval_of("9223372036854775", NULL), INT64_C(4611686018427387500));
    unsetenv("WATCHDOG_USEC");
    notify_close();
    reach_manager();
    ck_assert_int_eq(notify_watchdog_interval(), NEVER);
}
END_TEST

START_TEST(an_invalid_time_is_no_watchdog)
{
    const char *const times[] = {
        "", "0", "-1", "x", "1s", " 1", "9223372036854776", "9223372036854775808"};
    for (size_t i = 0; i < COUNT(times); i++)
        ck_assert_msg(interval_of(times[i], NULL) == NEVER, "'%s'", times[i]);
}
END_TEST

START_TEST(another_process_s_watchdog_is_not_ours)
{
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    ck_assert_int_eq(interval_of("1000000", pid), 500000000);
    snprintf(pid, sizeof pid, "%d", (int)getppid());
    ck_assert_int_eq(interval_of("1000000", pid), NEVER);
    ck_assert_int_eq(interval_of("1000000", ""), NEVER);
    ck_assert_int_eq(interval_of("1000000", "x"), NEVER);
}
END_TEST

Suite *notify_suite(void)
{
    Suite *suite = suite_create("notify");
    TCase *tcase = add_case(suite, "notify", NULL);
    tcase_add_checked_fixture(tcase, log_capture, log_release);
    tcase_add_checked_fixture(tcase, begin_abstract, forget);
    tcase_add_test(tcase, each_message_has_its_words);
    tcase_add_test(tcase, a_status_is_cut_to_a_message);
    tcase_add_test(tcase, the_socket_is_closed_at_execve);
    tcase_add_loop_test(tcase, without_a_manager_nothing_is_done, 0, 2);
    tcase_add_test(tcase, after_the_close_nothing_is_sent);
    tcase_add_test(tcase, an_invalid_name_is_refused);
    tcase_add_test(tcase, a_manager_that_cannot_be_reached_is_a_failure);
    tcase_add_test(tcase, a_manager_that_takes_nothing_is_not_waited_for);
    tcase_add_test(tcase, ready_is_sent_later_if_it_could_not_be_sent);
    tcase_add_test(tcase, a_manager_that_has_gone_is_a_warning);
    tcase_add_test(tcase, the_interval_is_half_the_time_that_the_manager_allows);
    tcase_add_test(tcase, an_invalid_time_is_no_watchdog);
    tcase_add_test(tcase, another_process_s_watchdog_is_not_ours);

    tcase = add_case(suite, "at a path", NULL);
    tcase_add_checked_fixture(tcase, log_capture, log_release);
    tcase_add_checked_fixture(tcase, begin_path, end_path);
    tcase_add_test(tcase, a_path_is_reached_too);
    tcase_add_test(tcase, a_socket_that_was_made_anew_is_found);
    tcase_add_test(tcase, a_socket_without_its_name_is_still_reached);
    tcase_add_test(tcase, a_manager_that_comes_back_is_found);
    return suite;
}
