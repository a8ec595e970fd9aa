/* SPDX-License-Identifier: MIT */
/* The load: what it counts, when it begins exchanges, and how it ends. */
#include <config.h>

#include "client/load.h"
#include "common/checked.h"
#include "support.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define SERVERS 2
#define KEPT 64

enum then { THEN_CLOSES, THEN_RESETS, THEN_STAYS };

/* A server for one connection after the other, in a thread. */
struct server {
    int listening;
    pthread_t thread;
    size_t wants; /* octets that it reads first */
    const char *reply;
    size_t length;
    bool drips; /* each octet of the reply by itself */
    enum then then;
    atomic_uint served;
    char came[64]; /* what the last client sent */
    int kept[KEPT];
};

static struct server servers[SERVERS];
static struct address addresses[SERVERS];
static struct question question;
static struct load_plan plan;
static struct load *load;
static struct load_result result;

static void reply(struct server *server, struct ends *connection)
{
    const int on = 1;
    if (server->drips)
        setsockopt(connection->theirs, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    size_t step = server->drips ? 1 : server->length;
    for (size_t at = 0; at < server->length; at += step)
        write_octets(connection->theirs, server->reply + at, step);
    if (server->then == THEN_RESETS)
        reset_theirs(connection);
}

/* It ends when the listening socket is shut down. */
static void *serve(void *argument)
{
    struct server *server = argument;
    struct ends connection = {.ours = -1};
    int end;
    while ((connection.theirs = accept(server->listening, NULL, NULL)) >= 0) {
        read_to_end(connection.theirs, server->came, server->wants, &end);
        reply(server, &connection);
        unsigned served = atomic_load(&server->served);
        if (server->then == THEN_STAYS && served < KEPT)
            server->kept[served] = connection.theirs;
        else
            close_theirs(&connection);
        atomic_store(&server->served, served + 1);
    }
    return NULL;
}

static void start_server(const char *octets, size_t length, enum then then)
{
    struct server *server = &servers[plan.server_count];
    server->wants = WIRE_OCTETS;
    server->reply = octets;
    server->length = length;
    server->then = then;
    server->listening = bound_socket(&addresses[plan.server_count++], 128);
    CHECKED(pthread_create(&server->thread, NULL, serve, server));
}

static void stop_server(struct server *server)
{
    shutdown(server->listening, SHUT_RDWR);
    CHECKED(pthread_join(server->thread, NULL));
    close(server->listening);
    server->listening = 0;
    for (unsigned i = 0; server->then == THEN_STAYS && i < server->served && i < KEPT; i++)
        close(server->kept[i]);
}

static void prepare(void)
{
    memset(servers, 0, sizeof servers);
    question = (struct question){.message = WIRE_GREETING, .expect = WIRE_REPLY, .timeout = 60};
    plan = (struct load_plan){.parallel = 1, .question = &question, .servers = addresses};
}

static void stop_servers(void)
{
    for (int i = 0; i < SERVERS; i++)
        if (servers[i].listening > 0)
            stop_server(&servers[i]);
}

static void clean_up(void)
{
    stop_servers();
    free(result.tallies);
    result.tallies = NULL;
}

static void begin(void)
{
    load = load_start(&plan);
    ck_assert_ptr_nonnull(load);
}

static void finish(void)
{
    load_join(load, &result);
    load_free(load);
    stop_servers();
}

static void run(void)
{
    begin();
    finish();
}

static void wait_until_served(unsigned count)
{
    while (atomic_load(&servers[0].served) < count)
        sched_yield();
}

static void assert_counts(uint64_t right, uint64_t wrong, uint64_t lost, uint64_t local)
{
    const struct tally *tally = &result.tallies[0];
    ck_assert_uint_eq(tally->classes[CLASS_RIGHT], right);
    ck_assert_uint_eq(tally->classes[CLASS_WRONG], wrong);
    ck_assert_uint_eq(tally->classes[CLASS_LOST], lost);
    ck_assert_uint_eq(tally->classes[CLASS_LOCAL], local);
    ck_assert_uint_eq(tally->sent, right + wrong + lost);
    ck_assert_uint_eq(tally->times.histogram.total, right);
    ck_assert_uint_eq(tally->unfinished, 0);
}

/* Fail unless all failures are of one kind. */
static void assert_failures(enum result kind, enum phase phase, int error, uint64_t count)
{
    const struct tally *tally = &result.tallies[0];
    ck_assert_uint_eq(tally->failure_count, 1);
    ck_assert_int_eq(tally->failures[0].verdict.result, kind);
    ck_assert_int_eq(tally->failures[0].verdict.phase, phase);
    ck_assert_int_eq(tally->failures[0].verdict.error, error);
    ck_assert_uint_eq(tally->failures[0].count, count);
}

static void start_right_server(void)
{
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
}

START_TEST(exactly_as_many_exchanges_as_the_count)
{
    start_right_server();
    plan.parallel = (unsigned)_i;
    plan.count = 100;
    run();
    assert_counts(100, 0, 0, 0);
    ck_assert_uint_eq(servers[0].served, 100);
    ck_assert_uint_eq(result.threads, _i > 1 ? 2 : 1);
    ck_assert_uint_eq(result.not_begun, 0);
    ck_assert_uint_eq(result.service.histogram.total, 0);
    ck_assert_int_ge(result.elapsed, (int64_t)result.tallies[0].times.histogram.most);
    ck_assert_double_eq_tol(result.rate * (double)result.elapsed / 1e9, 100, 0.01);
}
END_TEST

START_TEST(no_more_at_once_than_there_are)
{
    start_right_server();
    plan.parallel = 1000000;
    plan.count = 1;
    run();
    assert_counts(1, 0, 0, 0);
    ck_assert_uint_eq(result.threads, 1);
}
END_TEST

START_TEST(no_socket_is_left_open)
{
    int before = dup(0);
    close(before);
    plan.parallel = 20;
    plan.count = 30;
    start_right_server();
    run();
    int after = dup(0);
    close(after);
    ck_assert_int_eq(after, before);
}
END_TEST

START_TEST(none_begins_after_the_duration)
{
    start_right_server();
    plan.parallel = 4;
    plan.duration = 0.02;
    run();
    assert_counts(servers[0].served, 0, 0, 0);
    ck_assert_uint_eq(result.not_begun, 0);
}
END_TEST

/* Otherwise one that ends late would make a fast server look slow. */
START_TEST(the_rate_is_of_the_time_before_the_end)
{
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_STAYS);
    plan.parallel = 2;
    plan.duration = 0.3;
    question.timeout = 1;
    run();
    assert_counts(2, 0, 0, 0);
    ck_assert_int_ge(result.elapsed, SECOND);
    ck_assert_double_ge(result.rate, 2 / 0.31);
}
END_TEST

