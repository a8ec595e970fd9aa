/* SPDX-License-Identifier: MIT */
/* What is reported of a connection: its outcome is counted, and its line is logged. acceptor.c
 * creates the struct. */
#include <config.h>

#include "server/connection/connection.h"

#include "common/number.h"
#include "server/log/log.h"

#include <stdio.h>
#include <string.h>

_Static_assert(CONNECTION_LINE <= LOG_LINE_SIZE, "log_text() takes the line of a connection");

static const int severities[] = {
    [OUTCOME_OK] = LOG_INFO,        [OUTCOME_EXCESS] = LOG_INFO, [OUTCOME_MISMATCH] = LOG_INFO,
    [OUTCOME_SHORT] = LOG_INFO,     [OUTCOME_PROBE] = LOG_DEBUG, [OUTCOME_SLOW] = LOG_INFO,
    [OUTCOME_RESET] = LOG_INFO,     [OUTCOME_DENIED] = LOG_INFO, [OUTCOME_LIMITED] = LOG_INFO,
    [OUTCOME_MALFORMED] = LOG_INFO, [OUTCOME_FAILED] = LOG_ERR,
};

int64_t connection_microseconds(const struct connection *connection)
{
    return (connection->decided - connection->accepted) / 1000;
}

/* The put_ functions return the end of the line. */

static char *put_proxy(char *to, const struct proxy_buffer *proxy)
{
    char text[ADDRESS_TEXT];
    if (proxy == NULL || !proxy->has_addresses)
        return to;
    to = stpcpy(to, " via=");
    return stpcpy(to, address_format(&proxy->address, text));
}

/* The start of a header that is malformed or incomplete, at most as long as a message. */
static char *put_header(char *to, const struct proxy_buffer *proxy)
{
    char header[QUOTE_SIZE(WIRE_OCTETS)];
    if (proxy == NULL || proxy->complete || proxy->count == 0)
        return to;
    size_t count = proxy->count < WIRE_OCTETS ? proxy->count : WIRE_OCTETS;
    to = stpcpy(to, " header=");
    to = stpcpy(to, quote(proxy->octets, count, header, sizeof header));
    if (proxy->reason != NULL) {
        to = stpcpy(to, " reason='");
        to = stpcpy(to, proxy->reason);
        to = stpcpy(to, "'");
    }
    return to;
}

char *connection_format(const struct connection *connection, char line[CONNECTION_LINE])
{
    char text[ADDRESS_TEXT];
    char message[QUOTE_SIZE(WIRE_OCTETS)];
    size_t count = connection->count < WIRE_OCTETS ? connection->count : WIRE_OCTETS;

    char *to = stpcpy(line, outcome_name(connection->outcome));
    to = stpcpy(to, " peer=");
    to = stpcpy(to, address_format(&connection->peer, text));
    to = stpcpy(to, " local=");
    to = stpcpy(to, address_format(&connection->local, text));
    to = put_proxy(to, connection->proxy);
    to = stpcpy(to, " octets=");
    to = put_decimal(to, connection->count);
    to = stpcpy(to, " message=");
    to = stpcpy(to, quote(connection->octets, count, message, sizeof message));
    to = stpcpy(to, " us=");
    to = put_decimal(to, (unsigned long long)connection_microseconds(connection));
    to = put_header(to, connection->proxy);
    if (connection->outcome == OUTCOME_FAILED)
        snprintf(to, (size_t)(line + CONNECTION_LINE - to), " error='%s'",
                 strerror(connection->error));
    return line;
}

void connection_report(const struct connection *connection)
{
    char line[CONNECTION_LINE];
    int severity = severities[connection->outcome];
    stats_outcome(connection->outcome, connection_microseconds(connection));
    if (log_wants(severity))
        log_text(severity, connection_format(connection, line));
}
