/* SPDX-License-Identifier: MIT */
/* Two socket addresses: their text is read back as the same address, and the functions that compare
 * them agree. */
#include <config.h>

#include "fuzz.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

static struct address take_address(const uint8_t **data, size_t *size)
{
    struct address address = {0};
    uint8_t is_in6;
    take(data, size, &is_in6, 1);
    if (is_in6 % 2 == 0) {
        address.length = sizeof address.u.in;
        address.u.in.sin_family = AF_INET;
        take(data, size, &address.u.in.sin_port, 2);
        take(data, size, &address.u.in.sin_addr, 4);
        return address;
    }
    struct sockaddr_in6 *in6 = &address.u.in6;
    address.length = sizeof *in6;
    in6->sin6_family = AF_INET6;
    take(data, size, &in6->sin6_port, 2);
    take(data, size, &in6->sin6_addr, 16);
    if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
        take(data, size, &in6->sin6_scope_id, 4);
    return address;
}

static bool same(const struct address *a, const struct address *b)
{
    return a->length == b->length && memcmp(&a->u, &b->u, a->length) == 0;
}

static void judge(struct address *address, char text[ADDRESS_TEXT])
{
    struct endpoint endpoint;
    struct address *list;
    size_t count;

    address_unmap(address);
    struct address unmapped = *address;
    address_unmap(&unmapped);
    must(same(address, &unmapped));

    must(address_format(address, text) == text && is_printable(text));
    must(endpoint_parse(text, &endpoint) == NULL);
    must(endpoint_resolve(&endpoint, AF_UNSPEC, AI_NUMERICHOST, &list, &count) == 0);
    must(count == 1 && same(&list[0], address));
    free(list);

    bool zeros = strncmp(text, "0.0.0.0:", 8) == 0 || strncmp(text, "[::]:", 5) == 0;
    must(address_is_wildcard(address) == zeros);
    must(address_overlaps(address, address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text_a[ADDRESS_TEXT];
    char text_b[ADDRESS_TEXT];
    struct address a = take_address(&data, &size);
    struct address b = take_address(&data, &size);
    judge(&a, text_a);
    judge(&b, text_b);
    must(address_overlaps(&a, &b) == address_overlaps(&b, &a));
    if (!address_is_wildcard(&a) && !address_is_wildcard(&b))
        must(address_overlaps(&a, &b) == (strcmp(text_a, text_b) == 0));
    return 0;
}
