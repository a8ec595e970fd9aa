/* SPDX-License-Identifier: MIT */
/* The client's exchange, event by event: each outcome, the phase in which it occurs, and its time.
 * The server is in the same thread, and the clock stands still. */
#include <config.h>

#include "client/exchange/exchange.h"
#include "targets_support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define TIMEOUT (10 * SECOND)
#define MOST 3 /* addresses */

enum then { THEN_STAYS, THEN_CLOSES, THEN_RESETS };

static struct question question;
static struct targets targets;
static struct target *target;
static struct exchange *exchange;
static int epoll;
static struct address addresses[MOST];
static int sockets[2 * MOST]; /* that make the addresses what they are */
static size_t socket_count;
static struct ends connection;

static void behave(enum misbehaviour_kind kind, double pace)
{
    const struct misbehaviour misbehaviour = {kind, pace};
    script_write(&question.script, NULL, 0, WIRE_GREETING, &misbehaviour);
}

static void set_up(void)
{
    question = (struct question){.timeout = TIMEOUT, .end_timeout = NEVER, .names_ends = true};
    memcpy(question.message, WIRE_GREETING, WIRE_OCTETS);
    memcpy(question.expect, WIRE_REPLY, WIRE_OCTETS);
    behave(BEHAVE, 0);
    targets_begin(&targets, 1);
    target = targets.list;
    socket_count = 0;
    connection = (struct ends){-1, -1};
    epoll = epoll_create1(EPOLL_CLOEXEC);
    exchange = exchange_new(MOST);
    need(epoll >= 0 && exchange != NULL, "an exchange");
    exchange->question = &question;
    exchange->number = 0;
    clock_stop();
}

static void clean_up(void)
{
    exchange_close(exchange);
    free(exchange);
    close(epoll);
    close_theirs(&connection);
    for (size_t i = 0; i < socket_count; i++)
        close(sockets[i]);
    targets_end(&targets);
}

/* On Linux a queue for 0 holds one connection; other handshakes are dropped. */
static void fill_queue(int listening, const struct address *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(connect(fd, &address->u.any, address->length) == 0, "a full queue");
    wait_readable(listening);
    sockets[socket_count++] = fd;
}

/* Begin with one address for each letter: an (a)ccepting, a (r)efusing or a (d)ropping one. */
static void begin(const char *kinds)
{
    size_t count = strlen(kinds);
    for (size_t i = 0; i < count; i++) {
        int backlog = kinds[i] == 'a' ? 1 : kinds[i] == 'd' ? 0 : -1;
        int fd = bound_socket(&addresses[i], backlog);
        sockets[socket_count++] = fd;
        if (kinds[i] == 'd')
            fill_queue(fd, &addresses[i]);
        else if (kinds[i] == 'a')
            connection.ours = fd;
    }
    ck_assert_int_eq(target_update(&targets, target, addresses, count), 0);
    exchange_begin(exchange, target, NULL, epoll, clock_nanoseconds());
}

/* Handle the next events. */
static void handle(void)
{
    struct epoll_event events[MOST];
    int count = epoll_wait(epoll, events, MOST, -1);
    for (int i = 0; i < count; i++) {
        struct attempt *attempt = events[i].data.ptr;
        if (attempt->fd >= 0 && !exchange->is_over)
            exchange_event(attempt, events[i].events, clock_nanoseconds());
    }
}

static void handle_until_over(void)
{
    while (!exchange->is_over)
        handle();
}

/* Fail unless the exchange is to be continued then, and continue it. */
static void continue_after(int64_t elapsed)
{
    ck_assert(!exchange->is_over);
    ck_assert_int_eq(exchange->next - exchange->began, elapsed);
    clock_move((double)(exchange->next - clock_nanoseconds()) / 1e9);
    exchange_continue(exchange, exchange->next);
}

/* Accept the connection, and read `count` octets, so that the end of it is no reset. */
static void accept_and_read(size_t count, char came[2 * WIRE_OCTETS + 1])
{
    int end;
    wait_readable(connection.ours);
    connection.theirs = accept4(connection.ours, NULL, NULL, SOCK_CLOEXEC);
    need(connection.theirs >= 0, "the client's connection");
    ck_assert_uint_eq(read_to_end(connection.theirs, came, count, &end), count);
    came[count] = '\0';
}

static void accept_all(void)
{
    char came[2 * WIRE_OCTETS + 1];
    accept_and_read(question.script.length, came);
    ck_assert_mem_eq(came, question.script.octets, question.script.length);
}

static void reply(const char *octets, size_t count, enum then then)
{
    write_octets(connection.theirs, octets, count);
    if (then == THEN_RESETS)
        reset_theirs(&connection);
    if (then == THEN_CLOSES)
        close_theirs(&connection);
}

