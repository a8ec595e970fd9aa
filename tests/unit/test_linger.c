/* SPDX-License-Identifier: MIT */
/* Half-closed sockets on their way to close(2), by a clock that only the tests move. */
#include <config.h>

#include "server/linger.h"
#include "support.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS 0.001
#define MOST 3
#define SECONDS 2.0
#define PAIRS 6

static struct lingerers *linger;
static int wake_fd;
static struct ends pairs[PAIRS];

static void begin(void)
{
    clock_stop();
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    linger = linger_create(MOST, SECONDS, wake_fd);
    need(wake_fd >= 0 && linger != NULL, "lingerers");
    for (size_t i = 0; i < PAIRS; i++)
        pairs[i] = unix_ends();
}

/* Our ends that a test did not give away are closed, the rest is linger's. */
static void end(void)
{
    linger_destroy(linger);
    for (size_t i = 0; i < PAIRS; i++) {
        if (is_open(pairs[i].ours))
            close(pairs[i].ours);
        close_theirs(&pairs[i]);
    }
    close(wake_fd);
}

/* Give the first `count` of our ends to linger. */
static void add(size_t count)
{
    for (size_t i = 0; i < count; i++)
        linger_add(linger, pairs[i].ours);
}

/* Returns milliseconds until the next look, or -1. */
static double sweep_after(double seconds)
{
    clock_move(seconds);
    double next = (double)linger_sweep(linger);
    return next < 0 ? -1 : next / 1e6;
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
    assert_open(0, 1);
    ck_assert_double_eq(sweep_after(1 * MS), -1);
    assert_closed(0, 1);
}
END_TEST

START_TEST(closed_when_the_peer_reset)
{
    struct ends tcp = tcp_ends();
    reset_theirs(&tcp);
    wait_readable(tcp.ours);
    linger_add(linger, tcp.ours);
    ck_assert_double_eq(sweep_after(1 * MS), -1);
    ck_assert(!is_open(tcp.ours));
}
END_TEST

START_TEST(not_looked_at_before_the_first_millisecond_is_over)
{
    add(1);
    end_theirs(&pairs[0]);
    ck_assert_double_eq(sweep_after(0), 1);
    ck_assert_double_eq(sweep_after(0.5 * MS), 0.5);
    ck_assert_uint_eq(io_calls(), 0);
    assert_open(0, 1);
}
END_TEST

START_TEST(looked_at_ever_more_seldom_while_nothing_comes)
{
    add(1);
    double pause = sweep_after(0);
    for (int expected = 1; expected <= 256; expected *= 2) {
        ck_assert_double_eq(pause, expected);
        pause = sweep_after(pause * MS);
    }
    ck_assert_double_eq(pause, 256);
}
END_TEST

START_TEST(looked_at_again_soon_when_something_came)
{
    add(1);
    ck_assert_double_eq(sweep_after(1 * MS), 2);
    ck_assert_double_eq(sweep_after(2 * MS), 4);
    write_octets(pairs[0].theirs, "\n", 1);
    ck_assert_double_eq(sweep_after(4 * MS), 1);
    ck_assert_double_eq(sweep_after(1 * MS), 2);
}
END_TEST

