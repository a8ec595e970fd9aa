/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/conversation.h"

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

char *conversation_format(const struct conversation *conversation, char line[CONVERSATION_LINE])
{
    char peer[ADDRESS_TEXT];
    char local[ADDRESS_TEXT];
    char message[QUOTE_SIZE(WIRE_OCTETS)];
    size_t count = conversation->count < WIRE_OCTETS ? conversation->count : WIRE_OCTETS;

    int used =
        snprintf(line, CONVERSATION_LINE, "%s peer=%s local=%s octets=%zu message=%s us=%lld",
                 outcome_name(conversation->outcome), address_format(&conversation->peer, peer),
                 address_format(&conversation->local, local), conversation->count,
                 quote(conversation->octets, count, message, sizeof message),
                 (long long)((conversation->decided - conversation->accepted) / 1000));
    if (conversation->outcome == OUTCOME_FAILED)
        snprintf(line + used, CONVERSATION_LINE - (size_t)used, " error='%s'",
                 strerror(conversation->error));
    return line;
}
