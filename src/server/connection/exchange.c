/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/exchange.h"

#include "common/transfer.h"
#include "server/connection/admission.h"
#include "server/log/log.h"
#include "server/connection/preface.h"

#include <errno.h>
#include <string.h>

/* What a transfer that did not complete means for the conversation. */
static enum outcome judge_failure(struct conversation *conversation, enum transfer_status status)
{
    int error = errno;
    bool nothing_yet = conversation->count == 0 && !preface_is_begun(conversation);

    if (status == TRANSFER_TIMEOUT || atomic_load(&conversation->cut))
        return OUTCOME_SLOW;
    if (status == TRANSFER_EOF)
        return nothing_yet ? OUTCOME_PROBE : OUTCOME_SHORT;
    if (error == ECONNRESET || error == EPIPE || error == ENOTCONN || error == ETIMEDOUT)
        return nothing_yet ? OUTCOME_PROBE : OUTCOME_RESET;
    conversation->error = error;
    return OUTCOME_FAILED;
}

/* Receive what lacks of the message, and one octet more if it is there. */
static enum transfer_status receive(struct conversation *conversation, int flags)
{
    size_t before = conversation->count;
    size_t more = 0;
    if (before >= WIRE_OCTETS)
        return TRANSFER_DONE;
    enum transfer_status status =
        recv_all(conversation->fd, conversation->octets + before, WIRE_OCTETS - before,
                 sizeof conversation->octets - before, flags, conversation->deadline, &more);
    conversation->count = before + more;
    return status;
}

static bool is_unexpected(const struct conversation *conversation)
{
    const struct settings *settings = &conversation->snapshot->settings;
    return settings->strict && memcmp(conversation->octets, settings->expect, WIRE_OCTETS) != 0;
}

/* Send what lacks of the reply. MSG_MORE holds it back until shutdown() adds the FIN, so
 * that reply and end of file leave in one segment. */
static enum transfer_status send_reply(struct conversation *conversation, int flags)
{
    size_t before = conversation->sent;
    size_t more;
    enum transfer_status status =
        send_all(conversation->fd, conversation->snapshot->settings.reply + before,
                 WIRE_OCTETS - before, MSG_MORE | flags, conversation->deadline, &more);
    conversation->sent = before + more;
    return status;
}

/* Receive and, unless the message is not the expected one, reply. A new connection has room
 * for sixteen octets, so the kernel needs a timeout for them only if that is not so. */
static enum transfer_status transfer(struct conversation *conversation, int flags)
{
    enum transfer_status status = preface_receive(conversation, flags);
    if (status != TRANSFER_DONE || conversation->refused)
        return status;
    status = receive(conversation, flags);
    if (status != TRANSFER_DONE || is_unexpected(conversation))
        return status;
    status = send_reply(conversation, MSG_DONTWAIT);
    if (status == TRANSFER_BLOCKED && !(flags & MSG_DONTWAIT))
        status = send_reply(conversation, 0);
    return status;
}

/* What becomes of the conversation once its octets have gone over, or could not. */
static enum outcome judge(struct conversation *conversation, enum transfer_status status)
{
    if (conversation->refused)
        return conversation->outcome;
    if (status != TRANSFER_DONE)
        return judge_failure(conversation, status);
    if (is_unexpected(conversation))
        return OUTCOME_MISMATCH;
    admission_leave(conversation);
    if (shutdown(conversation->fd, SHUT_WR) != 0)
        return judge_failure(conversation, TRANSFER_FAILED);
    conversation->half_closed = true;
    return conversation->count > WIRE_OCTETS ? OUTCOME_EXCESS : OUTCOME_OK;
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
    conversation->outcome = judge(conversation, status);
    conversation->decided = clock_nanoseconds();
    if (log_wants(LOG_DEBUG))
        tell_steps(conversation);
}

bool exchange_try(struct conversation *conversation)
{
    enum transfer_status status = transfer(conversation, MSG_DONTWAIT);
    if (status == TRANSFER_BLOCKED)
        return false;
    conclude(conversation, status);
    return true;
}

void exchange_hold(struct conversation *conversation)
{
    conclude(conversation, transfer(conversation, 0));
}