static void assert_verdict(enum result result, enum phase phase, int error, size_t count)
{
    ck_assert(exchange->is_over);
    ck_assert_int_eq(exchange->verdict.result, result);
    ck_assert_int_eq(exchange->verdict.phase, phase);
    ck_assert_int_eq(exchange->verdict.error, error);
    ck_assert_uint_eq(exchange->verdict.count, count);
}

static void assert_right(void)
{
    assert_verdict(RESULT_RIGHT, PHASE_CLOSE, 0, WIRE_OCTETS);
    ck_assert_mem_eq(exchange->octets, WIRE_REPLY, WIRE_OCTETS);
}

/* ---- What the server replies ---- */

static const struct {
    enum misbehaviour_kind kind;
    const char *reply;
    enum then then;
    enum result result;
    enum phase phase;
    int error;
} replies[] = {
    {BEHAVE, WIRE_REPLY, THEN_CLOSES, RESULT_RIGHT, PHASE_CLOSE, 0},
    {BEHAVE, "Farewell, Client", THEN_CLOSES, RESULT_DIFFERS, PHASE_RECEIVE, 0},
    {BEHAVE, "Farewell, Client", THEN_STAYS, RESULT_DIFFERS, PHASE_RECEIVE, 0},
    {BEHAVE, WIRE_GREETING, THEN_CLOSES, RESULT_DIFFERS, PHASE_RECEIVE, 0},
    {BEHAVE, WIRE_REPLY "\n", THEN_CLOSES, RESULT_MORE, PHASE_CLOSE, 0},
    {BEHAVE, WIRE_REPLY "\n", THEN_STAYS, RESULT_MORE, PHASE_CLOSE, 0},
    {BEHAVE, "", THEN_CLOSES, RESULT_EOF, PHASE_RECEIVE, 0},
    {BEHAVE, "F", THEN_CLOSES, RESULT_EOF, PHASE_RECEIVE, 0},
    {BEHAVE, "Farewell, clien", THEN_CLOSES, RESULT_EOF, PHASE_RECEIVE, 0},
    {BEHAVE, "", THEN_RESETS, RESULT_FAILED, PHASE_RECEIVE, ECONNRESET},
    {BEHAVE, "Farew", THEN_RESETS, RESULT_FAILED, PHASE_RECEIVE, ECONNRESET},
    {BEHAVE, WIRE_REPLY, THEN_RESETS, RESULT_FAILED, PHASE_CLOSE, ECONNRESET},
    {MISBEHAVE_EXCESS, WIRE_REPLY, THEN_CLOSES, RESULT_RIGHT, PHASE_CLOSE, 0},
    {MISBEHAVE_HALF_CLOSE, WIRE_REPLY, THEN_CLOSES, RESULT_RIGHT, PHASE_CLOSE, 0},
    {MISBEHAVE_SHORT, "", THEN_CLOSES, RESULT_QUIET, PHASE_RECEIVE, 0},
    {MISBEHAVE_SHORT, "F", THEN_STAYS, RESULT_MORE, PHASE_RECEIVE, 0},
    {MISBEHAVE_SHORT, "", THEN_RESETS, RESULT_FAILED, PHASE_RECEIVE, ECONNRESET},
    {MISBEHAVE_SILENT, "", THEN_CLOSES, RESULT_QUIET, PHASE_RECEIVE, 0},
    {MISBEHAVE_SILENT, WIRE_REPLY, THEN_CLOSES, RESULT_MORE, PHASE_RECEIVE, 0},
    {MISBEHAVE_RESET, "", THEN_CLOSES, RESULT_QUIET, PHASE_SEND, 0},
};

START_TEST(each_reply_has_its_result)
{
    size_t count = strlen(replies[_i].reply);
    behave(replies[_i].kind, 0);
    begin("a");
    accept_all();
    reply(replies[_i].reply, count, replies[_i].then);
    handle_until_over();
    assert_verdict(replies[_i].result, replies[_i].phase, replies[_i].error, count);
    ck_assert_mem_eq(exchange->octets, replies[_i].reply, count);
    ck_assert(exchange->has_reached_network);
}
END_TEST

