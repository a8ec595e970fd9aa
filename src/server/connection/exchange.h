/* SPDX-License-Identifier: MIT */
/* The exchange on one connected socket: a PROXY header if one must come (proxy_header.h), sixteen
 * octets in, sixteen out, and the half-close. It needs neither a worker nor a listener, so a test
 * can run it over a socketpair(2). */
#ifndef SERVER_CONNECTION_EXCHANGE_H
#define SERVER_CONNECTION_EXCHANGE_H

#include "server/connection/connection.h"

/* Run the exchange, or the rest of it: receive a PROXY header if one must come, receive the
 * message, judge it, reply, and half-close, all by the deadline. With MSG_DONTWAIT as `flags` it
 * goes only as far as it needs no waiting. Returns whether the exchange is over; with 0 it is.
 *
 * Leaves the admission before the reply is sent, and fills in the exchange's part of the struct.
 * The socket stays open; if `half_closed` is set, it needs a lingering close: lingering_close.h. */
bool exchange_run(struct connection *connection, int flags);

#endif