START_TEST(what_has_been_done_can_be_seen_meanwhile)
{
    start_server(WIRE_REPLY, 5, THEN_CLOSES);
    plan.parallel = 2;
    begin();
    while (load_progress(load).done < 10)
        sched_yield();
    ck_assert_uint_ge(load_progress(load).errors, 9);
    load_stop(load);
    load_join(load, &result);
    struct load_progress progress = load_progress(load);
    ck_assert_uint_eq(progress.done, result.tallies[0].sent);
    ck_assert_uint_eq(progress.errors, result.tallies[0].sent);
    load_free(load);
}
END_TEST

START_TEST(servers_are_asked_in_turn)
{
    start_right_server();
    start_server("Farewell, Client", WIRE_OCTETS, THEN_CLOSES);
    plan.count = 21;
    run();
    assert_counts(11, 0, 0, 0);
    ck_assert_uint_eq(result.tallies[1].classes[CLASS_WRONG], 10);
    ck_assert_uint_eq(result.tallies[1].sent, 10);
}
END_TEST

START_TEST(each_thread_asks_each_server)
{
    start_right_server();
    start_right_server();
    plan.parallel = 8;
    plan.count = 400;
    run();
    ck_assert_uint_eq(
        result.tallies[0].classes[CLASS_RIGHT] + result.tallies[1].classes[CLASS_RIGHT], 400);
    ck_assert_uint_ge(result.tallies[0].sent, 199);
    ck_assert_uint_ge(result.tallies[1].sent, 199);
}
END_TEST

START_TEST(a_header_goes_before_the_message)
{
    start_right_server();
    servers[0].wants = 6 + WIRE_OCTETS;
    question.header = "PROXY\n";
    question.header_length = 6;
    plan.count = 1;
    run();
    assert_counts(1, 0, 0, 0);
    ck_assert_mem_eq(servers[0].came, "PROXY\n" WIRE_GREETING, 6 + WIRE_OCTETS);
}
END_TEST

START_TEST(descriptors_for_all_at_once)
{
    struct rlimit usual;
    need(getrlimit(RLIMIT_NOFILE, &usual) == 0, "limits");
    const struct rlimit few = {.rlim_cur = 64, .rlim_max = usual.rlim_max};
    need(setrlimit(RLIMIT_NOFILE, &few) == 0, "a low limit");
    struct rlimit limit;
    plan.parallel = 200;
    start_right_server();
    begin();
    load_stop(load);
    finish();
    need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "limits");
    setrlimit(RLIMIT_NOFILE, &usual);
    ck_assert_uint_ge(limit.rlim_cur, 200);
    ck_assert_uint_le(limit.rlim_cur, limit.rlim_max);
}
END_TEST

