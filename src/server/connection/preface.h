/* SPDX-License-Identifier: MIT */
/* What comes before the message of a proxied connection: a header that says whom the proxy
 * speaks for, and what follows from that. */
#ifndef SERVER_CONNECTION_PREFACE_H
#define SERVER_CONNECTION_PREFACE_H

#include "common/transfer.h"
#include "server/connection/connection.h"

/* Receive the header of a proxied connection, or what lacks of it, by the connection's
 * deadline; nothing where it isn't proxied or the header was read before. Then its addresses are
 * the connection's, the admission is asked again, and what came behind the header is in
 * `octets`. `flags` are those of recv(2). Returns TRANSFER_DONE once the header is read, or with
 * `refused` and `outcome` set when nothing more is to be received: it is malformed, or whoever the
 * proxy speaks for may not enter. Otherwise what went wrong, as recv_all() says it. */
enum transfer_status proxy_header_receive(struct connection *connection, int flags);

/* Whether a part of the header has come, and not all of it. */
bool proxy_header_is_partial(const struct connection *connection);

#endif
