/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/connection.h"

#include "common/number.h"

#include <string.h>
#include <syslog.h>

static const struct {
    const char *name;
    int level;
} outcomes[] = {
    [OUTCOME_OK] = {"ok", LOG_INFO},
    [OUTCOME_EXCESS] = {"excess", LOG_INFO},
    [OUTCOME_MISMATCH] = {"mismatch", LOG_INFO},
    [OUTCOME_SHORT] = {"short", LOG_INFO},
    [OUTCOME_PROBE] = {"probe", LOG_DEBUG},
    [OUTCOME_SLOW] = {"slow", LOG_INFO},
    [OUTCOME_RESET] = {"reset", LOG_INFO},
    [OUTCOME_DENIED] = {"denied", LOG_INFO},
    [OUTCOME_LIMITED] = {"limited", LOG_INFO},
    [OUTCOME_MALFORMED] = {"malformed", LOG_INFO},
    [OUTCOME_FAILED] = {"failed", LOG_ERR},
};

const char *outcome_name(enum outcome outcome)
{
    return outcomes[outcome].name;
}

int outcome_level(enum outcome outcome)
{
    return outcomes[outcome].level;
}

int64_t connection_microseconds(const struct connection *connection)
{
    return (connection->decided - connection->accepted) / 1000;
}

/* What is known of the proxy. Returns the end of the line. */
static char *put_proxy(char *to, const struct header_buffer *header)
{
    char text[ADDRESS_TEXT];
    if (header == NULL || !header->has_addresses)
        return to;
    to = stpcpy(to, " via=");
    return stpcpy(to, address_format(&header->proxy, text));
}

/* How a header began that did not become one, in as many octets as a message has, and what was
 * wrong with it. Returns the end of the line. */
static char *put_header(char *to, const struct header_buffer *header)
{
    char quoted[QUOTE_SIZE(WIRE_OCTETS)];
    if (header == NULL || header->complete || header->count == 0)
        return to;
    size_t count = header->count < WIRE_OCTETS ? header->count : WIRE_OCTETS;
    to = stpcpy(to, " header=");
    to = stpcpy(to, quote(header->octets, count, quoted, sizeof quoted));
    if (header->wrong != NULL) {
        to = stpcpy(to, " reason='");
        to = stpcpy(to, header->wrong);
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
    to = put_proxy(to, connection->header);
    to = stpcpy(to, " octets=");
    to = put_decimal(to, connection->count);
    to = stpcpy(to, " message=");
    to = stpcpy(to, quote(connection->octets, count, message, sizeof message));
    to = stpcpy(to, " us=");
    to = put_decimal(to, (unsigned long long)connection_microseconds(connection));
    to = put_header(to, connection->header);
    if (connection->outcome == OUTCOME_FAILED)
        snprintf(to, (size_t)(line + CONNECTION_LINE - to), " error='%s'",
                 strerror(connection->error));
    return line;
}
