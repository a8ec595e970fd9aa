/* SPDX-License-Identifier: MIT */
/* The file for Prometheus, in a directory of its own. */
#include <config.h>

#include "log_support.h"
#include "server/log/prometheus.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct stats stats;
static char directory[sizeof "/tmp/sixteend-metrics-XXXXXX"];
static char file[sizeof directory + 16];
static char fresh[sizeof file + 16];
static char elsewhere[sizeof directory + 16];

/* For all tests of the case, and removed even if one failed. */
static void make_directory(void)
{
    snprintf(directory, sizeof directory, "/tmp/sixteend-metrics-XXXXXX");
    need(mkdtemp(directory) != NULL, "a directory");
    snprintf(file, sizeof file, "%s/file", directory);
    snprintf(fresh, sizeof fresh, "%s.new", file);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", directory);
}

static void empty_directory(void)
{
    const char *const names[] = {file, fresh, elsewhere};
    for (size_t i = 0; i < COUNT(names); i++) {
        unlink(names[i]);
        rmdir(names[i]);
    }
}

static void remove_directory(void)
{
    empty_directory();
    rmdir(directory);
}

static void begin(void)
{
    empty_directory();
    stats =
        (struct stats){.started = 1795510502,
                       .accepted = 1234567890123,
                       .outcomes = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
                       .microseconds = 12345678,
                       .reloads = 41,
                       .reloads_refused = 42,
                       .gauges = {.active = 3, .peak = 40, .lingering = 6, .workers = 5, .idle = 2},
                       .lines_lost = 7,
                       .listeners = 2,
                       .listener = {{"127.0.0.1:1060", 4, 4096}, {"[::1]:1060", 0, 128}}};
    for (size_t i = 0; i <= STATS_BOUNDS; i++)
        stats.durations[i] = i + 1;
    add_accept_errors(&stats, 101, 1);
}

