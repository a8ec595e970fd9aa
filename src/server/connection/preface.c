/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/preface.h"

#include "server/connection/admission.h"
#include "server/log/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool preface_is_begun(const struct conversation *conversation)
{
    const struct preface *preface = conversation->preface;
    return preface != NULL && !preface->complete && preface->count > 0;
}

static void refuse(struct conversation *conversation, enum outcome outcome)
{
    conversation->refused = true;
    conversation->outcome = outcome;
}

static void refuse_malformed(struct conversation *conversation, const char *wrong)
{
    conversation->preface->wrong = wrong;
    refuse(conversation, OUTCOME_MALFORMED);
}

/* No octet of it is read before it is written, so it needs not be cleared: it is large. */
static struct preface *begin(void)
{
    struct preface *preface = malloc(sizeof *preface);
    if (preface != NULL) {
        preface->complete = preface->carries = false;
        preface->count = 0;
        preface->wrong = NULL;
    }
    return preface;
}

/* In the words of the first sixteen program. */
static void tell_step(const struct conversation *conversation)
{
    char peer[ADDRESS_TEXT];
    char proxy[ADDRESS_TEXT];
    const struct preface *preface = conversation->preface;
    log_line(LOG_DEBUG, "The proxy %s speaks for %s", address_format(&preface->proxy, proxy),
             preface->carries ? address_format(&conversation->peer, peer) : "itself");
}

static void take_addresses(struct conversation *conversation, const struct proxy_header *header)
{
    struct preface *preface = conversation->preface;
    preface->proxy = conversation->peer;
    preface->carries = header->carries;
    if (header->carries) {
        conversation->peer = header->source;
        conversation->local = header->destination;
    }
    if (log_wants(LOG_DEBUG))
        tell_step(conversation);
}

/* Of more octets than one too many the rest is as good as discarded. */
static void take_rest(struct conversation *conversation, size_t length)
{
    const struct preface *preface = conversation->preface;
    size_t rest = preface->count - length;
    size_t room = sizeof conversation->octets;
    conversation->count = rest < room ? rest : room;
    memcpy(conversation->octets, preface->octets + length, conversation->count);
}

/* The header is there. */
static enum transfer_status enter(struct conversation *conversation,
                                  const struct proxy_header *header)
{
    conversation->preface->complete = true;
    take_addresses(conversation, header);
    switch (admission_enter_again(conversation)) {
    case ADMITTED: take_rest(conversation, header->length); break;
    case ADMISSION_DENIED: refuse(conversation, OUTCOME_DENIED); break;
    case ADMISSION_FAILED: errno = ENOMEM; return TRANSFER_FAILED;
    default: refuse(conversation, OUTCOME_LIMITED);
    }
    return TRANSFER_DONE;
}

static enum transfer_status receive(struct conversation *conversation, size_t want, int flags)
{
    struct preface *preface = conversation->preface;
    size_t more;
    enum transfer_status status =
        recv_all(conversation->fd, preface->octets + preface->count, want - preface->count,
                 sizeof preface->octets - preface->count, flags, conversation->deadline, &more);
    preface->count += more;
    return status;
}

enum transfer_status preface_receive(struct conversation *conversation, int flags)
{
    struct proxy_header header;
    enum proxy_status parsed;
    enum transfer_status status = TRANSFER_DONE;

    if (!conversation->proxied)
        return TRANSFER_DONE;
    if (conversation->preface == NULL && (conversation->preface = begin()) == NULL)
        return TRANSFER_FAILED;
    struct preface *preface = conversation->preface;
    if (preface->complete)
        return TRANSFER_DONE;
    while ((parsed = proxy_parse(preface->octets, preface->count, &header)) == PROXY_MORE &&
           status == TRANSFER_DONE)
        status = receive(conversation, header.length, flags);
    if (parsed == PROXY_COMPLETE)
        return enter(conversation, &header);
    if (parsed == PROXY_MALFORMED)
        refuse_malformed(conversation, header.wrong);
    else if (status != TRANSFER_EOF || preface->count == 0 || atomic_load(&conversation->cut))
        return status;
    else
        refuse_malformed(conversation, "it ends in the middle");
    return TRANSFER_DONE;
}
