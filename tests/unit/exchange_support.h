/* SPDX-License-Identifier: MIT */
/* The connection that the tests of the exchange hold over `ends`. */
#ifndef UNIT_EXCHANGE_SUPPORT_H
#define UNIT_EXCHANGE_SUPPORT_H

#include "server/connection/exchange.h"
#include "support.h"

extern struct snapshot snapshot; /* of that connection */
extern struct connection connection;

/* Connect, and prepare a connection that has a minute: for add_case(). */
void begin_unix(void);
void begin_tcp(void);

/* Hold it. Whatever its outcome, the socket must stay open. */
void hold(void);

void assert_outcome(enum outcome outcome, size_t count);

/* The peer has the reply and end of file though our socket is open, and the close is
 * to linger. */
void assert_answered(enum outcome outcome, size_t count, const char *reply);

/* The peer gets end of file once we end our side, and not one octet before. */
void assert_not_answered(enum outcome outcome, size_t count);

#endif
