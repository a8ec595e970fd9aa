/* SPDX-License-Identifier: MIT */
/* Each outcome of a connection: what the peer sees, and what is left to do with the socket. */
#include <config.h>

#include "exchange_support.h"
#include "server/log/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(ok_sixteen_octets_in_sixteen_out)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    hold();
    ck_assert_mem_eq(connection.octets, WIRE_GREETING, WIRE_OCTETS);
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(ok_though_the_peer_ended_its_side_at_once)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    end_theirs(&ends);
    hold();
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(ok_whatever_the_sixteen_octets_are)
{
    write_octets(ends.theirs, "\0\xff\x1b[31m\n\r\t'\\\"%s%", WIRE_OCTETS);
    hold();
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(ok_and_what_the_peer_still_sends_can_be_read)
{
    char surplus;
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    hold();
    write_octets(ends.theirs, "\n", 1);
    ck_assert_int_eq(read(ends.ours, &surplus, 1), 1);
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(ok_with_the_reply_of_the_settings)
{
    memcpy(settings->reply, "0123456789abcdef", WIRE_OCTETS);
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    hold();
    assert_answered(OUTCOME_OK, WIRE_OCTETS, "0123456789abcdef");
}
END_TEST

START_TEST(ok_with_reply_and_end_of_file_in_one_segment)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    hold();
    ck_assert_int_eq(io_last_call().flags, MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL);
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(excess_the_peer_sent_more_and_gets_the_whole_reply)
{
    write_octets(ends.theirs, WIRE_GREETING "\n", WIRE_OCTETS + 1);
    hold();
    assert_answered(OUTCOME_EXCESS, WIRE_OCTETS + 1, WIRE_REPLY);
}
END_TEST

START_TEST(excess_counts_one_octet_however_many_more_there_are)
{
    write_octets(ends.theirs, WIRE_GREETING WIRE_GREETING, 2 * WIRE_OCTETS);
    hold();
    assert_answered(OUTCOME_EXCESS, WIRE_OCTETS + 1, WIRE_REPLY);
}
END_TEST

START_TEST(mismatch_strict_and_one_octet_is_another_gets_no_reply)
{
    char message[] = WIRE_GREETING;
    settings->strict = true;
    message[_i] ^= 0x20;
    write_octets(ends.theirs, message, WIRE_OCTETS);
    hold();
    assert_not_answered(OUTCOME_MISMATCH, WIRE_OCTETS);
}
END_TEST

START_TEST(ok_strict_and_the_expected_message)
{
    settings->strict = true;
    memcpy(settings->expect, "0123456789abcdef", WIRE_OCTETS);
    write_octets(ends.theirs, "0123456789abcdef", WIRE_OCTETS);
    hold();
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(short_end_of_file_after_1_to_15_octets)
{
    write_octets(ends.theirs, WIRE_GREETING, (size_t)_i);
    end_theirs(&ends);
    hold();
    ck_assert_mem_eq(connection.octets, WIRE_GREETING, (size_t)_i);
    assert_not_answered(OUTCOME_SHORT, (size_t)_i);
}
END_TEST

START_TEST(probe_end_of_file_before_any_octet)
{
    end_theirs(&ends);
    hold();
    assert_not_answered(OUTCOME_PROBE, 0);
}
END_TEST

START_TEST(probe_reset_before_any_octet)
{
    reset_theirs(&ends);
    hold();
    assert_outcome(OUTCOME_PROBE, 0);
    ck_assert(!connection.half_closed);
}
END_TEST

START_TEST(try_does_as_much_as_is_there_and_hold_the_rest)
{
    ck_assert(!exchange_run(&connection, MSG_DONTWAIT));
    write_octets(ends.theirs, WIRE_GREETING, 5);
    ck_assert(!exchange_run(&connection, MSG_DONTWAIT));
    ck_assert_uint_eq(connection.count, 5);
    write_octets(ends.theirs, &WIRE_GREETING[5], WIRE_OCTETS - 5);
    (void)exchange_run(&connection, 0);
    ck_assert_mem_eq(connection.octets, WIRE_GREETING, WIRE_OCTETS);
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(try_is_enough_if_everything_is_there)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    ck_assert(exchange_run(&connection, MSG_DONTWAIT));
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(try_does_not_wait_for_room_either)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    IO_SCRIPT({.most = WIRE_OCTETS}, {.most = 5}, {.error = EAGAIN});
    ck_assert(!exchange_run(&connection, MSG_DONTWAIT));
    ck_assert_uint_eq(io_calls(), 3);
    (void)exchange_run(&connection, 0);
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

/* The kernel gets the deadline only if the reply must wait. */
START_TEST(the_reply_waits_for_room_by_the_deadline)
{
    skip_unless(shows_time_limits(), "query of SO_RCVTIMEO");
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    IO_SCRIPT({.most = WIRE_OCTETS}, {.most = 5}, {.error = EAGAIN}, {.error = EAGAIN});
    hold();
    ck_assert_int_gt(io_last_call().timeout, 0);
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(reset_in_the_middle)
{
    struct peer peer;
    peer_start(&peer, ends.theirs, reset_after_five);
    (void)exchange_run(&connection, 0);
    peer_join(&peer);
    assert_outcome(OUTCOME_RESET, 5);
    ck_assert(!connection.half_closed);
}
END_TEST

START_TEST(reset_before_the_reply_could_be_sent)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    close_theirs(&ends);
    hold();
    assert_outcome(OUTCOME_RESET, WIRE_OCTETS);
    ck_assert(!connection.half_closed);
}
END_TEST

/* Read what hold() writes to standard error at log.level debug. */
static void hold_and_read_log(char *text, size_t size)
{
    int fds[2];
    int end;
    int kept = dup(STDERR_FILENO);
    need(kept >= 0 && pipe(fds) == 0 && dup2(fds[1], STDERR_FILENO) >= 0, "standard error");
    close(fds[1]);
    log_configure(false, LOG_DAEMON, LOG_DEBUG);
    hold();
    log_configure(false, LOG_DAEMON, LOG_INFO);
    dup2(kept, STDERR_FILENO);
    close(kept);
    text[read_to_end(fds[0], text, size - 1, &end)] = '\0';
    close(fds[0]);
}

START_TEST(the_steps_are_logged_in_the_words_of_the_first_program)
{
    char text[1024];
    connection.peer = numeric_address("192.0.2.1", "49607");
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    hold_and_read_log(text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, " debug The incoming sixteen-octet message says "
                                       "'Hi there, server' peer=192.0.2.1:49607\n"));
    ck_assert_ptr_nonnull(strstr(text, " debug Reply sent, socket closed peer=192.0.2.1:49607\n"));
}
END_TEST

Suite *exchange_suite(void)
{
    Suite *suite = suite_create("exchange");
    TCase *answered = add_case(suite, "exchange, answered", begin_unix);
    tcase_add_test(answered, ok_sixteen_octets_in_sixteen_out);
    tcase_add_test(answered, ok_though_the_peer_ended_its_side_at_once);
    tcase_add_test(answered, ok_whatever_the_sixteen_octets_are);
    tcase_add_test(answered, ok_and_what_the_peer_still_sends_can_be_read);
    tcase_add_test(answered, ok_with_the_reply_of_the_settings);
    tcase_add_test(answered, ok_with_reply_and_end_of_file_in_one_segment);
    tcase_add_test(answered, try_does_as_much_as_is_there_and_hold_the_rest);
    tcase_add_test(answered, try_is_enough_if_everything_is_there);
    tcase_add_test(answered, try_does_not_wait_for_room_either);
    tcase_add_test(answered, the_reply_waits_for_room_by_the_deadline);
    tcase_add_test(answered, ok_strict_and_the_expected_message);
    tcase_add_test(answered, excess_the_peer_sent_more_and_gets_the_whole_reply);
    tcase_add_test(answered, excess_counts_one_octet_however_many_more_there_are);
    tcase_add_test(answered, the_steps_are_logged_in_the_words_of_the_first_program);

    TCase *unanswered = add_case(suite, "exchange, not answered", begin_unix);
    tcase_add_loop_test(unanswered, mismatch_strict_and_one_octet_is_another_gets_no_reply, 0,
                        WIRE_OCTETS);
    tcase_add_loop_test(unanswered, short_end_of_file_after_1_to_15_octets, 1, WIRE_OCTETS);
    tcase_add_test(unanswered, probe_end_of_file_before_any_octet);
    tcase_add_test(unanswered, reset_before_the_reply_could_be_sent);

    TCase *tcp = add_case(suite, "exchange over TCP", begin_tcp);
    tcase_add_test(tcp, ok_sixteen_octets_in_sixteen_out);
    tcase_add_test(tcp, excess_the_peer_sent_more_and_gets_the_whole_reply);
    tcase_add_test(tcp, probe_reset_before_any_octet);
    tcase_add_test(tcp, reset_in_the_middle);
    return suite;
}
