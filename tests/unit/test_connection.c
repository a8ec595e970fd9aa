/* SPDX-License-Identifier: MIT */
/* The line of a conversation, as sixteend(8) specifies it. */
#include <config.h>

#include "server/connection/connection.h"
#include "support.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

static struct conversation sample(enum outcome outcome, const char *octets, size_t count)
{
    struct conversation conversation = {.outcome = outcome, .count = count, .error = EMFILE};
    const struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(49607), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    conversation.peer.u.in = in;
    conversation.local.u.in = in;
    conversation.local.u.in.sin_port = htons(1060);
    conversation.accepted = 1000000;
    conversation.decided = 1097999;
    memcpy(conversation.octets, octets, count);
    return conversation;
}

#define ENDS "peer=127.0.0.1:49607 local=127.0.0.1:1060 "

static void assert_line(const struct conversation *conversation, const char *expected)
{
    char line[CONVERSATION_LINE];
    ck_assert_str_eq(conversation_format(conversation, line), expected);
}

START_TEST(a_conversation_is_one_line)
{
    const struct conversation conversation = sample(OUTCOME_OK, WIRE_GREETING, WIRE_OCTETS);
    assert_line(&conversation, "ok " ENDS "octets=16 message='Hi there, server' us=97");
}
END_TEST

START_TEST(the_octet_too_many_is_counted_and_not_shown)
{
    const struct conversation conversation = sample(OUTCOME_EXCESS, WIRE_GREETING "!", 17);
    assert_line(&conversation, "excess " ENDS "octets=17 message='Hi there, server' us=97");
}
END_TEST

START_TEST(only_the_octets_that_came_are_shown)
{
    struct conversation conversation = sample(OUTCOME_SHORT, WIRE_GREETING, WIRE_OCTETS);
    conversation.count = 5;
    assert_line(&conversation, "short " ENDS "octets=5 message='Hi th' us=97");
    conversation.count = 0;
    conversation.outcome = OUTCOME_PROBE;
    assert_line(&conversation, "probe " ENDS "octets=0 message='' us=97");
}
END_TEST

START_TEST(a_peer_cannot_break_the_line)
{
    const struct conversation conversation =
        sample(OUTCOME_OK, "a\nb\r\x1b[31m'\\\0\xff\x7f  ", 16);
    assert_line(&conversation,
                "ok " ENDS "octets=16 message='a\\nb\\r\\x1b[31m\\'\\\\\\x00\\xff\\x7f  ' us=97");
}
END_TEST

START_TEST(one_that_a_cap_refused_has_no_message_and_no_error)
{
    const struct conversation conversation = sample(OUTCOME_LIMITED, "", 0);
    assert_line(&conversation, "limited " ENDS "octets=0 message='' us=97");
}
END_TEST

static struct preface preface_of(const char *octets, size_t count)
{
    struct preface preface = {.count = count, .wrong = "there is none"};
    preface.proxy.u.in = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(999), .sin_addr.s_addr = htonl(0xc0000201)};
    memcpy(preface.octets, octets, count);
    return preface;
}

START_TEST(one_by_way_of_a_proxy_names_it)
{
    struct conversation conversation = sample(OUTCOME_OK, WIRE_GREETING, WIRE_OCTETS);
    struct preface preface = preface_of("", 0);
    conversation.preface = &preface;
    assert_line(&conversation, "ok " ENDS "octets=16 message='Hi there, server' us=97");
    preface.carries = true;
    assert_line(&conversation,
                "ok " ENDS "via=192.0.2.1:999 octets=16 message='Hi there, server' us=97");
}
END_TEST

START_TEST(a_malformed_header_is_shown_as_far_as_a_line_bears)
{
    struct conversation conversation = sample(OUTCOME_MALFORMED, "", 0);
    struct preface preface = preface_of("GET /\r\n", 7);
    conversation.preface = &preface;
    assert_line(&conversation, "malformed " ENDS "octets=0 message='' us=97 header='GET /\\r\\n' "
                               "reason='there is none'");
    preface = preface_of("\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c\n", 17);
    assert_line(&conversation, "malformed " ENDS "octets=0 message='' us=97 "
                               "header='\\r\\n\\r\\n\\x00\\r\\nQUIT\\n\\x11\\x11\\x00\\x0c' "
                               "reason='there is none'");
}
END_TEST

START_TEST(a_header_that_did_not_come_to_its_end_is_shown)
{
    struct conversation conversation = sample(OUTCOME_SLOW, "", 0);
    struct preface preface = preface_of("PROXY", 5);
    preface.wrong = NULL;
    conversation.preface = &preface;
    assert_line(&conversation, "slow " ENDS "octets=0 message='' us=97 header='PROXY'");
    conversation.outcome = OUTCOME_FAILED;
    assert_line(&conversation, "failed " ENDS "octets=0 message='' us=97 header='PROXY' "
                               "error='Too many open files'");
    preface.complete = true;
    conversation.outcome = OUTCOME_SLOW;
    assert_line(&conversation, "slow " ENDS "octets=0 message='' us=97");
}
END_TEST

START_TEST(a_failure_of_ours_says_why)
{
    const struct conversation conversation = sample(OUTCOME_FAILED, "", 0);
    assert_line(&conversation,
                "failed " ENDS "octets=0 message='' us=97 error='Too many open files'");
}
END_TEST

START_TEST(the_longest_line_fits)
{
    struct conversation conversation = sample(OUTCOME_FAILED, "", 0);
    char line[CONVERSATION_LINE];
    conversation.peer.u.in6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = 0xffff, .sin6_scope_id = 4294967295};
    memset(&conversation.peer.u.in6.sin6_addr, 0xff, sizeof(struct in6_addr));
    conversation.local = conversation.peer;
    memset(conversation.octets, 0xff, sizeof conversation.octets);
    conversation.count = sizeof conversation.octets;
    conversation.accepted = 0;
    conversation.decided = INT64_MAX;
    conversation.error = EILSEQ; /* one of the longest texts */
    struct preface preface = {.carries = true,
                              .proxy = conversation.peer,
                              .wrong = "its addresses and ports are not two and two, as numbers",
                              .count = WIRE_OCTETS};
    memset(preface.octets, 0xff, sizeof preface.octets);
    conversation.preface = &preface;
    conversation_format(&conversation, line);
    ck_assert_int_eq(line[strlen(line) - 1], '\'');
    conversation.outcome = OUTCOME_MALFORMED;
    conversation_format(&conversation, line);
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

Suite *conversation_suite(void)
{
    Suite *suite = suite_create("conversation");
    TCase *tcase = add_case(suite, "conversation", NULL);
    tcase_add_test(tcase, a_conversation_is_one_line);
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
