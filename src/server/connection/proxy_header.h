/* SPDX-License-Identifier: MIT */
/* The header that a proxy puts before a connection's first octet to say whom it speaks for:
 * PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt, section 2). Octets in,
 * addresses out; nothing is received here. */
#ifndef SERVER_CONNECTION_PROXY_HEADER_H
#define SERVER_CONNECTION_PROXY_HEADER_H

#include "common/address.h"

/* No header is longer: a v1 line has 107 octets at most, and a v2 header no more TLVs than fit. */
#define PROXY_HEADER_MAX 4096

enum proxy_header_status {
    PROXY_MORE,      /* so far it is right, but not all is there */
    PROXY_COMPLETE,  /* all is there */
    PROXY_MALFORMED, /* it is no header, or one that is not valid */
};

struct proxy_header {
    size_t length;              /* of the whole header in octets; until that is known, what must be
                                   there before more can be said */
    bool has_addresses;         /* addresses. Not so: LOCAL, UNKNOWN, or what is not TCP over IP */
    struct address source;      /* whom the proxy speaks for, unmapped … */
    struct address destination; /* … and the address that it connected to */
    const char *wrong;          /* with PROXY_MALFORMED, what is */
};

/* Read the header that `count` octets begin with; what is behind it is none of its business.
 * Says PROXY_MALFORMED as early as that is known. */
enum proxy_header_status proxy_header_parse(const unsigned char *octets, size_t count,
                                            struct proxy_header *header);

#endif
