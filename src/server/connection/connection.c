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

int64_t conversation_microseconds(const struct conversation *conversation)
{
    return (conversation->decided - conversation->accepted) / 1000;
}

/* What is known of the proxy. Returns the end of the line. */
static char *put_proxy(char *to, const struct preface *preface)
{
    char text[ADDRESS_TEXT];
    if (preface == NULL || !preface->carries)
        return to;
    to = stpcpy(to, " via=");
    return stpcpy(to, address_format(&preface->proxy, text));
}

/* How a header began that did not become one, in as many octets as a message has, and what was
 * wrong with it. Returns the end of the line. */
static char *put_header(char *to, const struct preface *preface)
{
    char header[QUOTE_SIZE(WIRE_OCTETS)];
    if (preface == NULL || preface->complete || preface->count == 0)
        return to;
    size_t count = preface->count < WIRE_OCTETS ? preface->count : WIRE_OCTETS;
    to = stpcpy(to, " header=");
    to = stpcpy(to, quote(preface->octets, count, header, sizeof header));
    if (preface->wrong != NULL) {
        to = stpcpy(to, " reason='");
        to = stpcpy(to, preface->wrong);
        to = stpcpy(to, "'");
    }
    return to;
}

char *conversation_format(const struct conversation *conversation, char line[CONVERSATION_LINE])
{
    char text[ADDRESS_TEXT];
    char message[QUOTE_SIZE(WIRE_OCTETS)];
    size_t count = conversation->count < WIRE_OCTETS ? conversation->count : WIRE_OCTETS;

    char *to = stpcpy(line, outcome_name(conversation->outcome));
    to = stpcpy(to, " peer=");
    to = stpcpy(to, address_format(&conversation->peer, text));
    to = stpcpy(to, " local=");
    to = stpcpy(to, address_format(&conversation->local, text));
    to = put_proxy(to, conversation->preface);
    to = stpcpy(to, " octets=");
    to = put_decimal(to, conversation->count);
    to = stpcpy(to, " message=");
    to = stpcpy(to, quote(conversation->octets, count, message, sizeof message));
    to = stpcpy(to, " us=");
    to = put_decimal(to, (unsigned long long)conversation_microseconds(conversation));
    to = put_header(to, conversation->preface);
    if (conversation->outcome == OUTCOME_FAILED)
        snprintf(to, (size_t)(line + CONVERSATION_LINE - to), " error='%s'",
                 strerror(conversation->error));
    return line;
}
