/* SPDX-License-Identifier: MIT */
/* The main loop: why it returns, and the statistics that it adds. */
#include <config.h>

#include "log_support.h"
#include "server/connection/lingering_close.h"
#include "server/connection/loop.h"
#include "server/connection/workers.h"
#include "settings_support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* The gauges, or the real ones if `forced` is not set.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
static const struct gauges gauges = {
    .active = 3, .peak = 40, .lingering = 6, .workers = 5, .idle = 2};
static bool forced;
void __real_workers_gauges(struct workers *workers, struct gauges *to);
void __wrap_workers_gauges(struct workers *workers, struct gauges *to);

void __wrap_workers_gauges(struct workers *workers, struct gauges *to)
{
    __real_workers_gauges(workers, to);
    if (forced)
        *to = gauges;
}
/* NOLINTEND(bugprone-reserved-identifier) */

#define LISTENERS 2
#define ALWAYS 1000000 /* as often as accept4(2) is called */
#define MS INT64_C(1000000)

static struct listeners listeners;
static struct settings *settings;
static struct loop *loop;
static int signal_fd;
static int peers[LISTENERS];

static void begin(void)
{
    settings = new_settings();
    count_blocked_signals(ACCEPTOR_SIGNAL);
    signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    listeners = (struct listeners){.count = LISTENERS};
    for (size_t i = 0; i < listeners.count; i++) {
        listeners.list[i] = calloc(1, sizeof(struct listener));
        need(listeners.list[i] != NULL, "memory");
        listeners.list[i]->fd = bound_socket(&listeners.list[i]->bound, 3 + (int)i);
        listeners.list[i]->asked = listeners.list[i]->bound;
        address_format(&listeners.list[i]->bound, listeners.list[i]->name);
        peers[i] = -1;
    }
    log_configure(false, LOG_DAEMON, LOG_ERR);
    loop = loop_create(&listeners, signal_fd);
    need(signal_fd >= 0 && loop != NULL, "a main loop");
}

static void end(void)
{
    forced = false;
    accept_fails(0, 0);
    loop_drain(loop, 0);
    while (loop_run(loop, NEVER) != LOOP_DRAINED)
        continue;
    loop_destroy(loop);
    listeners_close(&listeners);
    close(signal_fd);
    for (size_t i = 0; i < LISTENERS; i++)
        if (peers[i] >= 0)
            close(peers[i]);
    settings_unref(settings);
}

static void assert_listener(const struct stats *stats, size_t place, size_t index, unsigned limit)
{
    char text[ADDRESS_TEXT];
    const struct listener_stats *listener = &stats->listener[place];
    ck_assert_str_eq(listener->address, address_format(&listeners.list[index]->bound, text));
    ck_assert_uint_eq(listener->queued, 0);
    ck_assert_uint_eq(listener->limit, limit);
}

START_TEST(gauges_listeners_and_accept_errors_are_added)
{
    static struct stats stats;
    static struct stats counters;
    skip_unless(has_tcp_info(), "TCP_INFO");
    stats_accepted();
    stats_read(&counters);
    stats_read(&stats);
    forced = true;
    loop_add_stats(loop, &stats);
    ck_assert_uint_eq(stats.accepted, counters.accepted);
    ck_assert_mem_eq(stats.outcomes, counters.outcomes, sizeof stats.outcomes);
    ck_assert_mem_eq(&stats.gauges, &gauges, sizeof gauges);
    ck_assert_uint_eq(stats.accept_errors, 20);
    ck_assert_str_eq(stats.accept_error[0].name, "ECONNABORTED");
    ck_assert_uint_eq(stats.accept_error[0].count, 0);
    ck_assert_str_eq(stats.accept_error[19].name, "other");
    ck_assert_uint_eq(stats.listeners, 2);
    assert_listener(&stats, 0, 0, 3);
    assert_listener(&stats, 1, 1, 4);
}
END_TEST

START_TEST(without_connections_the_gauges_are_zero)
{
    static struct stats stats;
    static const struct gauges zero;
    loop_add_stats(loop, &stats);
    ck_assert_mem_eq(&stats.gauges, &zero, sizeof zero);
}
END_TEST

