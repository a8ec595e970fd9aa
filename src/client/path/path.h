/* SPDX-License-Identifier: MIT */
/* Traces the hops on the path to a server by handshakes with hop limits, several at once. */
#ifndef CLIENT_PATH_PATH_H
#define CLIENT_PATH_PATH_H

#include "client/exchange/engine.h"
#include "client/options/options.h"
#include "client/path/hop.h"

#define PATH_HOPS 30

struct path {
    const struct client_options *options;
    const struct endpoint *endpoint;
    struct address server; /* its length is 0 if nothing was traced */
    struct address local;  /* of this host, with port 0; its length is 0 if it is not known */
    unsigned answered;     /* the number of the last hop that answered, from 1; 0: none */
    unsigned length;       /* hops to trace, as far as is known: the last one ends the path, or no
                              hop after `answered` answers */
    unsigned reported;     /* hops that were printed */
    struct hop hops[PATH_HOPS]; /* hop 1 is the first */
};

/* Trace the path to the first address of a target, and report each hop as soon as it and those
 * before it are known. Calls the engine's hook `turn` meanwhile; engine_cut() ends the trace. */
void path_trace(struct path *path, struct engine *engine, const struct client_options *options,
                const struct target *target);

#endif
