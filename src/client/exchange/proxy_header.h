/* SPDX-License-Identifier: MIT */
/* The PROXY header, which a proxy sends first to name the client that it forwards: versions 1 and 2
 * (HAProxy's proxy-protocol.txt, section 2). Nothing is sent here. */
#ifndef CLIENT_EXCHANGE_PROXY_HEADER_H
#define CLIENT_EXCHANGE_PROXY_HEADER_H

#include "common/address.h"

/* Room for the longest header, a line of version 1, and a NUL: section 2.1. */
#define PROXY_HEADER_SIZE 108

/* Write the header for the client `source`, which connected to `destination`; both have the same
 * family, AF_INET or AF_INET6. `version` is 1 or 2. Returns the length in octets, without a NUL. */
size_t proxy_header_write(int version, const struct address *source,
                          const struct address *destination,
                          unsigned char header[PROXY_HEADER_SIZE]);

#endif
