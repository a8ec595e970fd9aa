/* SPDX-License-Identifier: MIT */
/* The deadline of recv_all() and send_all() is absolute, however often the peer sends or reads. */
#include <config.h>

#include "common/transfer.h"
#include "support.h"

#include <fcntl.h>
#include <unistd.h>

#define MESSAGE "0123456789abcdef"
#define MUCH 1000000 /* octets, far more than a socket has room for */

static char octets[MUCH];
static size_t count;

static enum transfer_status receive(struct deadline deadline)
{
    count = 0;
    return recv_all(ends.ours, octets, WIRE_OCTETS, WIRE_OCTETS, 0, deadline, &count);
}

static enum transfer_status send_octets(const char *from, size_t length, struct deadline deadline)
{
    count = 0;
    return send_all(ends.ours, from, length, 0, deadline, &count);
}

static void message_is_there(void)
{
    write_octets(ends.theirs, MESSAGE, WIRE_OCTETS);
}

/* The calls with a peer that reads and sends one octet a second. */
static void calls_pass_an_octet_a_second(void)
{
    clock_stop();
    IO_SCRIPT({.times = WIRE_OCTETS, .most = 1, .seconds = 1});
}

/* So the deadline passes during the next call, and not before it, even on a busy machine. The call
 * itself waits for its timeout in the kernel. */
static void next_call_takes_a_second(void)
{
    clock_stop();
    IO_SCRIPT({.seconds = 1});
}

