/* SPDX-License-Identifier: MIT */
/* A connection's line in the log, as sixteend(8) specifies it, and its report. */
#include <config.h>

#include "log_support.h"
#include "server/connection/connection.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static struct connection sample(enum outcome outcome, const char *octets, size_t count)
{
    struct connection connection = {.outcome = outcome, .count = count, .error = EMFILE};
    const struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(49607), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connection.peer.u.in = in;
    connection.local.u.in = in;
    connection.local.u.in.sin_port = htons(1060);
    connection.accepted = 1000000;
    connection.decided = 1097999;
    memcpy(connection.octets, octets, count);
    return connection;
}

#define ENDS " peer=127.0.0.1:49607 local=127.0.0.1:1060 "

static void assert_line(const struct connection *connection, const char *expected)
{
    char line[CONNECTION_LINE];
    ck_assert_str_eq(connection_format(connection, line), expected);
}

START_TEST(a_connection_is_one_line)
{
    const struct connection connection = sample(OUTCOME_OK, WIRE_GREETING, WIRE_OCTETS);
    assert_line(&connection, "outcome=ok" ENDS "octets=16 message=\"Hi there, server\" us=97");
}
END_TEST

START_TEST(retransmissions_are_named_if_there_were_any)
{
    struct connection connection = sample(OUTCOME_OK, WIRE_GREETING, WIRE_OCTETS);
    connection.retrans = 3;
    assert_line(&connection,
                "outcome=ok" ENDS "octets=16 message=\"Hi there, server\" us=97 retrans=3");
}
END_TEST

START_TEST(the_surplus_octet_is_counted_and_not_shown)
{
    const struct connection connection = sample(OUTCOME_EXCESS, WIRE_GREETING "!", 17);
    assert_line(&connection, "outcome=excess" ENDS "octets=17 message=\"Hi there, server\" us=97");
}
END_TEST

START_TEST(only_the_octets_that_came_are_shown)
{
    struct connection connection = sample(OUTCOME_SHORT, WIRE_GREETING, WIRE_OCTETS);
    connection.count = 5;
    assert_line(&connection, "outcome=short" ENDS "octets=5 message=\"Hi th\" us=97");
    connection.count = 0;
    connection.outcome = OUTCOME_PROBE;
    assert_line(&connection, "outcome=probe" ENDS "octets=0 us=97");
}
END_TEST

START_TEST(a_peer_cannot_break_the_line)
{
    const struct connection connection = sample(OUTCOME_OK, "a\nb\r\x1b[31m'\\\0\xff\x7f  ", 16);
    assert_line(
        &connection,
        "outcome=ok" ENDS
        "octets=16 message=\"a\\u000ab\\u000d\\u001b[31m'\\\\\\u0000\\u00ff\\u007f  \" us=97");
}
END_TEST

START_TEST(a_refused_one_has_no_message_and_no_error)
{
    const struct connection connection = sample(OUTCOME_LIMITED, "", 0);
    assert_line(&connection, "outcome=limited" ENDS "octets=0 us=97");
}
END_TEST

static struct proxy_buffer buffer_of(const char *octets, size_t count)
{
    struct proxy_buffer buffer = {.status = PROXY_MALFORMED,
                                  .count = count,
                                  .header.length = count,
                                  .header.reason = "there is no PROXY header"};
    buffer.address.u.in = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(999), .sin_addr.s_addr = htonl(0xc0000201)};
    memcpy(buffer.octets, octets, count);
    return buffer;
}

START_TEST(one_through_a_proxy_names_it)
{
    struct connection connection = sample(OUTCOME_OK, WIRE_GREETING, WIRE_OCTETS);
    struct proxy_buffer buffer = buffer_of("", 0);
    connection.proxy = &buffer;
    assert_line(&connection, "outcome=ok" ENDS "octets=16 message=\"Hi there, server\" us=97");
    buffer.header.has_addresses = true;
    assert_line(&connection,
                "outcome=ok" ENDS "via=192.0.2.1:999 octets=16 message=\"Hi there, server\" us=97");
}
END_TEST

START_TEST(a_malformed_header_is_shown_up_to_what_is_wrong)
{
    struct connection connection = sample(OUTCOME_MALFORMED, "", 0);
    struct proxy_buffer buffer = buffer_of("HELO x\r\n", 8);
    connection.proxy = &buffer;
    assert_line(&connection, "outcome=malformed" ENDS "octets=0 us=97 "
                             "header=\"HELO x\\u000d\\u000a\" reason=\"there is no PROXY header\"");
    buffer = buffer_of("\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c\n", 17);
    buffer.header.length = 13;
    assert_line(&connection, "outcome=malformed" ENDS "octets=0 us=97 "
                             "header=\"\\u000d\\u000a\\u000d\\u000a\\u0000\\u000d\\u000aQUIT\\u000a"
                             "\\u0011\" reason=\"there is no PROXY header\"");
}
END_TEST

