/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/proxy_header.h"

#include "common/number.h"

#include <arpa/inet.h>
#include <string.h>

#define V2_BEGIN "\r\n\r\n\0\r\nQUIT\n"

/* The octets after it: section 2.2. */
enum { V2_PROXY = 0x21, V2_TCP4 = 0x11, V2_TCP6 = 0x21 };

static bool is_in(const struct address *address)
{
    return address->u.any.sa_family == AF_INET;
}

static const void *host_of(const struct address *address)
{
    return is_in(address) ? (const void *)&address->u.in.sin_addr : &address->u.in6.sin6_addr;
}

static char *put_host(char *to, const struct address *address)
{
    (void)inet_ntop(address->u.any.sa_family, host_of(address), to, INET6_ADDRSTRLEN);
    return stpcpy(to + strlen(to), " ");
}

static size_t v1(const struct address *source, const struct address *destination, char *line)
{
    char *to = stpcpy(line, is_in(source) ? "PROXY TCP4 " : "PROXY TCP6 ");
    to = put_host(to, source);
    to = put_host(to, destination);
    to = stpcpy(put_decimal(to, address_port(source)), " ");
    to = stpcpy(put_decimal(to, address_port(destination)), "\r\n");
    return (size_t)(to - line);
}

static unsigned char *put(unsigned char *to, const void *octets, size_t count)
{
    memcpy(to, octets, count);
    return to + count;
}

static size_t v2(const struct address *source, const struct address *destination,
                 unsigned char *header)
{
    size_t host = is_in(source) ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    const in_port_t ports[] = {htons(address_port(source)), htons(address_port(destination))};
    unsigned char *to = put(header, V2_BEGIN, sizeof V2_BEGIN - 1);
    *to++ = V2_PROXY;
    *to++ = is_in(source) ? V2_TCP4 : V2_TCP6;
    *to++ = 0;
    *to++ = (unsigned char)(2 * host + sizeof ports);
    to = put(to, host_of(source), host);
    to = put(to, host_of(destination), host);
    to = put(to, ports, sizeof ports);
    return (size_t)(to - header);
}

size_t proxy_header_write(int version, const struct address *source,
                          const struct address *destination,
                          unsigned char header[PROXY_HEADER_SIZE])
{
    return version == 1 ? v1(source, destination, (char *)header) : v2(source, destination, header);
}
