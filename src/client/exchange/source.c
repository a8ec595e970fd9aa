/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/source.h"

#include <endian.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static void move_in(struct sockaddr_in *in, uint64_t steps)
{
    in->sin_addr.s_addr = htonl(ntohl(in->sin_addr.s_addr) + (uint32_t)steps);
}

/* Within the last 64 bits. */
static void move_in6(struct sockaddr_in6 *in6, uint64_t steps)
{
    unsigned char *octets = in6->sin6_addr.s6_addr + sizeof steps;
    uint64_t host;
    memcpy(&host, octets, sizeof host);
    host = htobe64(be64toh(host) + steps);
    memcpy(octets, &host, sizeof host);
}

static void move(struct address *address, uint64_t steps)
{
    if (address->u.any.sa_family == AF_INET)
        move_in(&address->u.in, steps);
    else
        move_in6(&address->u.in6, steps);
}

static void take_prefix(const struct prefix *prefix, struct source *source)
{
    struct address *first = &source->first;
    bool is_in = prefix->family == AF_INET;
    int bits = (is_in ? 32 : 128) - prefix->length;

    memset(first, 0, sizeof *first);
    first->length = is_in ? sizeof first->u.in : sizeof first->u.in6;
    first->u.any.sa_family = prefix->family;
    if (is_in)
        memcpy(&first->u.in.sin_addr, prefix->octets, sizeof first->u.in.sin_addr);
    else
        memcpy(&first->u.in6.sin6_addr, prefix->octets, sizeof first->u.in6.sin6_addr);
    source->count = bits < 64 ? UINT64_C(1) << bits : 0; /* 2^64 */
    if (bits > 1) {
        move(first, 1);
        source->count -= is_in ? 2 : 1;
    }
}

static bool parse_link_local(const char *text, struct source *source)
{
    const struct addrinfo hints = {
        .ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found;
    /* The number of an interface can begin with any number of zeros. */
    if (strlen(text) >= ADDRESS_TEXT || getaddrinfo(text, NULL, &hints, &found) != 0)
        return false;
    source->first.length = found->ai_addrlen;
    memcpy(&source->first.u, found->ai_addr, found->ai_addrlen);
    address_unmap(&source->first);
    source->count = 1;
    freeaddrinfo(found);
    return true;
}

bool source_parse(const char *text, struct source *source, char why[SOURCE_WHY])
{
    struct prefix prefix;

    *source = (struct source){0};
    if (prefix_parse(text, &prefix, why)) {
        take_prefix(&prefix, source);
        snprintf(why, SOURCE_WHY, "a link-local address needs an interface, like fe80::7%%eth0");
        return prefix.family == AF_INET || !IN6_IS_ADDR_LINKLOCAL(&source->first.u.in6.sin6_addr);
    }
    if (strchr(text, '%') != NULL) {
        snprintf(why, SOURCE_WHY,
                 "not an IPv6 address followed by %% and an interface of this host");
        return parse_link_local(text, source);
    }
    /* No name of an interface has one of these. */
    if (strpbrk(text, "/:") != NULL)
        return false;
    snprintf(why, SOURCE_WHY, "not an address, a prefix or an interface of this host");
    if (if_nametoindex(text) == 0)
        return false;
    snprintf(source->interface, sizeof source->interface, "%s", text);
    return true;
}

int source_family(const struct source *source)
{
    return source->first.u.any.sa_family;
}

static int bind_address(struct address address, uint64_t steps, int fd)
{
    const int on = 1;
    move(&address, steps);
    /* Before Linux 4.2 bind(2) itself chooses the port. */
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, &address.u.any, address.length);
}

int source_bind(const struct source *source, int fd, uint64_t number)
{
    if (source->first.length > 0)
        return bind_address(source->first, number % source->count, fd);
    if (source->interface[0] == '\0')
        return 0;
    return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, source->interface, sizeof source->interface);
}
