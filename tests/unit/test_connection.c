/* SPDX-License-Identifier: MIT */
/* The line of a connection, as sixteend(8) specifies it. */
#include <config.h>

#include "server/connection/connection.h"
#include "support.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

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

#define ENDS "peer=127.0.0.1:49607 local=127.0.0.1:1060 "

static void assert_line(const struct connection *connection, const char *expected)
{
    char line[CONNECTION_LINE];
    ck_assert_str_eq(connection_format(connection, line), expected);
}

START_TEST(a_connection_is_one_line)
{
    const struct connection connection = sample(OUTCOME_OK, WIRE_GREETING, WIRE_OCTETS);
    assert_line(&connection, "ok " ENDS "octets=16 message='Hi there, server' us=97");
}
END_TEST

START_TEST(the_octet_too_many_is_counted_and_not_shown)
{
    const struct connection connection = sample(OUTCOME_EXCESS, WIRE_GREETING "!", 17);
    assert_line(&connection, "excess " ENDS "octets=17 message='Hi there, server' us=97");
}
END_TEST

START_TEST(only_the_octets_that_came_are_shown)
{
    struct connection connection = sample(OUTCOME_SHORT, WIRE_GREETING, WIRE_OCTETS);
    connection.count = 5;
    assert_line(&connection, "short " ENDS "octets=5 message='Hi th' us=97");
    connection.count = 0;
    connection.outcome = OUTCOME_PROBE;
    assert_line(&connection, "probe " ENDS "octets=0 message='' us=97");
}
END_TEST

START_TEST(a_peer_cannot_break_the_line)
{
    const struct connection connection = sample(OUTCOME_OK, "a\nb\r\x1b[31m'\\\0\xff\x7f  ", 16);
    assert_line(&connection,
                "ok " ENDS "octets=16 message='a\\nb\\r\\x1b[31m\\'\\\\\\x00\\xff\\x7f  ' us=97");
}
END_TEST

START_TEST(one_that_a_cap_refused_has_no_message_and_no_error)
{
    const struct connection connection = sample(OUTCOME_LIMITED, "", 0);
    assert_line(&connection, "limited " ENDS "octets=0 message='' us=97");
}
END_TEST

static struct header_buffer buffer_of(const char *octets, size_t count)
{
    struct header_buffer header = {.count = count, .wrong = "there is none"};
    header.proxy.u.in = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(999), .sin_addr.s_addr = htonl(0xc0000201)};
    memcpy(header.octets, octets, count);
    return header;
}

START_TEST(one_by_way_of_a_proxy_names_it)
{
    struct connection connection = sample(OUTCOME_OK, WIRE_GREETING, WIRE_OCTETS);
    struct header_buffer header = buffer_of("", 0);
    connection.header = &header;
    assert_line(&connection, "ok " ENDS "octets=16 message='Hi there, server' us=97");
    header.has_addresses = true;
    assert_line(&connection,
                "ok " ENDS "via=192.0.2.1:999 octets=16 message='Hi there, server' us=97");
}
END_TEST

START_TEST(a_malformed_header_is_shown_as_far_as_a_line_bears)
{
    struct connection connection = sample(OUTCOME_MALFORMED, "", 0);
    struct header_buffer header = buffer_of("GET /\r\n", 7);
    connection.header = &header;
    assert_line(&connection, "malformed " ENDS "octets=0 message='' us=97 header='GET /\\r\\n' "
                             "reason='there is none'");
    header = buffer_of("\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c\n", 17);
    assert_line(&connection, "malformed " ENDS "octets=0 message='' us=97 "
                             "header='\\r\\n\\r\\n\\x00\\r\\nQUIT\\n\\x11\\x11\\x00\\x0c' "
                             "reason='there is none'");
}
END_TEST

START_TEST(a_header_that_did_not_come_to_its_end_is_shown)
{
    struct connection connection = sample(OUTCOME_SLOW, "", 0);
    struct header_buffer header = buffer_of("PROXY", 5);
    header.wrong = NULL;
    connection.header = &header;
    assert_line(&connection, "slow " ENDS "octets=0 message='' us=97 header='PROXY'");
    connection.outcome = OUTCOME_FAILED;
    assert_line(&connection, "failed " ENDS "octets=0 message='' us=97 header='PROXY' "
                             "error='Too many open files'");
    header.complete = true;
    connection.outcome = OUTCOME_SLOW;
    assert_line(&connection, "slow " ENDS "octets=0 message='' us=97");
}
END_TEST

START_TEST(a_failure_of_ours_says_why)
{
    const struct connection connection = sample(OUTCOME_FAILED, "", 0);
    assert_line(&connection,
                "failed " ENDS "octets=0 message='' us=97 error='Too many open files'");
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
    struct header_buffer header = {.has_addresses = true,
                                   .proxy = connection.peer,
                                   .wrong =
                                       "its addresses and ports are not two and two, as numbers",
                                   .count = WIRE_OCTETS};
    memset(header.octets, 0xff, sizeof header.octets);
    connection.header = &header;
    connection_format(&connection, line);
    ck_assert_int_eq(line[strlen(line) - 1], '\'');
    connection.outcome = OUTCOME_MALFORMED;
    connection_format(&connection, line);
    ck_assert_int_eq(line[strlen(line) - 1], '\'');
}
END_TEST

START_TEST(each_outcome_has_its_word_and_its_level)
{
    const struct {
        const char *name;
        int level;
    } expected[] = {{"ok", LOG_INFO},        {"excess", LOG_INFO}, {"mismatch", LOG_INFO},
                    {"short", LOG_INFO},     {"probe", LOG_DEBUG}, {"slow", LOG_INFO},
                    {"reset", LOG_INFO},     {"denied", LOG_INFO}, {"limited", LOG_INFO},
                    {"malformed", LOG_INFO}, {"failed", LOG_ERR}};
    for (unsigned i = 0; i < COUNT(expected); i++) {
        ck_assert_str_eq(outcome_name((enum outcome)i), expected[i].name);
        ck_assert_int_eq(outcome_level((enum outcome)i), expected[i].level);
    }
}
END_TEST

Suite *connection_suite(void)
{
    Suite *suite = suite_create("connection");
    TCase *tcase = add_case(suite, "connection", NULL);
    tcase_add_test(tcase, a_connection_is_one_line);
    tcase_add_test(tcase, the_octet_too_many_is_counted_and_not_shown);
    tcase_add_test(tcase, only_the_octets_that_came_are_shown);
    tcase_add_test(tcase, a_peer_cannot_break_the_line);
    tcase_add_test(tcase, one_that_a_cap_refused_has_no_message_and_no_error);
    tcase_add_test(tcase, one_by_way_of_a_proxy_names_it);
    tcase_add_test(tcase, a_malformed_header_is_shown_as_far_as_a_line_bears);
    tcase_add_test(tcase, a_header_that_did_not_come_to_its_end_is_shown);
    tcase_add_test(tcase, a_failure_of_ours_says_why);
    tcase_add_test(tcase, the_longest_line_fits);
    tcase_add_test(tcase, each_outcome_has_its_word_and_its_level);
    return suite;
}
