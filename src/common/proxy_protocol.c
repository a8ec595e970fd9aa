/* SPDX-License-Identifier: MIT */
/* TLVs are skipped unread, as the specification allows. */
#include <config.h>

#include "common/proxy_protocol.h"

#include "common/number.h"
#include "common/text.h"
#include "common/wire.h"

#include <arpa/inet.h>
#include <string.h>

#define V1_SIGNATURE "PROXY "
#define V1_MAX 107 /* of a line with its CRLF: section 2.1 */
#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_FIXED 16 /* octets before the addresses: section 2.2 */

/* Octets 13 and 14 of version 2. */
enum { V2_VERSION = 2, V2_LOCAL = 0, V2_PROXY = 1 };
enum { V2_UNSPEC, V2_INET, V2_INET6, V2_UNIX };
enum { V2_STREAM = 1, V2_DGRAM = 2 };

/* `length` octets of the header show what is wrong. */
static enum proxy_header_status malformed(struct proxy_header *header, size_t length,
                                          const char *reason)
{
    header->length = length;
    text_append(header->reason, PROXY_REASON, "%s", reason);
    return PROXY_MALFORMED;
}

static enum proxy_header_status more(struct proxy_header *header, size_t length)
{
    header->length = length;
    return PROXY_MORE;
}

/* Whether one of them is a prefix of the other. */
static bool matches(const unsigned char *octets, size_t count, const char *signature, size_t length)
{
    return memcmp(octets, signature, count < length ? count : length) == 0;
}

/* Host and port are as on the wire. */
static void set_address(struct address *address, int family, const void *host, const void *port)
{
    if (family == AF_INET) {
        *address = (struct address){.length = sizeof address->u.in, .u.in.sin_family = AF_INET};
        memcpy(&address->u.in.sin_addr, host, sizeof address->u.in.sin_addr);
        memcpy(&address->u.in.sin_port, port, sizeof address->u.in.sin_port);
    } else {
        *address = (struct address){.length = sizeof address->u.in6, .u.in6.sin6_family = AF_INET6};
        memcpy(&address->u.in6.sin6_addr, host, sizeof address->u.in6.sin6_addr);
        memcpy(&address->u.in6.sin6_port, port, sizeof address->u.in6.sin6_port);
        address_unmap(address);
    }
}

/* The functions below return whether their part of the line is valid; if not, they write what is
 * wrong to `reason`, which is empty before. */

static bool v1_host(const char *end, int family, const char *host, struct in6_addr *number,
                    char reason[PROXY_REASON])
{
    int other = family == AF_INET ? AF_INET6 : AF_INET;
    if (inet_pton(family, host, number) == 1)
        return true;
    if (inet_pton(other, host, number) == 1)
        text_append(reason, PROXY_REASON, "the protocol is TCP%c, but the %s address is IPv%c",
                    family == AF_INET ? '4' : '6', end, other == AF_INET ? '4' : '6');
    else
        text_append(reason, PROXY_REASON,
                    "the %s address is not an IPv4 or IPv6 address as a number", end);
    return false;
}

static bool v1_port(const char *end, const char *port, in_port_t *number, char reason[PROXY_REASON])
{
    bool leading_zero = port[0] == '0' && port[1] != '\0';
    *number = htons(port_number(port));
    if (port_is_number(port) && !leading_zero)
        return true;
    text_append(reason, PROXY_REASON, "the %s port is not a number from 0 to 65535", end);
    return false;
}

/* Split the words after the protocol. */
static bool v1_split(char *words, char *word[4], char reason[PROXY_REASON])
{
    static const char *const names[] = {"source address", "destination address", "source port",
                                        "destination port"};
    for (size_t i = 0; i < 4; i++) {
        word[i] = strsep(&words, " ");
        if (word[i] == NULL || word[i][0] == '\0') {
            text_append(reason, PROXY_REASON, "the %s is missing", names[i]);
            return false;
        }
    }
    if (words != NULL)
        text_append(reason, PROXY_REASON, "the line continues after the destination port");
    return words == NULL;
}

/* Parse the line between "PROXY " and its CRLF. */
static bool v1_line(char *line, struct proxy_header *header)
{
    char *word[4];
    struct in6_addr hosts[2];
    in_port_t ports[2];
    char *reason = header->reason;
    const char *protocol = strsep(&line, " ");
    if (strcmp(protocol, "UNKNOWN") == 0)
        return true;
    int family = strcmp(protocol, "TCP4") == 0 ? AF_INET : AF_INET6;
    if (family == AF_INET6 && strcmp(protocol, "TCP6") != 0)
        text_append(reason, PROXY_REASON, "the protocol is not TCP4, TCP6 or UNKNOWN");
    else if (v1_split(line, word, reason) &&
             v1_host("source", family, word[0], &hosts[0], reason) &&
             v1_host("destination", family, word[1], &hosts[1], reason) &&
             v1_port("source", word[2], &ports[0], reason) &&
             v1_port("destination", word[3], &ports[1], reason)) {
        set_address(&header->source, family, &hosts[0], &ports[0]);
        set_address(&header->destination, family, &hosts[1], &ports[1]);
        header->has_addresses = true;
    }
    return header->has_addresses;
}

