/* SPDX-License-Identifier: MIT */
/* The three outcomes of recv(2) that sixteen(7) describes, and its two other results. */
#include <config.h>

#include "common/transfer.h"
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE WIRE_GREETING
#define ROOM (WIRE_OCTETS + 1)

static char octets[ROOM];
static size_t count;

/* Receive a message, with room for one octet more, as the server does. */
static enum transfer_status receive(void)
{
    count = 0;
    return recv_all(ends.ours, octets, WIRE_OCTETS, ROOM, 0, in_seconds(60), &count);
}

static void assert_message_received(enum transfer_status status)
{
    ck_assert_int_eq(status, TRANSFER_DONE);
    ck_assert_uint_eq(count, WIRE_OCTETS);
    ck_assert_mem_eq(octets, MESSAGE, WIRE_OCTETS);
}

START_TEST(what_is_in_the_buffer_already_is_continued)
{
    memcpy(octets, MESSAGE, 5);
    count = 5;
    write_octets(ends.theirs, &MESSAGE[5], WIRE_OCTETS - 5);
    assert_message_received(
        recv_all(ends.ours, octets, WIRE_OCTETS, ROOM, 0, in_seconds(60), &count));
    assert_message_received(
        recv_all(ends.ours, octets, WIRE_OCTETS, ROOM, 0, in_seconds(60), &count));
}
END_TEST

START_TEST(everything_is_there_at_once)
{
    write_octets(ends.theirs, MESSAGE, WIRE_OCTETS);
    assert_message_received(receive());
    ck_assert_uint_eq(io_calls(), 1);
}
END_TEST

/* Send an octet whenever the receiver waits for one. */
static void *drip(void *argument)
{
    const struct peer *peer = argument;
    for (unsigned i = 0; i < WIRE_OCTETS; i++) {
        peer_wait_blocked(peer, i + 1);
        write_octets(peer->fd, &MESSAGE[i], 1);
    }
    return NULL;
}

START_TEST(the_message_arrives_one_octet_at_a_time)
{
    struct peer peer;
    peer_start(&peer, ends.theirs, drip);
    enum transfer_status status = receive();
    peer_join(&peer);
    assert_message_received(status);
    ck_assert_uint_eq(io_calls(), WIRE_OCTETS);
}
END_TEST

START_TEST(recv_gives_less_than_asked_and_is_asked_for_the_rest)
{
    write_octets(ends.theirs, MESSAGE, WIRE_OCTETS);
    IO_SCRIPT({.most = 5}, {.most = 1});
    assert_message_received(receive());
    ck_assert_uint_eq(io_calls(), 3);
    ck_assert_uint_eq(io_last_call().length, ROOM - 6);
}
END_TEST

START_TEST(more_is_there_than_asked_and_is_taken_up_to_the_room)
{
    char rest[8];
    write_octets(ends.theirs, MESSAGE "+123", WIRE_OCTETS + 4);
    ck_assert_int_eq(receive(), TRANSFER_DONE);
    ck_assert_uint_eq(count, ROOM);
    ck_assert_mem_eq(octets, MESSAGE "+", ROOM);
    ck_assert_int_eq(read(ends.ours, rest, sizeof rest), 3);
    ck_assert_mem_eq(rest, "123", 3);
}
END_TEST

START_TEST(without_more_room_all_that_is_more_stays_in_the_socket)
{
    write_octets(ends.theirs, MESSAGE "+", WIRE_OCTETS + 1);
    count = 0;
    assert_message_received(
        recv_all(ends.ours, octets, WIRE_OCTETS, WIRE_OCTETS, 0, in_seconds(60), &count));
    ck_assert_int_eq(read(ends.ours, octets, sizeof octets), 1);
    ck_assert_int_eq(octets[0], '+');
}
END_TEST

static void *write_to_blocked(void *argument)
{
    const struct peer *peer = argument;
    peer_wait_blocked(peer, 1);
    write_octets(peer->fd, MESSAGE, WIRE_OCTETS);
    return NULL;
}

START_TEST(nothing_is_there_so_it_blocks_until_something_comes)
{
    struct peer peer;
    peer_start(&peer, ends.theirs, write_to_blocked);
    enum transfer_status status = receive();
    peer_join(&peer);
    assert_message_received(status);
    ck_assert_uint_eq(io_calls(), 1);
}
END_TEST

START_TEST(end_of_file_after_0_to_15_octets)
{
    write_octets(ends.theirs, MESSAGE, (size_t)_i);
    end_theirs(&ends);
    ck_assert_int_eq(receive(), TRANSFER_EOF);
    ck_assert_uint_eq(count, (size_t)_i);
    ck_assert_mem_eq(octets, MESSAGE, (size_t)_i);
}
END_TEST

START_TEST(end_of_file_behind_the_message_is_not_waited_for)
{
    write_octets(ends.theirs, MESSAGE, WIRE_OCTETS);
    end_theirs(&ends);
    assert_message_received(receive());
    ck_assert_uint_eq(io_calls(), 1);
}
END_TEST

START_TEST(no_octet_wanted_needs_no_call)
{
    count = 0;
    ck_assert_int_eq(recv_all(ends.ours, octets, 0, 0, 0, in_seconds(60), &count), TRANSFER_DONE);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(io_calls(), 0);
}
END_TEST

START_TEST(reset_in_the_middle)
{
    struct peer peer;
    peer_start(&peer, ends.theirs, reset_after_five);
    enum transfer_status status = receive();
    int error = errno;
    peer_join(&peer);
    ck_assert_int_eq(status, TRANSFER_FAILED);
    ck_assert_int_eq(error, ECONNRESET);
    ck_assert_uint_eq(count, 5);
}
END_TEST