START_TEST(reply_and_end_of_file_take_one_call)
{
    begin("a");
    accept_all();
    reply(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    handle_until_over();
    assert_right();
    ck_assert_uint_eq(io_calls(), 2);
}
END_TEST

START_TEST(a_reply_can_come_octet_by_octet)
{
    begin("a");
    accept_all();
    for (int i = 0; i < WIRE_OCTETS; i++) {
        write_octets(connection.theirs, &WIRE_REPLY[i], 1);
        handle();
    }
    close_theirs(&connection);
    handle_until_over();
    assert_right();
}
END_TEST

START_TEST(the_kernel_can_take_a_part_of_the_message)
{
    IO_SCRIPT({.times = 3, .most = 5});
    begin("a");
    accept_all();
    reply(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    handle_until_over();
    assert_right();
}
END_TEST

START_TEST(an_event_can_come_without_an_octet)
{
    IO_SCRIPT({0}, {.error = EAGAIN});
    begin("a");
    accept_all();
    write_octets(connection.theirs, WIRE_REPLY, 5);
    handle();
    ck_assert_uint_eq(exchange->verdict.count, 0);
    reply(&WIRE_REPLY[5], 11, THEN_CLOSES);
    handle_until_over();
    assert_right();
}
END_TEST

START_TEST(the_handshake_can_take_time)
{
    IO_SCRIPT({.error = EAGAIN});
    begin("a");
    ck_assert_int_eq(exchange->marks[MARK_CONNECTED], -1);
    clock_move(0.002);
    handle();
    ck_assert_int_eq(exchange->marks[MARK_CONNECTED], 2 * MS);
    ck_assert_int_eq(exchange->marks[MARK_SENT], 2 * MS);
    accept_all();
    reply(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    handle_until_over();
    assert_right();
}
END_TEST

/* Only connect: at once, after a while, or to a server that resets; as in a load or not. */
START_TEST(a_connection_can_be_all_that_is_asked_for)
{
    bool is_load = _i / 3 > 0;
    int64_t took = _i % 3 == 1 ? 2 * MS : 0;
    char came[1];
    int end;
    question.connects = true;
    question.keeps_server = is_load;
    question.script = (struct script){0};
    IO_SCRIPT({.error = _i % 3 == 1 ? EAGAIN : _i % 3 == 2 ? ECONNRESET : 0});
    begin("a");
    clock_move((double)took / 1e9);
    handle_until_over();
    assert_verdict(RESULT_CONNECTED, PHASE_CONNECT, 0, 0);
    ck_assert(verdict_is_connected(&exchange->verdict));
    ck_assert_int_eq(exchange->marks[MARK_CONNECTED], took);
    ck_assert_int_eq(exchange->marks[MARK_SENT], -1);
    ck_assert_int_eq(exchange->took, took);
    ck_assert_int_eq(target_is_preferred(exchange->final->server), is_load);
    exchange_close(exchange);
    wait_readable(connection.ours);
    connection.theirs = accept4(connection.ours, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_uint_eq(read_to_end(connection.theirs, came, 1, &end), 0);
    ck_assert_int_eq(end, is_load ? ECONNRESET : 0);
}
END_TEST

START_TEST(a_reset_is_sent_once_the_peer_can_have_read)
{
    char came[2 * WIRE_OCTETS + 1];
    int end;
    behave(MISBEHAVE_RESET, 0);
    begin("a");
    accept_and_read(5, came);
    ck_assert_str_eq(came, "Hi th");
    continue_after(100 * MS);
    assert_verdict(RESULT_QUIET, PHASE_SEND, 0, 0);
    exchange_close(exchange);
    ck_assert_uint_eq(read_to_end(connection.theirs, came, 1, &end), 0);
    ck_assert_int_eq(end, ECONNRESET);
}
END_TEST

START_TEST(the_end_follows_a_message_that_is_half_closed)
{
    char came[2];
    int end;
    behave(_i == 0 ? MISBEHAVE_HALF_CLOSE : MISBEHAVE_SHORT, 0);
    begin("a");
    accept_all();
    ck_assert_uint_eq(read_to_end(connection.theirs, came, 1, &end), 0);
    ck_assert_int_eq(end, 0);
}
END_TEST

START_TEST(a_drip_sends_an_octet_at_each_multiple_of_its_pace)
{
    char came[2 * WIRE_OCTETS + 1];
    int end;
    behave(MISBEHAVE_DRIP, 0.5);
    begin("a");
    accept_and_read(1, came);
    for (int i = 1; i < WIRE_OCTETS; i++) {
        continue_after(i * SECOND / 2);
        ck_assert_uint_eq(read_to_end(connection.theirs, came, 1, &end), 1);
        ck_assert_int_eq(came[0], WIRE_GREETING[i]);
    }
    ck_assert_int_eq(exchange->marks[MARK_SENT], 15 * SECOND / 2);
    reply(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    handle_until_over();
    assert_right();
}
END_TEST

START_TEST(a_drip_ends_when_the_peer_speaks)
{
    char came[2 * WIRE_OCTETS + 1];
    behave(MISBEHAVE_DRIP, 1);
    begin("a");
    accept_and_read(1, came);
    reply("F", 1, THEN_STAYS);
    while (exchange->verdict.count == 0)
        handle();
    continue_after(TIMEOUT);
    assert_verdict(RESULT_TIMEOUT, PHASE_RECEIVE, 0, 1);
    exchange_close(exchange);
    assert_theirs_end_with(&connection, "", 0);
}
END_TEST

/* ---- Time ---- */

START_TEST(each_phase_has_its_instant)
{
    begin("a");
    accept_all();
    clock_move(0.001);
    write_octets(connection.theirs, WIRE_REPLY, 5);
    handle();
    clock_move(0.001);
    write_octets(connection.theirs, &WIRE_REPLY[5], 11);
    handle();
    clock_move(0.001);
    close_theirs(&connection);
    handle_until_over();
    assert_right();
    static const int64_t expected[MARKS] = {0, 0, 1 * MS, 2 * MS, 3 * MS};
    for (int i = 0; i < MARKS; i++)
        ck_assert_int_eq(exchange->marks[i], expected[i]);
    ck_assert_int_eq(exchange->took, 3 * MS);
}
END_TEST

static const struct {
    const char *kinds; /* of addresses */
    const char *reply;
    int64_t end_timeout;
    int64_t limit;
    int64_t took;
    enum result result;
    enum phase phase;
} limits[] = {
    {"d", "", NEVER, TIMEOUT, TIMEOUT, RESULT_TIMEOUT, PHASE_CONNECT},
    {"a", "", NEVER, TIMEOUT, TIMEOUT, RESULT_TIMEOUT, PHASE_RECEIVE},
    {"a", "Farew", SECOND, TIMEOUT, TIMEOUT, RESULT_TIMEOUT, PHASE_RECEIVE},
    {"a", WIRE_REPLY, NEVER, TIMEOUT, 3 * MS, RESULT_SILENT, PHASE_CLOSE},
    {"a", WIRE_REPLY, SECOND, SECOND + 3 * MS, 3 * MS, RESULT_SILENT, PHASE_CLOSE},
    {"a", WIRE_REPLY, TIMEOUT - 1, TIMEOUT, 3 * MS, RESULT_SILENT, PHASE_CLOSE},
    {"a", WIRE_REPLY, 2 * TIMEOUT, TIMEOUT, 3 * MS, RESULT_SILENT, PHASE_CLOSE},
};

START_TEST(a_time_limit_is_exact)
{
    size_t count = strlen(limits[_i].reply);
    question.end_timeout = limits[_i].end_timeout;
    begin(limits[_i].kinds);
    if (limits[_i].kinds[0] == 'a')
        accept_all();
    clock_move(0.003);
    if (count > 0) {
        write_octets(connection.theirs, limits[_i].reply, count);
        handle();
    }
    continue_after(limits[_i].limit);
    assert_verdict(limits[_i].result, limits[_i].phase, 0, count);
    ck_assert_int_eq(exchange->took, limits[_i].took);
    ck_assert_int_eq(exchange->waited,
                     sooner(TIMEOUT, count == WIRE_OCTETS ? limits[_i].end_timeout : TIMEOUT));
}
END_TEST

START_TEST(a_message_that_the_kernel_does_not_take_times_out)
{
    IO_SCRIPT({.times = 2, .error = EAGAIN});
    begin("a");
    handle();
    continue_after(TIMEOUT);
    assert_verdict(RESULT_TIMEOUT, PHASE_SEND, 0, 0);
}
END_TEST

START_TEST(a_late_look_does_not_change_the_limit)
{
    begin("a");
    clock_move(12);
    exchange_continue(exchange, clock_nanoseconds());
    assert_verdict(RESULT_TIMEOUT, PHASE_RECEIVE, 0, 0);
    ck_assert_int_eq(exchange->waited, TIMEOUT);
    ck_assert_int_eq(exchange->took, 12 * SECOND);
}
END_TEST

START_TEST(a_cut_ends_it_in_its_phase)
{
    static const struct {
        const char *kinds;
        const char *reply;
        enum result result;
        enum phase phase;
    } rows[] = {{"d", "", RESULT_CUT, PHASE_CONNECT},
                {"a", "", RESULT_CUT, PHASE_RECEIVE},
                {"a", "Farew", RESULT_CUT, PHASE_RECEIVE},
                {"a", WIRE_REPLY, RESULT_SILENT, PHASE_CLOSE}};
    size_t count = strlen(rows[_i].reply);
    begin(rows[_i].kinds);
    if (count > 0) {
        accept_all();
        write_octets(connection.theirs, rows[_i].reply, count);
        handle();
    }
    clock_move(0.02);
    exchange_cut(exchange, clock_nanoseconds());
    assert_verdict(rows[_i].result, rows[_i].phase, 0, count);
    ck_assert_int_eq(exchange->took, count == WIRE_OCTETS ? 0 : 20 * MS);
    ck_assert_int_eq(exchange->waited, 20 * MS);
}
END_TEST

/* ---- What TCP knows ---- */

/* The handshake or the reply takes some time, and the kernel sends a segment again in it. */
static const struct {
    int64_t handshake;
    int64_t reply;
    unsigned asked;
    unsigned syns;
    unsigned segments;
    bool is_load;
} paths[] = {
    {2 * MS, 2 * MS, 1, 0, 2, false},     {1001 * MS, 2 * MS, 2, 1, 1, false},
    {2 * MS, 201 * MS, 1, 0, 2, false},   {50 * MS, 50 * MS, 0, 0, 0, true},
    {1001 * MS, 2 * MS, 2, 1, 1, true},   {50 * MS, 51 * MS, 1, 0, 2, true},
    {1001 * MS, 201 * MS, 2, 1, 1, true},
};

START_TEST(the_kernel_is_asked_what_it_sent_again)
{
    const struct tcp_state *tcp = &exchange->attempts[0].tcp;
    skip_unless(has_tcp_info(), "TCP_INFO");
    question.names_ends = !paths[_i].is_load;
    IO_SCRIPT({.error = EAGAIN});
    begin("a");
    tcp_retransmissions = 1;
    clock_move((double)paths[_i].handshake / 1e9);
    handle();
    tcp_retransmissions = 2;
    accept_all();
    clock_move((double)paths[_i].reply / 1e9);
    reply(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    handle_until_over();
    assert_right();
    ck_assert_uint_eq(tcp_info_calls(), paths[_i].asked);
    ck_assert_uint_eq(tcp->syn_retransmissions, paths[_i].syns);
    ck_assert_uint_eq(tcp->retransmissions, paths[_i].segments);
    ck_assert_int_eq(tcp->is_known, paths[_i].asked > 0);
    ck_assert_int_eq(tcp->rtt > 0, paths[_i].asked > 0);
}
END_TEST

/* No answer until the limit, or an error. */
START_TEST(a_handshake_that_fails_has_syns_only)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    if (_i > 0)
        IO_SCRIPT({.error = EAGAIN});
    begin(_i == 0 ? "d" : "r");
    tcp_retransmissions = 3;
    if (_i == 0) {
        continue_after(TIMEOUT);
        assert_verdict(RESULT_TIMEOUT, PHASE_CONNECT, 0, 0);
    } else {
        handle_until_over();
        assert_verdict(RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 0);
    }
    ck_assert(exchange->final->tcp.is_known);
    ck_assert_uint_eq(exchange->final->tcp.syn_retransmissions, 3);
    ck_assert_uint_eq(exchange->final->tcp.retransmissions, 0);
    ck_assert_uint_eq(exchange->final->tcp.rtt, 0);
}
END_TEST

/* ---- Addresses ---- */

static void assert_final(size_t index)
{
    ck_assert_ptr_eq(exchange->final, &exchange->attempts[index]);
    for (size_t i = 0; i < exchange->tried; i++)
        ck_assert_int_eq(exchange->attempts[i].fd >= 0,
                         i == index && exchange->marks[MARK_CONNECTED] >= 0);
}

START_TEST(the_next_address_is_tried_after_250_ms)
{
    begin("dda");
    continue_after(250 * MS);
    clock_move(0.1); /* the thread is late */
    ck_assert_int_eq(exchange->next - exchange->began, 500 * MS);
    exchange_continue(exchange, clock_nanoseconds());
    ck_assert_uint_eq(exchange->tried, 3);
    assert_final(2);
    ck_assert_int_eq(exchange->attempts[1].began - exchange->began, 250 * MS);
    accept_all();
    reply(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    handle_until_over();
    assert_right();
}
END_TEST

START_TEST(the_next_address_is_tried_at_once_after_a_failure)
{
    IO_SCRIPT({.error = _i == 0 ? 0 : EAGAIN}); /* so that epoll(7) reports it */
    begin("rra");
    while (exchange->marks[MARK_CONNECTED] < 0)
        handle();
    ck_assert_int_eq(exchange->marks[MARK_CONNECTED], 0);
    ck_assert_int_eq(exchange->attempts[0].error, ECONNREFUSED);
    ck_assert_int_eq(exchange->attempts[1].error, ECONNREFUSED);
    assert_final(2);
}
END_TEST

START_TEST(the_failure_of_one_address_is_no_event_of_the_next)
{
    char came[2 * WIRE_OCTETS + 1];
    behave(MISBEHAVE_DRIP, 0.5);
    IO_SCRIPT({.error = EAGAIN}); /* so that epoll(7) reports it */
    begin("ra");
    handle();
    assert_final(1);
    accept_and_read(1, came);
    continue_after(SECOND / 2);
    ck_assert_uint_eq(exchange->sent, 2);
}
END_TEST

START_TEST(a_failure_says_nothing_about_the_next_address)
{
    behave(MISBEHAVE_RESET, 0);
    IO_SCRIPT({.error = EAGAIN});
    begin("ra");
    while (exchange->marks[MARK_CONNECTED] < 0)
        handle();
    continue_after(100 * MS);
    assert_verdict(RESULT_QUIET, PHASE_SEND, 0, 0);
}
END_TEST

START_TEST(the_first_address_can_win_after_the_second_was_tried)
{
    IO_SCRIPT({.error = EAGAIN});
    begin("ad");
    continue_after(250 * MS);
    ck_assert_uint_eq(exchange->tried, 2);
    while (exchange->marks[MARK_CONNECTED] < 0)
        handle();
    assert_final(0);
    ck_assert_int_eq(exchange->next - exchange->began, TIMEOUT);
}
END_TEST

START_TEST(if_all_addresses_fail_the_last_failure_is_the_result)
{
    begin("rr");
    assert_verdict(RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 0);
    assert_final(1);
    ck_assert(exchange->has_reached_network);
}
END_TEST

START_TEST(the_address_that_times_out_is_the_one_without_an_answer)
{
    begin("dr");
    continue_after(250 * MS);
    ck_assert_int_eq(exchange->attempts[1].error, ECONNREFUSED);
    continue_after(TIMEOUT);
    assert_verdict(RESULT_TIMEOUT, PHASE_CONNECT, 0, 0);
    ck_assert_ptr_eq(exchange->final, &exchange->attempts[0]);
}
END_TEST

START_TEST(an_address_that_failed_before_is_not_the_one_that_times_out)
{
    begin("rd");
    continue_after(TIMEOUT);
    assert_verdict(RESULT_TIMEOUT, PHASE_CONNECT, 0, 0);
    ck_assert_ptr_eq(exchange->final, &exchange->attempts[1]);
}
END_TEST

START_TEST(a_server_that_is_kept_is_asked_without_a_race)
{
    question.keeps_server = true;
    begin("da");
    continue_after(250 * MS);
    ck_assert(target_is_preferred(target->order[1]));
    exchange_close(exchange);
    exchange_begin(exchange, target, NULL, epoll, clock_nanoseconds());
    ck_assert_ptr_eq(exchange->final->server, target->order[1]);
    exchange_close(exchange);
    target_prefer(target->order[0]);
    exchange_begin(exchange, target, NULL, epoll, clock_nanoseconds());
    continue_after(TIMEOUT);
    assert_verdict(RESULT_TIMEOUT, PHASE_CONNECT, 0, 0);
    ck_assert(!target_is_preferred(target->order[0]));
}
END_TEST

START_TEST(a_server_that_was_kept_and_refuses_is_not_kept)
{
    question.keeps_server = true;
    begin("dr");
    exchange_close(exchange);
    target_prefer(target->order[1]);
    exchange_begin(exchange, target, NULL, epoll, clock_nanoseconds());
    ck_assert_int_eq(exchange->attempts[0].error, ECONNREFUSED);
    ck_assert_ptr_eq(exchange->final->server, target->order[0]);
    ck_assert(!target_is_preferred(target->order[1]));
}
END_TEST

/* Another address would not find what this host is short of. */
START_TEST(a_shortage_of_this_host_ends_the_search)
{
    static const struct {
        enum fault fault;
        int error;
        size_t tried;
    } rows[] = {{FAULT_CONNECT, ENOBUFS, 1},
                {FAULT_CONNECT, EADDRNOTAVAIL, 2},
                {FAULT_CONNECT, ENETUNREACH, 2}};
    question.keeps_server = true;
    begin("dr");
    exchange_close(exchange);
    target_prefer(target->order[0]);
    io_fail(rows[_i].fault, 0, 1, rows[_i].error);
    exchange_begin(exchange, target, NULL, epoll, clock_nanoseconds());
    ck_assert_uint_eq(exchange->tried, rows[_i].tried);
    ck_assert_int_eq(target_is_preferred(target->order[0]), rows[_i].error != ENETUNREACH);
}
END_TEST

START_TEST(a_given_server_is_the_only_one)
{
    begin("rr");
    exchange_begin(exchange, target, target->order[0], epoll, clock_nanoseconds());
    assert_verdict(RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 0);
    ck_assert_uint_eq(exchange->tried, 1);
}
END_TEST

START_TEST(the_name_of_this_end_is_known)
{
    struct address peer = {.length = sizeof peer.u};
    char text[ADDRESS_TEXT];
    begin("a");
    accept_all();
    need(getpeername(connection.theirs, &peer.u.any, &peer.length) == 0, "the client's name");
    assert_formats_as(&exchange->final->local, address_format(&peer, text));
}
END_TEST

/* Nothing listens there, and connect(2) chooses the same port for this end. Where the names of the
 * ends are not looked at, the reply shows it. */
START_TEST(a_connection_with_itself_is_refused)
{
    question.names_ends = _i == 1 || _i == 2;
    question.connects = _i == 3;
    behave(_i > 1 ? MISBEHAVE_SILENT : BEHAVE, 0);
    int fd = bound_socket(&addresses[0], -1);
    close(fd);
    question.source = (struct source){.first = addresses[0], .count = 1};
    ck_assert_int_eq(target_update(&targets, target, addresses, 1), 0);
    exchange_begin(exchange, target, NULL, epoll, clock_nanoseconds());
    handle_until_over();
    assert_verdict(RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 0);
    ck_assert_uint_eq(io_calls(), _i == 0 ? 2 : 1);
    exchange_close(exchange);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, &addresses[0].u.any, addresses[0].length), 0);
    close(fd);
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
    begin("dra");
    continue_after(250 * MS);
    ck_assert_int_eq(count_open(), before + (int)socket_count + 1);
    exchange_close(exchange);
    ck_assert_int_eq(count_open(), before + (int)socket_count);
}
END_TEST

/* ---- Calls that fail ---- */

static const struct {
    enum fault fault;
    int error;
    enum result result;
    enum phase phase;
    bool has_reached_network;
} faults[] = {
    {FAULT_SOCKET, EMFILE, RESULT_LOCAL, PHASE_CONNECT, false},
    {FAULT_SOCKET, EAFNOSUPPORT, RESULT_FAILED, PHASE_CONNECT, false},
    {FAULT_BIND, EADDRNOTAVAIL, RESULT_LOCAL, PHASE_CONNECT, false},
    {FAULT_CONNECT, EADDRNOTAVAIL, RESULT_LOCAL, PHASE_CONNECT, false},
    {FAULT_CONNECT, ENETUNREACH, RESULT_FAILED, PHASE_CONNECT, false},
    {FAULT_CONNECT, ECONNRESET, RESULT_FAILED, PHASE_CONNECT, false},
    {FAULT_EPOLL_CTL, ENOSPC, RESULT_LOCAL, PHASE_RECEIVE, true},
};

START_TEST(a_call_that_fails_at_the_beginning_is_the_result)
{
    question.source = (struct source){.first = numeric_address("127.0.0.1", "0"), .count = 1};
    int spared = faults[_i].fault == FAULT_SOCKET || faults[_i].fault == FAULT_BIND; /* ours */
    io_fail(faults[_i].fault, spared, 1, faults[_i].error);
    begin("a");
    assert_verdict(faults[_i].result, faults[_i].phase, faults[_i].error, 0);
    ck_assert_int_eq(exchange->has_reached_network, faults[_i].has_reached_network);
}
END_TEST

START_TEST(a_fault_with_one_address_leads_to_the_next)
{
    io_fail(FAULT_CONNECT, 0, 1, ENETUNREACH);
    begin("aa");
    ck_assert_int_eq(exchange->attempts[0].error, ENETUNREACH);
    assert_final(1);
}
END_TEST

static const struct {
    enum misbehaviour_kind kind;
    struct step steps[2];
    int error;
    enum phase phase;
} failures[] = {
    {BEHAVE, {{.error = EPIPE}}, EPIPE, PHASE_SEND},
    {BEHAVE, {{.error = ECONNRESET}}, ECONNRESET, PHASE_SEND},
    {BEHAVE, {{.error = ENETUNREACH}}, ENETUNREACH, PHASE_CONNECT},
    {BEHAVE, {{.most = 5}, {.error = EPIPE}}, EPIPE, PHASE_SEND},
    {BEHAVE, {{0}, {.error = ENOBUFS}}, ENOBUFS, PHASE_RECEIVE},
    {MISBEHAVE_HALF_CLOSE, {{0}, {.error = ENOTCONN}}, ENOTCONN, PHASE_SEND},
    {MISBEHAVE_SHORT, {{0}, {.error = ENOTCONN}}, ENOTCONN, PHASE_SEND},
};

START_TEST(a_call_that_fails_later_is_the_result)
{
    behave(failures[_i].kind, 0);
    io_script(failures[_i].steps, COUNT(failures[_i].steps));
    begin("a");
    if (failures[_i].phase == PHASE_RECEIVE) {
        accept_all();
        reply(WIRE_REPLY, WIRE_OCTETS, THEN_STAYS);
        handle_until_over();
    }
    assert_verdict(RESULT_FAILED, failures[_i].phase, failures[_i].error, 0);
}
END_TEST

START_TEST(a_name_that_cannot_be_had_is_not_needed)
{
    io_fail(FAULT_GETSOCKNAME, 1, 2, ENOBUFS); /* the first one is for the server */
    begin("a");
    accept_all();
    reply(WIRE_REPLY, WIRE_OCTETS, THEN_CLOSES);
    handle_until_over();
    assert_right();
    ck_assert_uint_eq(exchange->final->local.length, 0);
}
END_TEST

START_TEST(a_reset_that_fails_is_the_result)
{
    behave(MISBEHAVE_RESET, 0);
    begin("a");
    io_fail(FAULT_SETSOCKOPT, 0, 1, ENOBUFS);
    continue_after(100 * MS);
    assert_verdict(RESULT_FAILED, PHASE_SEND, ENOBUFS, 0);
}
END_TEST

static TCase *add_exchange_case(Suite *suite, const char *name)
{
    TCase *tcase = add_case(suite, name, NULL);
    tcase_add_checked_fixture(tcase, set_up, clean_up);
    return tcase;
}

Suite *client_exchange_suite(void)
{
    Suite *suite = suite_create("client exchange");
    TCase *talks = add_exchange_case(suite, "client exchange, message and reply");
    tcase_add_loop_test(talks, each_reply_has_its_result, 0, COUNT(replies));
    tcase_add_test(talks, reply_and_end_of_file_take_one_call);
    tcase_add_test(talks, a_reply_can_come_octet_by_octet);
    tcase_add_test(talks, the_kernel_can_take_a_part_of_the_message);
    tcase_add_test(talks, an_event_can_come_without_an_octet);
    tcase_add_test(talks, the_handshake_can_take_time);
    tcase_add_loop_test(talks, a_connection_can_be_all_that_is_asked_for, 0, 6);
    tcase_add_test(talks, a_reset_is_sent_once_the_peer_can_have_read);
    tcase_add_loop_test(talks, the_end_follows_a_message_that_is_half_closed, 0, 2);
    tcase_add_test(talks, a_drip_sends_an_octet_at_each_multiple_of_its_pace);
    tcase_add_test(talks, a_drip_ends_when_the_peer_speaks);

    TCase *times = add_exchange_case(suite, "client exchange, time");
    tcase_add_test(times, each_phase_has_its_instant);
    tcase_add_loop_test(times, a_time_limit_is_exact, 0, COUNT(limits));
    tcase_add_test(times, a_message_that_the_kernel_does_not_take_times_out);
    tcase_add_test(times, a_late_look_does_not_change_the_limit);
    tcase_add_loop_test(times, a_cut_ends_it_in_its_phase, 0, 4);

    TCase *states = add_exchange_case(suite, "client exchange, what TCP knows");
    tcase_add_loop_test(states, the_kernel_is_asked_what_it_sent_again, 0, COUNT(paths));
    tcase_add_loop_test(states, a_handshake_that_fails_has_syns_only, 0, 2);

    TCase *races = add_exchange_case(suite, "client exchange, addresses");
    tcase_add_test(races, the_next_address_is_tried_after_250_ms);
    tcase_add_loop_test(races, the_next_address_is_tried_at_once_after_a_failure, 0, 2);
    tcase_add_test(races, the_failure_of_one_address_is_no_event_of_the_next);
    tcase_add_test(races, a_failure_says_nothing_about_the_next_address);
    tcase_add_test(races, the_first_address_can_win_after_the_second_was_tried);
    tcase_add_test(races, if_all_addresses_fail_the_last_failure_is_the_result);
    tcase_add_test(races, the_address_that_times_out_is_the_one_without_an_answer);
    tcase_add_test(races, an_address_that_failed_before_is_not_the_one_that_times_out);
    tcase_add_test(races, a_server_that_is_kept_is_asked_without_a_race);
    tcase_add_test(races, a_server_that_was_kept_and_refuses_is_not_kept);
    tcase_add_loop_test(races, a_shortage_of_this_host_ends_the_search, 0, 3);
    tcase_add_test(races, a_given_server_is_the_only_one);
    tcase_add_test(races, the_name_of_this_end_is_known);
    tcase_add_loop_test(races, a_connection_with_itself_is_refused, 0, 4);
    tcase_add_test(races, no_socket_is_left_open);

    TCase *fails = add_exchange_case(suite, "client exchange, calls that fail");
    tcase_add_loop_test(fails, a_call_that_fails_at_the_beginning_is_the_result, 0, COUNT(faults));
    tcase_add_test(fails, a_fault_with_one_address_leads_to_the_next);
    tcase_add_loop_test(fails, a_call_that_fails_later_is_the_result, 0, COUNT(failures));
    tcase_add_test(fails, a_name_that_cannot_be_had_is_not_needed);
    tcase_add_test(fails, a_reset_that_fails_is_the_result);
    return suite;
}
