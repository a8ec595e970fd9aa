/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#define V1_SIGNATURE "PROXY "
#define V1_MAX 107 /* of a line with its CRLF: section 2.1 */
#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_FIXED 16 /* octets before the addresses: section 2.2 */

/* What the 13th and the 14th octet say. */
enum { V2_VERSION = 2, V2_LOCAL = 0, V2_PROXY = 1 };
enum { V2_UNSPEC, V2_INET, V2_INET6, V2_UNIX };
enum { V2_STREAM = 1, V2_DGRAM = 2 };

static enum proxy_header_status malformed(struct proxy_header *header, const char *wrong)
{
    header->wrong = wrong;
    return PROXY_MALFORMED;
}

static enum proxy_header_status more(struct proxy_header *header, size_t length)
{
    header->length = length;
    return PROXY_MORE;
}

/* Whether the octets are how `text` begins, or the other way round. */
static bool begins(const unsigned char *octets, size_t count, const char *text, size_t length)
{
    return memcmp(octets, text, count < length ? count : length) == 0;
}

static void set_in(struct address *address, const void *host, const void *port)
{
    *address = (struct address){.length = sizeof address->u.in, .u.in.sin_family = AF_INET};
    memcpy(&address->u.in.sin_addr, host, sizeof address->u.in.sin_addr);
    memcpy(&address->u.in.sin_port, port, sizeof address->u.in.sin_port);
}

static void set_in6(struct address *address, const void *host, const void *port)
{
    *address = (struct address){.length = sizeof address->u.in6, .u.in6.sin6_family = AF_INET6};
    memcpy(&address->u.in6.sin6_addr, host, sizeof address->u.in6.sin6_addr);
    memcpy(&address->u.in6.sin6_port, port, sizeof address->u.in6.sin6_port);
    address_unmap(address);
}

/* End the text at its next space. Returns what is behind it; where there is none, an empty
 * text. */
static char *cut(char *text)
{
    char *space = text + strcspn(text, " ");
    if (*space == ' ')
        *space++ = '\0';
    return space;
}

static bool v1_address(int family, const char *host, const char *port, struct address *address)
{
    struct in6_addr number;
    bool zero_first = port[0] == '0' && port[1] != '\0';
    if (inet_pton(family, host, &number) != 1 || !port_is_number(port) || zero_first)
        return false;
    in_port_t wire_port = htons(port_number(port));
    if (family == AF_INET)
        set_in(address, &number, &wire_port);
    else
        set_in6(address, &number, &wire_port);
    return true;
}

/* The line between "PROXY " and its CRLF. */
static enum proxy_header_status v1_words(char *protocol, struct proxy_header *header)
{
    char *source = cut(protocol);
    if (strcmp(protocol, "UNKNOWN") == 0)
        return PROXY_COMPLETE;
    int family = strcmp(protocol, "TCP4") == 0   ? AF_INET
                 : strcmp(protocol, "TCP6") == 0 ? AF_INET6
                                                 : AF_UNSPEC;
    if (family == AF_UNSPEC)
        return malformed(header, "its protocol is neither TCP4, TCP6 nor UNKNOWN");
    char *destination = cut(source);
    char *source_port = cut(destination);
    char *destination_port = cut(source_port);
    if (!v1_address(family, source, source_port, &header->source) ||
        !v1_address(family, destination, destination_port, &header->destination))
        return malformed(header, "its addresses and ports are not two and two, as numbers");
    header->has_addresses = true;
    return PROXY_COMPLETE;
}

static enum proxy_header_status v1(const unsigned char *octets, size_t count,
                                   struct proxy_header *header)
{
    char line[V1_MAX + 1];
    size_t seen = count < V1_MAX ? count : V1_MAX;
    size_t end = 0;
    while (end < seen && octets[end] != '\r' && octets[end] != '\n' && octets[end] != '\0')
        end++;
    if (end >= V1_MAX - 1) /* where the LF is at the latest */
        return malformed(header, "its line has no end within 107 octets");
    if (end == seen || (end + 1 == seen && octets[end] == '\r'))
        return more(header, seen + 1);
    if (octets[end] != '\r' || octets[end + 1] != '\n')
        return malformed(header, "its line does not end in CR LF");
    header->length = end + 2;
    memcpy(line, octets, end);
    line[end] = '\0';
    return v1_words(line + strlen(V1_SIGNATURE), header);
}

static enum proxy_header_status v2_addresses(const unsigned char *octets, unsigned family,
                                             struct proxy_header *header)
{
    const unsigned char *block = octets + V2_FIXED;
    size_t host = family == V2_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    const unsigned char *ports = block + 2 * host;
    size_t port = sizeof(in_port_t);
    if (header->length < V2_FIXED + 2 * (host + port))
        return malformed(header, "it is too short for its addresses");
    void (*set)(struct address *, const void *, const void *) =
        family == V2_INET ? set_in : set_in6;
    set(&header->source, block, ports);
    set(&header->destination, block + host, ports + port);
    header->has_addresses = true;
    return PROXY_COMPLETE;
}

/* The fixed part is there. */
static enum proxy_header_status v2_fixed(const unsigned char *octets, size_t count,
                                         struct proxy_header *header)
{
    unsigned command = octets[12] & 15;
    unsigned family = octets[13] >> 4;
    unsigned protocol = octets[13] & 15;

    if (octets[12] >> 4 != V2_VERSION)
        return malformed(header, "its version is not 2");
    if (command != V2_LOCAL && command != V2_PROXY)
        return malformed(header, "its command is neither LOCAL nor PROXY");
    if (command == V2_PROXY && (family > V2_UNIX || protocol > V2_DGRAM))
        return malformed(header, "its address family or protocol is unknown");
    header->length = V2_FIXED + ((size_t)octets[14] << 8 | octets[15]);
    if (header->length > PROXY_HEADER_MAX)
        return malformed(header, "it is longer than 4096 octets");
    if (count < header->length)
        return PROXY_MORE;
    if (command == V2_PROXY && (family == V2_INET || family == V2_INET6) && protocol == V2_STREAM)
        return v2_addresses(octets, family, header);
    return PROXY_COMPLETE;
}

enum proxy_header_status proxy_header_parse(const unsigned char *octets, size_t count,
                                            struct proxy_header *header)
{
    *header = (struct proxy_header){0};
    if (count == 0)
        return more(header, 1);
    if (begins(octets, count, V2_SIGNATURE, sizeof V2_SIGNATURE - 1))
        return count < V2_FIXED ? more(header, V2_FIXED) : v2_fixed(octets, count, header);
    if (begins(octets, count, V1_SIGNATURE, sizeof V1_SIGNATURE - 1))
        return v1(octets, count, header);
    return malformed(header, "there is none");
}
