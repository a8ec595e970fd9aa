/* SPDX-License-Identifier: MIT */
/* Acceptors: what they do with connections and with the errors of accept(2), and how the main loop
 * reaches them wherever they wait. The test is the main loop. */
#include <config.h>

#include "log_support.h"
#include "server/connection/acceptor.h"
#include "server/connection/listeners.h"
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

#define MS 0.001
#define HOUR 3600
#define PEERS 4
#define ALWAYS 1000000 /* as often as accept4(2) is called */

static struct settings *settings;
static struct settings *others; /* other settings, which tests apply later */
static struct monitor monitor;
static struct admission admission;
static struct workers workers;
static struct acceptors acceptors;
static struct lingering lingering;
static struct listener listener;
static struct stats before;
static int peers[PEERS];

static void begin(void)
{
    log_configure(false, LOG_DAEMON, LOG_WARNING);
    settings = new_settings();
    others = new_settings();
    count_blocked_signals(ACCEPTOR_SIGNAL);
    need(monitor_init(&monitor) == 0, "a monitor");
    admission = (struct admission){.monitor = &monitor};
    workers_init(&workers, &monitor);
    acceptors = (struct acceptors){.monitor = &monitor};
    acceptors.admission = &admission;
    acceptors.workers = &workers;
    need(lingering_init(&lingering, &workers) == 0, "lingering sockets");
    lingering.max = PEERS;
    lingering.seconds = HOUR;
    workers_set_idle_timeout(&workers, HOUR);
    listener = (struct listener){0};
    listener.fd = bound_socket(&listener.bound, PEERS);
    for (size_t i = 0; i < PEERS; i++)
        peers[i] = -1;
    stats_read(&before);
}

/* Do what the main loop does in each turn. */
static enum acceptors_state tend(void)
{
    int64_t wait = NEVER;
    return acceptors_tend(&acceptors, &lingering, &wait);
}

/* Returns ACCEPTORS_FAILED if one of them met a bug, and otherwise ACCEPTORS_ANSWERED. */
static enum acceptors_state wait_answered(void)
{
    enum acceptors_state state;
    while ((state = tend()) == ACCEPTORS_CALLED)
        sched_yield();
    return state;
}

static void call(void)
{
    acceptors_call_roll(&acceptors);
    ck_assert_int_eq(wait_answered(), ACCEPTORS_ANSWERED);
}

/* Make the acceptor end, and wait until it has. */
static void end_acceptor(struct listener *whose)
{
    while (!acceptor_end(whose, true)) {
        (void)wait_answered();
        sched_yield();
    }
    ck_assert_ptr_null(whose->acceptor);
}

/* Wait until the acceptor has ended, without making it. */
static void wait_ended(void)
{
    while (!acceptor_end(&listener, false))
        sched_yield();
}

static void end(void)
{
    accept_fails(0, 0);
    acceptors_cut(&acceptors);
    end_acceptor(&listener);
    while (!workers_are_done(&workers))
        sched_yield();
    lingering_end(&lingering);
    io_reset(); /* a clock that stands at another time misleads idle workers */
    workers_end(&workers);
    monitor_destroy(&monitor);
    for (size_t i = 0; i < PEERS; i++)
        if (peers[i] >= 0)
            close(peers[i]);
    close(listener.fd);
    settings_unref(settings);
    settings_unref(others);
}

/* Start an acceptor that does not begin, or let the one that there is go on. */
static void prepare(struct listener *whose)
{
    ck_assert_int_eq(acceptor_start(&acceptors, whose), 0);
}

static void start(void)
{
    prepare(&listener);
    acceptors_apply(&acceptors, settings);
}

/* The peer is queued, or accepted, when its connect(2) returns. */
static void connect_peer_to(const struct listener *to, size_t index)
{
    peers[index] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(peers[index] >= 0 && connect(peers[index], &to->bound.u.any, to->bound.length) == 0,
         "a connection");
}

static void connect_peer(size_t index)
{
    connect_peer_to(&listener, index);
}

static void greet(size_t index)
{
    write_octets(peers[index], WIRE_GREETING, WIRE_OCTETS);
}

static void assert_ends_with(size_t index, const char *expected, size_t count)
{
    const struct ends pair = {.theirs = peers[index]};
    assert_theirs_end_with(&pair, expected, count);
}

static void assert_answered(size_t index)
{
    assert_ends_with(index, WIRE_REPLY, WIRE_OCTETS);
}

static void assert_served_at(const struct listener *at, size_t index)
{
    connect_peer_to(at, index);
    greet(index);
    assert_answered(index);
}

static void assert_served(size_t index)
{
    assert_served_at(&listener, index);
}

static uint64_t accepted(void)
{
    struct stats now;
    stats_read(&now);
    return now.accepted - before.accepted;
}

static uint64_t outcomes(enum outcome outcome)
{
    struct stats now;
    stats_read(&now);
    return now.outcomes[outcome] - before.outcomes[outcome];
}

/* A connection is closed before it is reported. */
static void wait_outcome(enum outcome outcome, uint64_t count)
{
    while (outcomes(outcome) < count)
        sched_yield();
    ck_assert_uint_eq(outcomes(outcome), count);
}

static size_t active(void)
{
    struct gauges gauges;
    workers_gauges(&workers, &gauges);
    return gauges.active;
}

static void wait_active(size_t count)
{
    while (active() != count)
        sched_yield();
}

static void wait_accepts(unsigned count)
{
    while (accepts() < count)
        sched_yield();
}

