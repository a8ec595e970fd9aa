/* SPDX-License-Identifier: MIT */
/* The header that a load balancer sends ahead of its client's octets, to name that client: PROXY
 * protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt, section 2). What follows the header is
 * the payload: here the sixteen octets. */
#ifndef SERVER_CONNECTION_PROXY_HEADER_H
#define SERVER_CONNECTION_PROXY_HEADER_H

#include "server/connection/connection.h"
#include "server/connection/transfer.h"

enum proxy_header_status {
    PROXY_MORE,      /* valid so far, but incomplete */
    PROXY_COMPLETE,  /* complete and valid */
    PROXY_MALFORMED, /* missing or invalid */
};

struct proxy_header {
    size_t length;              /* of the whole header in octets; with PROXY_MORE, how many octets
                                   are needed before more can be said; with PROXY_MALFORMED, how
                                   many of them show what is wrong */
    bool has_addresses;         /* false for LOCAL, for UNKNOWN, and for other than TCP over IP */
    struct address source;      /* the client, unmapped: address_unmap() */
    struct address destination; /* the address that the client connected to */
    const char *reason;         /* with PROXY_MALFORMED, what is wrong */
};

/* Parse the header at the start of `count` octets, and ignore what follows it. Report
 * PROXY_MALFORMED at the first octet that proves it. */
enum proxy_header_status proxy_header_parse(const unsigned char *octets, size_t count,
                                            struct proxy_header *header);

/* Receive the header of a connection from a trusted proxy, or the rest of it, until the
 * connection's deadline. Do nothing if the connection is not proxied or its header is complete.
 * Once it is, its addresses become the connection's, the admission decides again, and the payload
 * that came with it is in `octets`. `flags` are those of recv(2).
 *
 * Returns TRANSFER_DONE when the header is complete, or when nothing more will be received: the
 * header is malformed or its client is refused, and then `refused` and `outcome` are set. Other
 * results are those of recv_all(). */
enum transfer_status proxy_header_receive(struct connection *connection, int flags);

/* Whether a part of the header, but not all of it, was received. */
bool proxy_header_is_partial(const struct connection *connection);

#endif