START_TEST(a_listener_that_stopped_accepting_is_not_added_and_an_address_is_added_once)
{
    static struct stats stats;
    skip_unless(has_tcp_info(), "TCP_INFO");
    listeners.list[0]->quiet_from = 1;
    listeners.list[2] = listeners.list[1];
    listeners.count = 3;
    loop_add_stats(loop, &stats);
    listeners.list[0]->quiet_from = 0;
    listeners.count = 2;
    ck_assert_uint_eq(stats.listeners, 1);
    assert_listener(&stats, 0, 1, 2 * 4);
}
END_TEST

static void connect_peer_to(const struct listener *to, size_t index)
{
    const struct address *address = &to->bound;
    peers[index] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(peers[index] >= 0 && connect(peers[index], &address->u.any, address->length) == 0,
         "a connection");
}

static void connect_peer(size_t index)
{
    connect_peer_to(listeners.list[index], index);
}

static void greet(size_t index)
{
    write_octets(peers[index], WIRE_GREETING, WIRE_OCTETS);
}

/* Then end the peer's side. */
static void assert_answered(size_t index)
{
    const struct ends pair = {.theirs = peers[index]};
    assert_theirs_end_with(&pair, WIRE_REPLY, WIRE_OCTETS);
    end_theirs(&pair);
}

static void start(void)
{
    ck_assert_int_eq(loop_start(loop, settings), 0);
}

static const struct stats *read_stats(void)
{
    static struct stats stats;
    memset(&stats, 0, sizeof stats);
    loop_add_stats(loop, &stats);
    return &stats;
}

static size_t active(void)
{
    return read_stats()->gauges.active;
}

static void run_for_a_while(void)
{
    ck_assert_int_eq(loop_run(loop, clock_nanoseconds() + MS), LOOP_TIMER);
}

/* Start with one slot. The first peer has it, and the second one waits to be accepted, or for the
 * slot. */
static void start_with_one_slot(void)
{
    settings->limits.connections = 1;
    start();
    connect_peer(0);
    while (active() == 0)
        run_for_a_while();
    connect_peer(1);
}

START_TEST(each_listener_accepts_after_the_start)
{
    start();
    for (size_t i = 0; i < LISTENERS; i++) {
        ck_assert_ptr_nonnull(listeners.list[i]->acceptor);
        connect_peer(i);
        greet(i);
        assert_answered(i);
    }
}
END_TEST

/* As many threads as the first `_i` listeners need. */
START_TEST(a_start_without_threads_closes_every_listener)
{
    int fds[LISTENERS];
    for (size_t i = 0; i < LISTENERS; i++)
        fds[i] = listeners.list[i]->fd;
    threads_left = _i;
    char line[128];
    char text[ADDRESS_TEXT];
    snprintf(line, sizeof line,
             "crit cannot start a thread for the listener at %s: Resource temporarily "
             "unavailable\n",
             address_format(&listeners.list[_i]->bound, text));
    ck_assert_int_eq(loop_start(loop, settings), -1);
    assert_logged(line);
    ck_assert_uint_eq(listeners.count, 0);
    for (size_t i = 0; i < LISTENERS; i++)
        ck_assert(!is_open(fds[i]));
}
END_TEST

START_TEST(it_returns_at_the_instant_and_for_a_signal)
{
    int64_t until = clock_nanoseconds() + 20 * MS;
    start();
    ck_assert_int_eq(loop_run(loop, until), LOOP_TIMER);
    ck_assert_int_ge(clock_nanoseconds(), until);
    ck_assert_int_eq(loop_run(loop, until), LOOP_TIMER);
    need(eventfd_write(signal_fd, 1) == 0, "a signal");
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_SIGNAL);
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_SIGNAL);
    eventfd_t count;
    need(eventfd_read(signal_fd, &count) == 0, "the signal");
    ck_assert_int_eq(loop_run(loop, clock_nanoseconds() + MS), LOOP_TIMER);
}
END_TEST