/* Return how often accept(2) failed with the error of this name, as in errno(3). */
static uint64_t errors(const char *name)
{
    struct stats stats = {0};
    size_t i = 0;
    acceptors_count_errors(&acceptors, &stats);
    while (i < stats.accept_errors && strcmp(stats.accept_error[i].name, name) != 0)
        i++;
    ck_assert_uint_lt(i, stats.accept_errors);
    return stats.accept_error[i].count;
}

static uint64_t all_errors(void)
{
    struct stats stats = {0};
    uint64_t count = 0;
    acceptors_count_errors(&acceptors, &stats);
    for (size_t i = 0; i < stats.accept_errors; i++)
        count += stats.accept_error[i].count;
    return count;
}

static void wait_errors(const char *name, uint64_t count)
{
    while (errors(name) < count)
        sched_yield();
}

/* Wait until an acceptor wakes the main loop. */
static void wait_wake(void)
{
    eventfd_t count;
    wait_readable(monitor.wake_fd);
    need(eventfd_read(monitor.wake_fd, &count) == 0, "a wake-up");
}

/* Start the acceptor, which meets a shortage and pauses until the clock is moved and it is called.
 * The clock stands an hour from now, and waits are by the real one. */
static void start_in_pause(void)
{
    clock_stop();
    clock_move(HOUR);
    accept_fails(ENOBUFS, 1);
    start();
    wait_errors("ENOBUFS", 1);
}

static void end_pause(void)
{
    clock_move(1);
    call();
}

/* Start the acceptor with one slot, and let it accept two peers: the first is served but silent,
 * and the second waits for the slot. */
static void start_without_slot(void)
{
    settings->limits.connections = others->limits.connections = 1;
    start();
    connect_peer(0);
    wait_active(1);
    connect_peer(1);
    wait_wake(); /* for the warning */
    ck_assert_uint_eq(accepted(), 2);
    ck_assert_uint_eq(active(), 1);
}

START_TEST(a_connection_is_served)
{
    start();
    for (size_t i = 0; i < PEERS; i++)
        assert_served(i);
    ck_assert_uint_eq(accepted(), PEERS);
    ck_assert_uint_eq(all_errors(), 0);
}
END_TEST

START_TEST(what_is_queued_at_the_start_is_served)
{
    for (size_t i = 0; i < PEERS; i++) {
        connect_peer(i);
        greet(i);
    }
    start();
    for (size_t i = 0; i < PEERS; i++)
        assert_answered(i);
}
END_TEST

/* Open another listener, with an acceptor that does not begin. */
static struct listener *prepare_second(void)
{
    static struct listener second;
    second = (struct listener){0};
    second.fd = bound_socket(&second.bound, 1);
    prepare(&second);
    return &second;
}

static struct listener *start_second(void)
{
    struct listener *second = prepare_second();
    acceptors_apply(&acceptors, settings);
    return second;
}

static void end_second(struct listener *second)
{
    end_acceptor(second);
    close(second->fd);
}

START_TEST(each_of_two_listeners_has_its_acceptor)
{
    start();
    struct listener *second = start_second();
    ck_assert_ptr_ne(listener.acceptor, second->acceptor);
    end_acceptor(&listener);
    ck_assert(!acceptor_end(second, false));
    assert_served_at(second, 0);
    end_second(second);
}
END_TEST

static void queue_all(void)
{
    for (size_t i = 0; i < PEERS; i++) {
        connect_peer(i);
        greet(i);
    }
}

static void assert_untouched(void)
{
    for (int i = 0; i < 3; i++)
        call();
    ck_assert_uint_eq(listener_queue(&listener, &(unsigned){0}), PEERS);
    ck_assert_uint_eq(accepted(), 0);
}

START_TEST(one_that_is_started_accepts_nothing_before_the_settings_are_applied)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    queue_all();
    prepare(&listener);
    assert_untouched();
    ck_assert_uint_eq(accepts(), 0);
    prepare(&listener); /* which changes nothing */
    assert_untouched();
    ck_assert_uint_eq(accepts(), 0);
    acceptors_apply(&acceptors, settings);
    for (size_t i = 0; i < PEERS; i++)
        assert_answered(i);
}
END_TEST

/* The settings of the others are not those with which its listener was opened. */
START_TEST(one_that_is_started_later_waits_for_the_next_settings)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    start();
    struct listener *second = prepare_second();
    connect_peer_to(second, 0);
    greet(0);
    assert_served(1);
    call();
    ck_assert_uint_eq(listener_queue(second, &(unsigned){0}), 1);
    ck_assert_uint_eq(accepted(), 1);
    memcpy(others->reply, "another reply...", WIRE_OCTETS);
    acceptors_apply(&acceptors, others);
    assert_ends_with(0, "another reply...", WIRE_OCTETS);
    end_second(second);
}
END_TEST

START_TEST(one_that_never_began_ends_and_leaves_the_queue)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    queue_all();
    prepare(&listener);
    if (_i > 0)
        assert_untouched(); /* it waits in the monitor by now */
    ck_assert(!acceptor_end(&listener, false));
    ck_assert(acceptor_end(&listener, true));
    ck_assert_ptr_null(listener.acceptor);
    acceptors_apply(&acceptors, settings);
    prepare(&listener); /* another one, which does not begin either */
    assert_untouched();
    ck_assert_uint_eq(accepts(), 0);
}
END_TEST