START_TEST(another_protocol_is_named)
{
    struct connection connection = sample(OUTCOME_OK, "GET / HTTP/1.1\r\n", WIRE_OCTETS);
    assert_line(&connection, "outcome=ok" ENDS "octets=16 message=\"GET / HTTP/1.1\\u000d\\u000a\" "
                             "us=97 looks=http");
    connection = sample(OUTCOME_SHORT, "SSH-2", 5);
    assert_line(&connection, "outcome=short" ENDS "octets=5 message=\"SSH-2\" us=97 looks=ssh");
    connection = sample(OUTCOME_OK, "PROXY TCP4 192.0", WIRE_OCTETS);
    assert_line(&connection,
                "outcome=ok" ENDS "octets=16 message=\"PROXY TCP4 192.0\" us=97 looks=proxy");
}
END_TEST

START_TEST(another_protocol_instead_of_a_header_is_named)
{
    struct connection connection = sample(OUTCOME_MALFORMED, "", 0);
    struct proxy_buffer buffer = buffer_of("\x16\3\1", 3);
    connection.proxy = &buffer;
    assert_line(&connection,
                "outcome=malformed" ENDS "octets=0 us=97 looks=tls "
                "header=\"\\u0016\\u0003\\u0001\" reason=\"there is no PROXY header\"");
    buffer = buffer_of("PROXY x\r\n", 9);
    strcpy(buffer.header.reason, "the protocol is not TCP4, TCP6 or UNKNOWN");
    buffer.header.length = 7;
    assert_line(&connection, "outcome=malformed" ENDS "octets=0 us=97 header=\"PROXY x\" "
                             "reason=\"the protocol is not TCP4, TCP6 or UNKNOWN\"");
    connection = sample(OUTCOME_OK, "PROXY TCP4 192.0", WIRE_OCTETS);
    buffer.status = PROXY_COMPLETE;
    connection.proxy = &buffer;
    assert_line(&connection,
                "outcome=ok" ENDS "octets=16 message=\"PROXY TCP4 192.0\" us=97 looks=proxy");
}
END_TEST

START_TEST(an_incomplete_header_is_shown)
{
    struct connection connection = sample(OUTCOME_SLOW, "", 0);
    struct proxy_buffer buffer = buffer_of("PROXY", 5);
    buffer.status = PROXY_MORE;
    connection.proxy = &buffer;
    assert_line(&connection, "outcome=slow" ENDS "octets=0 us=97 header=\"PROXY\"");
    connection.outcome = OUTCOME_FAILED;
    assert_line(&connection, "outcome=failed" ENDS "octets=0 us=97 header=\"PROXY\" "
                             "error=\"Too many open files\"");
    buffer.status = PROXY_COMPLETE;
    connection.outcome = OUTCOME_SLOW;
    assert_line(&connection, "outcome=slow" ENDS "octets=0 us=97");
}
END_TEST

START_TEST(a_failure_of_ours_says_why)
{
    const struct connection connection = sample(OUTCOME_FAILED, "", 0);
    assert_line(&connection, "outcome=failed" ENDS "octets=0 us=97 error=\"Too many open files\"");
}
END_TEST

START_TEST(the_longest_line_fits)
{
    struct connection connection = sample(OUTCOME_FAILED, "", 0);
    char line[CONNECTION_LINE];
    connection.peer.u.in6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = 0xffff, .sin6_scope_id = 4294967295};
    memset(&connection.peer.u.in6.sin6_addr, 0xff, sizeof(struct in6_addr));
    connection.local = connection.peer;
    memset(connection.octets, 0xff, sizeof connection.octets);
    connection.count = sizeof connection.octets;
    connection.accepted = 0;
    connection.decided = INT64_MAX;
    connection.error = EILSEQ; /* one of the longest texts */
    connection.retrans = UINT_MAX;
    struct proxy_buffer buffer = {
        .status = PROXY_MALFORMED,
        .header.has_addresses = true,
        .address = connection.peer,
        .header.reason = "the destination address is not an IPv4 or IPv6 address as a number",
        .header.length = PROXY_HEADER_MAX,
        .count = PROXY_HEADER_MAX};
    memset(buffer.octets, 0xff, sizeof buffer.octets);
    connection.proxy = &buffer;
    connection_format(&connection, line);
    ck_assert_int_eq(line[strlen(line) - 1], '"');
    connection.outcome = OUTCOME_MALFORMED;
    connection_format(&connection, line);
    ck_assert_int_eq(line[strlen(line) - 1], '"');
}
END_TEST