START_TEST(a_check_is_answered_once)
{
    start();
    loop_check(loop);
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_ALIVE);
    ck_assert_int_eq(loop_run(loop, clock_nanoseconds()), LOOP_TIMER);
    loop_check(loop);
    loop_check(loop);
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_ALIVE);
    ck_assert_int_eq(loop_run(loop, clock_nanoseconds()), LOOP_TIMER);
}
END_TEST

START_TEST(a_call_is_answered_once)
{
    start();
    loop_call(loop);
    loop_call(loop);
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_CALLED);
    ck_assert_int_eq(loop_run(loop, clock_nanoseconds()), LOOP_TIMER);
}
END_TEST

START_TEST(a_bug_that_accept_reports_ends_the_loop)
{
    accept_fails(EINVAL, 1);
    start();
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_FAILED);
    assert_logged("crit cannot accept connections: Invalid argument\n");
}
END_TEST

/* Its acceptor ends first, and the others go on. */
START_TEST(a_listener_that_stopped_accepting_is_closed)
{
    int fd = listeners.list[0]->fd;
    const struct listener *other = listeners.list[1];
    start();
    listener_stop_accepting(listeners.list[0]);
    int64_t quiet_from = listeners.list[0]->quiet_from;
    while (listeners.count == LISTENERS) {
        ck_assert(is_open(fd));
        run_for_a_while();
    }
    ck_assert_int_ge(clock_nanoseconds(), quiet_from);
    ck_assert(!is_open(fd));
    ck_assert_uint_eq(listeners.count, 1);
    ck_assert_ptr_eq(listeners.list[0], other);
    connect_peer(0);
    greet(0);
    assert_answered(0);
}
END_TEST

/* The acceptor is in a pause, and then accepts. */
START_TEST(what_is_queued_is_served_before_its_listener_is_closed)
{
    const struct listener *stopped = listeners.list[0];
    skip_unless(has_tcp_info(), "TCP_INFO");
    accept_fails(ENOBUFS, ALWAYS);
    start();
    connect_peer(0);
    greet(0);
    listener_stop_accepting(listeners.list[0]);
    while (clock_nanoseconds() < stopped->quiet_from + 20 * MS)
        run_for_a_while();
    ck_assert_uint_eq(listeners.count, LISTENERS);
    ck_assert_uint_eq(listener_queue(stopped, &(unsigned){0}), 1);
    accept_fails(0, 0);
    while (listeners.count == LISTENERS)
        run_for_a_while();
    assert_answered(0);
}
END_TEST

START_TEST(what_is_queued_at_an_adopted_listener_is_left_to_its_next_owner)
{
    const struct listener next = {.fd = fcntl(listeners.list[0]->fd, F_DUPFD_CLOEXEC, 0)};
    skip_unless(has_tcp_info(), "TCP_INFO");
    need(next.fd >= 0, "a descriptor");
    listeners.list[0]->adopted = true;
    accept_fails(ENOBUFS, ALWAYS);
    start();
    connect_peer(0);
    listener_stop_accepting(listeners.list[0]);
    while (listeners.count == LISTENERS)
        run_for_a_while();
    ck_assert_uint_eq(listener_queue(&next, &(unsigned){0}), 1);
    close(next.fd);
}
END_TEST

static struct settings *settings_to_listen_at(const char *text)
{
    struct settings *other = new_settings();
    set_listen(other, &text, 1);
    return other;
}

static void wait_for_one_listener(void)
{
    while (listeners.count > 1)
        run_for_a_while();
    connect_peer(0);
    greet(0);
    assert_answered(0);
}

START_TEST(a_new_address_gets_an_acceptor)
{
    struct settings *other = settings_to_listen_at("127.0.0.1:0");
    start();
    ck_assert_int_eq(listeners_change(&listeners, settings, other), 0);
    loop_apply(loop, other);
    ck_assert_uint_eq(listeners.count, LISTENERS + 1);
    const struct listener *opened = listeners.list[LISTENERS];
    wait_for_one_listener();
    ck_assert_ptr_eq(listeners.list[0], opened);
    loop_apply(loop, settings);
    settings_unref(other);
}
END_TEST

