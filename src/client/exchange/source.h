/* SPDX-License-Identifier: MIT */
/* The source of connections: an address of this host, the addresses of a prefix in turn, or an
 * interface. */
#ifndef CLIENT_EXCHANGE_SOURCE_H
#define CLIENT_EXCHANGE_SOURCE_H

#include "common/prefix.h"

/* All zero: the kernel chooses. */
struct source {
    struct address first;        /* its length is 0 if no address is given */
    uint64_t count;              /* of the addresses to use in turn, from the first on */
    char interface[IF_NAMESIZE]; /* empty: any */
};

/* Room for what is wrong with a text. */
#define SOURCE_WHY ERROR_SIZE

/* Read an address ("192.0.2.1", "2001:db8::1", "fe80::1%eth0"), a prefix ("192.0.2.0/28") or the
 * name of an interface of this host. If a prefix has more than two addresses, the first is left
 * out, and of IPv4 also the last: no host has them. Only the first 2^64 addresses are used. Returns
 * true; or false and what is wrong in `why`, in words that fit after the text and a colon. */
bool source_parse(const char *text, struct source *source, char why[SOURCE_WHY]);

/* Return AF_INET or AF_INET6; AF_UNSPEC if the source has no address. */
int source_family(const struct source *source);

/* Bind the socket `fd`, which has the source's family and is not connected, to the source; of a
 * prefix, to the address for exchange `number`. connect(2) chooses the port, so that one port
 * serves several destinations. Returns 0, or -1 and errno. */
int source_bind(const struct source *source, int fd, uint64_t number);

#endif
