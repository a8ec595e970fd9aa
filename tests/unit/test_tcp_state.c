/* SPDX-License-Identifier: MIT */
/* What the client asks the kernel about a TCP connection. */
#include <config.h>

#include "client/exchange/tcp_state.h"
#include "support.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static struct tcp_state state;

static void connect_both(void)
{
    state = (struct tcp_state){0};
    connect_tcp();
}

START_TEST(a_connection_has_a_state)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    tcp_state_read(&state, ends.theirs, true);
    ck_assert(state.is_asked);
    ck_assert(state.is_known);
    ck_assert_uint_gt(state.rtt, 0);
    ck_assert_uint_gt(state.mss, 500);
    ck_assert_uint_eq(state.retransmissions, 0);
    ck_assert_uint_eq(state.syn_retransmissions, 0);
}
END_TEST

START_TEST(what_was_sent_again_before_is_a_syn)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    tcp_retransmissions = 1;
    tcp_state_read(&state, ends.theirs, false);
    tcp_retransmissions = 3;
    tcp_state_read(&state, ends.theirs, true);
    ck_assert_uint_eq(state.syn_retransmissions, 1);
    ck_assert_uint_eq(state.retransmissions, 2);
}
END_TEST

START_TEST(without_a_connection_only_syns_are_sent)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    tcp_retransmissions = 3;
    tcp_state_read(&state, ends.theirs, false);
    ck_assert(state.is_known);
    ck_assert_uint_eq(state.syn_retransmissions, 3);
    ck_assert_uint_eq(state.retransmissions, 0);
    ck_assert_uint_eq(state.rtt, 0);
    ck_assert_uint_eq(state.mss, 0);
}
END_TEST

/* A kernel without TCP_INFO, as a socket of the local domain has none; then one with a shorter
 * struct. */
START_TEST(a_kernel_can_know_nothing)
{
    struct ends local = unix_ends();
    tcp_retransmissions = 3;
    tcp_info_size = offsetof(struct tcp_info, tcpi_total_retrans);
    int fd = _i == 0 ? local.ours : ends.theirs;
    tcp_state_read(&state, fd, false);
    tcp_state_read(&state, fd, true);
    ck_assert(state.is_asked);
    ck_assert(!state.is_known);
    ck_assert_uint_eq(state.retransmissions, 0);
    ck_assert_uint_eq(state.syn_retransmissions, 0);
    ck_assert_uint_eq(state.rtt, 0);
    close_theirs(&local);
    close(local.ours);
}
END_TEST

START_TEST(a_kernel_that_leaves_fields_at_0_knows_nothing)
{
    tcp_retransmissions = 0;
    tcp_info_empty = true;
    tcp_state_read(&state, ends.theirs, true);
    ck_assert(state.is_asked);
    ck_assert(!state.is_known);
    ck_assert_uint_eq(state.mss, 0);
}
END_TEST

START_TEST(what_was_sent_again_has_words)
{
    static const struct {
        uint64_t syns;
        uint64_t segments;
        const char *words;
    } rows[] = {{0, 0, ""},
                {1, 0, "1 SYN sent again"},
                {2, 0, "2 SYNs sent again"},
                {0, 1, "1 segment sent again"},
                {1, 3, "1 SYN and 3 segments sent again"}};
    char text[TCP_STATE_TEXT] = "what was there before";
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_pstr_eq(tcp_state_format(rows[i].syns, rows[i].segments, text), rows[i].words);
}
END_TEST

Suite *tcp_state_suite(void)
{
    Suite *suite = suite_create("tcp state");
    TCase *tcase = add_case(suite, "tcp state", connect_both);
    tcase_add_test(tcase, a_connection_has_a_state);
    tcase_add_test(tcase, what_was_sent_again_before_is_a_syn);
    tcase_add_test(tcase, without_a_connection_only_syns_are_sent);
    tcase_add_loop_test(tcase, a_kernel_can_know_nothing, 0, 2);
    tcase_add_test(tcase, a_kernel_that_leaves_fields_at_0_knows_nothing);
    tcase_add_test(tcase, what_was_sent_again_has_words);
    return suite;
}
