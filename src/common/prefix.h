/* SPDX-License-Identifier: MIT */
/* Networks in CIDR notation (RFC 4632, 3.1; RFC 4291, 2.3), and which one of a list an address
 * belongs to. */
#ifndef COMMON_PREFIX_H
#define COMMON_PREFIX_H

#include "common/address.h"

#include <stdint.h>

#define PREFIXES_MAX 4096 /* in a list */

/* No padding, so that memcmp(3) compares. */
struct prefix {
    sa_family_t family;
    uint16_t length; /* in bits */
    unsigned char octets[sizeof(struct in6_addr)];
    int32_t parent; /* the place in its list of the longest other one that holds it; -1: none */
};

/* Made by prefixes_store(). */
struct prefixes {
    size_t count;
    struct prefix list[PREFIXES_MAX]; /* by family, first octet, and length */
};

/* Room for "IPv6 address/128" and its NUL. */
#define PREFIX_TEXT (INET6_ADDRSTRLEN + sizeof "/128")

/* Room for what is wrong with a text. */
#define PREFIX_WHY 160

/* Read "192.0.2.0/24", "2001:db8::/32", or an address without a length, which stands for itself
 * alone. A prefix of v4-mapped addresses (RFC 4291, 2.5.5.2) is the IPv4 prefix that it stands
 * for. Returns true; or false and what is wrong, in words that fit behind the text and a colon,
 * in `why`. */
bool prefix_parse(const char *text, struct prefix *prefix, char why[PREFIX_WHY]);

/* Write it as prefix_parse() reads it, always with a length. Returns `text`. */
char *prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT]);

/* The prefix that holds the address and has so many bits, or all that its family has. */
struct prefix prefix_of(const struct address *address, uint16_t length);

/* The order of a list, for qsort(3) and its like. */
int prefix_compare(const void *a, const void *b);

/* Make a list of up to PREFIXES_MAX texts that prefix_parse() takes; what is in it twice is
 * kept once. */
void prefixes_store(struct prefixes *prefixes, const char *const *texts, size_t count);

/* The length in bits of the longest prefix of the list that holds the address, or -1 where none
 * does. A v4-mapped address is to be unmapped before: address_unmap(). Takes a time that grows
 * with the logarithm of the count, and with how deep the prefixes hold each other. */
int prefixes_match(const struct prefixes *prefixes, const struct address *address);

#endif
