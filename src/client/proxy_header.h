/* SPDX-License-Identifier: MIT */
/* The header that a proxy puts before a connection's first octet to say whom it speaks for:
 * PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt, section 2). Addresses in, octets
 * out; nothing is sent here. */
#ifndef CLIENT_PROXY_HEADER_H
#define CLIENT_PROXY_HEADER_H

#include "common/address.h"

/* Room for the longest, which is a line of version 1 and a NUL: section 2.1. */
#define PROXY_HEADER_SIZE 108

/* Write the header that says that a proxy speaks for `source`, which connected to `destination`;
 * both are of one family, AF_INET or AF_INET6. `version` is 1 or 2. Returns its length in octets,
 * without a NUL. */
size_t proxy_header_write(int version, const struct address *source,
                          const struct address *destination,
                          unsigned char header[PROXY_HEADER_SIZE]);

#endif