static const char expected[] =
    "# HELP sixteend_build_info The running version.\n"
    "# TYPE sixteend_build_info gauge\n"
    "sixteend_build_info{version=\"" VERSION "\"} 1\n"
    "# HELP sixteend_start_time_seconds Start time, in seconds since 1970.\n"
    "# TYPE sixteend_start_time_seconds gauge\n"
    "sixteend_start_time_seconds 1795510502\n"
    "# HELP sixteend_connections_accepted_total Accepted connections.\n"
    "# TYPE sixteend_connections_accepted_total counter\n"
    "sixteend_connections_accepted_total 1234567890123\n"
    "# HELP sixteend_connections_total Connections that ended, by outcome.\n"
    "# TYPE sixteend_connections_total counter\n"
    "sixteend_connections_total{outcome=\"ok\"} 10\n"
    "sixteend_connections_total{outcome=\"excess\"} 11\n"
    "sixteend_connections_total{outcome=\"mismatch\"} 12\n"
    "sixteend_connections_total{outcome=\"short\"} 13\n"
    "sixteend_connections_total{outcome=\"probe\"} 14\n"
    "sixteend_connections_total{outcome=\"slow\"} 15\n"
    "sixteend_connections_total{outcome=\"reset\"} 16\n"
    "sixteend_connections_total{outcome=\"denied\"} 17\n"
    "sixteend_connections_total{outcome=\"limited\"} 18\n"
    "sixteend_connections_total{outcome=\"malformed\"} 19\n"
    "sixteend_connections_total{outcome=\"failed\"} 20\n"
    "# HELP sixteend_connection_duration_seconds Time from accept to outcome of a "
    "connection.\n"
    "# TYPE sixteend_connection_duration_seconds histogram\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.0001\"} 1\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.00025\"} 3\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.0005\"} 6\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.001\"} 10\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.0025\"} 15\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.005\"} 21\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.01\"} 28\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.025\"} 36\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.05\"} 45\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.1\"} 55\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.25\"} 66\n"
    "sixteend_connection_duration_seconds_bucket{le=\"0.5\"} 78\n"
    "sixteend_connection_duration_seconds_bucket{le=\"1\"} 91\n"
    "sixteend_connection_duration_seconds_bucket{le=\"2.5\"} 105\n"
    "sixteend_connection_duration_seconds_bucket{le=\"5\"} 120\n"
    "sixteend_connection_duration_seconds_bucket{le=\"10\"} 136\n"
    "sixteend_connection_duration_seconds_bucket{le=\"+Inf\"} 153\n"
    "sixteend_connection_duration_seconds_sum 12.345678\n"
    "sixteend_connection_duration_seconds_count 153\n"
    "# HELP sixteend_accept_errors_total Failures of accept(2), by error.\n"
    "# TYPE sixteend_accept_errors_total counter\n"
    "sixteend_accept_errors_total{error=\"ECONNABORTED\"} 101\n"
    "sixteend_accept_errors_total{error=\"EPROTO\"} 102\n"
    "sixteend_accept_errors_total{error=\"EPERM\"} 103\n"
    "sixteend_accept_errors_total{error=\"ENETDOWN\"} 104\n"
    "sixteend_accept_errors_total{error=\"ENETUNREACH\"} 105\n"
    "sixteend_accept_errors_total{error=\"EHOSTDOWN\"} 106\n"
    "sixteend_accept_errors_total{error=\"EHOSTUNREACH\"} 107\n"
    "sixteend_accept_errors_total{error=\"ENONET\"} 108\n"
    "sixteend_accept_errors_total{error=\"ENOPROTOOPT\"} 109\n"
    "sixteend_accept_errors_total{error=\"ETIMEDOUT\"} 110\n"
    "sixteend_accept_errors_total{error=\"EOPNOTSUPP\"} 111\n"
    "sixteend_accept_errors_total{error=\"EMFILE\"} 112\n"
    "sixteend_accept_errors_total{error=\"ENFILE\"} 113\n"
    "sixteend_accept_errors_total{error=\"ENOBUFS\"} 114\n"
    "sixteend_accept_errors_total{error=\"ENOMEM\"} 115\n"
    "sixteend_accept_errors_total{error=\"EBADF\"} 116\n"
    "sixteend_accept_errors_total{error=\"EINVAL\"} 117\n"
    "sixteend_accept_errors_total{error=\"ENOTSOCK\"} 118\n"
    "sixteend_accept_errors_total{error=\"EFAULT\"} 119\n"
    "sixteend_accept_errors_total{error=\"other\"} 120\n"
    "# HELP sixteend_connections_active Active connections.\n"
    "# TYPE sixteend_connections_active gauge\n"
    "sixteend_connections_active 3\n"
    "# HELP sixteend_connections_peak Largest number of active connections so far.\n"
    "# TYPE sixteend_connections_peak gauge\n"
    "sixteend_connections_peak 40\n"
    "# HELP sixteend_sockets_lingering Sockets that wait for their peer's end of file.\n"
    "# TYPE sixteend_sockets_lingering gauge\n"
    "sixteend_sockets_lingering 6\n"
    "# HELP sixteend_workers Worker threads.\n"
    "# TYPE sixteend_workers gauge\n"
    "sixteend_workers 5\n"
    "# HELP sixteend_workers_idle Worker threads without a connection.\n"
    "# TYPE sixteend_workers_idle gauge\n"
    "sixteend_workers_idle 2\n"
    "# HELP sixteend_listener_queue_length Connections that wait to be accepted.\n"
    "# TYPE sixteend_listener_queue_length gauge\n"
    "sixteend_listener_queue_length{address=\"127.0.0.1:1060\"} 4\n"
    "sixteend_listener_queue_length{address=\"[::1]:1060\"} 0\n"
    "# HELP sixteend_listener_queue_limit Connections that can wait to be accepted.\n"
    "# TYPE sixteend_listener_queue_limit gauge\n"
    "sixteend_listener_queue_limit{address=\"127.0.0.1:1060\"} 4096\n"
    "sixteend_listener_queue_limit{address=\"[::1]:1060\"} 128\n"
    "# HELP sixteend_log_lines_lost_total Log lines lost because the log writer could "
    "not keep up.\n"
    "# TYPE sixteend_log_lines_lost_total counter\n"
    "sixteend_log_lines_lost_total 7\n"
    "# HELP sixteend_reloads_total Successful reloads.\n"
    "# TYPE sixteend_reloads_total counter\n"
    "sixteend_reloads_total 41\n"
    "# HELP sixteend_reloads_refused_total Refused reloads.\n"
    "# TYPE sixteend_reloads_refused_total counter\n"
    "sixteend_reloads_refused_total 42\n";

