/* SPDX-License-Identifier: MIT */
/* The text for Prometheus. */
#include <config.h>

#include "log_support.h"
#include "server/log/prometheus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct stats stats;
static struct process_stats process;

static void begin(void)
{
    stats =
        (struct stats){.started = 1795510502,
                       .configured = 1795510622,
                       .reload_refused = true,
                       .connections_limit = 1024,
                       .accepted = 1234567890123,
                       .outcomes = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
                       .microseconds = 12345678,
                       .reloads = 41,
                       .reloads_refused = 42,
                       .gauges = {.active = 3, .peak = 40, .lingering = 6, .workers = 5, .idle = 2},
                       .lines_lost = 7,
                       .listeners = 2,
                       .listener = {{"127.0.0.1:1060", 4, 4096}, {"[::1]:1060", 0, 128}}};
    for (size_t i = 0; i <= DURATION_BOUNDS; i++)
        stats.durations[i] = i + 1;
    add_accept_errors(&stats, 101, 1);
    process = (struct process_stats){.cpu_seconds = 12.345678,
                                     .open_fds = 17,
                                     .max_fds = 2080,
                                     .threads = 9,
                                     .virtual_memory = 159178752,
                                     .resident_memory = 2289664};
}

static const char expected[] =
    "# HELP sixteend_build_info The running version.\n"
    "# TYPE sixteend_build_info gauge\n"
    "sixteend_build_info{version=\"" VERSION "\"} 1\n"
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
    "# HELP sixteend_connection_duration_seconds Time from the start of a "
    "connection's deadline to its outcome.\n"
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
    "# HELP sixteend_connections_limit Largest number of active connections that is allowed.\n"
    "# TYPE sixteend_connections_limit gauge\n"
    "sixteend_connections_limit 1024\n"
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
    "# HELP sixteend_log_lines_lost_total Log lines that were lost.\n"
    "# TYPE sixteend_log_lines_lost_total counter\n"
    "sixteend_log_lines_lost_total 7\n"
    "# HELP sixteend_reloads_total Successful reloads.\n"
    "# TYPE sixteend_reloads_total counter\n"
    "sixteend_reloads_total 41\n"
    "# HELP sixteend_reloads_refused_total Refused reloads.\n"
    "# TYPE sixteend_reloads_refused_total counter\n"
    "sixteend_reloads_refused_total 42\n"
    "# HELP sixteend_config_last_reload_successful Whether the last configuration reload attempt "
    "was successful.\n"
    "# TYPE sixteend_config_last_reload_successful gauge\n"
    "sixteend_config_last_reload_successful 0\n"
    "# HELP sixteend_config_last_reload_success_timestamp_seconds Timestamp of the last successful "
    "configuration reload.\n"
    "# TYPE sixteend_config_last_reload_success_timestamp_seconds gauge\n"
    "sixteend_config_last_reload_success_timestamp_seconds 1795510622\n";

static const char expected_process[] =
    "# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.\n"
    "# TYPE process_cpu_seconds_total counter\n"
    "process_cpu_seconds_total{program=\"sixteend\"} 12.345678\n"
    "# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.\n"
    "# TYPE process_start_time_seconds gauge\n"
    "process_start_time_seconds{program=\"sixteend\"} 1795510502\n";

/* These need /proc, or a limit. */
static const char expected_rest[] =
    "# HELP process_open_fds Number of open file descriptors.\n"
    "# TYPE process_open_fds gauge\n"
    "process_open_fds{program=\"sixteend\"} 17\n"
    "# HELP process_max_fds Maximum number of open file descriptors.\n"
    "# TYPE process_max_fds gauge\n"
    "process_max_fds{program=\"sixteend\"} 2080\n"
    "# HELP process_virtual_memory_bytes Virtual memory size in bytes.\n"
    "# TYPE process_virtual_memory_bytes gauge\n"
    "process_virtual_memory_bytes{program=\"sixteend\"} 159178752\n"
    "# HELP process_resident_memory_bytes Resident memory size in bytes.\n"
    "# TYPE process_resident_memory_bytes gauge\n"
    "process_resident_memory_bytes{program=\"sixteend\"} 2289664\n"
    "# HELP process_threads Number of OS threads in the process.\n"
    "# TYPE process_threads gauge\n"
    "process_threads{program=\"sixteend\"} 9\n";

