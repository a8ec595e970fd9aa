/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/exchange.h"

#include "client/exchange/socket.h"
#include "common/deadline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define NEXT_ATTEMPT INT64_C(250000000) /* RFC 8305, section 5: Connection Attempt Delay */
#define BEFORE_RESET INT64_C(100000000) /* a reset can overtake what the peer has not read yet */

static bool is_connected(const struct exchange *exchange)
{
    return verdict_is_connected(&exchange->verdict);
}

static void mark(struct exchange *exchange, enum mark mark, int64_t now)
{
    if (exchange->marks[mark] < 0)
        exchange->marks[mark] = now - exchange->began;
}

/* Read the state of the socket before it is closed. A load does not ask about what was quick. */
static void read_state(struct attempt *attempt, int64_t took)
{
    const struct exchange *exchange = attempt->exchange;
    if (attempt->fd >= 0 && (exchange->question->names_ends || took > TCP_STATE_QUICK))
        tcp_state_read(&attempt->tcp, attempt->fd, is_connected(exchange));
}

static void finish(struct exchange *exchange, enum result result, int error, int64_t now)
{
    exchange->verdict.result = result;
    exchange->verdict.error = error;
    exchange->is_over = true;
    exchange->took = result == RESULT_SILENT ? exchange->marks[MARK_LAST] : now - exchange->began;
    exchange->waited = now - exchange->began;
    read_state(exchange->final, exchange->waited);
}

static void close_attempt(struct attempt *attempt)
{
    if (attempt->fd >= 0)
        close(attempt->fd);
    attempt->fd = -1;
}

/* ---- Sending ---- */

static void send_end(struct exchange *exchange, int64_t now)
{
    int fd = exchange->final->fd;

    mark(exchange, MARK_SENT, now);
    if (exchange->question->script.end == SCRIPT_END_RESET)
        return;
    if (exchange->question->script.end == SCRIPT_END_HALF_CLOSE && shutdown(fd, SHUT_WR) != 0)
        finish(exchange, RESULT_FAILED, errno, now);
    else
        exchange->verdict.phase = PHASE_RECEIVE;
}

/* Send the octets that are due. send(2) has three outcomes: it takes all octets, some of them, or
 * none. The rest is sent when the next event reports room. */
static void send_due(struct exchange *exchange, int64_t now)
{
    const struct script *script = &exchange->question->script;
    size_t due = script_due(script, now - exchange->began - exchange->marks[MARK_CONNECTED]);

    while (exchange->sent < due) {
        size_t count = exchange->sent < script->at_once ? script->at_once - exchange->sent : 1;
        ssize_t sent =
            send(exchange->final->fd, script->octets + exchange->sent, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0) {
            finish(exchange, RESULT_FAILED, errno, now);
            return;
        }
        exchange->sent += (size_t)sent;
    }
    if (exchange->sent == script->length && exchange->marks[MARK_SENT] < 0)
        send_end(exchange, now);
}

static void reset(struct exchange *exchange, int64_t now)
{
    bool is_set = socket_reset_at_close(exchange->final->fd) == 0;
    finish(exchange, is_set ? RESULT_QUIET : RESULT_FAILED, is_set ? 0 : errno, now);
}

/* ---- Connecting ---- */

static void fail_attempt(struct attempt *attempt, int error, bool is_local)
{
    struct exchange *exchange = attempt->exchange;
    attempt->error = error;
    attempt->is_local = is_local;
    close_attempt(attempt);
    if (!is_local)
        target_forsake(attempt->server);
    else if (error != EADDRNOTAVAIL)
        exchange->candidates = exchange->tried; /* what is missing is missing for all of them */
}

/* The connection is all that was asked for. In a load a reset ends it: end of file would keep its
 * port in TIME-WAIT. */
static void end_connected(struct exchange *exchange, int64_t now)
{
    if (exchange->question->keeps_server)
        (void)socket_reset_at_close(exchange->final->fd);
    exchange->verdict.phase = PHASE_CONNECT;
    finish(exchange, RESULT_CONNECTED, 0, now);
}

