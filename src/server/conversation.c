/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/conversation.h"

#include "common/decimal.h"

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
    [OUTCOME_LIMITED] = {"limited", LOG_INFO},
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
    to = stpcpy(to, " octets=");
    to = put_decimal(to, conversation->count);
    to = stpcpy(to, " message=");
    to = stpcpy(to, quote(conversation->octets, count, message, sizeof message));
    to = stpcpy(to, " us=");
    to = put_decimal(to, (unsigned long long)conversation_microseconds(conversation));
    if (conversation->outcome == OUTCOME_FAILED)
        snprintf(to, (size_t)(line + CONVERSATION_LINE - to), " error='%s'",
                 strerror(conversation->error));
    return line;
}
