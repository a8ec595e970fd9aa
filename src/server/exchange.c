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
 * reply and end of file leave in one segment. A new connection has room for them, so
 * the deadline needs to be told to the kernel only if that is not so. */
static enum outcome reply(struct conversation *conversation)
{
    const char *octets = conversation->settings->reply;
    size_t sent;
    size_t more;
    enum transfer_status status = send_all(conversation->fd, octets, WIRE_OCTETS,
                                           MSG_MORE | MSG_DONTWAIT, conversation->deadline, &sent);
    if (status == TRANSFER_BLOCKED)
        status = send_all(conversation->fd, octets + sent, WIRE_OCTETS - sent, MSG_MORE,
                          conversation->deadline, &more);
    if (status != TRANSFER_DONE)
        return judge_failure(conversation, status);
    if (shutdown(conversation->fd, SHUT_WR) != 0)
        return judge_failure(conversation, TRANSFER_FAILED);
    conversation->half_closed = true;
    return conversation->count > WIRE_OCTETS ? OUTCOME_EXCESS : OUTCOME_OK;
}

/* Receive what lacks of the message, and one octet more if it is there. */
static enum transfer_status receive(struct conversation *conversation, int flags)
{
    size_t before = conversation->count;
    size_t more;
    enum transfer_status status =
        recv_all(conversation->fd, conversation->octets + before, WIRE_OCTETS - before,
                 sizeof conversation->octets - before, flags, conversation->deadline, &more);
    conversation->count = before + more;
    return status;
}

/* What becomes of the conversation once receiving has ended. */
static enum outcome answer(struct conversation *conversation, enum transfer_status status)
{
    const struct settings *settings = conversation->settings;
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

static void conclude(struct conversation *conversation, enum transfer_status status)
{
    conversation->outcome = answer(conversation, status);
    conversation->decided = clock_nanoseconds();
    if (log_wants(LOG_DEBUG))
        tell_steps(conversation);
}

bool exchange_try(struct conversation *conversation)
{
    enum transfer_status status = receive(conversation, MSG_DONTWAIT);
    if (status == TRANSFER_BLOCKED)
        return false;
    conclude(conversation, status);
    return true;
}

void exchange_hold(struct conversation *conversation)
{
    conclude(conversation, receive(conversation, 0));
}
