/* SPDX-License-Identifier: MIT */
/* The text for Prometheus. */
#include <config.h>

#include "log_support.h"
#include "server/log/prometheus.h"

#include <stdlib.h>

static struct stats stats;
static void begin(void)
{
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

START_TEST(every_line_has_the_format_of_Prometheus)
{
    char *text = prometheus_format(&stats);
    ck_assert_str_eq(text, expected);
    free(text);
}
END_TEST

Suite *prometheus_suite(void)
{
    Suite *suite = suite_create("prometheus");
    TCase *tcase = add_case(suite, "prometheus", NULL);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, every_line_has_the_format_of_Prometheus);
    return suite;
}
