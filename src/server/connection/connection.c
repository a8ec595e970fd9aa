/* SPDX-License-Identifier: MIT */
/* What is reported of a connection: its steps and its line are logged, and its outcome is counted.
 * acceptor.c creates the struct. */
#include <config.h>

#include "server/connection/connection.h"

#include "common/number.h"
#include "common/protocol_guess.h"
#include "server/log/log.h"

#include <stdio.h>
#include <string.h>

_Static_assert(CONNECTION_LINE <= LOG_LINE_SIZE, "log_connection() takes it");

/* Return the time from getting a slot, when the deadline begins, to the outcome. */
static int64_t microseconds(const struct connection *connection)
{
    return (connection->decided - connection->accepted) / 1000;
}

/* The put functions return the end of the line. */

static char *put(char *to, const char *name, const char *value)
{
    return stpcpy(stpcpy(to, name), value);
}

/* What the message looks like, or what a trusted proxy sent instead of a header. */
static char *put_guess(char *to, const struct connection *connection)
{
    const struct proxy_buffer *proxy = connection->proxy;
    bool no_header = proxy != NULL && proxy->status == PROXY_MALFORMED;
    const char *guess = no_header ? protocol_guess(proxy->octets, proxy->count)
                                  : protocol_guess(connection->octets, connection->count);
    if (guess == NULL || (no_header && strcmp(guess, "proxy") == 0))
        return to;
    return put(to, " looks=", guess);
}

/* A header that is incomplete, or one that is malformed, up to what is wrong with it. */
static char *put_header(char *to, const struct proxy_buffer *proxy)
{
    char header[QUOTE_SIZE(PROXY_HEADER_SHOWN)];
    if (proxy == NULL || proxy->status == PROXY_COMPLETE || proxy->count == 0)
        return to;
    bool malformed = proxy->status == PROXY_MALFORMED;
    size_t length = malformed ? proxy->header.length : proxy->count;
    size_t count = length < PROXY_HEADER_SHOWN ? length : PROXY_HEADER_SHOWN;
    to = put(to, " header=", quote(proxy->octets, count, header, sizeof header));
    return malformed ? stpcpy(put(to, " reason=\"", proxy->header.reason), "\"") : to;
}

char *connection_format(const struct connection *connection, char line[CONNECTION_LINE])
{
    char text[ADDRESS_TEXT];
    char message[QUOTE_SIZE(WIRE_OCTETS)];
    const size_t count = connection->count < WIRE_OCTETS ? connection->count : WIRE_OCTETS;
    const struct proxy_buffer *proxy = connection->proxy;
    char *to = put(line, "outcome=", outcome_name(connection->outcome));
    to = put(to, " peer=", address_format(&connection->peer, text));
    to = put(to, " local=", address_format(&connection->local, text));
    if (proxy != NULL && proxy->header.has_addresses)
        to = put(to, " via=", address_format(&proxy->address, text));
    to = put_decimal(stpcpy(to, " octets="), connection->count);
    if (count > 0) /* not every reader takes an empty string: lnav does not */
        to = put(to, " message=", quote(connection->octets, count, message, sizeof message));
    to = put_decimal(stpcpy(to, " us="), (unsigned long long)microseconds(connection));
    if (connection->retrans > 0)
        to = put_decimal(stpcpy(to, " retrans="), connection->retrans);
    to = put_guess(to, connection);
    to = put_header(to, proxy);
    if (connection->outcome == OUTCOME_FAILED)
        snprintf(to, (size_t)(line + CONNECTION_LINE - to), " error=\"%s\"",
                 strerror(connection->error));
    return line;
}

static void log_end(const struct connection *connection, const char *peer)
{
    char message[QUOTE_SIZE(WIRE_OCTETS)];
    if (connection->count >= WIRE_OCTETS)
        log_line(LOG_DEBUG, "The incoming sixteen-octet message says %s peer=%s",
                 quote_repr(connection->octets, WIRE_OCTETS, message, sizeof message), peer);
    if (connection->outcome == OUTCOME_SHORT)
        log_line(LOG_DEBUG, "socket closed %zu bytes into a %d-byte message peer=%s",
                 connection->count, WIRE_OCTETS, peer);
    if (connection->half_closed)
        log_line(LOG_DEBUG, "Reply sent, socket closed peer=%s", peer);
}

void connection_log_step(const struct connection *connection, enum connection_step step)
{
    char peer[ADDRESS_TEXT];
    char other[ADDRESS_TEXT];
    if (!log_wants(LOG_DEBUG))
        return;
    address_format(&connection->peer, peer);
    switch (step) {
    case STEP_ACCEPTED:
        log_line(LOG_DEBUG, "We have accepted a connection from %s", peer);
        log_line(LOG_DEBUG, "Socket connects %s and %s", address_format(&connection->local, other),
                 peer);
        break;
    case STEP_PROXIED:
        log_line(LOG_DEBUG, "The proxy %s speaks for %s",
                 address_format(&connection->proxy->address, other),
                 connection->proxy->header.has_addresses ? peer : "itself");
        break;
    case STEP_ENDED: log_end(connection, peer); break;
    }
}

void connection_report(const struct connection *connection)
{
    char line[CONNECTION_LINE];
    int severity = outcome_severity(connection->outcome);
    stats_outcome(connection->outcome, microseconds(connection));
    if (log_wants(severity))
        log_connection(severity, connection_format(connection, line));
}
