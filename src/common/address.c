/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/address.h"

#include "common/number.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

bool port_is_number(const char *text)
{
    unsigned long long number;
    return strlen(text) <= 5 && read_whole(text, UINT16_MAX, &number);
}

uint16_t port_number(const char *text)
{
    return (uint16_t)strtoul(text, NULL, 10);
}

bool port_is_plausible(const char *port)
{
    size_t length = strlen(port);
    if (strspn(port, LETTERS DIGITS "-_.+") != length)
        return false;
    return strcspn(port, LETTERS) < length || port_is_number(port);
}

/* Copy the host between `start` and `end`. */
static const char *take_host(const char *start, const char *end, struct endpoint *endpoint)
{
    size_t length = (size_t)(end - start);
    if (length == 0)
        return "no host before the port; write *:PORT for every local address";
    if (length >= sizeof endpoint->host)
        return "the host is too long";
    if (length == 1 && *start == '*')
        length = 0;
    memcpy(endpoint->host, start, length);
    return NULL;
}

const char *endpoint_parse(const char *text, struct endpoint *endpoint)
{
    const char *start = text;
    const char *end;
    const char *colon;

    *endpoint = (struct endpoint){0};
    if (*text == '[') {
        start++;
        end = strchr(start, ']');
        if (end == NULL)
            return "the closing bracket of the IPv6 address is missing";
        if (memchr(start, ':', (size_t)(end - start)) == NULL)
            return "only an IPv6 address can be in brackets, like [::1]:1060";
        colon = end + 1;
    } else {
        end = colon = text + strcspn(text, ":");
        if (*colon == ':' && strchr(colon + 1, ':') != NULL)
            return "an IPv6 address needs brackets before its port, like [::1]:1060";
    }
    if (*colon != ':')
        return "no port; write HOST:PORT, [IPV6]:PORT or *:PORT, like 127.0.0.1:1060";
    if (strlen(colon + 1) >= sizeof endpoint->port || !port_is_plausible(colon + 1))
        return "the port must be a number from 0 to 65535 or a service name";
    snprintf(endpoint->port, sizeof endpoint->port, "%s", colon + 1);
    return take_host(start, end, endpoint);
}

char *endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT])
{
    bool is_ipv6 = strchr(endpoint->host, ':') != NULL;
    snprintf(text, ENDPOINT_TEXT, is_ipv6 ? "[%s]:%s" : "%s:%s",
             endpoint->host[0] != '\0' ? endpoint->host : "*", endpoint->port);
    return text;
}

static bool same_address(const struct address *a, const struct addrinfo *b)
{
    return a->length == b->ai_addrlen && memcmp(&a->u, b->ai_addr, b->ai_addrlen) == 0;
}

int endpoint_resolve(const struct endpoint *endpoint, int family, int flags, struct address **list,
                     size_t *count)
{
    const struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found;
    const char *host = endpoint->host[0] != '\0' ? endpoint->host : NULL;
    int error = getaddrinfo(host, endpoint->port, &hints, &found);
    if (error != 0)
        return error;

    size_t most = 1;
    for (const struct addrinfo *a = found; a->ai_next != NULL; a = a->ai_next)
        most++;
    struct address *addresses = calloc(most, sizeof *addresses);
    *count = 0;
    for (const struct addrinfo *a = found; a != NULL && addresses != NULL; a = a->ai_next) {
        size_t i = 0;
        while (i < *count && !same_address(&addresses[i], a))
            i++;
        if (i < *count)
            continue;
        assert(a->ai_addrlen <= sizeof addresses[i].u);
        addresses[i].length = a->ai_addrlen;
        memcpy(&addresses[i].u, a->ai_addr, a->ai_addrlen);
        ++*count;
    }
    freeaddrinfo(found);
    *list = addresses;
    return addresses != NULL ? 0 : EAI_MEMORY;
}

/* Parse an IPv6 address, and its interface after a "%": RFC 4007, 11. */
static bool parse_in6(const char *host, struct sockaddr_in6 *in6)
{
    char number[INET6_ADDRSTRLEN];
    size_t length = strcspn(host, "%");
    unsigned long long scope = 0;
    const char *interface = host + length + 1;
    if (length >= sizeof number)
        return false;
    memcpy(number, host, length);
    number[length] = '\0';
    if (host[length] == '%' && (scope = if_nametoindex(interface)) == 0 &&
        !read_whole(interface, UINT32_MAX, &scope))
        return false;
    *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_scope_id = (uint32_t)scope};
    return inet_pton(AF_INET6, number, &in6->sin6_addr) == 1;
}

