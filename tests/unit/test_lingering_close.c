/* SPDX-License-Identifier: MIT */
/* Half-closed sockets on their way to close(2), by a clock that only the tests move. */
#include <config.h>

#include "server/connection/lingering_close.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS 0.001
#define MOST 3
#define SECONDS 2.0
#define PAIRS 6

static struct lingering *lingering;
static int wake_fd;
static struct ends pairs[PAIRS];

static void begin(void)
{
    clock_stop();
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    lingering = lingering_create(wake_fd);
    need(wake_fd >= 0 && lingering != NULL, "lingering sockets");
    lingering_set_limits(lingering, MOST, SECONDS);
    for (size_t i = 0; i < PAIRS; i++)
        pairs[i] = unix_ends();
}

/* Those of our ends that were added are closed by lingering_destroy(). */
static void end(void)
{
    lingering_destroy(lingering);
    for (size_t i = 0; i < PAIRS; i++) {
        if (is_open(pairs[i].ours))
            close(pairs[i].ours);
        close_theirs(&pairs[i]);
    }
    close(wake_fd);
}

/* Add a half-closed socket, as a worker does. */
static void add_socket(int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    need(connection != NULL, "memory");
    connection->fd = fd;
    connection->decided = clock_nanoseconds();
    lingering_add(lingering, connection);
}

/* Add the first `count` of our ends. */
static void add(size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_socket(pairs[i].ours);
}

/* Sweep after a while. Returns the milliseconds until the next sweep, or -1 for never. */
static double sweep_after(double seconds)
{
    clock_move(seconds);
    int64_t next = lingering_sweep(lingering, false);
    return next == NEVER ? -1 : (double)next / 1e6;
}

/* A socket that is added after a sweep is checked by the next one, 4 ms later. */
static void sweep_first_time(void)
{
    ck_assert_double_eq(sweep_after(0), 4);
}

#define assert_open(from, to) assert_all(true, from, to)
#define assert_closed(from, to) assert_all(false, from, to)

static void assert_all(bool open, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ck_assert_msg(is_open(pairs[i].ours) == open, "number %zu", i);
}

START_TEST(closed_at_the_peer_s_end_of_file)
{
    add(1);
    end_theirs(&pairs[0]);
    sweep_first_time();
    assert_open(0, 1);
    ck_assert_double_eq(sweep_after(4 * MS), -1);
    assert_closed(0, 1);
}
END_TEST

START_TEST(closed_when_the_peer_reset)
{
    struct ends tcp = tcp_ends();
    reset_theirs(&tcp);
    wait_readable(tcp.ours);
    add_socket(tcp.ours);
    sweep_first_time();
    ck_assert_double_eq(sweep_after(4 * MS), -1);
    ck_assert(!is_open(tcp.ours));
}
END_TEST

START_TEST(not_checked_before_its_first_check_is_due)
{
    add(1);
    end_theirs(&pairs[0]);
    sweep_first_time();
    ck_assert_double_eq(sweep_after(1 * MS), 3);
    ck_assert_double_eq(sweep_after(2 * MS), 1);
    ck_assert_uint_eq(io_calls(), 0);
    assert_open(0, 1);
}
END_TEST

START_TEST(checked_less_and_less_often_while_nothing_comes)
{
    add(1);
    double pause = sweep_after(0);
    for (int expected = 4; expected <= 256; expected *= 2) {
        ck_assert_double_eq(pause, expected);
        pause = sweep_after(pause * MS);
    }
    ck_assert_double_eq(pause, 256);
}
END_TEST

START_TEST(checked_again_soon_after_something_came)
{
    add(1);
    sweep_first_time();
    ck_assert_double_eq(sweep_after(4 * MS), 8);
    ck_assert_double_eq(sweep_after(8 * MS), 16);
    write_octets(pairs[0].theirs, "\n", 1);
    ck_assert_double_eq(sweep_after(16 * MS), 4);
    ck_assert_double_eq(sweep_after(4 * MS), 8);
}
END_TEST

