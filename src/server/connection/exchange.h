/* SPDX-License-Identifier: MIT */
/* One connection on one connected socket: sixteen octets in, sixteen out. It
 * knows no threads and no listeners, so a socketpair(2) can drive it. */
#ifndef SERVER_CONNECTION_EXCHANGE_H
#define SERVER_CONNECTION_EXCHANGE_H

#include "server/connection/connection.h"

/* Hold the connection as far as that needs no waiting: receive what is there and, if
 * that was the message, answer. Returns whether it is over; if not, exchange_hold()
 * goes on with it. */
bool exchange_try(struct connection *connection);

/* Hold the connection, or the rest of one that exchange_try() began, to its end:
 * a proxy's header where there is to be one, receive, judge, reply and half-close, all by its
 * deadline. Reads fd, settings, peer, local and deadline; leaves the admission where it replies;
 * fills the exchange's part of the struct. The socket is left open: where `half_closed` is set it
 * must be read to end of file before close(2), because closing with unread octets makes the kernel
 * send RST and the peer lose the reply: linger.h. */
void exchange_finish(struct connection *connection);

#endif
