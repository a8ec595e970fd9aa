/* SPDX-License-Identifier: MIT */
/* Where connections come from: an address of this host, the addresses of a prefix by turns, or an
 * interface. */
#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

#include "common/prefix.h"

/* All zero: wherever the kernel chooses. */
struct source {
    struct address first;        /* its length is 0 where none is bound to */
    uint64_t count;              /* of the addresses that take turns, from the first on */
    char interface[IF_NAMESIZE]; /* empty: any */
};

/* Room for what is wrong with a text. */
#define SOURCE_WHY ERROR_SIZE

/* Read an address ("192.0.2.1", "2001:db8::1", "fe80::1%eth0"), a prefix ("192.0.2.0/28") or the
 * name of an interface of this host. Of a prefix of more than two addresses the first is left out,
 * and the last too where it is IPv4: they are no host's. Of more than 2^64 only the first 2^64
 * count. Returns true; or false and what is wrong, in words that fit behind the text and a colon,
 * in `why`. */
bool source_parse(const char *text, struct source *source, char why[SOURCE_WHY]);

/* AF_INET or AF_INET6; AF_UNSPEC where the source leaves that open. */
int source_family(const struct source *source);

/* Let the socket `fd`, of the source's family and not yet connected, come from the source; of a
 * prefix, from the address whose turn it is at `number`. The port stays open until connect(2)
 * chooses it, so that one port serves several destinations. Returns 0, or -1 and errno. */
int source_bind(const struct source *source, int fd, uint64_t number);

#endif