static bool parse_numeric(const char *host, struct address *address)
{
    *address = (struct address){.length = sizeof address->u.in};
    if (inet_pton(AF_INET, host, &address->u.in.sin_addr) == 1) {
        address->u.in.sin_family = AF_INET;
        return true;
    }
    address->length = sizeof address->u.in6;
    return parse_in6(host, &address->u.in6);
}

size_t host_addresses(const char *host, struct address list[HOST_ADDRESSES])
{
    static const char *const wildcard[] = {"0.0.0.0", "::"};
    static const char *const loopback[] = {"127.0.0.1", "::1"};
    const char *const *both = host[0] == '\0'                      ? wildcard
                              : strcasecmp(host, "localhost") == 0 ? loopback
                                                                   : NULL;
    if (both == NULL)
        return parse_numeric(host, &list[0]);
    (void)parse_numeric(both[0], &list[0]);
    (void)parse_numeric(both[1], &list[1]);
    return 2;
}

const char *address_strerror(int error)
{
    return error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
}

/* Whether an interface's name can be part of a log line. The kernel allows more: a quote, say. */
static bool is_plain(const char *name)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@+";
    return name[strspn(name, plain)] == '\0';
}

static char *format_in6(const struct sockaddr_in6 *in6, char text[ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN];
    char interface[IF_NAMESIZE];
    unsigned port = ntohs(in6->sin6_port);

    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    if (in6->sin6_scope_id == 0) {
        snprintf(text, ADDRESS_TEXT, "[%s]:%u", host, port);
        return text;
    }
    if (if_indextoname(in6->sin6_scope_id, interface) == NULL || !is_plain(interface))
        snprintf(interface, sizeof interface, "%u", in6->sin6_scope_id);
    snprintf(text, ADDRESS_TEXT, "[%s%%%s]:%u", host, interface, port);
    return text;
}

static char *format_in(const struct sockaddr_in *in, char text[ADDRESS_TEXT])
{
    uint32_t host = ntohl(in->sin_addr.s_addr);
    char *to = text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        to = put_decimal(to, host >> shift & 255);
        *to++ = shift > 0 ? '.' : ':';
    }
    put_decimal(to, ntohs(in->sin_port));
    return text;
}

char *address_format(const struct address *address, char text[ADDRESS_TEXT])
{
    switch (address->u.any.sa_family) {
    case AF_INET: return format_in(&address->u.in, text);
    case AF_INET6: return format_in6(&address->u.in6, text);
    default: snprintf(text, ADDRESS_TEXT, "unknown"); return text;
    }
}

void address_unmap(struct address *address)
{
    const struct sockaddr_in6 *in6 = &address->u.in6;
    if (in6->sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = in6->sin6_port};
    memcpy(&in.sin_addr, &in6->sin6_addr.s6_addr[12], sizeof in.sin_addr);
    address->length = sizeof in;
    address->u.in = in;
}

bool address_is_wildcard(const struct address *address)
{
    if (address->u.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&address->u.in6.sin6_addr);
    return address->u.in.sin_addr.s_addr == htonl(INADDR_ANY);
}

/* The port has the same place in both families: RFC 3493, 3.3. */
uint16_t address_port(const struct address *address)
{
    return ntohs(address->u.in.sin_port);
}

void address_set_port(struct address *address, uint16_t port)
{
    address->u.in.sin_port = htons(port);
}

static bool same_host(const struct address *a, const struct address *b)
{
    if (a->u.any.sa_family == AF_INET6)
        return IN6_ARE_ADDR_EQUAL(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr) &&
               a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id;
    return a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
}

static bool same_family_and_port(const struct address *a, const struct address *b)
{
    return a->u.any.sa_family == b->u.any.sa_family && address_port(a) == address_port(b);
}

bool address_equals(const struct address *a, const struct address *b)
{
    return same_family_and_port(a, b) && same_host(a, b);
}

bool address_overlaps(const struct address *a, const struct address *b)
{
    return same_family_and_port(a, b) &&
           (address_is_wildcard(a) || address_is_wildcard(b) || same_host(a, b));
}

int address_of_socket(int fd, struct address *address)
{
    address->length = sizeof address->u;
    if (getsockname(fd, &address->u.any, &address->length) != 0) {
        address->length = 0;
        return -1;
    }
    address_unmap(address);
    return 0;
}