/* Use this attempt, which is the first to connect, and end the others. */
static void win(struct attempt *attempt, int64_t now)
{
    struct exchange *exchange = attempt->exchange;
    const struct question *question = exchange->question;
    if ((question->names_ends || question->connects) && socket_is_self_connected(attempt->fd)) {
        (void)socket_reset_at_close(attempt->fd);
        fail_attempt(attempt, ECONNREFUSED, false);
        return;
    }
    if (now - attempt->began > TCP_STATE_QUICK)
        tcp_state_read(&attempt->tcp, attempt->fd, false);
    for (size_t i = 0; i < exchange->tried; i++)
        if (&exchange->attempts[i] != attempt)
            close_attempt(&exchange->attempts[i]);
    exchange->final = attempt;
    exchange->verdict.phase = PHASE_SEND;
    mark(exchange, MARK_CONNECTED, now);
    if (question->keeps_server)
        target_prefer(attempt->server);
    if (question->connects)
        end_connected(exchange, now);
}

/* Handle the end of the handshake, with an error or 0. A reset is not an answer to a handshake, so
 * the connection was established before it. */
static void end_handshake(struct attempt *attempt, int error, int64_t now)
{
    struct exchange *exchange = attempt->exchange;
    bool is_reset = error == ECONNRESET || error == EPIPE;

    if (error != 0 && !is_reset) {
        read_state(attempt, now - attempt->began);
        fail_attempt(attempt, error, error_is_local(error));
        return;
    }
    win(attempt, now);
    if (is_connected(exchange) && is_reset && !exchange->is_over)
        finish(exchange, RESULT_FAILED, error, now);
}

/* Send without waiting for the event, even if there is no octet to send. Over loopback the
 * handshake has already ended when connect(2) returns EINPROGRESS; elsewhere send(2) returns
 * EAGAIN. */
static void send_at_once(struct attempt *attempt)
{
    struct exchange *exchange = attempt->exchange;
    const struct script *script = &exchange->question->script;
    int64_t now = clock_nanoseconds();
    ssize_t sent = send(attempt->fd, script->octets, script->at_once, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN)
        return;
    end_handshake(attempt, sent < 0 ? errno : 0, now);
    if (sent >= 0 && is_connected(exchange) && !exchange->is_over) {
        exchange->sent = (size_t)sent;
        send_due(exchange, clock_nanoseconds());
    }
}

static void watch(struct attempt *attempt)
{
    struct exchange *exchange = attempt->exchange;
    bool is_done = exchange->marks[MARK_SENT] >= 0;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (is_done ? 0 : EPOLLOUT),
                                .data.ptr = attempt};
    if (epoll_ctl(exchange->epoll, EPOLL_CTL_ADD, attempt->fd, &event) != 0)
        finish(exchange, RESULT_LOCAL, errno, clock_nanoseconds());
}

/* Start the three-way handshake. connect(2) can fail in many ways: sixteen(7). */
static void start(struct attempt *attempt)
{
    struct exchange *exchange = attempt->exchange;
    const struct question *question = exchange->question;
    const struct address *server = &attempt->server->address;

    attempt->fd = socket(server->u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (attempt->fd < 0) {
        fail_attempt(attempt, errno, errno != EAFNOSUPPORT);
        return;
    }
    if (source_bind(&question->source, attempt->fd, exchange->number) != 0) {
        fail_attempt(attempt, errno, true);
        return;
    }
    if (connect(attempt->fd, &server->u.any, server->length) != 0 && errno != EINPROGRESS) {
        fail_attempt(attempt, errno, error_is_local(errno));
        return;
    }
    exchange->has_reached_network = true;
    if (question->names_ends)
        (void)address_of_socket(attempt->fd, &attempt->local);
    send_at_once(attempt);
    if (attempt->fd >= 0 && !exchange->is_over)
        watch(attempt);
}

/* Return the first attempt that has neither failed nor been closed; NULL if there is none. */
static struct attempt *first_open(struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->tried; i++)
        if (exchange->attempts[i].fd >= 0)
            return &exchange->attempts[i];
    return NULL;
}

/* Try the next address, and further ones as long as each fails at once. */
static void try_next(struct exchange *exchange, int64_t now)
{
    while (!exchange->is_over && !is_connected(exchange) &&
           exchange->tried < exchange->candidates) {
        struct attempt *attempt = &exchange->attempts[exchange->tried++];
        exchange->final = attempt;
        attempt->began = now;
        start(attempt);
        if (attempt->fd >= 0)
            return;
    }
    if (!exchange->is_over && !is_connected(exchange) && first_open(exchange) == NULL) {
        const struct attempt *last = exchange->final;
        finish(exchange, last->is_local ? RESULT_LOCAL : RESULT_FAILED, last->error,
               clock_nanoseconds());
    }
}

