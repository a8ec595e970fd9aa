/* SPDX-License-Identifier: MIT */
/* The connection over `ends` for the tests of the exchange. */
#ifndef UNIT_EXCHANGE_SUPPORT_H
#define UNIT_EXCHANGE_SUPPORT_H

#include "server/connection/exchange.h"
#include "settings_support.h"

extern struct settings *settings; /* of that connection */
extern struct connection connection;

/* Connect, and prepare a connection whose deadline is in a minute: for add_case(). */
void begin_unix(void);
void begin_tcp(void);

/* Serve the connection. The socket must stay open, whatever the outcome. */
void hold(void);

void assert_outcome(enum outcome outcome, size_t count);

/* Fail unless the peer gets the reply and end of file while our socket is open, and a lingering
 * close must follow. */
void assert_answered(enum outcome outcome, size_t count, const char *reply);

/* Fail unless the peer gets no octet, and end of file only when we end our side. */
void assert_not_answered(enum outcome outcome, size_t count);

#endif
