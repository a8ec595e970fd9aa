/* SPDX-License-Identifier: MIT */
/* A conversation's line in the log is printable and fits, whatever came from the peer. */
#include <config.h>

#include "fuzz.h"

#include "server/connection/connection.h"

#include <stdlib.h>
#include <string.h>

static void take_address(const uint8_t **data, size_t *size, struct address *address)
{
    static const sa_family_t families[] = {AF_INET, AF_INET6, AF_UNIX};
    uint8_t family;
    take(data, size, &family, 1);
    take(data, size, &address->u.in6, sizeof address->u.in6);
    address->u.any.sa_family = families[family % 3];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conversation conversation = {0};
    uint8_t small[2];
    uint32_t elapsed;

    take(&data, &size, small, sizeof small);
    conversation.count = small[0] % (WIRE_OCTETS + 2);
    conversation.outcome = small[1] % (OUTCOME_FAILED + 1);
    take(&data, &size, conversation.octets, sizeof conversation.octets);
    take(&data, &size, &conversation.error, sizeof conversation.error);
    take(&data, &size, &elapsed, sizeof elapsed);
    conversation.decided = conversation.accepted + (int64_t)elapsed * 1000000;
    take_address(&data, &size, &conversation.peer);
    take_address(&data, &size, &conversation.local);
    static struct preface preface; /* it is large */
    preface = (struct preface){.wrong = "there is none"};
    take(&data, &size, small, sizeof small);
    preface.carries = small[0] % 2 != 0;
    preface.complete = small[0] % 4 > 1;
    take_address(&data, &size, &preface.proxy);
    preface.count = size < sizeof preface.octets ? size : sizeof preface.octets;
    take(&data, &size, preface.octets, preface.count);
    if (conversation.outcome == OUTCOME_MALFORMED || small[1] % 2 != 0)
        conversation.preface = &preface;

    char *line = malloc(CONVERSATION_LINE);
    must(line != NULL);
    must(conversation_format(&conversation, line) == line);
    must(strlen(line) < CONVERSATION_LINE && is_printable(line));
    const char *name = outcome_name(conversation.outcome);
    must(strncmp(line, name, strlen(name)) == 0);
    free(line);
    return 0;
}
