/* SPDX-License-Identifier: MIT */
/* Connections that time out, and calls that fail. */
#include <config.h>

#include "exchange_support.h"

#include <errno.h>
#include <sys/socket.h>

static void assert_failed(int error, size_t count)
{
    assert_outcome(OUTCOME_FAILED, count);
    ck_assert_int_eq(connection.error, error);
    ck_assert(!connection.half_closed);
}

START_TEST(reset_between_the_reply_and_its_end_of_file)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    IO_SCRIPT({.most = WIRE_OCTETS}, {.most = WIRE_OCTETS}, {.error = ENOTCONN});
    hold();
    assert_outcome(OUTCOME_RESET, WIRE_OCTETS);
    ck_assert(!connection.half_closed);
}
END_TEST

START_TEST(reset_when_the_network_gives_up)
{
    write_octets(ends.theirs, WIRE_GREETING, 3);
    IO_SCRIPT({.most = 3}, {.error = ETIMEDOUT});
    hold();
    assert_outcome(OUTCOME_RESET, 3);
}
END_TEST

START_TEST(slow_nothing_comes_by_the_deadline)
{
    clock_stop();
    connection.deadline = in_seconds(0.03);
    IO_SCRIPT({.seconds = 1});
    hold();
    assert_not_answered(OUTCOME_SLOW, 0);
}
END_TEST

START_TEST(slow_fifteen_octets_by_the_deadline)
{
    clock_stop();
    connection.deadline = in_seconds(0.03);
    write_octets(ends.theirs, WIRE_GREETING, 15);
    IO_SCRIPT({.most = 15}, {.seconds = 1});
    hold();
    assert_not_answered(OUTCOME_SLOW, 15);
}
END_TEST

START_TEST(slow_a_dripping_peer)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    clock_stop();
    connection.deadline = in_seconds(4.5);
    IO_SCRIPT({.times = WIRE_OCTETS, .most = 1, .seconds = 1});
    hold();
    assert_outcome(OUTCOME_SLOW, 5);
}
END_TEST

START_TEST(slow_the_reply_finds_no_room_by_the_deadline)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    IO_SCRIPT({.most = WIRE_OCTETS}, {.seconds = 61, .error = EAGAIN});
    hold();
    assert_not_answered(OUTCOME_SLOW, WIRE_OCTETS);
}
END_TEST

/* workers_cut() shuts the socket down, so that recv(2) returns end of file. */
START_TEST(slow_a_drain_that_timed_out_cut_it)
{
    atomic_store(&connection.cut, true);
    need(shutdown(ends.ours, SHUT_RDWR) == 0, "to shut the socket down");
    hold();
    assert_outcome(OUTCOME_SLOW, 0);
    ck_assert(!connection.half_closed);
}
END_TEST

START_TEST(slow_cut_between_the_reply_and_its_end_of_file)
{
    atomic_store(&connection.cut, true);
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    IO_SCRIPT({.most = WIRE_OCTETS}, {.most = WIRE_OCTETS}, {.error = ENOTCONN});
    hold();
    assert_outcome(OUTCOME_SLOW, WIRE_OCTETS);
}
END_TEST

START_TEST(failed_to_receive)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    IO_SCRIPT({.most = 5}, {.error = ENOMEM});
    hold();
    assert_failed(ENOMEM, 5);
}
END_TEST

START_TEST(failed_to_send)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    IO_SCRIPT({.most = WIRE_OCTETS}, {.error = ENOBUFS});
    hold();
    assert_failed(ENOBUFS, WIRE_OCTETS);
}
END_TEST

START_TEST(failed_to_half_close)
{
    write_octets(ends.theirs, WIRE_GREETING, WIRE_OCTETS);
    IO_SCRIPT({.most = WIRE_OCTETS}, {.most = WIRE_OCTETS}, {.error = ENOTSOCK});
    hold();
    assert_failed(ENOTSOCK, WIRE_OCTETS);
}
END_TEST

Suite *exchange_faults_suite(void)
{
    Suite *suite = suite_create("exchange_faults");
    TCase *tcase = add_case(suite, "exchange, faults", begin_unix);
    tcase_add_test(tcase, reset_between_the_reply_and_its_end_of_file);
    tcase_add_test(tcase, reset_when_the_network_gives_up);
    tcase_add_test(tcase, slow_nothing_comes_by_the_deadline);
    tcase_add_test(tcase, slow_fifteen_octets_by_the_deadline);
    tcase_add_test(tcase, slow_a_dripping_peer);
    tcase_add_test(tcase, slow_the_reply_finds_no_room_by_the_deadline);
    tcase_add_test(tcase, slow_a_drain_that_timed_out_cut_it);
    tcase_add_test(tcase, slow_cut_between_the_reply_and_its_end_of_file);
    tcase_add_test(tcase, failed_to_receive);
    tcase_add_test(tcase, failed_to_send);
    tcase_add_test(tcase, failed_to_half_close);
    return suite;
}
