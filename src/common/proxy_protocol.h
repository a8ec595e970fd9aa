/* SPDX-License-Identifier: MIT */
/* The header that a proxy, such as a load balancer, sends ahead of its client's octets, to name
 * that client: PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt, section 2). What
 * follows the header is the payload: here the sixteen octets. Nothing is sent or received here. */
#ifndef COMMON_PROXY_PROTOCOL_H
#define COMMON_PROXY_PROTOCOL_H

#include "common/address.h"

/* The longest header that is parsed: a line of version 1 has at most 107 octets, and a header of
 * version 2 no more TLVs than fit. */
#define PROXY_HEADER_MAX 4096

/* Room for what is wrong with a header. */
#define PROXY_REASON 80

enum proxy_header_status {
    PROXY_MORE,      /* valid so far, but incomplete */
    PROXY_COMPLETE,  /* complete and valid */
    PROXY_MALFORMED, /* missing or invalid */
};

struct proxy_header {
    size_t length;              /* of the whole header in octets; with PROXY_MORE, how many octets
                                   are needed before more can be said; with PROXY_MALFORMED, how
                                   many of them show what is wrong */
    bool has_addresses;         /* false for LOCAL, for UNKNOWN, and for other than TCP over IP */
    struct address source;      /* the client, unmapped: address_unmap() */
    struct address destination; /* the address that the client connected to */
    char reason[PROXY_REASON];  /* with PROXY_MALFORMED, what is wrong */
};

/* Parse the header at the start of `count` octets, and ignore what follows it. Report
 * PROXY_MALFORMED at the first octet that proves it. */
enum proxy_header_status proxy_header_parse(const unsigned char *octets, size_t count,
                                            struct proxy_header *header);

/* Room for the longest header that is written, a line of version 1, and a NUL: section 2.1. */
#define PROXY_HEADER_SIZE 108

/* Write the header for the client `source`, which connected to `destination`; both have the same
 * family, AF_INET or AF_INET6. `version` is 1 or 2. Returns the length in octets, without a NUL. */
size_t proxy_header_write(int version, const struct address *source,
                          const struct address *destination,
                          unsigned char header[PROXY_HEADER_SIZE]);

#endif
