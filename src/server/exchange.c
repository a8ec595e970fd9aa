/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/exchange.h"

#include "common/transfer.h"
#include "server/log.h"

#include <errno.h>
#include <string.h>

/* What a transfer that did not complete means for the conversation. */
static enum outcome judge_failure(struct conversation *conversation, enum transfer_status status)
{
    int error = errno;
    bool nothing_yet = conversation->count == 0;

    if (status == TRANSFER_TIMEOUT || atomic_load(&conversation->cut))
        return OUTCOME_SLOW;
    if (status == TRANSFER_EOF)
        return nothing_yet ? OUTCOME_PROBE : OUTCOME_SHORT;
    if (error == ECONNRESET || error == EPIPE || error == ENOTCONN || error == ETIMEDOUT)
        return nothing_yet ? OUTCOME_PROBE : OUTCOME_RESET;
    conversation->error = error;
    return OUTCOME_FAILED;
}

/* MSG_MORE holds the sixteen octets back until shutdown() adds the FIN, so that
 * reply and end of file leave in one segment. */
static enum outcome reply(struct conversation *conversation)
{
    size_t sent;
    enum transfer_status status = send_all(conversation->fd, conversation->settings->reply,
                                           WIRE_OCTETS, MSG_MORE, conversation->deadline, &sent);
    if (status != TRANSFER_DONE)
        return judge_failure(conversation, status);
    if (shutdown(conversation->fd, SHUT_WR) != 0)
        return judge_failure(conversation, TRANSFER_FAILED);
    conversation->half_closed = true;
    return conversation->count > WIRE_OCTETS ? OUTCOME_EXCESS : OUTCOME_OK;
}

static enum outcome converse(struct conversation *conversation)
{
    const struct settings *settings = conversation->settings;
    enum transfer_status status =
        recv_all(conversation->fd, conversation->octets, WIRE_OCTETS, sizeof conversation->octets,
                 conversation->deadline, &conversation->count);
    if (status != TRANSFER_DONE)
        return judge_failure(conversation, status);
    if (settings->strict && memcmp(conversation->octets, settings->expect, WIRE_OCTETS) != 0)
        return OUTCOME_MISMATCH;
    return reply(conversation);
}

/* In the words of the first sixteen program. */
static void tell_steps(const struct conversation *conversation)
{
    char peer[ADDRESS_TEXT];
    char message[QUOTE_SIZE(WIRE_OCTETS)];

    address_format(&conversation->peer, peer);
    if (conversation->count >= WIRE_OCTETS)
        log_line(LOG_DEBUG, "The incoming sixteen-octet message says %s peer=%s",
                 quote(conversation->octets, WIRE_OCTETS, message, sizeof message), peer);
    if (conversation->outcome == OUTCOME_SHORT)
        log_line(LOG_DEBUG, "socket closed %zu bytes into a %d-byte message peer=%s",
                 conversation->count, WIRE_OCTETS, peer);
    if (conversation->half_closed)
        log_line(LOG_DEBUG, "Reply sent, socket closed peer=%s", peer);
}

void exchange_hold(struct conversation *conversation)
{
    conversation->outcome = converse(conversation);
    conversation->decided = clock_nanoseconds();
    if (log_wants(LOG_DEBUG))
        tell_steps(conversation);
}