/* ---- Receiving ---- */

/* Judge what has arrived. After sixteen octets the end of file must follow. */
static void judge(struct exchange *exchange, bool at_end, int64_t now)
{
    const struct question *question = exchange->question;
    struct verdict *verdict = &exchange->verdict;

    if (at_end)
        mark(exchange, MARK_END, now);
    if (!question->script.earns_reply) {
        if (verdict->count > 0 || at_end)
            finish(exchange, verdict->count > 0 ? RESULT_MORE : RESULT_QUIET, 0, now);
        return;
    }
    if (verdict->count < WIRE_OCTETS) {
        if (at_end)
            finish(exchange, RESULT_EOF, 0, now);
        return;
    }
    mark(exchange, MARK_LAST, now);
    if (memcmp(exchange->octets, question->script.octets, WIRE_OCTETS) == 0 &&
        socket_is_self_connected(exchange->final->fd)) {
        (void)socket_reset_at_close(exchange->final->fd);
        verdict->phase = PHASE_CONNECT;
        verdict->count = 0;
        finish(exchange, RESULT_FAILED, ECONNREFUSED, now);
    } else if (memcmp(exchange->octets, question->expect, WIRE_OCTETS) != 0) {
        finish(exchange, RESULT_DIFFERS, 0, now);
    } else {
        verdict->phase = PHASE_CLOSE;
        if (verdict->count > WIRE_OCTETS)
            finish(exchange, RESULT_MORE, 0, now);
        else if (at_end)
            finish(exchange, RESULT_RIGHT, 0, now);
    }
}

/* Receive what has arrived. recv(2) has three outcomes: octets, the end of file, or an error. After
 * EPOLLRDHUP the end of file has arrived too, so one call returns all octets and no further call is
 * needed. A reset sets EPOLLRDHUP as well, but with EPOLLHUP or EPOLLERR; the next call reports
 * it. */
static void receive(struct exchange *exchange, uint32_t events, int64_t now)
{
    const uint32_t broken = EPOLLHUP | EPOLLERR;
    bool ends_here = (events & (EPOLLRDHUP | broken)) == EPOLLRDHUP;
    struct verdict *verdict = &exchange->verdict;

    if (exchange->question->script.end == SCRIPT_END_RESET) {
        reset(exchange, now);
        return;
    }
    verdict->phase = verdict->phase < PHASE_RECEIVE ? PHASE_RECEIVE : verdict->phase;
    do {
        size_t room = sizeof exchange->octets - verdict->count;
        ssize_t got = recv(exchange->final->fd, exchange->octets + verdict->count, room, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got < 0) {
            finish(exchange, RESULT_FAILED, errno, now);
            return;
        }
        if (got > 0)
            mark(exchange, MARK_FIRST, now);
        verdict->count += (size_t)got;
        judge(exchange, got == 0 || ends_here, now);
    } while (!exchange->is_over && (events & broken) != 0);
}

/* ---- Time ---- */

/* Set the next instant. An octet that is overdue waits for an event: the socket has no room. */
static void set_next(struct exchange *exchange, int64_t now)
{
    const struct script *script = &exchange->question->script;
    const int64_t *marks = exchange->marks;
    int64_t next = exchange->question->timeout;
    int64_t due = marks[MARK_CONNECTED] + script_instant(script, exchange->sent);

    if (!is_connected(exchange) && exchange->tried < exchange->candidates &&
        !target_is_preferred(exchange->attempts[0].server))
        next = sooner(next, exchange->final->began - exchange->began + NEXT_ATTEMPT);
    if (exchange->verdict.phase == PHASE_SEND && marks[MARK_SENT] >= 0)
        next = sooner(next, marks[MARK_SENT] + BEFORE_RESET);
    else if (exchange->verdict.phase == PHASE_SEND && due > now - exchange->began)
        next = sooner(next, due);
    if (exchange->verdict.phase == PHASE_CLOSE && exchange->question->end_timeout < next)
        next = sooner(next, marks[MARK_LAST] + exchange->question->end_timeout);
    exchange->next = exchange->began + next;
}

