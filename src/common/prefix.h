/* SPDX-License-Identifier: MIT */
/* Networks in CIDR notation (RFC 4632, 3.1; RFC 4291, 2.3), and the longest one in a list that
 * contains an address. */
#ifndef COMMON_PREFIX_H
#define COMMON_PREFIX_H

#include "common/address.h"
#include "common/text.h"

#include <stdint.h>

#define PREFIXES_MAX 4096 /* in a list */

/* Without padding, and in the order in which a list is sorted, so that memcmp(3) compares. */
struct prefix {
    sa_family_t family;
    unsigned char octets[sizeof(struct in6_addr)];
    uint16_t length; /* in bits */
    int32_t parent;  /* the index in its list of the longest other prefix that contains it, or -1 */
};

/* Made by prefixes_of(). All zero is an empty list. */
struct prefixes {
    size_t count;
    struct prefix *list; /* from malloc(3); sorted by family, first octet and length */
};

/* Room for "IPv6 address/128" and its NUL. */
#define PREFIX_TEXT (INET6_ADDRSTRLEN + sizeof "/128")

/* Parse "192.0.2.0/24", "2001:db8::/32", or an address without a length, which stands for itself
 * alone. A prefix of v4-mapped addresses (RFC 4291, 2.5.5.2) becomes the IPv4 prefix that it stands
 * for. Returns true; or false with what is wrong in `error`. */
bool prefix_parse(const char *text, struct prefix *prefix, char error[ERROR_SIZE]);

/* Write the prefix as prefix_parse() reads it, always with a length. Returns `text`. */
char *prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT]);

/* Return the prefix of that length that contains the address, or the address itself if its family
 * has no more bits. */
struct prefix prefix_of(const struct address *address, uint16_t length);

/* Compare two prefixes in the order of a list, for qsort(3) and the like. */
int prefix_compare(const void *a, const void *b);

/* Make a list of the parsed prefixes in `list`, which is from malloc(3) and then belongs to the
 * result. Duplicates are dropped. */
struct prefixes prefixes_of(struct prefix *list, size_t count);

/* Return the length in bits of the longest prefix in the list that contains the address, or -1. A
 * v4-mapped address must be unmapped first: address_unmap(). The time grows with the logarithm of
 * the count, and with the depth to which prefixes contain each other. */
int prefixes_match(const struct prefixes *prefixes, const struct address *address);

#endif