START_TEST(an_acceptor_has_a_small_stack)
{
    start();
    long least = sysconf(_SC_THREAD_STACK_MIN);
    ck_assert_uint_eq(thread_stack(), least > 65536 ? (size_t)least : 65536);
}
END_TEST

/* Its acceptor is the first thing that can fail. */
START_TEST(a_listener_whose_acceptor_has_ended_is_kept_with_another_one)
{
    char text[ADDRESS_TEXT];
    const char *texts[] = {address_format(&listener.bound, text)};
    struct listeners all = {.acceptors = &acceptors, .count = 1, .list = {&listener}};
    listener.asked = listener.bound;
    set_listen(others, texts, 1);
    start();
    listener_stop_accepting(&listener);
    int64_t quiet_from = listener.quiet_from;
    ck_assert(!acceptor_end(&listener, true));
    ck_assert_int_eq(wait_answered(), ACCEPTORS_ANSWERED);
    wait_wake();
    threads_left = 0;
    ck_assert_int_eq(listeners_change(&all, settings, others), -1);
    ck_assert_int_eq(listener.quiet_from, quiet_from);
    ck_assert_ptr_null(listener.acceptor);
    ck_assert_ptr_nonnull(strstr(logged_text(), ": Resource temporarily unavailable\n"));
    threads_left = 2;
    ck_assert_int_eq(listeners_change(&all, settings, others), 0);
    ck_assert_int_eq(listener.quiet_from, 0);
    ck_assert_ptr_nonnull(listener.acceptor);
    acceptors_apply(&acceptors, others);
    assert_served(0);
}
END_TEST

static const struct {
    enum outcome outcome;
    const char *denied;
    int per_source;
} refusals[] = {{OUTCOME_DENIED, "127.0.0.0/8", 0}, {OUTCOME_LIMITED, NULL, 1}};

START_TEST(a_refused_peer_gets_no_octet_and_the_next_one_is_served)
{
    set_prefixes(&others->access.deny, &refusals[_i].denied, refusals[_i].denied != NULL);
    others->limits.per_source = refusals[_i].per_source;
    start();
    acceptors_apply(&acceptors, others);
    connect_peer(0);
    if (refusals[_i].denied == NULL) {
        wait_active(1); /* the first one from that source */
        connect_peer(1);
        assert_ends_with(1, "", 0);
    } else {
        assert_ends_with(0, "", 0);
    }
    wait_outcome(refusals[_i].outcome, 1);
    acceptors_apply(&acceptors, settings);
    assert_served(2);
}
END_TEST

START_TEST(a_connection_without_a_thread_fails_and_causes_a_pause)
{
    start();
    wait_accepts(1);
    clock_stop();
    clock_move(HOUR);
    threads_left = 0;
    connect_peer(0);
    assert_ends_with(0, "", 0);
    wait_outcome(OUTCOME_FAILED, 1);
    threads_left = 1;
    connect_peer(1);
    greet(1);
    call();
    call();
    ck_assert_uint_eq(accepts(), 1);
    end_pause();
    assert_answered(1);
}
END_TEST

START_TEST(a_connection_without_memory_for_its_source_fails_and_is_warned_of)
{
    start();
    wait_accepts(1);
    io_fail(FAULT_MEMORY, 0, 1, ENOMEM);
    connect_peer(0);
    assert_ends_with(0, "", 0);
    wait_outcome(OUTCOME_FAILED, 1);
    call(); /* it has logged the outcome, too */
    (void)acceptors_warn(&acceptors, true);
    const char *warning = strstr(logged_text(), "\nwarning ");
    ck_assert_ptr_nonnull(warning);
    ck_assert_str_eq(
        warning, "\nwarning cannot accept connections, pausing: Cannot allocate memory count=1\n");
}
END_TEST

START_TEST(an_acceptor_without_a_thread_is_an_error)
{
    threads_left = 0;
    ck_assert_int_eq(acceptor_start(&acceptors, &listener), EAGAIN);
    ck_assert_ptr_null(listener.acceptor);
    ck_assert(acceptor_end(&listener, false));
    ck_assert(acceptor_end(&listener, true));
}
END_TEST

/* It goes on until `now` is set. */
START_TEST(end_joins_one_that_ends_and_does_not_end_it)
{
    start();
    for (size_t i = 0; i < 2; i++) {
        ck_assert(!acceptor_end(&listener, false));
        call();
        assert_served(i);
    }
    ck_assert(!acceptor_end(&listener, true));
    ck_assert_int_eq(wait_answered(), ACCEPTORS_ANSWERED);
    wait_ended();
    ck_assert_ptr_null(listener.acceptor);
    ck_assert(acceptor_end(&listener, true));
}
END_TEST

START_TEST(one_in_accept4_ends_and_wakes_the_main_loop)
{
    start();
    wait_accepts(1);
    ck_assert(!acceptor_end(&listener, true));
    ck_assert_int_eq(wait_answered(), ACCEPTORS_ANSWERED);
    wait_wake();
    wait_ended();
    ck_assert_uint_eq(all_errors(), 0);
}
END_TEST

START_TEST(one_in_a_pause_ends_and_leaves_the_queue_of_an_adopted_listener)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    listener.adopted = true;
    start_in_pause();
    connect_peer(0);
    call();
    ck_assert(!acceptor_end(&listener, false));
    end_acceptor(&listener);
    ck_assert_uint_eq(listener_queue(&listener, &(unsigned){0}), 1);
    ck_assert_uint_eq(accepted(), 0);
}
END_TEST

