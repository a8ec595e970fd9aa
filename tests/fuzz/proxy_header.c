/* SPDX-License-Identifier: MIT */
/* Any octets as a PROXY header: the result depends neither on the parts in which the octets arrive
 * nor on what follows the header; and what the client writes is read as the same. */
#include <config.h>

#include "fuzz.h"

#include "common/proxy_protocol.h"

#include <stdlib.h>
#include <string.h>

/* Parse a copy without spare room, so that a sanitizer detects a read past the end. */
static enum proxy_header_status parse(const uint8_t *data, size_t count,
                                      struct proxy_header *header)
{
    unsigned char *octets = malloc(count > 0 ? count : 1);
    must(octets != NULL);
    if (count > 0)
        memcpy(octets, data, count);
    enum proxy_header_status status = proxy_header_parse(octets, count, header);
    free(octets);
    return status;
}

static void judge_address(const struct address *address)
{
    char text[ADDRESS_TEXT];
    must(address->u.any.sa_family == AF_INET || address->u.any.sa_family == AF_INET6);
    must(address->length ==
         (address->u.any.sa_family == AF_INET ? sizeof address->u.in : sizeof address->u.in6));
    must(is_printable(address_format(address, text)));
    must(address->u.any.sa_family == AF_INET || !IN6_IS_ADDR_V4MAPPED(&address->u.in6.sin6_addr));
}

/* The header that the client writes for the addresses is read as the same. */
static void judge_written(int version, const struct proxy_header *header)
{
    unsigned char octets[PROXY_HEADER_SIZE];
    struct proxy_header again;
    size_t length = proxy_header_write(version, &header->source, &header->destination, octets);
    must(length < sizeof octets);
    must(parse(octets, length, &again) == PROXY_COMPLETE && again.length == length);
    must(again.has_addresses && address_equals(&again.source, &header->source));
    must(address_equals(&again.destination, &header->destination));
}

static void judge_complete(const uint8_t *data, size_t size, const struct proxy_header *header)
{
    struct proxy_header again;
    must(header->length <= size && header->length <= PROXY_HEADER_MAX);
    must(parse(data, header->length, &again) == PROXY_COMPLETE);
    must(again.length == header->length && again.has_addresses == header->has_addresses);
    if (header->has_addresses) {
        must(address_equals(&again.source, &header->source));
        must(address_equals(&again.destination, &header->destination));
        judge_address(&header->source);
        judge_address(&header->destination);
        if (header->source.u.any.sa_family == header->destination.u.any.sa_family) {
            judge_written(1, header);
            judge_written(2, header);
        }
    }
}

/* Parse as proxy_header_receive() does: as many octets as are wanted, and no more. */
static enum proxy_header_status parse_in_parts(const uint8_t *data, size_t size,
                                               struct proxy_header *last)
{
    size_t count = 0;
    enum proxy_header_status status;
    while ((status = parse(data, count, last)) == PROXY_MORE) {
        must(last->length > count && last->length <= PROXY_HEADER_MAX);
        if (last->length > size)
            break;
        count = last->length;
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header header;
    struct proxy_header last;
    enum proxy_header_status status = parse(data, size, &header);

    must(parse_in_parts(data, size, &last) == status || status == PROXY_MALFORMED);
    switch (status) {
    case PROXY_MORE: must(header.length > size && header.length <= PROXY_HEADER_MAX); break;
    case PROXY_COMPLETE: judge_complete(data, size, &header); break;
    case PROXY_MALFORMED:
        must(header.reason[0] != '\0' && is_printable(header.reason) && !header.has_addresses);
        break;
    }
    return 0;
}