/* Report a connection; fail unless the log has its line, or nothing if `severity` is NULL. */
static void assert_reported(enum outcome outcome, const char *severity)
{
    char line[CONNECTION_LINE];
    char expected[CONNECTION_LINE + 16] = "";
    const struct connection connection = sample(outcome, WIRE_GREETING, WIRE_OCTETS);
    connection_report(&connection);
    if (severity != NULL)
        snprintf(expected, sizeof expected, "%s %s\n", severity,
                 connection_format(&connection, line));
    assert_logged(expected);
}

static const struct {
    const char *name, *severity;
} outcomes[] = {{"ok", "info"},          {"excess", "info"},   {"mismatch", "notice"},
                {"short", "notice"},     {"probe", "debug"},   {"slow", "notice"},
                {"reset", "notice"},     {"denied", "notice"}, {"limited", "notice"},
                {"malformed", "notice"}, {"failed", "err"}};

START_TEST(each_outcome_has_its_word_and_its_severity)
{
    ck_assert_uint_eq(COUNT(outcomes), OUTCOMES);
    for (unsigned i = 0; i < OUTCOMES; i++) {
        ck_assert_str_eq(outcome_name((enum outcome)i), outcomes[i].name);
        assert_reported((enum outcome)i, outcomes[i].severity);
    }
}
END_TEST

START_TEST(a_line_below_the_lowest_severity_is_not_logged)
{
    log_configure(false, LOG_DAEMON, LOG_INFO);
    assert_reported(OUTCOME_OK, "info");
    assert_reported(OUTCOME_PROBE, NULL);
    assert_reported(OUTCOME_FAILED, "err");
    log_configure(false, LOG_DAEMON, LOG_NOTICE);
    assert_reported(OUTCOME_OK, NULL);
    assert_reported(OUTCOME_EXCESS, NULL);
    assert_reported(OUTCOME_SHORT, "notice");
    log_configure(false, LOG_DAEMON, LOG_ERR);
    assert_reported(OUTCOME_SHORT, NULL);
    assert_reported(OUTCOME_FAILED, "err");
}
END_TEST

START_TEST(a_report_is_counted_once_though_it_is_not_logged)
{
    static struct stats before;
    static struct stats after;
    log_configure(false, LOG_DAEMON, LOG_CRIT);
    stats_read(&before);
    assert_reported((enum outcome)_i, NULL);
    stats_read(&after);
    for (int i = 0; i < OUTCOMES; i++)
        ck_assert_uint_eq(after.outcomes[i], before.outcomes[i] + (i == _i));
    ck_assert_uint_eq(after.durations[0], before.durations[0] + 1);
    ck_assert_uint_eq(after.microseconds, before.microseconds + 97);
}
END_TEST

Suite *connection_suite(void)
{
    Suite *suite = suite_create("connection");
    TCase *tcase = add_case(suite, "connection", NULL);
    tcase_add_test(tcase, a_connection_is_one_line);
    tcase_add_test(tcase, retransmissions_are_named_if_there_were_any);
    tcase_add_test(tcase, the_surplus_octet_is_counted_and_not_shown);
    tcase_add_test(tcase, only_the_octets_that_came_are_shown);
    tcase_add_test(tcase, a_peer_cannot_break_the_line);
    tcase_add_test(tcase, a_refused_one_has_no_message_and_no_error);
    tcase_add_test(tcase, one_through_a_proxy_names_it);
    tcase_add_test(tcase, a_malformed_header_is_shown_up_to_what_is_wrong);
    tcase_add_test(tcase, another_protocol_is_named);
    tcase_add_test(tcase, another_protocol_instead_of_a_header_is_named);
    tcase_add_test(tcase, an_incomplete_header_is_shown);
    tcase_add_test(tcase, a_failure_of_ours_says_why);
    tcase_add_test(tcase, the_longest_line_fits);

    TCase *report = add_case(suite, "connection_report", NULL);
    tcase_add_checked_fixture(report, log_capture, log_release);
    tcase_add_test(report, each_outcome_has_its_word_and_its_severity);
    tcase_add_test(report, a_line_below_the_lowest_severity_is_not_logged);
    tcase_add_loop_test(report, a_report_is_counted_once_though_it_is_not_logged, 0, OUTCOMES);
    return suite;
}
