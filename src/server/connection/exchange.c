/* SPDX-License-Identifier: MIT */
/* Everything is tried first without waiting (MSG_DONTWAIT): under load the message has usually
 * arrived with the connection, and then no timeout needs to be set. Only what is missing is waited
 * for.
 *
 * recv(2) asks for 17 octets: the extra one shows the most frequent surplus, a newline, for free.
 * MSG_MORE holds the reply back until shutdown(2) adds the FIN, so that both leave in one
 * segment. */
#include <config.h>

#include "server/connection/exchange.h"

#include "server/connection/admission.h"
#include "server/connection/proxy_header.h"
#include "server/connection/transfer.h"

#include <errno.h>
#include <string.h>

/* Return the outcome of a transfer that did not complete. */
static enum outcome judge_failure(struct connection *connection, enum transfer_status status)
{
    int error = errno;
    bool nothing_yet = connection->count == 0 && !proxy_header_is_partial(connection);

    if (status == TRANSFER_TIMEOUT || atomic_load(&connection->cut))
        return OUTCOME_SLOW;
    if (status == TRANSFER_EOF)
        return nothing_yet ? OUTCOME_PROBE : OUTCOME_SHORT;
    if (error == ECONNRESET || error == EPIPE || error == ENOTCONN || error == ETIMEDOUT)
        return nothing_yet ? OUTCOME_PROBE : OUTCOME_RESET;
    connection->error = error;
    return OUTCOME_FAILED;
}

/* Receive the rest of the message, and one octet more if it is there. */
static enum transfer_status receive(struct connection *connection, int flags)
{
    size_t before = connection->count;
    size_t more = 0;
    if (before >= WIRE_OCTETS)
        return TRANSFER_DONE;
    enum transfer_status status =
        recv_all(connection->fd, connection->octets + before, WIRE_OCTETS - before,
                 sizeof connection->octets - before, flags, connection->deadline, &more);
    connection->count = before + more;
    return status;
}

static bool is_unexpected(const struct connection *connection)
{
    const struct settings *settings = connection->settings;
    return settings->strict && memcmp(connection->octets, settings->expect, WIRE_OCTETS) != 0;
}

/* Send the rest of the reply. */
static enum transfer_status send_reply(struct connection *connection, int flags)
{
    size_t before = connection->sent;
    size_t more;
    enum transfer_status status =
        send_all(connection->fd, connection->settings->reply + before, WIRE_OCTETS - before,
                 MSG_MORE | flags, connection->deadline, &more);
    connection->sent = before + more;
    return status;
}

/* Receive the message and, unless it is unexpected, send the reply. A new connection has room for
 * sixteen octets, so sending is tried without a timeout first. */
static enum transfer_status transfer(struct connection *connection, int flags)
{
    enum transfer_status status = proxy_header_receive(connection, flags);
    if (status != TRANSFER_DONE || connection->refused)
        return status;
    status = receive(connection, flags);
    if (status != TRANSFER_DONE || is_unexpected(connection))
        return status;
    status = send_reply(connection, MSG_DONTWAIT);
    if (status == TRANSFER_BLOCKED && !(flags & MSG_DONTWAIT))
        status = send_reply(connection, 0);
    return status;
}

/* Half-close if the exchange succeeded, and return the outcome. */
static enum outcome judge(struct connection *connection, enum transfer_status status)
{
    if (connection->refused)
        return connection->outcome;
    if (status != TRANSFER_DONE)
        return judge_failure(connection, status);
    if (is_unexpected(connection))
        return OUTCOME_MISMATCH;
    admission_leave(connection);
    if (shutdown(connection->fd, SHUT_WR) != 0)
        return judge_failure(connection, TRANSFER_FAILED);
    connection->half_closed = true;
    return connection->count > WIRE_OCTETS ? OUTCOME_EXCESS : OUTCOME_OK;
}

static void conclude(struct connection *connection, enum transfer_status status)
{
    connection->outcome = judge(connection, status);
    connection->decided = clock_nanoseconds();
    connection_log_step(connection, STEP_ENDED);
}

bool exchange_try(struct connection *connection)
{
    enum transfer_status status = transfer(connection, MSG_DONTWAIT);
    if (status == TRANSFER_BLOCKED)
        return false;
    conclude(connection, status);
    return true;
}

void exchange_finish(struct connection *connection)
{
    conclude(connection, transfer(connection, 0));
}