START_TEST(one_in_a_pause_empties_the_queue_of_another_listener_and_ends)
{
    start_in_pause();
    for (size_t i = 0; i < 3; i++) {
        connect_peer(i);
        greet(i);
    }
    end_acceptor(&listener);
    for (size_t i = 0; i < 3; i++)
        assert_answered(i);
    ck_assert_uint_eq(accepted(), 3);
}
END_TEST

START_TEST(the_connection_that_was_accepted_last_is_served_before_the_end)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    listener.adopted = true;
    start_without_slot();
    greet(1);
    ck_assert(!acceptor_end(&listener, true));
    call();
    connect_peer(2);
    ck_assert(!acceptor_end(&listener, true));
    greet(0);
    assert_answered(0);
    assert_answered(1);
    wait_ended();
    ck_assert_uint_eq(listener_queue(&listener, &(unsigned){0}), 1);
}
END_TEST

START_TEST(start_lets_one_go_on_that_had_to_end)
{
    start_without_slot();
    const struct acceptor *acceptor = listener.acceptor;
    ck_assert(!acceptor_end(&listener, true));
    prepare(&listener); /* needs no new settings */
    ck_assert_ptr_eq(listener.acceptor, acceptor);
    greet(0);
    greet(1);
    assert_answered(0);
    assert_answered(1);
    assert_served(2);
    ck_assert(!acceptor_end(&listener, false));
}
END_TEST

START_TEST(start_replaces_one_that_has_ended)
{
    start();
    ck_assert(!acceptor_end(&listener, true));
    ck_assert_int_eq(wait_answered(), ACCEPTORS_ANSWERED);
    wait_wake();
    start();
    assert_served(0);
}
END_TEST

START_TEST(without_a_call_none_is_interrupted)
{
    int64_t wait = 12345;
    ck_assert_int_eq(acceptors_tend(&acceptors, &lingering, &wait), ACCEPTORS_ANSWERED);
    start();
    wait_accepts(1);
    ck_assert_int_eq(acceptors_tend(&acceptors, &lingering, &wait), ACCEPTORS_ANSWERED);
    ck_assert_int_eq(wait, 12345);
    ck_assert_int_eq(signals_counted(), 0);
}
END_TEST

/* It cannot answer before it is interrupted. */
START_TEST(one_in_accept4_is_interrupted_until_it_answers)
{
    int64_t wait = NEVER;
    start();
    wait_accepts(1);
    acceptors_call_roll(&acceptors);
    ck_assert_int_eq(acceptors_tend(&acceptors, &lingering, &wait), ACCEPTORS_CALLED);
    ck_assert_int_gt(wait, 0);
    ck_assert_int_le(wait, 5000000);
    ck_assert_int_eq(wait_answered(), ACCEPTORS_ANSWERED);
    ck_assert_int_gt(signals_counted(), 0);
    for (int i = 0; i < 3; i++)
        call();
    ck_assert_uint_eq(all_errors(), 0);
    assert_served(0);
}
END_TEST

START_TEST(one_in_a_pause_answers_and_stays_there)
{
    start_in_pause();
    connect_peer(0);
    greet(0);
    for (int i = 0; i < 3; i++)
        call();
    ck_assert_uint_eq(accepts(), 1);
    end_pause();
    assert_answered(0);
}
END_TEST

START_TEST(one_that_waits_for_a_slot_answers_and_gets_the_slot)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    start_without_slot();
    connect_peer(2);
    greet(1);
    greet(2);
    for (int i = 0; i < 3; i++)
        call();
    ck_assert_uint_eq(accepted(), 2); /* the third is still queued */
    ck_assert_uint_eq(listener_queue(&listener, &(unsigned){0}), 1);
    ck_assert_uint_eq(active(), 1);
    greet(0);
    for (size_t i = 0; i < 3; i++)
        assert_answered(i);
    wait_outcome(OUTCOME_OK, 3);
}
END_TEST

/* It is called between its accept4(2) and its wait. */
START_TEST(one_that_begins_to_wait_after_the_call_answers)
{
    settings->limits.connections = 1;
    settings->timeouts.exchange = HOUR;
    start();
    connect_peer(0);
    wait_active(1);
    accept_holds = true;
    connect_peer(1);
    while (listener_queue(&listener, &(unsigned){0}) > 0)
        sched_yield();
    acceptors_call_roll(&acceptors);
    accept_holds = false;
    ck_assert_int_eq(wait_answered(), ACCEPTORS_ANSWERED);
    ck_assert_uint_eq(active(), 1);
}
END_TEST

/* The time of a connection begins with its slot. */
START_TEST(the_wait_for_a_slot_is_not_the_connection_s_time)
{
    clock_stop();
    start_without_slot();
    clock_move(HOUR);
    greet(1);
    end_theirs(&(struct ends){.theirs = peers[0]});
    assert_answered(1);
}
END_TEST

START_TEST(settings_are_those_of_the_moment_after_accept4)
{
    start();
    wait_accepts(1);
    memcpy(others->reply, "another reply...", WIRE_OCTETS);
    acceptors_apply(&acceptors, others);
    connect_peer(0);
    greet(0);
    assert_ends_with(0, "another reply...", WIRE_OCTETS);
}
END_TEST

START_TEST(a_raised_limit_reaches_one_that_waits_for_a_slot)
{
    start_without_slot();
    others->limits.connections = 2;
    acceptors_apply(&acceptors, others);
    greet(1);
    assert_answered(1);
    wait_active(1);
}
END_TEST