/* Sockets that come one after the other are checked together. */
START_TEST(a_sweep_is_not_followed_by_the_next_at_once)
{
    add(1);
    sweep_first_time();
    clock_move(1 * MS);
    add_socket(pairs[1].ours);
    end_theirs(&pairs[0]);
    end_theirs(&pairs[1]);
    ck_assert_double_eq(sweep_after(3 * MS), 2);
    assert_closed(0, 1);
    assert_open(1, 2);
    ck_assert_double_eq(sweep_after(2 * MS), -1);
    assert_closed(1, 2);
}
END_TEST

START_TEST(surplus_octets_are_discarded)
{
    char surplus[100000] = "";
    add(1);
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    sweep_first_time();
    ck_assert_double_eq(sweep_after(4 * MS), 4);
    ck_assert_int_eq(recv(pairs[0].ours, surplus, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    end_theirs(&pairs[0]);
    ck_assert_double_eq(sweep_after(4 * MS), -1);
    assert_closed(0, 1);
}
END_TEST

/* close() with unread octets would reset the connection and could lose the reply. */
START_TEST(surplus_octets_do_not_cost_the_peer_its_reply)
{
    struct ends tcp = tcp_ends();
    write_octets(tcp.theirs, WIRE_GREETING, WIRE_OCTETS);
    write_octets(tcp.ours, WIRE_REPLY, WIRE_OCTETS);
    need(shutdown(tcp.ours, SHUT_WR) == 0, "to end our side");
    add_socket(tcp.ours);
    end_theirs(&tcp);
    do
        wait_readable(tcp.ours);
    while (sweep_after(4 * MS) >= 0);
    ck_assert(!is_open(tcp.ours));
    assert_theirs_end_with(&tcp, WIRE_REPLY, WIRE_OCTETS);
    close_theirs(&tcp);
}
END_TEST

/* The same when there is no room for the socket. */
START_TEST(what_came_is_read_before_the_oldest_is_closed)
{
    struct ends tcp = tcp_ends();
    write_octets(tcp.theirs, WIRE_GREETING, WIRE_OCTETS);
    wait_readable(tcp.ours);
    write_octets(tcp.ours, WIRE_REPLY, WIRE_OCTETS);
    need(shutdown(tcp.ours, SHUT_WR) == 0, "to end our side");
    add_socket(tcp.ours);
    add(MOST);
    sweep_first_time();
    ck_assert(!is_open(tcp.ours));
    int error = -1;
    socklen_t size = sizeof error;
    ck_assert_int_eq(getsockopt(tcp.theirs, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    ck_assert_int_eq(error, 0); /* EPIPE after a reset */
    assert_theirs_end_with(&tcp, WIRE_REPLY, WIRE_OCTETS);
    close_theirs(&tcp);
}
END_TEST

START_TEST(a_peer_that_sends_without_end_gets_sixteen_reads_a_check)
{
    char surplus[100] = "";
    add(2);
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    sweep_first_time();
    IO_SCRIPT({.times = 16, .most = 1});
    sweep_after(4 * MS);
    ck_assert_uint_eq(io_calls(), 16 + 1);
    assert_open(0, 2);
}
END_TEST

START_TEST(a_signal_is_not_the_end_of_file)
{
    add(1);
    sweep_first_time();
    IO_SCRIPT({.error = EINTR});
    ck_assert_double_eq(sweep_after(4 * MS), 8);
    assert_open(0, 1);
}
END_TEST

START_TEST(closed_at_its_seconds_and_not_before)
{
    double passed = 0;
    add(1);
    double next = sweep_after(0);
    while (next >= 0) {
        assert_open(0, 1);
        passed += next * MS;
        next = sweep_after(next * MS);
    }
    assert_closed(0, 1);
    /* the next sweep waits if the last check was shortly before */
    ck_assert_double_ge(passed, SECONDS - 1e-9);
    ck_assert_double_le(passed, SECONDS + 2 * MS + 1e-9);
}
END_TEST

START_TEST(closed_at_its_seconds_though_the_peer_drips)
{
    add(1);
    sweep_first_time();
    for (int i = 1; i < (int)SECONDS * 10; i++) {
        write_octets(pairs[0].theirs, "x", 1);
        ck_assert_double_eq(sweep_after(100 * MS), 4);
        assert_open(0, 1);
    }
    write_octets(pairs[0].theirs, "x", 1);
    ck_assert_double_eq(sweep_after(100 * MS), -1);
    assert_closed(0, 1);
}
END_TEST

START_TEST(each_has_its_own_time)
{
    add_socket(pairs[0].ours);
    sweep_first_time();
    clock_move(1);
    add_socket(pairs[1].ours);
    sweep_after(0);
    ck_assert_double_gt(sweep_after(1), 0);
    assert_closed(0, 1);
    assert_open(1, 2);
    ck_assert_double_eq(sweep_after(1), -1);
    assert_closed(1, 2);
}
END_TEST

START_TEST(without_room_the_oldest_are_closed)
{
    add(MOST + 1);
    sweep_first_time();
    assert_closed(0, 1);
    assert_open(1, 4);
    clock_move(4 * MS);
    add_socket(pairs[4].ours);
    add_socket(pairs[5].ours);
    sweep_after(0);
    assert_closed(0, 3);
    assert_open(3, 6);
}
END_TEST

/* Even those that were checked more often, and wait in another queue. */
START_TEST(the_oldest_are_those_that_came_first)
{
    add(1);
    sweep_first_time();
    sweep_after(4 * MS);
    for (size_t i = 1; i < 4; i++)
        add_socket(pairs[i].ours);
    sweep_after(8 * MS);
    assert_closed(0, 1);
    assert_open(1, 4);
}
END_TEST

START_TEST(evict_closes_the_oldest_for_its_descriptor)
{
    ck_assert(!lingering_evict(lingering));
    add(2);
    ck_assert(lingering_evict(lingering));
    assert_closed(0, 1);
    assert_open(1, 2);
    ck_assert(lingering_evict(lingering));
    assert_closed(1, 2);
    ck_assert(!lingering_evict(lingering));
}
END_TEST

START_TEST(destroy_closes_the_rest)
{
    add(MOST + 1);
    lingering_destroy(lingering);
    lingering = NULL;
    assert_closed(0, MOST + 1);
    assert_open(MOST + 1, PAIRS);
    lingering_destroy(NULL);
}
END_TEST

static eventfd_t wakes(void)
{
    eventfd_t count;
    return eventfd_read(wake_fd, &count) == 0 ? count : 0;
}

START_TEST(a_new_socket_wakes_a_sweeper_that_sleeps_too_long)
{
    ck_assert_double_eq(sweep_after(3600), -1);
    add(2);
    ck_assert_uint_eq(wakes(), 1);
    sweep_first_time();
    add_socket(pairs[2].ours);
    ck_assert_uint_eq(wakes(), 0);
    ck_assert_double_eq(sweep_after(4 * MS), 2);
    ck_assert_double_eq(sweep_after(2 * MS), 6);
    add_socket(pairs[3].ours);
    ck_assert_uint_eq(wakes(), 1);
}
END_TEST

START_TEST(a_sweeper_that_expects_a_socket_soon_is_not_woken)
{
    clock_move(1);
    ck_assert_int_eq(lingering_sweep(lingering, true), 4000000);
    clock_move(1 * MS);
    add(1);
    ck_assert_uint_eq(wakes(), 0);
    end_theirs(&pairs[0]);
    ck_assert_double_eq(sweep_after(3 * MS), 2);
    ck_assert_double_eq(sweep_after(2 * MS), -1);
    assert_closed(0, 1);
}
END_TEST

START_TEST(sockets_are_counted_once_a_sweep_took_them_in)
{
    ck_assert_uint_eq(lingering_count(lingering), 0);
    add(2);
    ck_assert_uint_eq(lingering_count(lingering), 0);
    sweep_first_time();
    ck_assert_uint_eq(lingering_count(lingering), 2);
    end_theirs(&pairs[0]);
    sweep_after(4 * MS);
    ck_assert_uint_eq(lingering_count(lingering), 1);
    ck_assert(lingering_evict(lingering));
    ck_assert_uint_eq(lingering_count(lingering), 0);
}
END_TEST

START_TEST(after_a_change_there_is_less_room_and_the_oldest_are_closed)
{
    add(3);
    sweep_first_time();
    lingering_set_limits(lingering, 2, SECONDS);
    assert_open(0, 3);
    sweep_after(4 * MS);
    assert_closed(0, 1);
    assert_open(1, 3);
    ck_assert_uint_eq(lingering_count(lingering), 2);
}
END_TEST

START_TEST(after_a_change_there_is_more_room)
{
    lingering_set_limits(lingering, PAIRS, SECONDS);
    add(PAIRS);
    sweep_first_time();
    assert_open(0, PAIRS);
}
END_TEST

START_TEST(a_changed_time_applies_to_the_sockets_that_linger)
{
    add(1);
    sweep_first_time();
    sweep_after(1);
    lingering_set_limits(lingering, MOST, SECONDS + 1);
    sweep_after(SECONDS - 0.5);
    assert_open(0, 1);
    lingering_set_limits(lingering, MOST, SECONDS);
    sweep_after(0.25);
    assert_closed(0, 1);
}
END_TEST

Suite *lingering_close_suite(void)
{
    Suite *suite = suite_create("lingering_close");
    TCase *tcase = add_case(suite, "lingering_close", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, closed_at_the_peer_s_end_of_file);
    tcase_add_test(tcase, closed_when_the_peer_reset);
    tcase_add_test(tcase, not_checked_before_its_first_check_is_due);
    tcase_add_test(tcase, checked_less_and_less_often_while_nothing_comes);
    tcase_add_test(tcase, checked_again_soon_after_something_came);
    tcase_add_test(tcase, a_sweep_is_not_followed_by_the_next_at_once);
    tcase_add_test(tcase, surplus_octets_are_discarded);
    tcase_add_test(tcase, surplus_octets_do_not_cost_the_peer_its_reply);
    tcase_add_test(tcase, what_came_is_read_before_the_oldest_is_closed);
    tcase_add_test(tcase, a_peer_that_sends_without_end_gets_sixteen_reads_a_check);
    tcase_add_test(tcase, a_signal_is_not_the_end_of_file);
    tcase_add_test(tcase, closed_at_its_seconds_and_not_before);
    tcase_add_test(tcase, closed_at_its_seconds_though_the_peer_drips);
    tcase_add_test(tcase, each_has_its_own_time);
    tcase_add_test(tcase, without_room_the_oldest_are_closed);
    tcase_add_test(tcase, the_oldest_are_those_that_came_first);
    tcase_add_test(tcase, evict_closes_the_oldest_for_its_descriptor);
    tcase_add_test(tcase, destroy_closes_the_rest);
    tcase_add_test(tcase, a_new_socket_wakes_a_sweeper_that_sleeps_too_long);
    tcase_add_test(tcase, a_sweeper_that_expects_a_socket_soon_is_not_woken);
    tcase_add_test(tcase, sockets_are_counted_once_a_sweep_took_them_in);
    tcase_add_test(tcase, after_a_change_there_is_less_room_and_the_oldest_are_closed);
    tcase_add_test(tcase, after_a_change_there_is_more_room);
    tcase_add_test(tcase, a_changed_time_applies_to_the_sockets_that_linger);
    return suite;
}
