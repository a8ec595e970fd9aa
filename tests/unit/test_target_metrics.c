/* SPDX-License-Identifier: MIT */
/* The client's text for Prometheus. */
#include <config.h>

#include "client/report/prometheus.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct verdict right = {RESULT_RIGHT, PHASE_CLOSE, 0, 16};
static const struct verdict refused = {RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 0};
static const struct verdict no_net = {RESULT_FAILED, PHASE_CONNECT, ENETUNREACH, 0};
static const struct verdict no_host = {RESULT_FAILED, PHASE_CONNECT, EHOSTUNREACH, 0};
static const struct verdict slow = {RESULT_TIMEOUT, PHASE_RECEIVE, 0, 0};
static const struct verdict cut = {RESULT_CUT, PHASE_RECEIVE, 0, 0};

static struct server servers[2];
static struct server *order[2] = {&servers[0], &servers[1]};
static struct target targets[1000];
static struct target_summary summaries[COUNT(targets)];
static struct tally tally;
static struct tally empty;

static void begin(void)
{
    memset(&tally, 0, sizeof tally);
    for (size_t i = 0; i < COUNT(targets); i++) {
        struct endpoint *endpoint = &targets[i].endpoint;
        snprintf(endpoint->host, sizeof endpoint->host, "host%zu", i);
        snprintf(endpoint->port, sizeof endpoint->port, "1060");
        summaries[i] = (struct target_summary){.target = &targets[i], .tally = &empty};
    }
    servers[0].address = numeric_address("192.0.2.7", "1060");
    servers[1].address = numeric_address("2001:db8::7", "1060");
    targets[1].order = order;
    targets[1].count = 2;
    summaries[1].tally = &tally;
    summaries[1].not_begun = 7;
}

static char *format(size_t count)
{
    char *text = prometheus_targets(summaries, count, 1795510502);
    ck_assert_ptr_nonnull(text);
    return text;
}

/* Fail unless the text has this line. */
static void assert_line(const char *text, const char *line)
{
    char enclosed[512];
    snprintf(enclosed, sizeof enclosed, "\n%s\n", line);
    ck_assert_msg(strstr(text, enclosed) != NULL, "no %s in\n%s", line, text);
}

static const char expected[] =
    "# HELP sixteen_build_info The running version.\n"
    "# TYPE sixteen_build_info gauge\n"
    "sixteen_build_info{version=\"" VERSION "\"} 1\n"
    "# HELP sixteen_start_time_seconds When the run began.\n"
    "# TYPE sixteen_start_time_seconds gauge\n"
    "sixteen_start_time_seconds 1795510502\n"
    "# HELP sixteen_exchanges_total Exchanges by outcome and phase.\n"
    "# TYPE sixteen_exchanges_total counter\n"
    "sixteen_exchanges_total{target=\"host0:1060\",outcome=\"ok\"} 0\n"
    "sixteen_exchanges_total{target=\"host1:1060\",outcome=\"ok\"} 3\n"
    "sixteen_exchanges_total{target=\"host1:1060\",outcome=\"refused\",phase=\"connect\"} 1\n"
    "sixteen_exchanges_total{target=\"host1:1060\",outcome=\"slow\",phase=\"receive\"} 1\n"
    "# HELP sixteen_exchange_duration_seconds How long right exchanges took.\n"
    "# TYPE sixteen_exchange_duration_seconds histogram\n";

START_TEST(the_text_has_each_target)
{
    tally_add(&tally, &right, 100000);
    tally_add(&tally, &refused, 5);
    tally_add(&tally, &right, 100001);
    tally_add(&tally, &slow, 5);
    tally_add(&tally, &cut, 5);
    tally_add(&tally, &right, INT64_C(10000000001));
    tally.syn_retransmissions = 2;
    tally.retransmissions = 3;
    tally.last_right = 1795510507;
    char *text = format(2);
    ck_assert_int_eq(strncmp(text, expected, sizeof expected - 1), 0);
#define BUCKET "sixteen_exchange_duration_seconds_bucket{target=\"host1:1060\",le="
    assert_line(text, BUCKET "\"0.0001\"} 1");
    assert_line(text, BUCKET "\"0.00025\"} 2");
    assert_line(text, BUCKET "\"10\"} 2");
    assert_line(text, BUCKET "\"+Inf\"} 3");
    assert_line(text, "sixteen_exchange_duration_seconds_sum{target=\"host0:1060\"} 0.000000000");
    assert_line(text, "sixteen_exchange_duration_seconds_sum{target=\"host1:1060\"} 10.000200002");
    assert_line(text, "sixteen_exchange_duration_seconds_count{target=\"host1:1060\"} 3");
    assert_line(text, "sixteen_exchanges_not_begun_total{target=\"host0:1060\"} 0");
    assert_line(text, "sixteen_exchanges_not_begun_total{target=\"host1:1060\"} 7");
    assert_line(text, "sixteen_retransmissions_total{target=\"host0:1060\"} 0");
    assert_line(text, "sixteen_retransmissions_total{target=\"host1:1060\"} 3");
    assert_line(text, "sixteen_syn_retransmissions_total{target=\"host1:1060\"} 2");
    assert_line(text, "sixteen_last_success_timestamp_seconds{target=\"host0:1060\"} 0");
    assert_line(text, "sixteen_last_success_timestamp_seconds{target=\"host1:1060\"} 1795510507");
    assert_line(text, "sixteen_target_info{target=\"host1:1060\",address=\"192.0.2.7:1060\"} 1");
    ck_assert_str_eq(strstr(text, "sixteen_target_info{target=\"host1:1060\",address=\"[200"),
                     "sixteen_target_info{target=\"host1:1060\",address=\"[2001:db8::7]:1060\"} "
                     "1\n");
    ck_assert_ptr_null(strstr(text, "sixteen_target_info{target=\"host0"));
    free(text);
}
END_TEST