START_TEST(refuse_reaches_one_that_waits_for_a_slot)
{
    start_without_slot();
    (void)acceptors_warn(&acceptors, true);
    assert_logged("warning limits.connections reached; new connections wait in the queue; "
                  "127.0.0.1/32 holds the most, 1; raise limits.connections or lower "
                  "limits.per_source count=1\n");
    others->limits.when_full = WHEN_FULL_REFUSE;
    acceptors_apply(&acceptors, others);
    assert_ends_with(1, "", 0);
    wait_outcome(OUTCOME_LIMITED, 1);
    (void)acceptors_warn(&acceptors, true);
    assert_logged("warning limits.connections reached; new connections are refused; "
                  "127.0.0.1/32 holds the most, 1; raise limits.connections or lower "
                  "limits.per_source count=1\n");
    connect_peer(2); /* no longer waits for a slot */
    assert_ends_with(2, "", 0);
    wait_outcome(OUTCOME_LIMITED, 2);
    greet(0);
    assert_answered(0);
}
END_TEST

START_TEST(cut_refuses_the_one_that_waits_for_a_slot_and_those_after_it)
{
    start_without_slot();
    connect_peer(2);
    acceptors_cut(&acceptors);
    for (size_t i = 0; i < 3; i++)
        assert_ends_with(i, "", 0);
    wait_outcome(OUTCOME_SLOW, 1);
    wait_outcome(OUTCOME_LIMITED, 2);
    ck_assert_uint_eq(accepted(), 3);
    ck_assert(!acceptor_end(&listener, false));
}
END_TEST

/* The slot does not come free, because the socket of the first is not shut down. */
START_TEST(cut_does_not_wait_for_a_slot)
{
    start_without_slot();
    while (io_calls() < 2) /* the try, and then the recv that waits */
        sched_yield();
    IO_SCRIPT({.error = ENOTCONN});
    acceptors_cut(&acceptors);
    assert_ends_with(1, "", 0);
    wait_outcome(OUTCOME_LIMITED, 1);
    ck_assert_uint_eq(active(), 1);
    greet(0);
    assert_answered(0);
}
END_TEST

START_TEST(one_that_cut_refuses_is_not_warned_of)
{
    settings->limits.when_full = _i == 0 ? WHEN_FULL_WAIT : WHEN_FULL_REFUSE;
    settings->limits.per_source = 1;
    start();
    acceptors_cut(&acceptors);
    for (size_t i = 0; i < 2; i++) {
        connect_peer(i);
        assert_ends_with(i, "", 0);
    }
    wait_outcome(OUTCOME_LIMITED, 2);
    ck_assert_int_eq(acceptors_warn(&acceptors, true), NEVER);
    assert_logged("");
}
END_TEST

/* The acceptor would try thousands of times in this time, if it did not sleep. */
static void assert_sleeps(void)
{
    unsigned calls = accepts();
    int64_t until = clock_nanoseconds() + 20 * INT64_C(1000000);
    while (clock_nanoseconds() < until)
        sched_yield();
    ck_assert_uint_le(accepts(), calls + 10);
}

/* Its owner made it non-blocking, and may still use it. */
START_TEST(a_listener_that_does_not_block_is_waited_for)
{
    need(fcntl(listener.fd, F_SETFL, O_NONBLOCK) == 0, "a non-blocking socket");
    start();
    wait_accepts(1);
    call();
    assert_sleeps();
    for (size_t i = 0; i < PEERS; i++)
        assert_served(i);
    ck_assert_uint_eq(all_errors(), 0);
    end_acceptor(&listener);
}
END_TEST

/* Serve the first `count` peers, whose sockets then linger. Their workers wake the main loop once.
 */
static void let_linger(size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_served(i);
    if (count > 0)
        wait_wake();
    wait_active(0);
    (void)lingering_sweep(&lingering);
    ck_assert_uint_eq(lingering.count, count);
}

/* Let the first `count` peers linger, and the acceptor wait for a connection without a descriptor
 * for it. accept4(2) needs the descriptor before there is a connection. */
static void start_without_descriptor(size_t count)
{
    start();
    let_linger(count);
    accept_fails(EMFILE, ALWAYS);
    call(); /* out of accept4() */
    call(); /* from poll(2) */
    assert_sleeps();
    clock_stop();
    clock_move(HOUR);
}

START_TEST(a_shortage_of_descriptors_that_meets_no_peer_is_not_counted)
{
    start_without_descriptor(1);
    ck_assert_uint_eq(all_errors(), 0);
    ck_assert_int_eq(tend(), ACCEPTORS_ANSWERED);
    ck_assert_uint_eq(lingering.count, 1);
    accept_fails(0, 0);
    call();
    assert_served(1);
    ck_assert_uint_eq(all_errors(), 0);
    (void)acceptors_warn(&acceptors, true);
    assert_logged("");
}
END_TEST

/* Let the first `count` peers linger, and the next one be queued without a descriptor for it. */
static void meet_without_descriptor(size_t count)
{
    start_without_descriptor(count);
    connect_peer(count);
    greet(count);
    wait_wake();
    ck_assert_uint_eq(errors("EMFILE"), 1);
}

/* Its pause ends early. */
START_TEST(a_shortage_of_descriptors_that_meets_a_peer_ends_a_lingering_socket)
{
    meet_without_descriptor(1);
    unsigned calls = accepts();
    acceptors_call_roll(&acceptors);
    ck_assert_uint_eq(accepts(), calls); /* it waits for one */
    accept_fails(0, 0);
    ck_assert_int_ne(tend(), ACCEPTORS_FAILED);
    ck_assert_uint_eq(lingering.count, 0);
    assert_answered(1);
    (void)acceptors_warn(&acceptors, true);
    assert_logged(""); /* no peer had to wait */
}
END_TEST

