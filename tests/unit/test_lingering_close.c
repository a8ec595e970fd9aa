/* SPDX-License-Identifier: MIT */
/* Half-closed sockets on their way to close(2), by a clock that only the tests move. */
#include <config.h>

#include "server/connection/lingering_close.h"
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS 0.001
#define MOST 3
#define SECONDS 2.0
#define PAIRS 6
#define HOUR 3600.0

/* What workers left, for a lingering close without any. NOLINTBEGIN(bugprone-reserved-identifier)
 */
static struct connection_list left;
static bool wakes_loop; /* whether the next one would wake the main loop */
bool __real_workers_take_half_closed(struct workers *workers, struct connection_list *list);
bool __wrap_workers_take_half_closed(struct workers *workers, struct connection_list *list);

bool __wrap_workers_take_half_closed(struct workers *workers, struct connection_list *list)
{
    if (workers != NULL)
        return __real_workers_take_half_closed(workers, list);
    wakes_loop = TAILQ_EMPTY(&left);
    TAILQ_CONCAT(list, &left, all);
    return !wakes_loop;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct lingering lingering;
static struct ends pairs[PAIRS];

static void begin(void)
{
    clock_stop();
    TAILQ_INIT(&left);
    need(lingering_init(&lingering, NULL) == 0, "lingering sockets");
    lingering.max = MOST;
    lingering.seconds = SECONDS;
    for (size_t i = 0; i < PAIRS; i++)
        pairs[i] = unix_ends();
}

/* Those of our ends that were added are closed by lingering_end(). */
static void end(void)
{
    lingering_end(&lingering);
    for (size_t i = 0; i < PAIRS; i++) {
        if (is_open(pairs[i].ours))
            close(pairs[i].ours);
        close_theirs(&pairs[i]);
    }
}

/* Leave a half-closed socket, as a worker does. */
static void add_socket(int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    need(connection != NULL, "memory");
    connection->fd = fd;
    connection->decided = clock_nanoseconds();
    TAILQ_INSERT_TAIL(&left, connection, all);
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
    int64_t next = lingering_sweep(&lingering);
    return next == NEVER ? -1 : (double)next / 1e6;
}

/* A sweep takes the sockets that workers left, and the first one that comes 4 ms after their
 * replies looks at them. */
static void sweep_first_time(void)
{
    ck_assert_double_eq(sweep_after(0), 4);
}

/* Take in the first `count` of our ends, and look at them, so that they are watched. */
static void watch(size_t count)
{
    add(count);
    sweep_first_time();
    ck_assert_double_eq(sweep_after(4 * MS), (SECONDS - 4 * MS) / MS);
}

/* Whether something is to be done before the next sweep is due. */
static bool is_readable(void)
{
    struct pollfd polled = {.fd = lingering_fd(&lingering), .events = POLLIN};
    return poll(&polled, 1, 0) == 1;
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

START_TEST(not_looked_at_before_4_ms)
{
    add(1);
    end_theirs(&pairs[0]);
    sweep_first_time();
    for (int left_ms = 3; left_ms > 0; left_ms--)
        ck_assert_double_eq(sweep_after(1 * MS), left_ms);
    ck_assert_uint_eq(io_calls(), 0);
    assert_open(0, 1);
    ck_assert_double_eq(sweep_after(1 * MS), -1);
    assert_closed(0, 1);
}
END_TEST

/* Sockets that come in between are taken then. */
START_TEST(swept_when_the_first_is_4_ms_old)
{
    add(1);
    end_theirs(&pairs[0]);
    sweep_first_time();
    ck_assert_double_eq(sweep_after(0.25 * MS), 3.75);
    ck_assert_double_eq(sweep_after(1.75 * MS), 2);
    add_socket(pairs[1].ours);
    ck_assert_double_eq(sweep_after(0.5 * MS), 1.5);
    ck_assert_uint_eq(lingering.count, 1);
    ck_assert_double_eq(sweep_after(1.5 * MS), 2);
    assert_closed(0, 1);
    ck_assert_uint_eq(lingering.count, 1);
    unsigned calls = io_calls();
    ck_assert_double_eq(sweep_after(2 * MS), (SECONDS - 4 * MS) / MS);
    ck_assert_uint_eq(io_calls(), calls + 1);
    assert_open(1, 2);
}
END_TEST

START_TEST(swept_no_sooner_than_after_a_millisecond)
{
    add(1);
    sweep_first_time();
    clock_move(0.25 * MS);
    add_socket(pairs[1].ours);
    ck_assert_double_eq(sweep_after(3.75 * MS), 1); /* and not 0.25 */
    ck_assert_double_eq(sweep_after(0.25 * MS), 0.75);
    ck_assert_double_eq(sweep_after(0.75 * MS), (SECONDS - 5 * MS) / MS);
    add_socket(pairs[2].ours);
    ck_assert_double_eq(sweep_after(1 * MS), 3); /* it is 1 ms old */
}
END_TEST

START_TEST(one_that_stays_is_watched)
{
    watch(2);
    ck_assert(!is_readable());
    write_octets(pairs[0].theirs, "\n", 1);
    ck_assert(is_readable());
    ck_assert_double_eq(sweep_after(1 * MS), 1);
    assert_open(0, 2);
    end_theirs(&pairs[1]);
    ck_assert_double_eq(sweep_after(1 * MS), 1);
    assert_open(0, 1);
    assert_closed(1, 2);
    ck_assert_double_eq(sweep_after(1 * MS), (SECONDS - 7 * MS) / MS);
    ck_assert(!is_readable());
    end_theirs(&pairs[0]);
    ck_assert(is_readable());
    sweep_after(0);
    assert_closed(0, 1);
}
END_TEST

/* A peer that keeps sending causes no more sweeps than that. */
START_TEST(nothing_is_polled_while_a_sweep_is_planned)
{
    ck_assert_double_eq(sweep_after(0), -1);
    ck_assert_int_ge(lingering_fd(&lingering), 0);
    add(1);
    sweep_first_time();
    ck_assert_int_eq(lingering_fd(&lingering), -1);
    sweep_after(4 * MS);
    ck_assert_int_ge(lingering_fd(&lingering), 0);
    write_octets(pairs[0].theirs, "\n", 1);
    ck_assert_double_eq(sweep_after(0), 1);
    ck_assert_int_eq(lingering_fd(&lingering), -1);
    write_octets(pairs[0].theirs, "\n", 1);
    ck_assert_double_eq(sweep_after(0.25 * MS), 0.75);
    sweep_after(0.75 * MS);
    ck_assert_int_eq(lingering_fd(&lingering), -1);
    sweep_after(1 * MS);
    ck_assert_int_ge(lingering_fd(&lingering), 0);
}
END_TEST

START_TEST(many_that_end_at_once_are_closed_in_a_few_sweeps)
{
    enum { MANY = 100 };
    static struct ends many[MANY];
    size_t sweeps = 0;
    lingering.max = MANY;
    lingering.seconds = SECONDS;
    for (size_t i = 0; i < MANY; i++) {
        many[i] = unix_ends();
        add_socket(many[i].ours);
    }
    sweep_first_time();
    sweep_after(4 * MS);
    ck_assert_uint_eq(lingering.count, MANY);
    for (size_t i = 0; i < MANY; i++)
        close_theirs(&many[i]);
    for (; sweep_after(4 * MS) >= 0; sweeps++)
        ck_assert_uint_lt(sweeps, 5);
    ck_assert_uint_eq(lingering.count, 0);
}
END_TEST

START_TEST(one_that_cannot_be_watched_stays_until_its_time_is_over)
{
    io_fail(FAULT_EPOLL_CTL, 0, 1, ENOSPC);
    watch(1);
    end_theirs(&pairs[0]);
    ck_assert(!is_readable());
    ck_assert_double_eq(sweep_after(1), (SECONDS - 1 - 4 * MS) / MS);
    assert_open(0, 1);
    ck_assert_double_eq(sweep_after(SECONDS - 1 - 4 * MS), -1);
    assert_closed(0, 1);
}
END_TEST

START_TEST(without_epoll_there_are_no_lingering_sockets)
{
    struct lingering none;
    io_fail(FAULT_EPOLL_CREATE, 0, 1, EMFILE);
    ck_assert_int_eq(lingering_init(&none, NULL), -1);
    ck_assert_int_eq(errno, EMFILE);
    lingering_end(&none);
}
END_TEST

START_TEST(surplus_octets_are_discarded)
{
    char surplus[100000] = "";
    add(1);
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    sweep_first_time();
    ck_assert_double_eq(sweep_after(4 * MS), (SECONDS - 4 * MS) / MS);
    ck_assert_int_eq(recv(pairs[0].ours, surplus, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    end_theirs(&pairs[0]);
    sweep_after(0);
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

START_TEST(a_peer_that_sends_without_end_gets_sixteen_reads_a_sweep)
{
    char surplus[100] = "";
    watch(2);
    unsigned calls = io_calls();
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    for (unsigned i = 1; i <= 3; i++) {
        IO_SCRIPT({.times = 16, .most = 1});
        ck_assert_double_eq(sweep_after(1 * MS), 1);
        ck_assert_uint_eq(io_calls(), calls + 16 * i);
        assert_open(0, 2);
    }
}
END_TEST

/* The sweep that begins to watch a socket leaves the rest to the next one. */
START_TEST(one_that_begins_to_be_watched_gets_no_second_look)
{
    char surplus[100] = "";
    add(1);
    write_octets(pairs[0].theirs, surplus, sizeof surplus);
    sweep_first_time();
    IO_SCRIPT({.times = 32, .most = 1});
    sweep_after(4 * MS);
    ck_assert_uint_eq(io_calls(), 16);
    ck_assert(is_readable());
    ck_assert_double_eq(sweep_after(0), 1);
    ck_assert_uint_eq(io_calls(), 32);
    assert_open(0, 1);
}
END_TEST

START_TEST(a_signal_is_not_the_end_of_file)
{
    add(1);
    sweep_first_time();
    IO_SCRIPT({.error = EINTR});
    sweep_after(4 * MS);
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
    watch(1);
    for (int i = 1; i < (int)SECONDS * 10; i++) {
        write_octets(pairs[0].theirs, "x", 1);
        ck_assert_double_eq(sweep_after(100 * MS), 1);
        assert_open(0, 1);
    }
    write_octets(pairs[0].theirs, "x", 1);
    sweep_after(96 * MS);
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
    ck_assert_double_eq(sweep_after(1), 1000);
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

/* Those that are watched are older than those that no sweep has looked at. */
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
    ck_assert(!lingering_evict(&lingering));
    add(2);
    ck_assert(lingering_evict(&lingering));
    assert_closed(0, 1);
    assert_open(1, 2);
    ck_assert(lingering_evict(&lingering));
    assert_closed(1, 2);
    ck_assert(!lingering_evict(&lingering));
}
END_TEST

START_TEST(end_closes_the_rest)
{
    add(MOST + 1);
    lingering_end(&lingering);
    ck_assert(!is_open(lingering.epoll_fd));
    lingering.epoll_fd = -1;
    assert_closed(0, MOST + 1);
    assert_open(MOST + 1, PAIRS);
}
END_TEST

/* What workers left while no sweep looked is also closed. */
START_TEST(evict_also_takes_what_the_workers_left_last)
{
    watch(1);
    add_socket(pairs[1].ours);
    ck_assert(lingering_evict(&lingering));
    assert_closed(0, 1);
    assert_open(1, 2);
    ck_assert(lingering_evict(&lingering));
    assert_closed(1, 2);
}
END_TEST

START_TEST(the_next_socket_wakes_the_loop_if_no_sweep_is_planned)
{
    ck_assert_double_eq(sweep_after(HOUR), -1);
    ck_assert(wakes_loop);
    add(2);
    sweep_first_time();
    ck_assert(!wakes_loop);
    add_socket(pairs[2].ours);
    ck_assert_double_eq(sweep_after(4 * MS), 1);
    ck_assert(!wakes_loop);
    sweep_after(1 * MS);
    ck_assert(wakes_loop);
    end_theirs(&pairs[0]);
    ck_assert_double_eq(sweep_after(0), 1); /* took none, and is planned for what may come */
    sweep_after(4 * MS);
    ck_assert(wakes_loop);
}
END_TEST

START_TEST(sockets_are_counted_once_a_sweep_took_them_in)
{
    ck_assert_uint_eq(lingering.count, 0);
    add(2);
    ck_assert_uint_eq(lingering.count, 0);
    sweep_first_time();
    ck_assert_uint_eq(lingering.count, 2);
    end_theirs(&pairs[0]);
    sweep_after(4 * MS);
    ck_assert_uint_eq(lingering.count, 1);
    ck_assert(lingering_evict(&lingering));
    ck_assert_uint_eq(lingering.count, 0);
}
END_TEST

START_TEST(after_a_change_there_is_less_room_and_the_oldest_are_closed)
{
    add(3);
    sweep_first_time();
    lingering.max = 2;
    lingering.seconds = SECONDS;
    assert_open(0, 3);
    sweep_after(4 * MS);
    assert_closed(0, 1);
    assert_open(1, 3);
    ck_assert_uint_eq(lingering.count, 2);
}
END_TEST

START_TEST(after_a_change_there_is_more_room)
{
    lingering.max = PAIRS;
    lingering.seconds = SECONDS;
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
    lingering.max = MOST;
    lingering.seconds = SECONDS + 1;
    sweep_after(SECONDS - 0.5);
    assert_open(0, 1);
    lingering.max = MOST;
    lingering.seconds = SECONDS;
    sweep_after(0);
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
    tcase_add_test(tcase, not_looked_at_before_4_ms);
    tcase_add_test(tcase, swept_when_the_first_is_4_ms_old);
    tcase_add_test(tcase, swept_no_sooner_than_after_a_millisecond);
    tcase_add_test(tcase, one_that_stays_is_watched);
    tcase_add_test(tcase, nothing_is_polled_while_a_sweep_is_planned);
    tcase_add_test(tcase, many_that_end_at_once_are_closed_in_a_few_sweeps);
    tcase_add_test(tcase, one_that_cannot_be_watched_stays_until_its_time_is_over);
    tcase_add_test(tcase, without_epoll_there_are_no_lingering_sockets);
    tcase_add_test(tcase, surplus_octets_are_discarded);
    tcase_add_test(tcase, surplus_octets_do_not_cost_the_peer_its_reply);
    tcase_add_test(tcase, what_came_is_read_before_the_oldest_is_closed);
    tcase_add_test(tcase, a_peer_that_sends_without_end_gets_sixteen_reads_a_sweep);
    tcase_add_test(tcase, one_that_begins_to_be_watched_gets_no_second_look);
    tcase_add_test(tcase, a_signal_is_not_the_end_of_file);
    tcase_add_test(tcase, closed_at_its_seconds_and_not_before);
    tcase_add_test(tcase, closed_at_its_seconds_though_the_peer_drips);
    tcase_add_test(tcase, each_has_its_own_time);
    tcase_add_test(tcase, without_room_the_oldest_are_closed);
    tcase_add_test(tcase, the_oldest_are_those_that_came_first);
    tcase_add_test(tcase, evict_closes_the_oldest_for_its_descriptor);
    tcase_add_test(tcase, end_closes_the_rest);
    tcase_add_test(tcase, evict_also_takes_what_the_workers_left_last);
    tcase_add_test(tcase, the_next_socket_wakes_the_loop_if_no_sweep_is_planned);
    tcase_add_test(tcase, sockets_are_counted_once_a_sweep_took_them_in);
    tcase_add_test(tcase, after_a_change_there_is_less_room_and_the_oldest_are_closed);
    tcase_add_test(tcase, after_a_change_there_is_more_room);
    tcase_add_test(tcase, a_changed_time_applies_to_the_sockets_that_linger);
    return suite;
}
