/* SPDX-License-Identifier: MIT */
/* The exchange on one connected socket: a PROXY header if one must come (proxy_header.h), sixteen
 * octets in, sixteen out, and the half-close. It needs neither a worker nor a listener, so a test
 * can run it over a socketpair(2). */
#ifndef SERVER_CONNECTION_EXCHANGE_H
#define SERVER_CONNECTION_EXCHANGE_H

#include "server/connection/connection.h"

/* Run the exchange as far as it needs no waiting: receive what is there and, if that completes the
 * message, reply. Returns whether the exchange is over; if not, exchange_finish() continues it. */
bool exchange_try(struct connection *connection);

/* Run the exchange, or the rest of one that exchange_try() began, to its end: receive a PROXY
 * header if one must come, receive the message, judge it, reply, and half-close, all by the
 * deadline. Leaves the admission before the reply is sent, and fills in the exchange's part of the
 * struct. The socket stays open; if `half_closed` is set, it needs a lingering close:
 * lingering_close.h. */
void exchange_finish(struct connection *connection);

#endif