/* It is one for each error that was counted. */
START_TEST(a_descriptor_that_was_lost_to_another_thread_is_asked_for_again)
{
    meet_without_descriptor(PEERS - 1);
    for (size_t left = PEERS - 2; left > 0; left--) {
        (void)tend();
        ck_assert_uint_eq(lingering.count, left);
        wait_wake();
        ck_assert_uint_eq(errors("EMFILE"), PEERS - left);
    }
    accept_fails(0, 0);
    (void)tend();
    assert_answered(PEERS - 1);
    (void)acceptors_warn(&acceptors, true);
    assert_logged("");
}
END_TEST

/* Also the sockets that no sweep has taken from the workers are closed for it. */
START_TEST(a_socket_that_the_workers_left_last_is_ended_for_its_descriptor)
{
    start();
    assert_served(0);
    wait_wake(); /* of the worker */
    accept_fails(EMFILE, ALWAYS);
    clock_stop();
    clock_move(HOUR);
    call();
    connect_peer(1);
    wait_wake();
    ck_assert_uint_eq(errors("EMFILE"), 1);
    (void)tend();
    wait_wake();
    ck_assert_uint_eq(errors("EMFILE"), 2);
    (void)acceptors_warn(&acceptors, true);
    assert_logged("");
}
END_TEST

START_TEST(without_a_descriptor_to_free_there_is_a_pause_and_a_warning)
{
    meet_without_descriptor(0);
    unsigned calls = accepts();
    (void)tend();
    (void)acceptors_warn(&acceptors, false);
    assert_logged("warning cannot accept connections, pausing: Too many open files count=1\n");
    call();
    ck_assert_uint_eq(accepts(), calls);
    accept_fails(0, 0);
    end_pause();
    assert_answered(0);
}
END_TEST

/* The main loop may be slow to answer. */
START_TEST(one_that_asks_for_a_descriptor_tries_again_by_itself)
{
    meet_without_descriptor(0);
    accept_fails(0, 0);
    clock_move(101 * MS);
    acceptors_call_roll(&acceptors); /* and no tend() */
    assert_answered(0);
}
END_TEST

/* The pauses in milliseconds, each after a failure. */
static const int pauses[] = {1, 2, 4, 8, 16, 32, 64, 100, 100};

static void assert_pauses(uint64_t failures, double milliseconds)
{
    wait_errors("ENOMEM", failures);
    unsigned calls = accepts();
    clock_move((milliseconds - 0.01) * MS);
    call();
    ck_assert_uint_eq(accepts(), calls);
    clock_move(0.01 * MS);
    call();
}

START_TEST(pauses_double_with_each_failure_and_halve_with_each_connection)
{
    clock_stop();
    clock_move(HOUR);
    accept_fails(ENOMEM, COUNT(pauses));
    start();
    for (size_t i = 0; i < COUNT(pauses); i++)
        assert_pauses(i + 1, pauses[i]);
    assert_served(0);
    assert_served(1);
    accept_fails(ENOMEM, 1);
    call();                               /* out of accept4() */
    assert_pauses(COUNT(pauses) + 1, 50); /* 100, halved twice and doubled */
    assert_served(2);
}
END_TEST

START_TEST(each_acceptor_has_a_pause_of_its_own)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    start_in_pause();
    struct listener *second = start_second();
    connect_peer(0);
    greet(0);
    assert_served_at(second, 1);
    call();
    assert_served_at(second, 2);
    ck_assert_uint_eq(listener_queue(&listener, &(unsigned){0}), 1);
    end_pause();
    assert_answered(0);
    end_second(second);
}
END_TEST

/* The errors that accept(2) documents, and others. */
static const struct {
    const char *name;
    int number;
    enum { CONTINUES, ENDS_LINGERING, PAUSES, FAILS } effect;
} expected[] = {
    /* one connection, which is gone */
    {"ECONNABORTED", ECONNABORTED, CONTINUES},
    {"EPERM", EPERM, CONTINUES},
    {"EPROTO", EPROTO, CONTINUES},
    {"ENETDOWN", ENETDOWN, CONTINUES},
    {"ENOPROTOOPT", ENOPROTOOPT, CONTINUES},
    {"EHOSTDOWN", EHOSTDOWN, CONTINUES},
    {"ENONET", ENONET, CONTINUES},
    {"EHOSTUNREACH", EHOSTUNREACH, CONTINUES},
    {"ENETUNREACH", ENETUNREACH, CONTINUES},
    {"ETIMEDOUT", ETIMEDOUT, CONTINUES},
    /* no descriptor */
    {"EMFILE", EMFILE, ENDS_LINGERING},
    {"ENFILE", ENFILE, ENDS_LINGERING},
    /* no memory, or no network for a while */
    {"ENOBUFS", ENOBUFS, PAUSES},
    {"ENOMEM", ENOMEM, PAUSES},
    {"EOPNOTSUPP", EOPNOTSUPP, PAUSES},
    /* not a listening socket */
    {"EBADF", EBADF, FAILS},
    {"EINVAL", EINVAL, FAILS},
    {"ENOTSOCK", ENOTSOCK, FAILS},
    {"EFAULT", EFAULT, FAILS},
    /* any other */
    {"other", EIO, PAUSES},
    {"other", ENOSR, PAUSES},
    {"other", ESOCKTNOSUPPORT, PAUSES},
    {"other", EPROTONOSUPPORT, PAUSES},
    {"other", -1, PAUSES},
    {"other", 100000, PAUSES},
};