/* Make the attempt that waited for longest the final one: the exchange ends because that address
 * did not answer, even if a later one failed. */
static void name_pending(struct exchange *exchange)
{
    struct attempt *open = exchange->verdict.phase == PHASE_CONNECT ? first_open(exchange) : NULL;
    if (open != NULL)
        exchange->final = open;
}

static void expire(struct exchange *exchange, int64_t now)
{
    const struct question *question = exchange->question;
    bool is_closing = exchange->verdict.phase == PHASE_CLOSE;
    name_pending(exchange);
    if (!is_connected(exchange))
        target_forsake(exchange->final->server);
    finish(exchange, is_closing ? RESULT_SILENT : RESULT_TIMEOUT, 0, now);
    exchange->waited =
        is_closing ? sooner(question->timeout, question->end_timeout) : question->timeout;
}

void exchange_continue(struct exchange *exchange, int64_t now)
{
    if (now - exchange->began >= exchange->question->timeout ||
        exchange->verdict.phase == PHASE_CLOSE)
        expire(exchange, now);
    else if (!is_connected(exchange))
        try_next(exchange, now);
    else if (exchange->marks[MARK_SENT] < 0)
        send_due(exchange, now);
    else
        reset(exchange, now);
    set_next(exchange, now);
}

void exchange_event(struct attempt *attempt, uint32_t events, int64_t now)
{
    struct exchange *exchange = attempt->exchange;

    if (!is_connected(exchange)) {
        end_handshake(attempt,
                      (events & (EPOLLERR | EPOLLHUP)) != 0 ? socket_error(attempt->fd) : 0, now);
        try_next(exchange, now);
    }
    /* These events say nothing about an attempt that try_next() has just connected. */
    bool is_final = is_connected(exchange) && attempt == exchange->final;
    if (is_final && !exchange->is_over && exchange->marks[MARK_SENT] < 0)
        send_due(exchange, now);
    if (is_final && !exchange->is_over && events != EPOLLOUT)
        receive(exchange, events, now);
    set_next(exchange, now);
}

/* ---- The whole ---- */

struct exchange *exchange_new(size_t room)
{
    struct exchange *exchange = malloc(sizeof *exchange + room * sizeof exchange->attempts[0]);
    if (exchange != NULL)
        exchange->room = room;
    return exchange;
}

static void await_name(struct exchange *exchange, int64_t now)
{
    exchange->final = exchange->attempts;
    exchange->verdict.phase = PHASE_RESOLVE;
    if (exchange->target->state == NAME_RESTS)
        exchange_fail(exchange, now);
}

void exchange_begin(struct exchange *exchange, struct target *target, struct server *server,
                    int epoll, int64_t now)
{
    exchange->target = target;
    exchange->epoll = epoll;
    exchange->began = now;
    exchange->time = wall_nanoseconds();
    exchange->verdict = (struct verdict){.phase = PHASE_CONNECT};
    exchange->is_over = exchange->has_reached_network = false;
    exchange->sent = exchange->tried = 0;
    for (int i = 0; i < MARKS; i++)
        exchange->marks[i] = -1;
    exchange->candidates = 1;
    if (server == NULL)
        exchange->candidates = target_choose(target, exchange->attempts, exchange->room);
    else
        exchange->attempts[0].server = server;
    if (exchange->candidates == 0)
        exchange->attempts[0].server = target->nowhere;
    for (size_t i = 0; i == 0 || i < exchange->candidates; i++) {
        struct attempt *attempt = &exchange->attempts[i];
        *attempt = (struct attempt){.exchange = exchange, .server = attempt->server, .fd = -1};
    }
    if (exchange->candidates > 0)
        try_next(exchange, now);
    else
        await_name(exchange, now);
    set_next(exchange, now);
}

void exchange_fail(struct exchange *exchange, int64_t now)
{
    finish(exchange, exchange->target->unresolved.result, exchange->target->unresolved.error, now);
}

void exchange_cut(struct exchange *exchange, int64_t now)
{
    name_pending(exchange);
    bool is_closing = exchange->verdict.phase == PHASE_CLOSE;
    finish(exchange, is_closing ? RESULT_SILENT : RESULT_CUT, 0, now);
}

void exchange_close(struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->tried; i++)
        close_attempt(&exchange->attempts[i]);
}
