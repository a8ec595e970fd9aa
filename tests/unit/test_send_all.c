/* SPDX-License-Identifier: MIT */
/* The three outcomes of send(2) that sixteen(7) describes. */
#include <config.h>

#include "common/transfer.h"
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE WIRE_REPLY
#define MUCH 1000000 /* octets, far more than a socket has room for */

static size_t count;
static char much[MUCH];
static char came[MUCH];
static size_t came_count;

/* Fill `much` so that an octet at a wrong place is detected: 251 is prime. */
static void connect_with_little_room(void)
{
    connect_unix();
    send_room_is_little();
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)(i % 251);
}

static enum transfer_status send_message(void)
{
    count = 0;
    return send_all(ends.ours, MESSAGE, WIRE_OCTETS, 0, in_seconds(60), &count);
}

static enum transfer_status send_much(void)
{
    count = 0;
    return send_all(ends.ours, much, sizeof much, 0, in_seconds(60), &count);
}

/* Fail unless the peer got exactly the octets that send_all() counted, in their order. */
static void assert_peer_gets(const char *sent)
{
    int end;
    shutdown(ends.ours, SHUT_WR);
    size_t got = read_to_end(ends.theirs, came, sizeof came, &end);
    ck_assert_uint_eq(got, count);
    ck_assert_mem_eq(came, sent, count);
}

static void assert_message_sent(enum transfer_status status)
{
    ck_assert_int_eq(status, TRANSFER_DONE);
    ck_assert_uint_eq(count, WIRE_OCTETS);
    assert_peer_gets(MESSAGE);
}

static void assert_much_came(enum transfer_status status)
{
    ck_assert_int_eq(status, TRANSFER_DONE);
    ck_assert_uint_eq(count, MUCH);
    ck_assert_uint_eq(came_count, MUCH);
    ck_assert_mem_eq(came, much, MUCH);
}

START_TEST(the_kernel_takes_everything_at_once)
{
    enum transfer_status status = send_message();
    ck_assert_uint_eq(io_calls(), 1);
    assert_message_sent(status);
}
END_TEST

static void *read_all(void *argument)
{
    const struct peer *peer = argument;
    int end;
    peer_wait_blocked(peer, 1);
    came_count = read_to_end(peer->fd, came, sizeof came, &end);
    return NULL;
}

/* A test that fails must not leave the reader waiting. */
static void join_reader(const struct peer *peer)
{
    shutdown(ends.ours, SHUT_WR);
    peer_join(peer);
}

START_TEST(there_is_no_room_so_it_blocks_until_the_peer_reads)
{
    struct peer peer;
    peer_start(&peer, ends.theirs, read_all);
    enum transfer_status status = send_much();
    join_reader(&peer);
    assert_much_came(status);
    ck_assert_uint_eq(io_calls(), 1);
}
END_TEST

START_TEST(the_kernel_takes_a_part_and_is_given_the_rest)
{
    IO_SCRIPT({.most = 5}, {.most = 1});
    enum transfer_status status = send_message();
    ck_assert_uint_eq(io_calls(), 3);
    ck_assert_uint_eq(io_last_call().length, WIRE_OCTETS - 6);
    assert_message_sent(status);
}
END_TEST

static void *interrupt_then_read(void *argument)
{
    const struct peer *peer = argument;
    int end;
    peer_wait_blocked(peer, 1);
    pthread_kill(peer->tested, SIGUSR1);
    peer_wait_blocked(peer, 2);
    came_count = read_to_end(peer->fd, came, sizeof came, &end);
    return NULL;
}

START_TEST(a_signal_ends_send_after_a_part_and_the_rest_is_sent)
{
    struct peer peer;
    count_signals(SIGUSR1);
    peer_start(&peer, ends.theirs, interrupt_then_read);
    enum transfer_status status = send_much();
    join_reader(&peer);
    assert_much_came(status);
    ck_assert_int_eq(signals_counted(), 1);
    ck_assert_uint_eq(io_calls(), 2);
    ck_assert_uint_lt(io_last_call().length, MUCH);
}
END_TEST

START_TEST(EINTR_and_EAGAIN_before_the_deadline_are_tried_again)
{
    IO_SCRIPT({.error = EINTR}, {.most = 3}, {.error = EAGAIN}, {.times = 2, .error = EINTR});
    enum transfer_status status = send_message();
    ck_assert_uint_eq(io_calls(), 6);
    assert_message_sent(status);
}
END_TEST

START_TEST(no_octet_to_send_needs_no_call)
{
    count = 0;
    ck_assert_int_eq(send_all(ends.ours, NULL, 0, 0, in_seconds(60), &count), TRANSFER_DONE);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(io_calls(), 0);
}
END_TEST

START_TEST(a_peer_that_went_away_is_EPIPE_and_not_a_signal)
{
    count_signals(SIGPIPE);
    close_theirs(&ends);
    ck_assert_int_eq(send_message(), TRANSFER_FAILED);
    ck_assert_int_eq(errno, EPIPE);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(signals_counted(), 0);
}
END_TEST

START_TEST(the_caller_s_flags_are_passed_on)
{
    count = 0;
    ck_assert_int_eq(send_all(ends.ours, MESSAGE, WIRE_OCTETS, MSG_MORE, in_seconds(60), &count),
                     TRANSFER_DONE);
    ck_assert_int_eq(io_last_call().flags, MSG_MORE | MSG_NOSIGNAL);
}
END_TEST

START_TEST(another_error_is_told_with_what_went_before)
{
    IO_SCRIPT({.most = 5}, {.error = ENOBUFS});
    ck_assert_int_eq(send_message(), TRANSFER_FAILED);
    ck_assert_int_eq(errno, ENOBUFS);
    ck_assert_uint_eq(count, 5);
    assert_peer_gets(MESSAGE);
}
END_TEST

START_TEST(with_MSG_DONTWAIT_what_there_is_room_for_is_sent_and_no_more)
{
    count = 0;
    ck_assert_int_eq(send_all(ends.ours, much, MUCH, MSG_DONTWAIT, in_seconds(60), &count),
                     TRANSFER_BLOCKED);
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_lt(count, MUCH);
    ck_assert_int_eq(io_last_call().timeout, 0);
    assert_peer_gets(much);
}
END_TEST

Suite *send_all_suite(void)
{
    Suite *suite = suite_create("send_all");
    TCase *outcomes = add_case(suite, "send_all", connect_with_little_room);
    tcase_add_test(outcomes, the_kernel_takes_everything_at_once);
    tcase_add_test(outcomes, there_is_no_room_so_it_blocks_until_the_peer_reads);
    tcase_add_test(outcomes, the_kernel_takes_a_part_and_is_given_the_rest);
    tcase_add_test(outcomes, a_signal_ends_send_after_a_part_and_the_rest_is_sent);
    tcase_add_test(outcomes, EINTR_and_EAGAIN_before_the_deadline_are_tried_again);
    tcase_add_test(outcomes, no_octet_to_send_needs_no_call);
    tcase_add_test(outcomes, a_peer_that_went_away_is_EPIPE_and_not_a_signal);
    tcase_add_test(outcomes, the_caller_s_flags_are_passed_on);
    tcase_add_test(outcomes, with_MSG_DONTWAIT_what_there_is_room_for_is_sent_and_no_more);
    tcase_add_test(outcomes, another_error_is_told_with_what_went_before);
    return suite;
}