START_TEST(reset_before_any_octet)
{
    reset_theirs(&ends);
    ck_assert_int_eq(receive(), TRANSFER_FAILED);
    ck_assert_int_eq(errno, ECONNRESET);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(another_error_is_told_with_what_came_before)
{
    write_octets(ends.theirs, MESSAGE, WIRE_OCTETS);
    IO_SCRIPT({.most = 5}, {.error = ENOMEM});
    ck_assert_int_eq(receive(), TRANSFER_FAILED);
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(count, 5);
}
END_TEST

START_TEST(what_is_no_socket_fails)
{
    int fds[2];
    need(pipe(fds) == 0, "a pipe");
    count = 0;
    ck_assert_int_eq(recv_all(fds[0], octets, 1, 1, 0, in_seconds(60), &count), TRANSFER_FAILED);
    ck_assert_int_eq(errno, ENOTSOCK);
    ck_assert_uint_eq(count, 0);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

static void *interrupt_then_write(void *argument)
{
    const struct peer *peer = argument;
    peer_wait_blocked(peer, 1);
    pthread_kill(peer->tested, SIGUSR1);
    peer_wait_blocked(peer, 2);
    write_octets(peer->fd, MESSAGE, WIRE_OCTETS);
    return NULL;
}

START_TEST(a_signal_interrupts_recv_and_it_is_tried_again)
{
    struct peer peer;
    count_signals(SIGUSR1);
    peer_start(&peer, ends.theirs, interrupt_then_write);
    enum transfer_status status = receive();
    peer_join(&peer);
    assert_message_received(status);
    ck_assert_int_eq(signals_counted(), 1);
    ck_assert_uint_eq(io_calls(), 2);
}
END_TEST

START_TEST(EINTR_and_EAGAIN_before_the_deadline_are_tried_again)
{
    write_octets(ends.theirs, MESSAGE, WIRE_OCTETS);
    IO_SCRIPT({.error = EINTR}, {.most = 3}, {.error = EAGAIN}, {.times = 2, .error = EINTR});
    assert_message_received(receive());
    ck_assert_uint_eq(io_calls(), 6);
}
END_TEST

START_TEST(with_MSG_DONTWAIT_what_is_there_is_taken_and_the_rest_not_waited_for)
{
    const struct deadline deadline = in_seconds(60);
    count = 0;
    ck_assert_int_eq(recv_all(ends.ours, octets, WIRE_OCTETS, ROOM, MSG_DONTWAIT, deadline, &count),
                     TRANSFER_BLOCKED);
    ck_assert_uint_eq(count, 0);
    write_octets(ends.theirs, MESSAGE, 5);
    count = 0;
    ck_assert_int_eq(recv_all(ends.ours, octets, WIRE_OCTETS, ROOM, MSG_DONTWAIT, deadline, &count),
                     TRANSFER_BLOCKED);
    ck_assert_uint_eq(count, 5);
    ck_assert_mem_eq(octets, MESSAGE, 5);
    ck_assert_int_eq(io_last_call().timeout, 0);
}
END_TEST

START_TEST(with_MSG_DONTWAIT_a_signal_is_no_reason_to_wait)
{
    write_octets(ends.theirs, MESSAGE, WIRE_OCTETS);
    IO_SCRIPT({.error = EINTR}, {.most = 3});
    count = 0;
    assert_message_received(
        recv_all(ends.ours, octets, WIRE_OCTETS, ROOM, MSG_DONTWAIT, in_seconds(60), &count));
}
END_TEST

Suite *recv_all_suite(void)
{
    Suite *suite = suite_create("recv_all");
    TCase *outcomes = add_case(suite, "recv_all", connect_unix);
    tcase_add_test(outcomes, everything_is_there_at_once);
    tcase_add_test(outcomes, what_is_in_the_buffer_already_is_continued);
    tcase_add_test(outcomes, the_message_arrives_one_octet_at_a_time);
    tcase_add_test(outcomes, recv_gives_less_than_asked_and_is_asked_for_the_rest);
    tcase_add_test(outcomes, more_is_there_than_asked_and_is_taken_up_to_the_room);
    tcase_add_test(outcomes, without_more_room_all_that_is_more_stays_in_the_socket);
    tcase_add_test(outcomes, nothing_is_there_so_it_blocks_until_something_comes);
    tcase_add_loop_test(outcomes, end_of_file_after_0_to_15_octets, 0, WIRE_OCTETS);
    tcase_add_test(outcomes, end_of_file_behind_the_message_is_not_waited_for);
    tcase_add_test(outcomes, no_octet_wanted_needs_no_call);
    tcase_add_test(outcomes, a_signal_interrupts_recv_and_it_is_tried_again);
    tcase_add_test(outcomes, EINTR_and_EAGAIN_before_the_deadline_are_tried_again);
    tcase_add_test(outcomes, another_error_is_told_with_what_came_before);
    tcase_add_test(outcomes, what_is_no_socket_fails);

    tcase_add_test(outcomes, with_MSG_DONTWAIT_what_is_there_is_taken_and_the_rest_not_waited_for);
    tcase_add_test(outcomes, with_MSG_DONTWAIT_a_signal_is_no_reason_to_wait);

    TCase *resets = add_case(suite, "recv_all of TCP", connect_tcp);
    tcase_add_test(resets, reset_in_the_middle);
    tcase_add_test(resets, reset_before_any_octet);
    return suite;
}
