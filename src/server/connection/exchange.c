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

#include "common/tcp_info.h"
#include "common/transfer.h"
#include "server/connection/admission.h"
#include "server/connection/proxy_header.h"

#include <errno.h>
#include <string.h>

/* Nanoseconds. Of a connection that takes longer, the kernel is asked for retransmissions. */
#define SLOW INT64_C(100000000)

/* Whether the peer sent no more than a whole PROXY header. */
static bool sent_nothing(const struct connection *connection)
{
    const struct proxy_buffer *proxy = connection->proxy;
    return connection->count == 0 &&
           (proxy == NULL || proxy->status == PROXY_COMPLETE || proxy->count == 0);
}

/* Return the outcome of a transfer that did not complete. */
static enum outcome judge_failure(struct connection *connection, enum transfer_status status)
{
    int error = errno;
    if (status == TRANSFER_TIMEOUT || atomic_load(&connection->cut))
        return OUTCOME_SLOW;
    if (status == TRANSFER_EOF)
        return sent_nothing(connection) ? OUTCOME_PROBE : OUTCOME_SHORT;
    if (error == ECONNRESET || error == EPIPE || error == ENOTCONN || error == ETIMEDOUT)
        return sent_nothing(connection) ? OUTCOME_PROBE : OUTCOME_RESET;
    connection->error = error;
    return OUTCOME_FAILED;
}

static bool is_unexpected(const struct connection *connection)
{
    const struct settings *settings = connection->settings;
    return settings->strict && memcmp(connection->octets, settings->expect, WIRE_OCTETS) != 0;
}

/* Send the rest of the reply. */
static enum transfer_status send_reply(struct connection *connection, int flags)
{
    return send_all(connection->fd, connection->settings->reply, WIRE_OCTETS, MSG_MORE | flags,
                    connection->deadline, &connection->sent);
}

/* Receive the message, with one octet more if it is there, and, unless it is unexpected, send the
 * reply. A new connection has room for sixteen octets, so sending is tried without a timeout first.
 */
static enum transfer_status transfer(struct connection *connection, int flags)
{
    enum transfer_status status = proxy_header_receive(connection, flags);
    if (status != TRANSFER_DONE || connection->refused)
        return status;
    status = recv_all(connection->fd, connection->octets, WIRE_OCTETS, sizeof connection->octets,
                      flags, connection->deadline, &connection->count);
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

bool exchange_run(struct connection *connection, int flags)
{
    enum transfer_status status = transfer(connection, flags);
    if (status == TRANSFER_BLOCKED)
        return false;
    connection->outcome = judge(connection, status);
    connection->decided = clock_nanoseconds();
    if (connection->decided - connection->accepted > SLOW) {
        struct tcp_info info;
        (void)tcp_info_read(connection->fd, &info);
        connection->retrans = info.tcpi_total_retrans; /* 0 if the kernel does not know */
    }
    connection_log_step(connection, STEP_ENDED);
    return true;
}
