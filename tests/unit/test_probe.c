/* SPDX-License-Identifier: MIT */
/* The client's exchange: each result, and the phase in which it occurs. */
#include <config.h>

#include "client/probe.h"
#include "common/checked.h"
#include "support.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum then { THEN_CLOSES, THEN_RESETS, THEN_STAYS };

/* A server for one connection, in a thread. */
static struct {
    struct address address;
    int listening;
    pthread_t thread;
    const char *reply;
    size_t length;
    enum then then;
    char message[WIRE_OCTETS]; /* what was received, and from where */
    struct address peer;
} server;

static struct probe probe;
static struct question question;

static void *serve(void *argument)
{
    char more;
    int end;
    struct ends connection = {.ours = -1};
    server.peer.length = sizeof server.peer.u;
    connection.theirs = accept(server.listening, &server.peer.u.any, &server.peer.length);
    need(connection.theirs >= 0, "the client's connection");
    read_to_end(connection.theirs, server.message, WIRE_OCTETS, &end);
    write_octets(connection.theirs, server.reply, server.length);
    if (server.then == THEN_RESETS)
        reset_theirs(&connection);
    if (server.then == THEN_STAYS)
        read_to_end(connection.theirs, &more, 1, &end);
    close_theirs(&connection);
    return argument;
}

static void start_server(const char *reply, size_t length, enum then then)
{
    server.reply = reply;
    server.length = length;
    server.then = then;
    server.listening = bound_socket(&server.address, 1);
    CHECKED(pthread_create(&server.thread, NULL, serve, NULL));
}

static void ask_address(const struct address *address, double seconds)
{
    question.message = WIRE_GREETING;
    question.expect = WIRE_REPLY;
    question.timeout = seconds;
    probe_run(&probe, address, &question, 0);
}

/* Ask the server, and wait for its end. */
static void ask(void)
{
    ask_address(&server.address, 60);
    CHECKED(pthread_join(server.thread, NULL));
    close(server.listening);
}

static void assert_result(enum result result, enum phase phase, size_t count)
{
    ck_assert_int_eq(probe.verdict.result, result);
    ck_assert_int_eq(probe.verdict.phase, phase);
    ck_assert_uint_eq(probe.verdict.count, count);
    ck_assert_int_eq(verdict_class(&probe.verdict) == CLASS_RIGHT,
                     result == RESULT_RIGHT || result == RESULT_SILENT);
}

static void assert_failed(int error, enum phase phase)
{
    assert_result(RESULT_FAILED, phase, 0);
    ck_assert_int_eq(probe.verdict.error, error);
}

START_TEST(right_sixteen_octets_then_end_of_file)
{
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    ask();
    assert_result(RESULT_RIGHT, PHASE_CLOSE, WIRE_OCTETS);
    ck_assert_mem_eq(probe.octets, WIRE_REPLY, WIRE_OCTETS);
    ck_assert_mem_eq(server.message, WIRE_GREETING, WIRE_OCTETS);
}
END_TEST

START_TEST(the_names_of_both_ends_are_reported)
{
    char text[ADDRESS_TEXT];
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    ask();
    assert_formats_as(&probe.server, address_format(&server.address, text));
    assert_formats_as(&probe.local, address_format(&server.peer, text));
}
END_TEST

static int count_open(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += is_open(fd);
    return count;
}

START_TEST(no_socket_is_left_open)
{
    int before = count_open();
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    ask();
    ck_assert_int_eq(count_open(), before);
}
END_TEST

START_TEST(differs_sixteen_other_octets)
{
    start_server("Farewell, Client", WIRE_OCTETS, THEN_CLOSES);
    ask();
    assert_result(RESULT_DIFFERS, PHASE_RECEIVE, WIRE_OCTETS);
    ck_assert_mem_eq(probe.octets, "Farewell, Client", WIRE_OCTETS);
}
END_TEST

START_TEST(more_the_seventeenth_octet_comes_along)
{
    start_server(WIRE_REPLY "\n", WIRE_OCTETS + 1, THEN_CLOSES);
    ask();
    assert_result(RESULT_MORE, PHASE_CLOSE, WIRE_OCTETS + 1);
    ck_assert_uint_eq(io_calls(), 2);
}
END_TEST

START_TEST(more_the_seventeenth_octet_comes_later)
{
    IO_SCRIPT({0}, {.most = WIRE_OCTETS});
    start_server(WIRE_REPLY "\n", WIRE_OCTETS + 1, THEN_STAYS);
    ask();
    assert_result(RESULT_MORE, PHASE_CLOSE, WIRE_OCTETS + 1);
}
END_TEST

START_TEST(end_of_file_after_0_to_15_octets)
{
    start_server(WIRE_REPLY, (size_t)_i, THEN_CLOSES);
    ask();
    assert_result(RESULT_EOF, PHASE_RECEIVE, (size_t)_i);
    ck_assert_mem_eq(probe.octets, WIRE_REPLY, (size_t)_i);
}
END_TEST

START_TEST(failed_reset_before_the_reply)
{
    start_server(WIRE_REPLY, 0, THEN_RESETS);
    ask();
    assert_failed(ECONNRESET, PHASE_RECEIVE);
}
END_TEST

