/* SPDX-License-Identifier: MIT */
/* Socket addresses: parse, resolve, format. */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
    socklen_t length; /* of the member of the union that its family names */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
};

/* Room for "[IPv6 address%interface]:65535" and its NUL. */
#define ADDRESS_TEXT (INET6_ADDRSTRLEN + IF_NAMESIZE + sizeof "[]%:65535")

/* A host and a port as text, before they are resolved. The octets after a text are zero, so that
 * memcmp(3) compares. */
struct endpoint {
    char host[256]; /* a DNS name has at most 253 characters: RFC 1035, 2.3.4 */
    char port[32];
};

/* Room for the text of an endpoint, and its NUL. */
#define ENDPOINT_TEXT (sizeof(struct endpoint) + sizeof "[]:")

/* Split "HOST:PORT", "[IPV6]:PORT" or "*:PORT" (RFC 3986, 3.2.2, for the brackets). "*" gives an
 * empty host, which means every local address. The port is a number from 0 to 65535 or a service
 * name. Returns NULL, or what is wrong with the text. */
const char *endpoint_parse(const char *text, struct endpoint *endpoint);

/* Write the endpoint as endpoint_parse() reads it. Returns `text`. */
char *endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT]);

/* Whether `port` is a number from 0 to 65535, or has a letter and so can be a service name:
 * RFC 6335, 5.1. It must be checked because getaddrinfo(3) reads 65537 as 1. */
bool port_is_plausible(const char *port);

/* Whether `text` is a number from 0 to 65535, and that number. */
bool port_is_number(const char *text);
uint16_t port_number(const char *text);

/* Resolve an endpoint to its stream addresses, in the order of getaddrinfo(3), each only once.
 * `family` is AF_UNSPEC, AF_INET or AF_INET6; `flags` are those of getaddrinfo(3), such as
 * AI_PASSIVE. Returns 0 and an array of `*count` addresses, at least one, which the caller frees;
 * or an error for address_strerror(). */
int endpoint_resolve(const struct endpoint *endpoint, int family, int flags, struct address **list,
                     size_t *count);

/* Find the addresses of a host without looking anything up, with port 0: a numeric address, with or
 * without an interface; 0.0.0.0 and :: for an empty host; 127.0.0.1 and ::1 for "localhost".
 * Returns how many there are in `list`; 0 for any other host. */
#define HOST_ADDRESSES 2
size_t host_addresses(const char *host, struct address list[HOST_ADDRESSES]);

/* Return the text of an error of endpoint_resolve(), which for EAI_SYSTEM is that of errno. */
const char *address_strerror(int error);

/* Write "192.0.2.1:1060" or "[2001:db8::1]:1060", always numeric. A link-local address is followed
 * by its interface: RFC 4007, 11. Returns `text`. */
char *address_format(const struct address *address, char text[ADDRESS_TEXT]);

/* Convert a v4-mapped address (::ffff:192.0.2.1, RFC 4291, 2.5.5.2) to the IPv4 address that it
 * stands for. Other addresses stay as they are. */
void address_unmap(struct address *address);

/* Whether it is the wildcard address, 0.0.0.0 or ::, with any port. */
bool address_is_wildcard(const struct address *address);

/* Get or set the port of an IPv4 or IPv6 address. */
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/* Whether both are the same, port and interface included. */
bool address_equals(const struct address *a, const struct address *b);

/* Whether a socket bound to `a` prevents another from binding to `b`: port and family are equal,
 * and the hosts are equal or one is the wildcard. IPV6_V6ONLY is assumed. */
bool address_overlaps(const struct address *a, const struct address *b);

/* Get the local address of `fd`, unmapped: getsockname(2). Returns 0, or -1 with errno and a length
 * of 0. */
int address_of_socket(int fd, struct address *address);

#endif