#define NAMES                                                                          \
    (COUNT(expected) - 5) /* those past the first of "other" have no name of their own \
                           */

static void assert_warned(int number)
{
    char line[128];
    snprintf(line, sizeof line, "warning cannot accept connections, pausing: %s count=1\n",
             strerror(number));
    (void)acceptors_warn(&acceptors, false);
    assert_logged(line);
}

static void assert_failed(int number)
{
    char line[128];
    snprintf(line, sizeof line, "crit cannot accept connections: %s\n", strerror(number));
    ck_assert_int_eq(tend(), ACCEPTORS_FAILED);
    assert_logged(line);
    ck_assert_int_eq(tend(), ACCEPTORS_ANSWERED);
}

START_TEST(each_error_is_counted_under_its_name_and_has_its_effect)
{
    int number = expected[_i].number;
    bool queues = expected[_i].effect == PAUSES || expected[_i].effect == FAILS;
    skip_unless(!queues || has_tcp_info(), "TCP_INFO");
    start();
    let_linger(1);
    end_acceptor(&listener);
    eventfd_t ignored;
    (void)eventfd_read(monitor.wake_fd, &ignored);
    clock_stop();
    clock_move(HOUR);
    connect_peer(1);
    greet(1);
    accept_fails(number, 1);
    start();
    wait_errors(expected[_i].name, 1);
    if (expected[_i].effect != CONTINUES)
        wait_wake();
    switch (expected[_i].effect) {
    case CONTINUES: break;
    case ENDS_LINGERING: ck_assert_int_eq(tend(), ACCEPTORS_ANSWERED); break;
    case PAUSES:
        assert_warned(number);
        call();
        ck_assert_uint_eq(listener_queue(&listener, &(unsigned){0}), 1);
        end_pause();
        break;
    case FAILS:
        wait_ended();
        assert_failed(number);
        ck_assert_uint_eq(listener_queue(&listener, &(unsigned){0}), 1);
        start();
        break;
    }
    assert_answered(1);
    ck_assert_uint_eq(errors(expected[_i].name), 1);
    ck_assert_uint_eq(all_errors(), 1);
    ck_assert_uint_eq(lingering.count, expected[_i].effect == ENDS_LINGERING ? 0 : 1);
    ck_assert_int_eq(tend(), ACCEPTORS_ANSWERED);
    (void)acceptors_warn(&acceptors, true);
    assert_logged("");
}
END_TEST

#define FREE 32 /* this many in a row cause no pause */
static const int repeated[] = {ECONNABORTED, EPERM, ETIMEDOUT, EINTR, EAGAIN};

START_TEST(an_error_that_comes_again_and_again_pauses_and_is_warned_of)
{
    clock_stop();
    clock_move(HOUR);
    connect_peer(0);
    greet(0);
    accept_fails(repeated[_i], FREE + 1);
    start();
    wait_wake();
    assert_warned(repeated[_i]);
    ck_assert_uint_eq(accepts(), FREE + 1);
    call();
    ck_assert_uint_eq(accepts(), FREE + 1);
    end_pause();
    assert_answered(0);
}
END_TEST

START_TEST(a_success_between_errors_of_single_connections_is_enough)
{
    clock_stop();
    clock_move(HOUR);
    for (size_t i = 0; i < PEERS; i++) {
        accept_fails(ECONNABORTED, FREE); /* the interruption by the call is none */
        if (i == 0)
            start();
        else
            call(); /* out of accept4() */
        assert_served(i);
    }
    ck_assert_uint_eq(errors("ECONNABORTED"), PEERS * FREE);
    (void)acceptors_warn(&acceptors, true);
    assert_logged("");
}
END_TEST

/* As signals from outside. */
START_TEST(signals_without_a_connection_are_no_failures)
{
    start();
    for (int i = 0; i < 2 * FREE; i++)
        call();
    assert_sleeps();
    assert_served(0);
    ck_assert_uint_eq(all_errors(), 0);
    (void)acceptors_warn(&acceptors, true);
    assert_logged("");
}
END_TEST

/* The errno of a bug is not that of a shortage that another acceptor met before or after it. */
START_TEST(a_bug_is_reported_once_its_acceptor_has_ended)
{
    struct listener *second = NULL;
    eventfd_t ignored;
    if (_i > 0) {
        start_in_pause();
        (void)eventfd_read(monitor.wake_fd, &ignored);
        accept_fails(EINVAL, 1);
        second = start_second();
        wait_wake();
        ck_assert(acceptor_end(second, false));
    } else {
        accept_fails(EINVAL, 1);
        start();
        wait_wake();
        ck_assert(acceptor_end(&listener, false));
        clock_stop();
        clock_move(HOUR);
        accept_fails(ENOBUFS, 1);
        second = start_second();
        wait_errors("ENOBUFS", 1);
    }
    assert_failed(EINVAL);
    assert_warned(ENOBUFS);
    end_second(second);
}
END_TEST

START_TEST(a_signal_is_not_counted)
{
    accept_fails(EINTR, 3);
    start();
    assert_served(0);
    ck_assert_uint_ge(accepts(), 4);
    ck_assert_uint_eq(all_errors(), 0);
}
END_TEST