static void assert_formatted(const char *rest)
{
    char whole[16384];
    char *text = prometheus_format(&stats, &process);
    snprintf(whole, sizeof whole, "%s%s%s", expected, expected_process, rest);
    ck_assert_str_eq(text, whole);
    free(text);
}

START_TEST(every_line_has_the_format_of_Prometheus)
{
    assert_formatted(expected_rest);
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
    process.open_fds = process.max_fds = process.threads = -1;
    process.virtual_memory = process.resident_memory = -1;
    assert_formatted("");
}
END_TEST

START_TEST(a_queue_that_is_not_known_is_left_out)
{
    struct listener_stats *listener = &stats.listener[stats.listeners++];
    snprintf(listener->address, sizeof listener->address, "[::1]:1061");
    assert_formatted(expected_rest);
}
END_TEST

/* The most of everything: the longest addresses, the largest numbers. */
START_TEST(the_longest_text_has_room)
{
    memset(&stats, 0xff, sizeof stats);
    memset(&process, 0x7f, sizeof process);
    stats.reload_refused = true;
    stats.microseconds = UINT64_MAX;
    process.cpu_seconds = 1e18;
    stats.listeners = STATS_LISTENERS;
    for (size_t i = 0; i < STATS_LISTENERS; i++)
        stats.listener[i].address[ADDRESS_TEXT - 1] = '\0';
    for (stats.accept_errors = 0; stats.accept_errors < STATS_ACCEPT_ERRORS;)
        stats.accept_error[stats.accept_errors++].name = "EPROTONOSUPPORT";
    char *text = prometheus_format(&stats, &process);
    ck_assert_ptr_nonnull(text);
    const char *last = strstr(text, "\nprocess_threads{program=\"sixteend\"} ");
    ck_assert_ptr_nonnull(last);
    ck_assert_str_eq(strchr(last + 1, '\n'), "\n");
    free(text);
}
END_TEST

START_TEST(a_clock_before_1970_is_shown)
{
    stats.started = stats.configured = -1;
    char *text = prometheus_format(&stats, &process);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "\nprocess_start_time_seconds{program=\"sixteend\"} -1\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\nsixteend_config_last_reload_success_timestamp_seconds -1\n"));
    free(text);
}
END_TEST

START_TEST(the_process_is_as_the_kernel_shows_it)
{
    struct process_stats now, later;
    struct rlimit limit;
    unsigned long pages, resident;
    process_stats_read(&later); /* what it allocates is there from now on */
    FILE *statm = fopen("/proc/self/statm", "re");
    need(statm != NULL && fscanf(statm, "%lu %lu", &pages, &resident) == 2, "statm");
    process_stats_read(&now);
    fclose(statm);
    need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit");
    ck_assert_int_eq(now.max_fds, (int64_t)limit.rlim_cur);
    skip_unless(now.threads != 0 && now.virtual_memory != 0, "whole /proc/self/stat");
    ck_assert_int_ge(now.threads, 1);
    ck_assert_int_le(now.resident_memory, now.virtual_memory);
    ck_assert_int_eq(now.virtual_memory, (int64_t)pages * getpagesize());
    int fd = dup(STDERR_FILENO);
    do
        process_stats_read(&later);
    while (later.cpu_seconds <= now.cpu_seconds);
    ck_assert_int_eq(later.open_fds, now.open_fds); /* one less and one more */
    close(fd);
    process_stats_read(&later);
    ck_assert_int_eq(later.open_fds, now.open_fds - 1);
}
END_TEST

Suite *prometheus_suite(void)
{
    Suite *suite = suite_create("prometheus");
    TCase *tcase = add_case(suite, "prometheus", NULL);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, every_line_has_the_format_of_Prometheus);
    tcase_add_test(tcase, what_is_not_known_is_left_out);
    tcase_add_test(tcase, a_queue_that_is_not_known_is_left_out);
    tcase_add_test(tcase, the_longest_text_has_room);
    tcase_add_test(tcase, a_clock_before_1970_is_shown);
    tcase_add_test(tcase, the_process_is_as_the_kernel_shows_it);
    return suite;
}