START_TEST(an_address_that_comes_back_keeps_its_acceptor)
{
    char text[ADDRESS_TEXT];
    const struct listener *back = listeners.list[1];
    struct settings *other = settings_to_listen_at("127.0.0.1:0");
    struct settings *again = settings_to_listen_at(address_format(&back->bound, text));
    start();
    const struct acceptor *acceptor = back->acceptor;
    ck_assert_int_eq(listeners_change(&listeners, settings, other), 0);
    run_for_a_while();
    ck_assert_int_eq(listeners_change(&listeners, other, again), 0);
    wait_for_one_listener();
    ck_assert_ptr_eq(listeners.list[0], back);
    ck_assert_ptr_eq(back->acceptor, acceptor);
    settings_unref(other);
    settings_unref(again);
}
END_TEST

/* It had to end, but first serves the connection that it holds. */
START_TEST(an_address_that_comes_back_late_keeps_its_acceptor)
{
    char text[ADDRESS_TEXT];
    const struct listener *back = listeners.list[1];
    struct settings *other = settings_to_listen_at("127.0.0.1:0");
    struct settings *again = settings_to_listen_at(address_format(&back->bound, text));
    other->limits.connections = again->limits.connections = 1;
    start_with_one_slot();
    const struct acceptor *acceptor = back->acceptor;
    ck_assert_int_eq(listeners_change(&listeners, settings, other), 0);
    loop_apply(loop, other);
    while (listeners.count > LISTENERS || clock_nanoseconds() <= back->quiet_from)
        run_for_a_while();
    run_for_a_while();
    ck_assert_int_eq(listeners_change(&listeners, other, again), 0);
    loop_apply(loop, again);
    for (size_t i = 0; i < LISTENERS; i++) {
        greet(i);
        assert_answered(i);
    }
    close(peers[0]);
    wait_for_one_listener();
    ck_assert_ptr_eq(listeners.list[0], back);
    ck_assert_ptr_eq(back->acceptor, acceptor);
    loop_apply(loop, settings);
    settings_unref(other);
    settings_unref(again);
}
END_TEST

/* The first new listener has an acceptor by now, but does not listen before all have. */
static void connect_to_the_first_new_one(void)
{
    const struct address *address = &listeners.list[LISTENERS]->bound;
    peers[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(peers[0], &address->u.any, address->length), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
}

START_TEST(a_listener_of_a_refused_reload_accepts_nothing)
{
    const char *texts[] = {"127.0.0.1:0", "127.0.0.2:0"};
    struct settings *other = new_settings();
    set_listen(other, texts, COUNT(texts));
    start();
    threads_left = 1;
    before_no_thread = connect_to_the_first_new_one;
    ck_assert_int_eq(listeners_change(&listeners, settings, other), -1);
    ck_assert_int_ge(peers[0], 0);
    ck_assert_uint_eq(listeners.count, LISTENERS);
    settings_unref(other);
}
END_TEST

START_TEST(a_reload_without_a_thread_changes_nothing)
{
    struct settings *other = settings_to_listen_at("127.0.0.1:0");
    start();
    threads_left = 0;
    ck_assert_int_eq(listeners_change(&listeners, settings, other), -1);
    ck_assert_ptr_nonnull(strstr(logged_text(), ": Resource temporarily unavailable\n"));
    ck_assert_uint_eq(listeners.count, LISTENERS);
    threads_left = LISTENERS;
    for (size_t i = 0; i < LISTENERS; i++) {
        connect_peer(i);
        greet(i);
        assert_answered(i);
    }
    settings_unref(other);
}
END_TEST

START_TEST(a_drain_serves_what_is_accepted_and_active)
{
    start_with_one_slot();
    loop_drain(loop, 60);
    while (listeners.count == LISTENERS)
        run_for_a_while();
    ck_assert_uint_eq(active(), 1);
    for (size_t i = 0; i < LISTENERS; i++) {
        greet(i);
        assert_answered(i);
    }
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_DRAINED);
    ck_assert_uint_eq(listeners.count, 0);
    ck_assert_uint_eq(active(), 0);
}
END_TEST