START_TEST(right_an_octet_after_the_other)
{
    start_right_server();
    servers[0].drips = true;
    plan.count = 20;
    run();
    assert_counts(20, 0, 0, 0);
}
END_TEST

START_TEST(right_where_the_kernel_takes_a_part)
{
    IO_SCRIPT({.times = 2, .most = 5});
    start_right_server();
    plan.count = 1;
    run();
    assert_counts(1, 0, 0, 0);
    ck_assert_mem_eq(servers[0].came, WIRE_GREETING, WIRE_OCTETS);
}
END_TEST

START_TEST(right_where_the_handshake_takes_time)
{
    IO_SCRIPT({.error = EAGAIN});
    start_right_server();
    plan.count = 1;
    run();
    assert_counts(1, 0, 0, 0);
}
END_TEST

START_TEST(silent_the_reply_and_then_no_end_of_file)
{
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_STAYS);
    question.timeout = 1;
    plan.parallel = 3;
    plan.count = 3;
    run();
    assert_counts(3, 0, 0, 0);
    ck_assert_uint_lt(result.tallies[0].times.histogram.most, SECOND);
    ck_assert_int_ge(result.elapsed, SECOND);
}
END_TEST

START_TEST(differs_sixteen_other_octets)
{
    start_server("Farewell, Client", WIRE_OCTETS, THEN_STAYS);
    plan.count = 1;
    run();
    assert_counts(0, 1, 0, 0);
    assert_failures(RESULT_DIFFERS, PHASE_RECEIVE, 0, 1);
}
END_TEST

START_TEST(more_a_seventeenth_octet)
{
    start_server(WIRE_REPLY "\n", WIRE_OCTETS + 1, THEN_STAYS);
    servers[0].drips = _i > 0;
    plan.count = 1;
    run();
    assert_counts(0, 1, 0, 0);
    assert_failures(RESULT_MORE, PHASE_CLOSE, 0, 1);
}
END_TEST

START_TEST(end_of_file_after_0_to_15_octets)
{
    start_server(WIRE_REPLY, (size_t)_i, THEN_CLOSES);
    plan.count = 2;
    run();
    assert_counts(0, _i > 0 ? 2 : 0, _i > 0 ? 0 : 2, 0);
    assert_failures(RESULT_EOF, PHASE_RECEIVE, 0, 2);
}
END_TEST

START_TEST(failed_reset_before_the_reply)
{
    start_server("", 0, THEN_RESETS);
    plan.count = 2;
    run();
    assert_counts(0, 0, 2, 0);
    assert_failures(RESULT_FAILED, PHASE_RECEIVE, ECONNRESET, 2);
}
END_TEST

/* A reset is no end of file, even if it arrives with the reply. */
START_TEST(failed_reset_after_the_reply)
{
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_RESETS);
    plan.count = 50;
    run();
    assert_counts(0, 50, 0, 0);
    assert_failures(RESULT_FAILED, PHASE_CLOSE, ECONNRESET, 50);
}
END_TEST

START_TEST(failed_the_peer_is_gone_when_we_send)
{
    IO_SCRIPT({.error = EPIPE});
    start_right_server();
    plan.count = 1;
    run();
    assert_counts(0, 0, 1, 0);
    assert_failures(RESULT_FAILED, PHASE_SEND, EPIPE, 1);
}
END_TEST

START_TEST(failed_nothing_listens_so_connect_is_refused)
{
    int fd = bound_socket(&addresses[0], -1);
    plan.server_count = 1;
    plan.parallel = 3;
    plan.count = 1000;
    run();
    close(fd);
    assert_counts(0, 0, 1000, 0);
    assert_failures(RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 1000);
}
END_TEST

START_TEST(failed_no_way_there)
{
    addresses[0] = numeric_address("255.255.255.255", "1060");
    plan.server_count = 1;
    plan.count = 2;
    run();
    assert_counts(0, 0, 2, 0);
    ck_assert_int_eq(result.tallies[0].failures[0].verdict.result, RESULT_FAILED);
    ck_assert_int_eq(result.tallies[0].failures[0].verdict.phase, PHASE_CONNECT);
}
END_TEST

