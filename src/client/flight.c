/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/flight.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

static enum flight_state end(struct flight *flight, enum result result, int error)
{
    flight->verdict.result = result;
    flight->verdict.error = error;
    return FLIGHT_OVER;
}

/* Nothing has left this host. */
static enum flight_state fail_at_once(struct flight *flight, int error)
{
    end(flight, error_is_local(error) ? RESULT_LOCAL : RESULT_FAILED, error);
    return FLIGHT_FAILED;
}

/* The first send tells how the handshake ended. A reset is no answer to a handshake, though:
 * that would be a refusal. */
static enum flight_state fail_to_send(struct flight *flight, int error)
{
    if (error == ECONNRESET || error == EPIPE)
        flight->verdict.phase = PHASE_SEND;
    return end(flight, RESULT_FAILED, error);
}

static enum flight_state send_rest(struct flight *flight, const struct cargo *cargo)
{
    while (flight->sent < cargo->length) {
        ssize_t sent = send(flight->fd, cargo->octets + flight->sent, cargo->length - flight->sent,
                            MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN ? FLIGHT_ON : fail_to_send(flight, errno);
        flight->sent += (size_t)sent;
        flight->verdict.phase = PHASE_SEND;
    }
    flight->verdict.phase = PHASE_RECEIVE;
    return FLIGHT_ON;
}

/* Edge-triggered, so that one call serves however far the exchange has come by now. */
static enum flight_state watch(struct flight *flight, int epoll)
{
    uint32_t still_to_send = flight->verdict.phase < PHASE_RECEIVE ? EPOLLOUT : 0;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET | still_to_send,
                                .data.ptr = flight};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, flight->fd, &event) == 0)
        return FLIGHT_ON;
    end(flight, RESULT_LOCAL, errno);
    return FLIGHT_FAILED;
}

enum flight_state flight_begin(struct flight *flight, const struct cargo *cargo,
                               const struct address *server, uint64_t number, int epoll)
{
    flight->verdict = (struct verdict){.phase = PHASE_CONNECT};
    flight->sent = 0;
    flight->fd = socket(server->u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (flight->fd < 0)
        return fail_at_once(flight, errno);
    if (source_bind(&cargo->question->source, flight->fd, number) != 0) {
        end(flight, RESULT_LOCAL, errno);
        return FLIGHT_FAILED;
    }
    if (connect(flight->fd, &server->u.any, server->length) != 0 && errno != EINPROGRESS)
        return fail_at_once(flight, errno);
    /* Over loopback the handshake is done by now; else EAGAIN, and EPOLLOUT tells. */
    enum flight_state state = send_rest(flight, cargo);
    return state == FLIGHT_ON ? watch(flight, epoll) : state;
}

static enum flight_state judge(struct flight *flight, const char *expect, bool at_end)
{
    struct verdict *verdict = &flight->verdict;
    if (verdict->count < WIRE_OCTETS)
        return at_end ? end(flight, RESULT_EOF, 0) : FLIGHT_ON;
    if (memcmp(flight->octets, expect, WIRE_OCTETS) != 0)
        return end(flight, RESULT_DIFFERS, 0);
    verdict->phase = PHASE_CLOSE;
    if (verdict->count > WIRE_OCTETS)
        return end(flight, RESULT_MORE, 0);
    return at_end ? end(flight, RESULT_RIGHT, 0) : FLIGHT_ON;
}

/* Once the peer's end of file is in, what comes now is all there is. A reset shows as one, but not
 * alone; the next recv tells. */
static enum flight_state receive(struct flight *flight, const char *expect, uint32_t events,
                                 int64_t now)
{
    const uint32_t broken = EPOLLHUP | EPOLLERR;
    bool ends_here = (events & (EPOLLRDHUP | broken)) == EPOLLRDHUP;
    struct verdict *verdict = &flight->verdict;
    enum flight_state state;
    do {
        ssize_t got = recv(flight->fd, flight->octets + verdict->count,
                           sizeof flight->octets - verdict->count, 0);
        if (got < 0)
            return errno == EAGAIN ? FLIGHT_ON : end(flight, RESULT_FAILED, errno);
        if (got > 0)
            flight->heard = now;
        verdict->count += (size_t)got;
        state = judge(flight, expect, got == 0 || ends_here);
    } while (state == FLIGHT_ON && (events & broken) != 0);
    return state;
}

enum flight_state flight_go_on(struct flight *flight, const struct cargo *cargo, uint32_t events,
                               int64_t now)
{
    if (flight->verdict.phase < PHASE_RECEIVE) {
        enum flight_state state = send_rest(flight, cargo);
        if (state != FLIGHT_ON || flight->verdict.phase < PHASE_RECEIVE || events == EPOLLOUT)
            return state;
    }
    return receive(flight, cargo->question->expect, events, now);
}

void flight_expire(struct flight *flight)
{
    end(flight, flight->verdict.phase == PHASE_CLOSE ? RESULT_SILENT : RESULT_TIMEOUT, 0);
}