START_TEST(failed_the_peer_is_gone_when_we_send)
{
    IO_SCRIPT({.error = EPIPE});
    start_server(WIRE_REPLY, 0, THEN_CLOSES);
    ask();
    assert_failed(EPIPE, PHASE_SEND);
}
END_TEST

START_TEST(timeout_the_peer_reads_nothing)
{
    IO_SCRIPT({.seconds = 61, .error = EAGAIN});
    start_server(WIRE_REPLY, 0, THEN_CLOSES);
    ask();
    assert_result(RESULT_TIMEOUT, PHASE_SEND, 0);
}
END_TEST

START_TEST(timeout_no_reply)
{
    IO_SCRIPT({0}, {.seconds = 61, .error = EAGAIN});
    start_server(WIRE_REPLY, 0, THEN_STAYS);
    ask();
    assert_result(RESULT_TIMEOUT, PHASE_RECEIVE, 0);
}
END_TEST

START_TEST(timeout_in_the_middle_of_the_reply)
{
    IO_SCRIPT({0}, {.times = 4, .most = 1}, {.seconds = 61, .error = EAGAIN});
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_STAYS);
    ask();
    assert_result(RESULT_TIMEOUT, PHASE_RECEIVE, 4);
}
END_TEST

START_TEST(silent_the_reply_and_then_no_end_of_file)
{
    IO_SCRIPT({0}, {.times = WIRE_OCTETS, .most = 1}, {.seconds = 61, .error = EAGAIN});
    start_server(WIRE_REPLY, WIRE_OCTETS, THEN_STAYS);
    ask();
    assert_result(RESULT_SILENT, PHASE_CLOSE, WIRE_OCTETS);
}
END_TEST

START_TEST(failed_nothing_listens_so_connect_is_refused)
{
    int fd = bound_socket(&server.address, -1);
    ask_address(&server.address, 60);
    close(fd);
    assert_failed(ECONNREFUSED, PHASE_CONNECT);
    ck_assert_uint_eq(probe.local.length, 0);
}
END_TEST

/* On Linux a queue for 0 holds one connection; other handshakes are dropped. */
START_TEST(timeout_the_handshake_is_not_answered)
{
    int listening = bound_socket(&server.address, 0);
    int first = socket(AF_INET, SOCK_STREAM, 0);
    need(connect(first, &server.address.u.any, server.address.length) == 0, "a full queue");
    wait_readable(listening);
    ask_address(&server.address, 0.05);
    close(first);
    close(listening);
    assert_result(RESULT_TIMEOUT, PHASE_CONNECT, 0);
    ck_assert_uint_eq(io_calls(), 0);
}
END_TEST

START_TEST(failed_a_family_that_this_host_does_not_have)
{
    const struct address none = {.u.any.sa_family = AF_UNSPEC, .length = sizeof none.u};
    ask_address(&none, 60);
    assert_failed(EAFNOSUPPORT, PHASE_CONNECT);
}
END_TEST

START_TEST(local_no_socket_is_available)
{
    struct rlimit usual;
    need(getrlimit(RLIMIT_NOFILE, &usual) == 0, "limits");
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = usual.rlim_max};
    need(setrlimit(RLIMIT_NOFILE, &none) == 0, "a low limit");
    server.address = numeric_address("127.0.0.1", "1");
    ask_address(&server.address, 60);
    setrlimit(RLIMIT_NOFILE, &usual);
    assert_result(RESULT_LOCAL, PHASE_CONNECT, 0);
    ck_assert_int_eq(probe.verdict.error, EMFILE);
}
END_TEST

Suite *probe_suite(void)
{
    Suite *suite = suite_create("probe");
    TCase *replies = add_case(suite, "probe of a server", NULL);
    tcase_add_test(replies, right_sixteen_octets_then_end_of_file);
    tcase_add_test(replies, the_names_of_both_ends_are_reported);
    tcase_add_test(replies, no_socket_is_left_open);
    tcase_add_test(replies, differs_sixteen_other_octets);
    tcase_add_test(replies, more_the_seventeenth_octet_comes_along);
    tcase_add_test(replies, more_the_seventeenth_octet_comes_later);
    tcase_add_loop_test(replies, end_of_file_after_0_to_15_octets, 0, WIRE_OCTETS);
    tcase_add_test(replies, failed_reset_before_the_reply);
    tcase_add_test(replies, failed_the_peer_is_gone_when_we_send);
    tcase_add_test(replies, timeout_the_peer_reads_nothing);
    tcase_add_test(replies, timeout_no_reply);
    tcase_add_test(replies, timeout_in_the_middle_of_the_reply);
    tcase_add_test(replies, silent_the_reply_and_then_no_end_of_file);

    TCase *connects = add_case(suite, "probe, connect", NULL);
    tcase_add_test(connects, failed_nothing_listens_so_connect_is_refused);
    tcase_add_test(connects, timeout_the_handshake_is_not_answered);
    tcase_add_test(connects, failed_a_family_that_this_host_does_not_have);
    tcase_add_test(connects, local_no_socket_is_available);
    return suite;
}