START_TEST(failed_a_family_that_this_host_does_not_have)
{
    addresses[0] = (struct address){.u.any.sa_family = AF_UNSPEC, .length = sizeof addresses->u};
    plan.server_count = 1;
    plan.count = 1;
    run();
    assert_counts(0, 0, 1, 0);
    assert_failures(RESULT_FAILED, PHASE_CONNECT, EAFNOSUPPORT, 1);
}
END_TEST

START_TEST(timeout_no_reply)
{
    start_server(WIRE_REPLY, (size_t)_i, THEN_STAYS);
    question.timeout = 0.5;
    plan.parallel = 4;
    plan.count = 4;
    run();
    assert_counts(0, _i > 0 ? 4 : 0, _i > 0 ? 0 : 4, 0);
    assert_failures(RESULT_TIMEOUT, PHASE_RECEIVE, 0, 4);
    ck_assert_int_ge(result.elapsed, SECOND / 2);
}
END_TEST

/* On Linux a queue for 0 holds one connection; other handshakes are dropped. */
START_TEST(timeout_the_handshake_is_not_answered)
{
    int listening = bound_socket(&addresses[0], 0);
    int first = socket(AF_INET, SOCK_STREAM, 0);
    need(connect(first, &addresses[0].u.any, addresses[0].length) == 0, "a full queue");
    wait_readable(listening);
    plan.server_count = 1;
    plan.count = 1;
    question.timeout = 0.05;
    run();
    close(first);
    close(listening);
    assert_counts(0, 0, 1, 0);
    assert_failures(RESULT_TIMEOUT, PHASE_CONNECT, 0, 1);
}
END_TEST

/* After a failure to bind or to watch a socket, the next try is not at once. */
START_TEST(local_nothing_leaves_this_host)
{
    start_right_server();
    plan.count = 3;
    no_watches = _i > 0;
    question.source.count = 1;
    if (_i == 0)
        question.source.first = numeric_address("192.0.2.1", "0");
    run();
    assert_counts(0, 0, 0, 3);
    assert_failures(RESULT_LOCAL, _i > 0 ? PHASE_RECEIVE : PHASE_CONNECT,
                    _i > 0 ? ENOSPC : EADDRNOTAVAIL, 3);
    ck_assert_int_ge(result.elapsed, SECOND / 50);
}
END_TEST

START_TEST(starts_are_scheduled)
{
    start_right_server();
    plan.parallel = 10;
    plan.rate = 1000;
    plan.count = 30;
    int64_t before = clock_nanoseconds();
    run();
    ck_assert_int_ge(clock_nanoseconds() - before, 29 * SECOND / 1000);
    assert_counts(30, 0, 0, 0);
    ck_assert_uint_eq(result.service.histogram.total, 30);
    ck_assert_uint_eq(result.not_begun, 0);
}
END_TEST

/* Both are due at once, and there is a slot for one: the other waits while the first runs. */
START_TEST(a_start_that_waits_counts_from_when_it_was_due)
{
    start_right_server();
    plan.rate = 1e6;
    plan.count = 2;
    run();
    assert_counts(2, 0, 0, 0);
    ck_assert_double_ge(2 * result.tallies[0].times.mean + 1000,
                        2 * result.service.mean + (double)result.service.least);
}
END_TEST

START_TEST(starts_without_a_slot_are_reported)
{
    start_server("", 0, THEN_STAYS);
    plan.parallel = 2;
    plan.rate = 1000;
    plan.duration = 0.05;
    question.timeout = 0.2;
    run();
    ck_assert_uint_eq(result.tallies[0].sent + result.not_begun, 50);
    ck_assert_uint_ge(result.not_begun, 48);
}
END_TEST

START_TEST(there_are_no_starts_after_the_count)
{
    start_server("", 0, THEN_STAYS);
    plan.rate = 1000;
    plan.duration = 0.05;
    plan.count = 10;
    question.timeout = 0.2;
    run();
    ck_assert_uint_eq(result.tallies[0].sent + result.not_begun, 10);
}
END_TEST

START_TEST(a_stop_lets_those_under_way_end)
{
    start_right_server();
    plan.parallel = 4;
    plan.rate = _i > 0 ? 5000 : 0;
    begin();
    wait_until_served(20);
    load_stop(load);
    load_stop(load);
    finish();
    assert_counts(servers[0].served, 0, 0, 0);
}
END_TEST

START_TEST(a_stop_ends_the_wait_for_a_start)
{
    start_right_server();
    plan.rate = 0.001;
    begin();
    wait_until_served(1);
    load_stop(load);
    finish();
    assert_counts(1, 0, 0, 0);
    ck_assert_uint_eq(result.not_begun, 0);
}
END_TEST

