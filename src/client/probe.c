/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/probe.h"

#include "common/deadline.h"
#include "common/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* What is the same for all phases of one exchange. */
struct exchange {
    struct probe *probe;
    const struct question *question;
    int fd;
    struct deadline deadline;
};

static void enter(const struct exchange *exchange, enum phase phase)
{
    exchange->probe->verdict.phase = phase;
    if (exchange->question->phase != NULL)
        atomic_store(exchange->question->phase, (int)phase);
}

static void mark(struct probe *probe, enum mark mark)
{
    probe->marks[mark] = clock_nanoseconds() - probe->began;
}

static enum result fail(struct probe *probe, int error)
{
    probe->verdict.error = error;
    return RESULT_FAILED;
}

/* What a transfer that was not done means. */
static enum result undone(struct probe *probe, enum transfer_status status)
{
    switch (status) {
    case TRANSFER_EOF: return RESULT_EOF;
    case TRANSFER_TIMEOUT: return RESULT_TIMEOUT;
    default: return fail(probe, errno);
    }
}

/* connect(2) starts the three-way handshake and can fail in many ways; without
 * O_NONBLOCK it would wait minutes for a host that is not there. Returns 0, ETIME
 * when the deadline passed, or the error number of the handshake. */
static int connect_by(int fd, const struct address *server, struct deadline deadline)
{
    struct pollfd handshake = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof error;

    if (connect(fd, &server->u.any, server->length) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return errno;
    int ready;
    do {
        struct timespec left = timespec_from(deadline_left(deadline, clock_nanoseconds()));
        ready = ppoll(&handshake, 1, &left, NULL);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return ETIME;
    if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return errno;
    return error;
}

static enum result begin(const struct exchange *exchange)
{
    struct probe *probe = exchange->probe;
    int error = connect_by(exchange->fd, &probe->server, exchange->deadline);
    if (error == ETIME)
        return RESULT_TIMEOUT;
    if (error != 0) {
        probe->verdict.error = error;
        return error_is_local(error) ? RESULT_LOCAL : RESULT_FAILED;
    }
    mark(probe, MARK_CONNECTED);
    if (fcntl(exchange->fd, F_SETFL, 0) != 0 || address_of_socket(exchange->fd, &probe->local) != 0)
        return fail(probe, errno);
    return RESULT_RIGHT;
}

static enum result say(const struct exchange *exchange)
{
    const struct question *question = exchange->question;
    size_t sent;

    enter(exchange, PHASE_SEND);
    enum transfer_status status = send_all(exchange->fd, question->header, question->header_length,
                                           0, exchange->deadline, &sent);
    if (status == TRANSFER_DONE)
        status = misbehaviour_send(&question->misbehaviour, exchange->fd, question->message,
                                   exchange->deadline);
    if (status == TRANSFER_DONE)
        mark(exchange->probe, MARK_SENT);
    return status == TRANSFER_DONE || status == TRANSFER_EOF ? RESULT_RIGHT
                                                             : undone(exchange->probe, status);
}

/* Receive more of the reply, until there are `want` octets of it. */
static enum transfer_status receive(const struct exchange *exchange, size_t want)
{
    struct verdict *verdict = &exchange->probe->verdict;
    enum transfer_status status = TRANSFER_DONE;
    size_t more = 0;

    if (verdict->count < want)
        status =
            recv_all(exchange->fd, exchange->probe->octets + verdict->count, want - verdict->count,
                     sizeof exchange->probe->octets - verdict->count, 0, exchange->deadline, &more);
    verdict->count += more;
    return status;
}

/* After sixteen octets the end of file must come: one octet more is wrong, silence
 * is right but remarkable. */
static enum result finish(const struct exchange *exchange)
{
    enter(exchange, PHASE_CLOSE);
    enum transfer_status status = receive(exchange, WIRE_OCTETS + 1);
    if (status == TRANSFER_DONE)
        return RESULT_MORE;
    if (status == TRANSFER_TIMEOUT)
        return RESULT_SILENT;
    if (status != TRANSFER_EOF)
        return undone(exchange->probe, status);
    mark(exchange->probe, MARK_END);
    return RESULT_RIGHT;
}

static enum result hear(const struct exchange *exchange)
{
    struct probe *probe = exchange->probe;

    enter(exchange, PHASE_RECEIVE);
    enum transfer_status status = receive(exchange, 1);
    if (probe->verdict.count > 0) {
        mark(probe, MARK_FIRST);
        status = receive(exchange, WIRE_OCTETS);
    }
    if (status != TRANSFER_DONE)
        return undone(probe, status);
    mark(probe, MARK_LAST);
    if (memcmp(probe->octets, exchange->question->expect, WIRE_OCTETS) != 0)
        return RESULT_DIFFERS;
    return finish(exchange);
}

/* Where the message was not whole, the server is to close, and say nothing. */
static enum result hear_nothing(const struct exchange *exchange)
{
    if (exchange->question->misbehaviour.kind == MISBEHAVE_RESET)
        return RESULT_QUIET;
    enter(exchange, PHASE_RECEIVE);
    enum transfer_status status = receive(exchange, 1);
    if (status == TRANSFER_DONE)
        return RESULT_MORE;
    if (status != TRANSFER_EOF)
        return undone(exchange->probe, status);
    mark(exchange->probe, MARK_END);
    return RESULT_QUIET;
}

static enum result ask(const struct exchange *exchange)
{
    enum result result = begin(exchange);
    if (result == RESULT_RIGHT)
        result = say(exchange);
    if (result != RESULT_RIGHT)
        return result;
    return misbehaviour_earns_reply(&exchange->question->misbehaviour) ? hear(exchange)
                                                                       : hear_nothing(exchange);
}

/* A socket that comes from where it should; or -1, and the verdict. */
static int open_socket(struct probe *probe, const struct question *question, uint64_t number)
{
    int fd = socket(probe->server.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && source_bind(&question->source, fd, number) == 0)
        return fd;
    probe->verdict.error = errno;
    probe->verdict.result = fd < 0 && errno == EAFNOSUPPORT ? RESULT_FAILED : RESULT_LOCAL;
    if (fd >= 0)
        close(fd);
    return -1;
}

void probe_run(struct probe *probe, const struct address *server, const struct question *question,
               uint64_t number)
{
    *probe = (struct probe){
        .server = *server, .timeout = question->timeout, .began = clock_nanoseconds()};
    for (int i = 0; i < MARKS; i++)
        probe->marks[i] = -1;
    struct exchange exchange = {.probe = probe,
                                .question = question,
                                .deadline = deadline_after(probe->began, question->timeout)};
    enter(&exchange, PHASE_CONNECT);
    exchange.fd = open_socket(probe, question, number);
    if (exchange.fd >= 0) {
        probe->verdict.result = ask(&exchange);
        close(exchange.fd);
    }
    int64_t now = clock_nanoseconds() - probe->began;
    probe->took = probe->marks[MARK_END] >= 0              ? probe->marks[MARK_END]
                  : probe->verdict.result == RESULT_SILENT ? probe->marks[MARK_LAST]
                                                           : now;
}