START_TEST(what_the_kernel_does_not_know_is_left_out)
{
    tally.unknown = 1;
    char *text = format(2);
    assert_line(text, "sixteen_retransmissions_total{target=\"host0:1060\"} 0");
    ck_assert_ptr_null(strstr(text, "retransmissions_total{target=\"host1:1060\"}"));
    assert_line(text, "sixteen_exchanges_not_begun_total{target=\"host1:1060\"} 7");
    free(text);
}
END_TEST

START_TEST(failures_that_differ_in_errno_are_one_series)
{
    tally_add(&tally, &no_net, 1);
    tally_add(&tally, &refused, 1);
    tally_add(&tally, &no_host, 1);
    tally_add(&tally, &no_host, 1);
    char *text = format(2);
    const char *first = strstr(text, "outcome=\"unreachable\"");
    assert_line(text, "sixteen_exchanges_total{target=\"host1:1060\",outcome=\"unreachable\","
                      "phase=\"connect\"} 3");
    ck_assert_ptr_null(strstr(first + 1, "outcome=\"unreachable\""));
    assert_line(text, "sixteen_exchanges_total{target=\"host1:1060\",outcome=\"refused\","
                      "phase=\"connect\"} 1");
    free(text);
}
END_TEST

/* The names of targets, and the labels that they become. */
#define BAD(digits) "\xef\xbf\xbd" digits
static const struct {
    const char *name;
    const char *label;
} labels[] = {
    {"a b", "a b"},
    {"\"", "\\\""},
    {"\\n\n\t", "\\\\n\\n\t"},
    {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
     "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
    {"\x80\xc1\xbf", BAD("80") BAD("c1") BAD("bf")},
    {"\xe0\x9f\xbf", BAD("e0") BAD("9f") BAD("bf")},
    {"\xed\xa0\x80", BAD("ed") BAD("a0") BAD("80")},
    {"\xf0\x8f\xbf\xbf", BAD("f0") BAD("8f") BAD("bf") BAD("bf")},
    {"\xf4\x90\x80\x80", BAD("f4") BAD("90") BAD("80") BAD("80")},
    {"\xf5\x80\x80\x80", BAD("f5") BAD("80") BAD("80") BAD("80")},
    {"\xe2\x82", BAD("e2") BAD("82")},
    {"\xc3\xc3\xa4", BAD("c3") "\xc3\xa4"},
    {"\xef\xbf\xbd", BAD("ef") BAD("bf") BAD("bd")},
};

START_TEST(a_name_is_escaped)
{
    char line[256];
    snprintf(targets[1].endpoint.host, sizeof targets[1].endpoint.host, "%s", labels[_i].name);
    snprintf(line, sizeof line, "sixteen_exchanges_not_begun_total{target=\"%s:1060\"} 7",
             labels[_i].label);
    char *text = format(2);
    assert_line(text, line);
    free(text);
}
END_TEST

START_TEST(the_longest_name_fits)
{
    memset(targets[1].endpoint.host, 0xff, sizeof targets[1].endpoint.host - 1);
    memset(targets[1].endpoint.port, '"', sizeof targets[1].endpoint.port - 1);
    char *text = format(2);
    ck_assert_ptr_nonnull(strstr(text, "\\\"\"} 7\n"));
    free(text);
    memset(&targets[1].endpoint, 0, sizeof targets[1].endpoint);
}
END_TEST

START_TEST(a_thousand_targets_fit)
{
    char *text = format(COUNT(targets));
    assert_line(text, "sixteen_exchanges_not_begun_total{target=\"host0:1060\"} 0");
    assert_line(text, "sixteen_exchange_duration_seconds_count{target=\"host999:1060\"} 0");
    ck_assert_str_eq(strrchr(text, '\n'), "\n");
    free(text);
}
END_TEST

START_TEST(without_memory_there_is_no_text)
{
    io_fail(FAULT_MEMORY, _i, 1, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(prometheus_targets(summaries, COUNT(targets), 0));
    ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

Suite *target_metrics_suite(void)
{
    Suite *suite = suite_create("target_metrics");
    TCase *tcase = add_case(suite, "target_metrics", NULL);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, the_text_has_each_target);
    tcase_add_test(tcase, what_the_kernel_does_not_know_is_left_out);
    tcase_add_test(tcase, failures_that_differ_in_errno_are_one_series);
    tcase_add_loop_test(tcase, a_name_is_escaped, 0, COUNT(labels));
    tcase_add_test(tcase, the_longest_name_fits);
    tcase_add_test(tcase, a_thousand_targets_fit);
    tcase_add_loop_test(tcase, without_memory_there_is_no_text, 0, 3);
    return suite;
}