START_TEST(a_cut_ends_those_under_way)
{
    start_server("", 0, THEN_STAYS);
    plan.parallel = 4;
    begin();
    wait_until_served(4);
    load_stop(load);
    load_cut(load);
    finish();
    assert_counts(0, 0, 4, 0);
    assert_failures(RESULT_TIMEOUT, PHASE_RECEIVE, 0, 4);
}
END_TEST

/* Two calls of send(2), and two of recv(2). */
START_TEST(a_cut_leaves_whole_replies_right)
{
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_STAYS);
    plan.parallel = 2;
    begin();
    while (io_calls() < 4)
        sched_yield();
    load_cut(load);
    finish();
    assert_counts(2, 0, 0, 0);
}
END_TEST

START_TEST(no_load_without_threads)
{
    start_right_server();
    threads_left = _i;
    plan.parallel = 4;
    ck_assert_ptr_null(load_start(&plan));
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_uint_eq(servers[0].served, 0);
}
END_TEST

START_TEST(no_load_without_descriptors)
{
    start_right_server();
    no_epoll = true;
    ck_assert_ptr_null(load_start(&plan));
    ck_assert_int_eq(errno, EMFILE);
}
END_TEST

static TCase *add_load_case(Suite *suite, const char *name)
{
    TCase *tcase = add_case(suite, name, NULL);
    tcase_add_checked_fixture(tcase, prepare, clean_up);
    return tcase;
}

static void add_verdicts(TCase *tcase)
{
    tcase_add_test(tcase, right_an_octet_after_the_other);
    tcase_add_test(tcase, right_where_the_kernel_takes_a_part);
    tcase_add_test(tcase, right_where_the_handshake_takes_time);
    tcase_add_test(tcase, silent_the_reply_and_then_no_end_of_file);
    tcase_add_test(tcase, differs_sixteen_other_octets);
    tcase_add_loop_test(tcase, more_a_seventeenth_octet, 0, 2);
    tcase_add_loop_test(tcase, end_of_file_after_0_to_15_octets, 0, WIRE_OCTETS);
    tcase_add_test(tcase, failed_reset_before_the_reply);
    tcase_add_test(tcase, failed_reset_after_the_reply);
    tcase_add_test(tcase, failed_the_peer_is_gone_when_we_send);
    tcase_add_test(tcase, failed_nothing_listens_so_connect_is_refused);
    tcase_add_test(tcase, failed_no_way_there);
    tcase_add_test(tcase, failed_a_family_that_this_host_does_not_have);
    tcase_add_loop_test(tcase, timeout_no_reply, 0, 2);
    tcase_add_test(tcase, timeout_the_handshake_is_not_answered);
    tcase_add_loop_test(tcase, local_nothing_leaves_this_host, 0, 2);
}

Suite *load_suite(void)
{
    Suite *suite = suite_create("load");
    TCase *closed = add_load_case(suite, "load, closed loop");
    tcase_add_loop_test(closed, exactly_as_many_exchanges_as_the_count, 1, 6);
    tcase_add_test(closed, no_more_at_once_than_there_are);
    tcase_add_test(closed, no_socket_is_left_open);
    tcase_add_test(closed, none_begins_after_the_duration);
    tcase_add_test(closed, the_rate_is_of_the_time_before_the_end);
    tcase_add_test(closed, what_has_been_done_can_be_seen_meanwhile);
    tcase_add_test(closed, servers_are_asked_in_turn);
    tcase_add_test(closed, each_thread_asks_each_server);
    tcase_add_test(closed, a_header_goes_before_the_message);
    tcase_add_test(closed, descriptors_for_all_at_once);

    add_verdicts(add_load_case(suite, "load, verdicts"));

    TCase *open = add_load_case(suite, "load, open loop");
    tcase_add_test(open, starts_are_scheduled);
    tcase_add_test(open, a_start_that_waits_counts_from_when_it_was_due);
    tcase_add_test(open, starts_without_a_slot_are_reported);
    tcase_add_test(open, there_are_no_starts_after_the_count);

    TCase *ends_of_it = add_load_case(suite, "load, its end");
    tcase_add_loop_test(ends_of_it, a_stop_lets_those_under_way_end, 0, 2);
    tcase_add_test(ends_of_it, a_stop_ends_the_wait_for_a_start);
    tcase_add_test(ends_of_it, a_cut_ends_those_under_way);
    tcase_add_test(ends_of_it, a_cut_leaves_whole_replies_right);
    tcase_add_loop_test(ends_of_it, no_load_without_threads, 0, 2);
    tcase_add_test(ends_of_it, no_load_without_descriptors);
    return suite;
}