START_TEST(errors_are_added_under_their_names)
{
    struct stats stats = {0};
    acceptors_count_errors(&acceptors, &stats);
    ck_assert_uint_eq(stats.accept_errors, NAMES);
    for (size_t i = 0; i < COUNT(expected); i++)
        ck_assert_uint_eq(errors(expected[i].name), 0);
    ck_assert_str_eq(stats.accept_error[NAMES - 1].name, "other");
}
END_TEST

static TCase *add_acceptor_case(Suite *suite, const char *name)
{
    TCase *tcase = add_case(suite, name, NULL);
    tcase_add_checked_fixture(tcase, log_capture, log_release);
    tcase_add_checked_fixture(tcase, begin, end);
    return tcase;
}

Suite *acceptor_suite(void)
{
    Suite *suite = suite_create("acceptor");
    TCase *tcase = add_acceptor_case(suite, "acceptors");
    tcase_add_test(tcase, a_connection_is_served);
    tcase_add_test(tcase, what_is_queued_at_the_start_is_served);
    tcase_add_test(tcase, each_of_two_listeners_has_its_acceptor);
    tcase_add_test(tcase, one_that_is_started_accepts_nothing_before_the_settings_are_applied);
    tcase_add_test(tcase, one_that_is_started_later_waits_for_the_next_settings);
    tcase_add_loop_test(tcase, one_that_never_began_ends_and_leaves_the_queue, 0, 2);
    tcase_add_test(tcase, an_acceptor_has_a_small_stack);
    tcase_add_test(tcase, a_listener_whose_acceptor_has_ended_is_kept_with_another_one);
    tcase_add_loop_test(tcase, a_refused_peer_gets_no_octet_and_the_next_one_is_served, 0,
                        COUNT(refusals));
    tcase_add_test(tcase, a_connection_without_a_thread_fails_and_causes_a_pause);
    tcase_add_test(tcase, a_connection_without_memory_for_its_source_fails_and_is_warned_of);
    tcase_add_test(tcase, an_acceptor_without_a_thread_is_an_error);
    tcase_add_test(tcase, end_joins_one_that_ends_and_does_not_end_it);
    tcase_add_test(tcase, one_in_accept4_ends_and_wakes_the_main_loop);
    tcase_add_test(tcase, one_in_a_pause_ends_and_leaves_the_queue_of_an_adopted_listener);
    tcase_add_test(tcase, one_in_a_pause_empties_the_queue_of_another_listener_and_ends);
    tcase_add_test(tcase, the_connection_that_was_accepted_last_is_served_before_the_end);
    tcase_add_test(tcase, start_lets_one_go_on_that_had_to_end);
    tcase_add_test(tcase, start_replaces_one_that_has_ended);
    tcase_add_test(tcase, without_a_call_none_is_interrupted);
    tcase_add_test(tcase, one_in_accept4_is_interrupted_until_it_answers);
    tcase_add_test(tcase, one_in_a_pause_answers_and_stays_there);
    tcase_add_test(tcase, one_that_waits_for_a_slot_answers_and_gets_the_slot);
    tcase_add_test(tcase, one_that_begins_to_wait_after_the_call_answers);
    tcase_add_test(tcase, the_wait_for_a_slot_is_not_the_connection_s_time);
    tcase_add_test(tcase, settings_are_those_of_the_moment_after_accept4);
    tcase_add_test(tcase, a_raised_limit_reaches_one_that_waits_for_a_slot);
    tcase_add_test(tcase, refuse_reaches_one_that_waits_for_a_slot);
    tcase_add_test(tcase, cut_refuses_the_one_that_waits_for_a_slot_and_those_after_it);
    tcase_add_test(tcase, cut_does_not_wait_for_a_slot);
    tcase_add_loop_test(tcase, one_that_cut_refuses_is_not_warned_of, 0, 2);

    tcase = add_acceptor_case(suite, "errors of accept(2)");
    tcase_add_test(tcase, a_listener_that_does_not_block_is_waited_for);
    tcase_add_test(tcase, a_shortage_of_descriptors_that_meets_no_peer_is_not_counted);
    tcase_add_test(tcase, a_shortage_of_descriptors_that_meets_a_peer_ends_a_lingering_socket);
    tcase_add_test(tcase, a_descriptor_that_was_lost_to_another_thread_is_asked_for_again);
    tcase_add_test(tcase, a_socket_that_the_workers_left_last_is_ended_for_its_descriptor);
    tcase_add_test(tcase, without_a_descriptor_to_free_there_is_a_pause_and_a_warning);
    tcase_add_test(tcase, one_that_asks_for_a_descriptor_tries_again_by_itself);
    tcase_add_test(tcase, pauses_double_with_each_failure_and_halve_with_each_connection);
    tcase_add_test(tcase, each_acceptor_has_a_pause_of_its_own);
    tcase_add_loop_test(tcase, each_error_is_counted_under_its_name_and_has_its_effect, 0,
                        COUNT(expected));
    tcase_add_loop_test(tcase, an_error_that_comes_again_and_again_pauses_and_is_warned_of, 0,
                        COUNT(repeated));
    tcase_add_test(tcase, a_success_between_errors_of_single_connections_is_enough);
    tcase_add_test(tcase, signals_without_a_connection_are_no_failures);
    tcase_add_loop_test(tcase, a_bug_is_reported_once_its_acceptor_has_ended, 0, 2);
    tcase_add_test(tcase, a_signal_is_not_counted);
    tcase_add_test(tcase, errors_are_added_under_their_names);
    return suite;
}