START_TEST(a_drain_cuts_what_is_left_when_its_time_is_over)
{
    start_with_one_slot();
    loop_drain(loop, 3600);
    loop_drain(loop, 0.02);
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_DRAINED);
    ck_assert_uint_eq(listeners.count, 0);
    ck_assert_uint_eq(active(), 0);
    for (size_t i = 0; i < LISTENERS; i++) {
        char octet;
        int reason;
        ck_assert_uint_eq(read_to_end(peers[i], &octet, 1, &reason), 0);
    }
}
END_TEST

/* As a close of the listener does. */
START_TEST(a_drain_resets_what_is_queued_when_its_time_is_over)
{
    char octet;
    int reason;
    accept_fails(ENOBUFS, ALWAYS);
    start();
    connect_peer(0);
    loop_drain(loop, 0.02);
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_DRAINED);
    ck_assert_uint_eq(read_to_end(peers[0], &octet, 1, &reason), 0);
    ck_assert_int_eq(reason, ECONNRESET);
}
END_TEST

START_TEST(a_shortage_of_descriptors_ends_a_lingering_connection)
{
    start();
    connect_peer(0);
    greet(0);
    const struct ends pair = {.theirs = peers[0]};
    assert_theirs_end_with(&pair, WIRE_REPLY, WIRE_OCTETS); /* and the peer's side stays open */
    while (read_stats()->gauges.lingering == 0)
        run_for_a_while();
    accept_fails(EMFILE, ALWAYS);
    loop_check(loop);
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_ALIVE);
    connect_peer(1);
    while (read_stats()->accept_error[11].count == 0)
        sched_yield();
    ck_assert_str_eq(read_stats()->accept_error[11].name, "EMFILE");
    accept_fails(0, 0);
    run_for_a_while();
    ck_assert_uint_eq(read_stats()->gauges.lingering, 0);
    greet(1);
    assert_answered(1);
}
END_TEST

Suite *loop_suite(void)
{
    Suite *suite = suite_create("loop");
    TCase *tcase = add_case(suite, "loop_add_stats", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    TCase *run = add_case(suite, "loop_run", NULL);
    tcase_add_checked_fixture(run, log_capture, log_release);
    tcase_add_checked_fixture(run, begin, end);
    tcase_add_test(run, each_listener_accepts_after_the_start);
    tcase_add_loop_test(run, a_start_without_threads_closes_every_listener, 0, LISTENERS);
    tcase_add_test(run, it_returns_at_the_instant_and_for_a_signal);
    tcase_add_test(run, a_check_is_answered_once);
    tcase_add_test(run, a_call_is_answered_once);
    tcase_add_test(run, a_bug_that_accept_reports_ends_the_loop);
    tcase_add_test(run, a_listener_that_stopped_accepting_is_closed);
    tcase_add_test(run, what_is_queued_is_served_before_its_listener_is_closed);
    tcase_add_test(run, what_is_queued_at_an_adopted_listener_is_left_to_its_next_owner);
    tcase_add_test(run, a_new_address_gets_an_acceptor);
    tcase_add_test(run, an_address_that_comes_back_keeps_its_acceptor);
    tcase_add_test(run, an_address_that_comes_back_late_keeps_its_acceptor);
    tcase_add_test(run, a_listener_of_a_refused_reload_accepts_nothing);
    tcase_add_test(run, a_reload_without_a_thread_changes_nothing);
    tcase_add_test(run, a_drain_serves_what_is_accepted_and_active);
    tcase_add_test(run, a_drain_cuts_what_is_left_when_its_time_is_over);
    tcase_add_test(run, a_drain_resets_what_is_queued_when_its_time_is_over);
    tcase_add_test(run, a_shortage_of_descriptors_ends_a_lingering_connection);
    tcase_add_test(tcase, gauges_listeners_and_accept_errors_are_added);
    tcase_add_test(tcase, without_connections_the_gauges_are_zero);
    tcase_add_test(tcase,
                   a_listener_that_stopped_accepting_is_not_added_and_an_address_is_added_once);
    return suite;
}