static enum proxy_header_status v1(const unsigned char *octets, size_t count,
                                   struct proxy_header *header)
{
    char line[V1_MAX + 1];
    size_t seen = count < V1_MAX ? count : V1_MAX;
    memcpy(line, octets, seen);
    line[seen] = '\0';
    size_t end = strcspn(line, "\r\n");
    if (end >= V1_MAX - 1) /* the last place for the LF */
        return malformed(header, seen, "the line does not end within 107 octets");
    if (end == seen || (end + 1 == seen && octets[end] == '\r'))
        return more(header, seen + 1);
    if (octets[end] != '\r' || octets[end + 1] != '\n')
        return malformed(header, octets[end] == '\r' ? end + 2 : end + 1,
                         "the line does not end in CR LF");
    line[end] = '\0';
    if (!v1_line(line + strlen(V1_SIGNATURE), header))
        return malformed(header, end, "");
    header->length = end + 2;
    return PROXY_COMPLETE;
}

static enum proxy_header_status v2_addresses(const unsigned char *octets, int family,
                                             struct proxy_header *header)
{
    const unsigned char *block = octets + V2_FIXED;
    size_t host = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    const unsigned char *ports = block + 2 * host;
    size_t port = sizeof(in_port_t);
    if (header->length < V2_FIXED + 2 * (host + port))
        return malformed(header, header->length, "the header is too short for its addresses");
    set_address(&header->source, family, block, ports);
    set_address(&header->destination, family, block + host, ports + port);
    header->has_addresses = true;
    return PROXY_COMPLETE;
}

/* Parse a header whose fixed part is complete. */
static enum proxy_header_status v2(const unsigned char *octets, size_t count,
                                   struct proxy_header *header)
{
    unsigned command = octets[12] & 15;
    unsigned family = octets[13] >> 4;
    unsigned protocol = octets[13] & 15;

    if (octets[12] >> 4 != V2_VERSION)
        return malformed(header, 13, "the version is not 2");
    if (command != V2_LOCAL && command != V2_PROXY)
        return malformed(header, 13, "the command is neither LOCAL nor PROXY");
    if (command == V2_PROXY && (family > V2_UNIX || protocol > V2_DGRAM))
        return malformed(header, 14, "the address family or protocol is unknown");
    header->length = V2_FIXED + ((size_t)octets[14] << 8 | octets[15]);
    if (header->length > PROXY_HEADER_MAX)
        return malformed(header, V2_FIXED, "the header is longer than 4096 octets");
    if (count < header->length)
        return PROXY_MORE;
    if (command == V2_PROXY && (family == V2_INET || family == V2_INET6) && protocol == V2_STREAM)
        return v2_addresses(octets, family == V2_INET ? AF_INET : AF_INET6, header);
    return PROXY_COMPLETE;
}

enum proxy_header_status proxy_header_parse(const unsigned char *octets, size_t count,
                                            struct proxy_header *header)
{
    *header = (struct proxy_header){0};
    if (count == 0)
        return more(header, 1);
    if (matches(octets, count, V2_SIGNATURE, sizeof V2_SIGNATURE - 1))
        return count < V2_FIXED ? more(header, V2_FIXED) : v2(octets, count, header);
    if (matches(octets, count, V1_SIGNATURE, sizeof V1_SIGNATURE - 1))
        return v1(octets, count, header);
    return malformed(header, count < WIRE_OCTETS ? count : WIRE_OCTETS, "there is no PROXY header");
}

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

static size_t write_v1(const struct address *source, const struct address *destination, char *line)
{
    char *to = stpcpy(line, is_in(source) ? V1_SIGNATURE "TCP4 " : V1_SIGNATURE "TCP6 ");
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

static size_t write_v2(const struct address *source, const struct address *destination,
                       unsigned char *header)
{
    size_t host = is_in(source) ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    const in_port_t ports[] = {htons(address_port(source)), htons(address_port(destination))};
    unsigned char *to = put(header, V2_SIGNATURE, sizeof V2_SIGNATURE - 1);
    *to++ = V2_VERSION << 4 | V2_PROXY;
    *to++ = (unsigned char)((is_in(source) ? V2_INET : V2_INET6) << 4 | V2_STREAM);
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
    return version == 1 ? write_v1(source, destination, (char *)header)
                        : write_v2(source, destination, header);
}
