/* SPDX-License-Identifier: MIT */
/* The acceptor decides from the peer's address alone whether a header must come, so a peer that
 * access.proxies does not list cannot claim another address. The admission then only checks for a
 * free slot. The worker reads the header and asks the admission again, for the client that the
 * header names.
 *
 * A proxy that closes before its first octet is a `probe`, because balancers that only test the
 * port would fill the log; one octet that begins no header is `malformed`. A header without
 * addresses leaves the connection to the proxy itself, which the access lists must then allow:
 * otherwise UNKNOWN would admit clients that no list names.
 *
 * The header has a buffer of its own, so that connections without a proxy do not pay for it. One
 * recv(2) takes header and payload together if both are there. */
#include <config.h>

#include "server/connection/proxy_header.h"

#include "server/connection/admission.h"

#include <stdlib.h>
#include <string.h>

/* Hand on the payload that came with the header. One octet too many is enough to see excess. */
static void take_payload(struct connection *connection)
{
    const struct proxy_buffer *buffer = connection->proxy;
    size_t payload = buffer->count - buffer->header.length;
    size_t room = sizeof connection->octets;
    connection->count = payload < room ? payload : room;
    memcpy(connection->octets, buffer->octets + buffer->header.length, connection->count);
}

static enum transfer_status complete(struct connection *connection)
{
    struct proxy_buffer *buffer = connection->proxy;
    buffer->address = connection->peer;
    if (buffer->header.has_addresses) {
        connection->peer = buffer->header.source;
        connection->local = buffer->header.destination;
    }
    connection->refused = !admission_enter_again(connection);
    connection_log_step(connection, STEP_PROXIED);
    if (!connection->refused)
        take_payload(connection);
    return TRANSFER_DONE;
}

enum transfer_status proxy_header_receive(struct connection *connection, int flags)
{
    enum transfer_status status = TRANSFER_DONE;

    if (!connection->proxied)
        return TRANSFER_DONE;
    if (connection->proxy == NULL &&
        (connection->proxy = calloc(1, sizeof *connection->proxy)) == NULL)
        return TRANSFER_FAILED;
    struct proxy_buffer *buffer = connection->proxy;
    struct proxy_header *header = &buffer->header;
    if (buffer->status == PROXY_COMPLETE)
        return TRANSFER_DONE;
    while ((buffer->status = proxy_header_parse(buffer->octets, buffer->count, header)) ==
               PROXY_MORE &&
           status == TRANSFER_DONE)
        status = recv_all(connection->fd, buffer->octets, header->length, sizeof buffer->octets,
                          flags, connection->deadline, &buffer->count);
    if (buffer->status == PROXY_COMPLETE)
        return complete(connection);
    if (buffer->status == PROXY_MORE) {
        if (status != TRANSFER_EOF || buffer->count == 0 || atomic_load(&connection->cut))
            return status;
        buffer->status = PROXY_MALFORMED;
        header->length = buffer->count;
        text_append(header->reason, PROXY_REASON, "the connection ended inside the header");
    }
    connection->refused = true;
    connection->outcome = OUTCOME_MALFORMED;
    return TRANSFER_DONE;
}
