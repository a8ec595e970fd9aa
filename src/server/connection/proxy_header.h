/* SPDX-License-Identifier: MIT */
/* The header that a load balancer sends first: receive it, and take its addresses for those of the
 * connection. proxy_protocol.h parses it. */
#ifndef SERVER_CONNECTION_PROXY_HEADER_H
#define SERVER_CONNECTION_PROXY_HEADER_H

#include "common/transfer.h"
#include "server/connection/connection.h"

/* Receive the header of a connection from a trusted proxy, or the rest of it, until the
 * connection's deadline. Do nothing if the connection is not proxied or its header is complete.
 * Once it is, its addresses become the connection's, the admission decides again, and the payload
 * that came with it is in `octets`. `flags` are those of recv(2).
 *
 * Returns TRANSFER_DONE when the header is complete, or when nothing more will be received: the
 * header is malformed or its client is refused, and then `refused` and `outcome` are set. Other
 * results are those of recv_all(). */
enum transfer_status proxy_header_receive(struct connection *connection, int flags);

#endif