static void write_stats(const char *path)
{
    char *text = prometheus_format(&stats, path);
    need(text != NULL, "memory");
    prometheus_write(text);
}

/* Return the text of an open file from its beginning. */
static const char *text_of(int fd)
{
    static char text[65536];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    need(length >= 0, "to read the file");
    text[length] = '\0';
    return text;
}

static void assert_file_is(const char *path, const char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_str_eq(text_of(fd), text);
    close(fd);
}

static bool exists(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0;
}

static void make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    need(fd >= 0, "a file");
    write_octets(fd, text, strlen(text));
    close(fd);
}

START_TEST(every_line_has_the_format_of_Prometheus)
{
    char *text = prometheus_format(&stats, "/a/path");
    ck_assert_str_eq(text, "/a/path");
    ck_assert_str_eq(text + strlen("/a/path") + 1, expected);
    free(text);
}
END_TEST

START_TEST(the_file_is_readable_for_others)
{
    struct stat about;
    mode_t mask = umask(022);
    write_stats(file);
    umask(mask);
    assert_file_is(file, expected);
    need(stat(file, &about) == 0, "the file");
    ck_assert_uint_eq(about.st_mode, S_IFREG | 0644);
    ck_assert(!exists(fresh));
    assert_logged("");
}
END_TEST

START_TEST(an_open_old_file_stays_complete)
{
    write_stats(file);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    need(fd >= 0, "the file");
    stats.lines_lost = 8;
    write_stats(file);
    ck_assert_str_eq(text_of(fd), expected);
    close(fd);
    fd = open(file, O_RDONLY | O_CLOEXEC);
    ck_assert_ptr_nonnull(strstr(text_of(fd), "log_lines_lost_total 8\n"));
    ck_assert_uint_eq(strlen(text_of(fd)), strlen(expected));
    close(fd);
}
END_TEST

static atomic_bool over;

static void *write_again_and_again(void *argument)
{
    while (!atomic_load(&over))
        write_stats(argument);
    return NULL;
}

START_TEST(a_reader_always_sees_a_complete_file)
{
    pthread_t writer;
    write_stats(file);
    atomic_store(&over, false);
    need(pthread_create(&writer, NULL, write_again_and_again, file) == 0, "a thread");
    for (int i = 0; i < 300; i++)
        assert_file_is(file, expected);
    atomic_store(&over, true);
    need(pthread_join(writer, NULL) == 0, "the end of a thread");
}
END_TEST

START_TEST(what_a_crash_left_is_overwritten)
{
    char rest[8192];
    memset(rest, '#', sizeof rest - 1);
    rest[sizeof rest - 1] = '\0';
    make_file(fresh, rest);
    write_stats(file);
    assert_file_is(file, expected);
    ck_assert(!exists(fresh));
}
END_TEST

START_TEST(a_symbolic_link_is_not_followed)
{
    make_file(elsewhere, "precious");
    need(symlink(elsewhere, fresh) == 0, "a link");
    write_stats(file);
    assert_file_is(elsewhere, "precious");
    ck_assert(!exists(file));
    ck_assert_ptr_nonnull(strstr(logged_text(), ": Too many levels of symbolic links\n"));
    unlink(fresh);
    write_stats(file);
}
END_TEST

