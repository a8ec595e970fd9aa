/* SPDX-License-Identifier: MIT */
/* One conversation on one connected socket: sixteen octets in, sixteen out. It
 * knows no threads and no listeners, so a socketpair(2) can drive it. */
#ifndef SERVER_EXCHANGE_H
#define SERVER_EXCHANGE_H

#include "server/conversation.h"

/* Hold the conversation: receive, judge, reply and half-close, all by its
 * deadline. Reads fd, settings, peer, local and deadline; fills the exchange's
 * part of the struct. The socket is left open: where `half_closed` is set it must
 * be read to end of file before close(2), because closing with unread octets makes
 * the kernel send RST and the peer lose the reply: linger.h. */
void exchange_hold(struct conversation *conversation);

#endif