/* The kernel's clock, which a stopped clock does not change. */
static int64_t real_now(void)
{
    struct timespec now;
    need(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "a clock");
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Fail unless the peer gets as many octets as were counted. */
static void assert_count_went(void)
{
    int end;
    need(shutdown(ends.ours, SHUT_WR) == 0, "to end our side");
    ck_assert_uint_eq(read_to_end(ends.theirs, octets, sizeof octets, &end), count);
}

START_TEST(the_deadline_passed_beforehand_so_nothing_is_received)
{
    message_is_there();
    ck_assert_int_eq(receive(in_seconds(0)), TRANSFER_TIMEOUT);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(io_calls(), 0);
}
END_TEST

START_TEST(the_deadline_counts_though_nothing_is_to_be_waited_for)
{
    message_is_there();
    count = 0;
    ck_assert_int_eq(
        recv_all(ends.ours, octets, WIRE_OCTETS, WIRE_OCTETS, MSG_DONTWAIT, in_seconds(0), &count),
        TRANSFER_TIMEOUT);
    count = 0;
    ck_assert_int_eq(send_all(ends.ours, MESSAGE, WIRE_OCTETS, MSG_DONTWAIT, in_seconds(0), &count),
                     TRANSFER_TIMEOUT);
    ck_assert_uint_eq(io_calls(), 0);
}
END_TEST

START_TEST(the_deadline_passes_while_waiting)
{
    next_call_takes_a_second();
    const struct deadline deadline = in_seconds(0.03);
    ck_assert_int_eq(receive(deadline), TRANSFER_TIMEOUT);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(io_calls(), 1);
    ck_assert_int_ge(real_now(), deadline.at);
}
END_TEST

START_TEST(the_deadline_passes_in_the_middle_of_the_message)
{
    write_octets(ends.theirs, MESSAGE, 7);
    clock_stop();
    IO_SCRIPT({.most = 7}, {.seconds = 1});
    ck_assert_int_eq(receive(in_seconds(0.03)), TRANSFER_TIMEOUT);
    ck_assert_uint_eq(count, 7);
    ck_assert_mem_eq(octets, MESSAGE, 7);
}
END_TEST

/* Each recv is satisfied, but the fifth ends past the deadline. */
START_TEST(a_dripping_peer_is_cut_at_the_absolute_deadline)
{
    message_is_there();
    calls_pass_an_octet_a_second();
    ck_assert_int_eq(receive(in_seconds(4.5)), TRANSFER_TIMEOUT);
    ck_assert_uint_eq(count, 5);
}
END_TEST

/* After fifteen seconds of a hundred; the kernel rounds up to a tick of its clock. */
static void assert_last_call_was_given_what_was_left(void)
{
    ck_assert_int_ge(io_last_call().timeout, 85000000);
    ck_assert_int_lt(io_last_call().timeout, 85100000);
}

START_TEST(each_recv_is_given_what_is_left_of_the_deadline)
{
    skip_unless(shows_time_limits(), "query of SO_RCVTIMEO");
    message_is_there();
    calls_pass_an_octet_a_second();
    ck_assert_int_eq(receive(in_seconds(100)), TRANSFER_DONE);
    assert_last_call_was_given_what_was_left();
}
END_TEST

START_TEST(a_deadline_at_the_end_of_time_is_no_time_limit)
{
    const struct timeval longest = {.tv_sec = INT64_MAX / 1000000000};
    skip_unless(setsockopt(ends.ours, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest) == 0,
                "timeout of that length");
    message_is_there();
    ck_assert_int_eq(receive(in_seconds(1e300)), TRANSFER_DONE);
    ck_assert_uint_eq(count, WIRE_OCTETS);
}
END_TEST

START_TEST(the_deadline_passed_beforehand_so_nothing_is_sent)
{
    ck_assert_int_eq(send_octets(MESSAGE, WIRE_OCTETS, in_seconds(0)), TRANSFER_TIMEOUT);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(io_calls(), 0);
    assert_count_went();
}
END_TEST

START_TEST(the_deadline_passes_after_a_part_and_the_count_says_how_much_went)
{
    send_room_is_little();
    next_call_takes_a_second();
    const struct deadline deadline = in_seconds(0.03);
    ck_assert_int_eq(send_octets(octets, MUCH, deadline), TRANSFER_TIMEOUT);
    ck_assert_int_ge(real_now(), deadline.at);
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_lt(count, MUCH);
    assert_count_went();
}
END_TEST

START_TEST(the_deadline_passes_while_there_is_no_room_at_all)
{
    send_room_is_little();
    need(fcntl(ends.ours, F_SETFL, O_NONBLOCK) == 0, "not to block");
    while (write(ends.ours, MESSAGE, 1) == 1)
        continue;
    need(fcntl(ends.ours, F_SETFL, 0) == 0, "to block again");
    next_call_takes_a_second();
    ck_assert_int_eq(send_octets(MESSAGE, WIRE_OCTETS, in_seconds(0.03)), TRANSFER_TIMEOUT);
    ck_assert_uint_eq(io_calls(), 1);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(a_peer_that_reads_by_drips_is_cut_at_the_absolute_deadline)
{
    calls_pass_an_octet_a_second();
    ck_assert_int_eq(send_octets(MESSAGE, WIRE_OCTETS, in_seconds(4.5)), TRANSFER_TIMEOUT);
    ck_assert_uint_eq(count, 5);
    assert_count_went();
}
END_TEST

START_TEST(each_send_is_given_what_is_left_of_the_deadline)
{
    skip_unless(shows_time_limits(), "query of SO_RCVTIMEO");
    calls_pass_an_octet_a_second();
    ck_assert_int_eq(send_octets(MESSAGE, WIRE_OCTETS, in_seconds(100)), TRANSFER_DONE);
    assert_last_call_was_given_what_was_left();
}
END_TEST

Suite *transfer_time_suite(void)
{
    Suite *suite = suite_create("transfer_time");
    TCase *receiving = add_case(suite, "recv_all by a deadline", connect_unix);
    tcase_add_test(receiving, the_deadline_passed_beforehand_so_nothing_is_received);
    tcase_add_test(receiving, the_deadline_counts_though_nothing_is_to_be_waited_for);
    tcase_add_test(receiving, the_deadline_passes_while_waiting);
    tcase_add_test(receiving, the_deadline_passes_in_the_middle_of_the_message);
    tcase_add_test(receiving, a_dripping_peer_is_cut_at_the_absolute_deadline);
    tcase_add_test(receiving, each_recv_is_given_what_is_left_of_the_deadline);
    tcase_add_test(receiving, a_deadline_at_the_end_of_time_is_no_time_limit);

    TCase *sending = add_case(suite, "send_all by a deadline", connect_unix);
    tcase_add_test(sending, the_deadline_passed_beforehand_so_nothing_is_sent);
    tcase_add_test(sending, the_deadline_passes_after_a_part_and_the_count_says_how_much_went);
    tcase_add_test(sending, the_deadline_passes_while_there_is_no_room_at_all);
    tcase_add_test(sending, a_peer_that_reads_by_drips_is_cut_at_the_absolute_deadline);
    tcase_add_test(sending, each_send_is_given_what_is_left_of_the_deadline);
    return suite;
}
