/* SPDX-License-Identifier: MIT */
/* What is reported of a connection: its steps and its line are logged, and its outcome is counted.
 * acceptor.c creates the struct. */
#include <config.h>

#include "server/connection/connection.h"

#include "common/number.h"
#include "server/connection/protocol_guess.h"
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

static char *put_proxy(char *to, const struct proxy_buffer *proxy)
{
    char text[ADDRESS_TEXT];
    if (proxy == NULL || !proxy->has_addresses)
        return to;
    return put(to, " via=", address_format(&proxy->address, text));
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Without octets there is no such field, because not every reader takes an empty string: lnav does
 * not. */
static char *put_message(char *to, const struct connection *connection)
{
    char message[QUOTE_SIZE(WIRE_OCTETS)];
    size_t count = least(connection->count, WIRE_OCTETS);
    if (count == 0)
        return to;
    return put(to, " message=", quote(connection->octets, count, message, sizeof message));
}

/* What the message looks like, or what a trusted proxy sent instead of a header. */
static char *put_guess(char *to, const struct connection *connection)
{
    const struct proxy_buffer *proxy = connection->proxy;
    bool no_header = proxy != NULL && !proxy->complete && proxy->reason != NULL;
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
    if (proxy == NULL || proxy->complete || proxy->count == 0)
        return to;
    size_t count = proxy->reason != NULL ? proxy->shown : proxy->count;
    count = least(count, PROXY_HEADER_SHOWN);
    to = put(to, " header=", quote(proxy->octets, count, header, sizeof header));
    if (proxy->reason != NULL)
        to = stpcpy(put(to, " reason=\"", proxy->reason), "\"");
    return to;
}

char *connection_format(const struct connection *connection, char line[CONNECTION_LINE])
{
    char text[ADDRESS_TEXT];
    char *to = put(line, "outcome=", outcome_name(connection->outcome));
    to = put(to, " peer=", address_format(&connection->peer, text));
    to = put(to, " local=", address_format(&connection->local, text));
    to = put_proxy(to, connection->proxy);
    to = put_decimal(stpcpy(to, " octets="), connection->count);
    to = put_message(to, connection);
    to = put_decimal(stpcpy(to, " us="), (unsigned long long)microseconds(connection));
    to = put_guess(to, connection);
    to = put_header(to, connection->proxy);
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
                 connection->proxy->has_addresses ? peer : "itself");
        break;
    case STEP_ENDED: log_end(connection, peer); break;
    }
}

static int severity_of(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_OK:
    case OUTCOME_EXCESS: return LOG_INFO;
    case OUTCOME_PROBE: return LOG_DEBUG;
    case OUTCOME_FAILED: return LOG_ERR;
    default: return LOG_NOTICE;
    }
}

void connection_report(const struct connection *connection)
{
    char line[CONNECTION_LINE];
    int severity = severity_of(connection->outcome);
    stats_outcome(connection->outcome, microseconds(connection));
    if (log_wants(severity))
        log_connection(severity, connection_format(connection, line));
}
