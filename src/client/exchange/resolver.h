/* SPDX-License-Identifier: MIT */
/* Looks a name up in a separate thread, because getaddrinfo(3) can block for as long as the name
 * servers do not answer. */
#ifndef CLIENT_EXCHANGE_RESOLVER_H
#define CLIENT_EXCHANGE_RESOLVER_H

#include "client/exchange/verdict.h"
#include "common/address.h"

#include <stdint.h>

struct resolver;

/* The result of a look-up. */
struct resolution {
    enum result result;   /* RESULT_RIGHT, RESULT_UNRESOLVED or RESULT_LOCAL */
    int error;            /* as in a verdict */
    struct address *list; /* the caller frees it */
    size_t count;
    int64_t took; /* nanoseconds */
};

/* Begin to look up an endpoint. The thread writes to the eventfd `wake` when the look-up has ended.
 * Returns NULL and errno if memory is short or no thread can be started. */
struct resolver *resolver_start(const struct endpoint *endpoint, int family, int wake);

/* If the look-up has ended, fill in the result, free the resolver and return true. */
bool resolver_end(struct resolver *resolver, struct resolution *resolution);

#endif