START_TEST(surplus_octets_are_discarded)
{
    char surplus[100000] = "";
    add(1);
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    ck_assert_double_eq(sweep_after(1 * MS), 1);
    ck_assert_int_eq(recv(pairs[0].ours, surplus, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    end_theirs(&pairs[0]);
    ck_assert_double_eq(sweep_after(1 * MS), -1);
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
    linger_add(linger, tcp.ours);
    end_theirs(&tcp);
    do
        wait_readable(tcp.ours);
    while (sweep_after(1 * MS) >= 0);
    ck_assert(!is_open(tcp.ours));
    assert_theirs_end_with(&tcp, WIRE_REPLY, WIRE_OCTETS);
    close_theirs(&tcp);
}
END_TEST

START_TEST(a_peer_that_sends_for_ever_gets_sixteen_reads_a_look)
{
    char surplus[100] = "";
    add(2);
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    IO_SCRIPT({.times = 16, .most = 1});
    sweep_after(1 * MS);
    ck_assert_uint_eq(io_calls(), 16 + 1);
    assert_open(0, 2);
}
END_TEST

START_TEST(a_signal_is_not_the_end_of_file)
{
    add(1);
    IO_SCRIPT({.error = EINTR});
    ck_assert_double_eq(sweep_after(1 * MS), 2);
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
    ck_assert_double_eq_tol(passed, SECONDS, 1e-9);
}
END_TEST

START_TEST(closed_at_its_seconds_though_the_peer_drips)
{
    add(1);
    for (int i = 1; i < (int)SECONDS * 10; i++) {
        write_octets(pairs[0].theirs, "x", 1);
        ck_assert_double_eq(sweep_after(100 * MS), 1);
        assert_open(0, 1);
    }
    write_octets(pairs[0].theirs, "x", 1);
    ck_assert_double_eq(sweep_after(100 * MS), -1);
    assert_closed(0, 1);
}
END_TEST

START_TEST(each_has_its_own_time)
{
    linger_add(linger, pairs[0].ours);
    clock_move(1);
    linger_add(linger, pairs[1].ours);
    ck_assert_double_gt(sweep_after(1), 0);
    assert_closed(0, 1);
    assert_open(1, 2);
    ck_assert_double_eq(sweep_after(1), -1);
    assert_closed(1, 2);
}
END_TEST

START_TEST(without_room_the_oldest_is_closed)
{
    add(MOST);
    linger_add(linger, pairs[3].ours);
    assert_closed(0, 1);
    assert_open(1, 4);
    linger_add(linger, pairs[4].ours);
    linger_add(linger, pairs[5].ours);
    assert_closed(0, 3);
    assert_open(3, 6);
}
END_TEST

/* Numbers 1, 2, 3 in the ring that begins at its second place; 2 goes. */
START_TEST(a_gap_is_closed_and_the_order_kept)
{
    add(MOST + 1);
    end_theirs(&pairs[2]);
    ck_assert_double_gt(sweep_after(1 * MS), 0);
    assert_open(1, 2);
    assert_closed(2, 3);
    assert_open(3, 4);
    linger_add(linger, pairs[4].ours);
    assert_open(1, 2);
    linger_add(linger, pairs[5].ours);
    assert_closed(1, 2);
    assert_open(3, 6);
    ck_assert_double_eq(sweep_after(SECONDS), -1);
    assert_closed(3, 6);
}
END_TEST

START_TEST(destroy_closes_the_rest)
{
    add(MOST + 1);
    linger_destroy(linger);
    linger = NULL;
    assert_closed(0, MOST + 1);
    assert_open(MOST + 1, PAIRS);
    linger_destroy(NULL);
}
END_TEST

START_TEST(the_first_that_comes_wakes_the_sweeper)
{
    eventfd_t wakes = 0;
    ck_assert_double_eq(sweep_after(3600), -1);
    add(2);
    ck_assert_int_eq(eventfd_read(wake_fd, &wakes), 0);
    ck_assert_uint_eq(wakes, 1);
    end_theirs(&pairs[0]);
    end_theirs(&pairs[1]);
    ck_assert_double_eq(sweep_after(1 * MS), -1);
    ck_assert_int_eq(eventfd_read(wake_fd, &wakes), -1);
    linger_add(linger, pairs[2].ours);
    ck_assert_int_eq(eventfd_read(wake_fd, &wakes), 0);
}
END_TEST

Suite *linger_suite(void)
{
    Suite *suite = suite_create("linger");
    TCase *tcase = add_case(suite, "linger", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, closed_at_the_peer_s_end_of_file);
    tcase_add_test(tcase, closed_when_the_peer_reset);
    tcase_add_test(tcase, not_looked_at_before_the_first_millisecond_is_over);
    tcase_add_test(tcase, looked_at_ever_more_seldom_while_nothing_comes);
    tcase_add_test(tcase, looked_at_again_soon_when_something_came);
    tcase_add_test(tcase, surplus_octets_are_discarded);
    tcase_add_test(tcase, surplus_octets_do_not_cost_the_peer_its_reply);
    tcase_add_test(tcase, a_peer_that_sends_for_ever_gets_sixteen_reads_a_look);
    tcase_add_test(tcase, a_signal_is_not_the_end_of_file);
    tcase_add_test(tcase, closed_at_its_seconds_and_not_before);
    tcase_add_test(tcase, closed_at_its_seconds_though_the_peer_drips);
    tcase_add_test(tcase, each_has_its_own_time);
    tcase_add_test(tcase, without_room_the_oldest_is_closed);
    tcase_add_test(tcase, a_gap_is_closed_and_the_order_kept);
    tcase_add_test(tcase, destroy_closes_the_rest);
    tcase_add_test(tcase, the_first_that_comes_wakes_the_sweeper);
    return suite;
}