static void assert_logged_of_file(const char *before, const char *after)
{
    char line[512];
    snprintf(line, sizeof line, "%s%s%s\n", before, file, after);
    assert_logged(line);
}

/* A directory has the file's name until it is removed. */
START_TEST(a_failure_is_logged_once_and_its_end_too)
{
    need(mkdir(file, 0700) == 0, "a directory");
    write_stats(file);
    assert_logged_of_file("warning metrics.file: cannot write ", ": Is a directory");
    ck_assert(!exists(fresh));
    write_stats(file);
    write_stats(file);
    assert_logged("");
    need(rmdir(file) == 0, "to remove it");
    write_stats(file);
    assert_logged_of_file("notice metrics.file: ", " is written again");
    write_stats(file);
    assert_logged("");
    assert_file_is(file, expected);
}
END_TEST

START_TEST(a_missing_directory_is_a_failure)
{
    char missing[sizeof elsewhere + 16];
    char line[512];
    snprintf(missing, sizeof missing, "%s/file", elsewhere);
    write_stats(missing);
    snprintf(line, sizeof line,
             "warning metrics.file: cannot write %s: No such file or directory\n", missing);
    assert_logged(line);
    need(mkdir(elsewhere, 0700) == 0, "a directory");
    write_stats(missing);
    snprintf(line, sizeof line, "notice metrics.file: %s is written again\n", missing);
    assert_logged(line);
    unlink(missing);
}
END_TEST

/* The kernel writes a part of the text, and no more. */
START_TEST(a_full_disk_leaves_the_old_file)
{
    struct rlimit before;
    need(getrlimit(RLIMIT_FSIZE, &before) == 0, "a limit");
    const struct rlimit little = {4096, before.rlim_max};
    make_file(file, "old");
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    need(handler != SIG_ERR && setrlimit(RLIMIT_FSIZE, &little) == 0, "a smaller limit");
    write_stats(file);
    need(setrlimit(RLIMIT_FSIZE, &before) == 0 && signal(SIGXFSZ, handler) == SIG_IGN,
         "the former limit");
    assert_logged_of_file("warning metrics.file: cannot write ", ": File too large");
    assert_file_is(file, "old");
    ck_assert(!exists(fresh));
    write_stats(file);
    assert_logged_of_file("notice metrics.file: ", " is written again");
    assert_file_is(file, expected);
}
END_TEST

/* The sanitizers and valgrind would find a leak. */
START_TEST(without_a_log_writer_the_metrics_are_freed)
{
    log_metrics(strdup("/nowhere"));
}
END_TEST

Suite *prometheus_suite(void)
{
    Suite *suite = suite_create("prometheus");
    TCase *tcase = add_case(suite, "prometheus", NULL);
    tcase_add_unchecked_fixture(tcase, make_directory, remove_directory);
    tcase_add_checked_fixture(tcase, log_capture, log_release);
    tcase_add_checked_fixture(tcase, begin, empty_directory);
    tcase_add_test(tcase, every_line_has_the_format_of_Prometheus);
    tcase_add_test(tcase, the_file_is_readable_for_others);
    tcase_add_test(tcase, without_a_log_writer_the_metrics_are_freed);
    tcase_add_test(tcase, an_open_old_file_stays_complete);
    tcase_add_test(tcase, a_reader_always_sees_a_complete_file);
    tcase_add_test(tcase, what_a_crash_left_is_overwritten);
    tcase_add_test(tcase, a_symbolic_link_is_not_followed);
    tcase_add_test(tcase, a_failure_is_logged_once_and_its_end_too);
    tcase_add_test(tcase, a_missing_directory_is_a_failure);
    tcase_add_test(tcase, a_full_disk_leaves_the_old_file);
    return suite;
}
