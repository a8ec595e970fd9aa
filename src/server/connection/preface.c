/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/preface.h"

#include "server/connection/admission.h"
#include "server/log/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool proxy_header_is_partial(const struct connection *connection)
{
    const struct header_buffer *header = connection->header;
    return header != NULL && !header->complete && header->count > 0;
}

static void refuse(struct connection *connection, enum outcome outcome)
{
    connection->refused = true;
    connection->outcome = outcome;
}

static void refuse_malformed(struct connection *connection, const char *wrong)
{
    connection->header->wrong = wrong;
    refuse(connection, OUTCOME_MALFORMED);
}

/* No octet of it is read before it is written, so it needs not be cleared: it is large. */
static struct header_buffer *begin(void)
{
    struct header_buffer *header = malloc(sizeof *header);
    if (header != NULL) {
        header->complete = header->has_addresses = false;
        header->count = 0;
        header->wrong = NULL;
    }
    return header;
}

/* In the words of the first sixteen program. */
static void log_step(const struct connection *connection)
{
    char peer[ADDRESS_TEXT];
    char proxy[ADDRESS_TEXT];
    const struct header_buffer *header = connection->header;
    log_line(LOG_DEBUG, "The proxy %s speaks for %s", address_format(&header->proxy, proxy),
             header->has_addresses ? address_format(&connection->peer, peer) : "itself");
}

static void take_addresses(struct connection *connection, const struct proxy_header *header)
{
    struct header_buffer *buffer = connection->header;
    buffer->proxy = connection->peer;
    buffer->has_addresses = header->has_addresses;
    if (header->has_addresses) {
        connection->peer = header->source;
        connection->local = header->destination;
    }
    if (log_wants(LOG_DEBUG))
        log_step(connection);
}

/* Of more octets than one too many the rest is as good as discarded. */
static void take_rest(struct connection *connection, size_t length)
{
    const struct header_buffer *buffer = connection->header;
    size_t rest = buffer->count - length;
    size_t room = sizeof connection->octets;
    connection->count = rest < room ? rest : room;
    memcpy(connection->octets, buffer->octets + length, connection->count);
}

/* The header is there. */
static enum transfer_status enter(struct connection *connection, const struct proxy_header *header)
{
    connection->header->complete = true;
    take_addresses(connection, header);
    switch (admission_enter_again(connection)) {
    case ADMITTED: take_rest(connection, header->length); break;
    case ADMISSION_DENIED: refuse(connection, OUTCOME_DENIED); break;
    case ADMISSION_FAILED: errno = ENOMEM; return TRANSFER_FAILED;
    default: refuse(connection, OUTCOME_LIMITED);
    }
    return TRANSFER_DONE;
}

static enum transfer_status receive(struct connection *connection, size_t want, int flags)
{
    struct header_buffer *buffer = connection->header;
    size_t more;
    enum transfer_status status =
        recv_all(connection->fd, buffer->octets + buffer->count, want - buffer->count,
                 sizeof buffer->octets - buffer->count, flags, connection->deadline, &more);
    buffer->count += more;
    return status;
}

enum transfer_status proxy_header_receive(struct connection *connection, int flags)
{
    struct proxy_header header;
    enum proxy_header_status parsed;
    enum transfer_status status = TRANSFER_DONE;

    if (!connection->proxied)
        return TRANSFER_DONE;
    if (connection->header == NULL && (connection->header = begin()) == NULL)
        return TRANSFER_FAILED;
    struct header_buffer *buffer = connection->header;
    if (buffer->complete)
        return TRANSFER_DONE;
    while ((parsed = proxy_header_parse(buffer->octets, buffer->count, &header)) == PROXY_MORE &&
           status == TRANSFER_DONE)
        status = receive(connection, header.length, flags);
    if (parsed == PROXY_COMPLETE)
        return enter(connection, &header);
    if (parsed == PROXY_MALFORMED)
        refuse_malformed(connection, header.wrong);
    else if (status != TRANSFER_EOF || buffer->count == 0 || atomic_load(&connection->cut))
        return status;
    else
        refuse_malformed(connection, "it ends in the middle");
    return TRANSFER_DONE;
}
