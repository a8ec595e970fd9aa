/* SPDX-License-Identifier: MIT */
/* The targets of a run: names, their addresses, and the order in which to try these. */
#ifndef CLIENT_EXCHANGE_TARGET_H
#define CLIENT_EXCHANGE_TARGET_H

#include "common/address.h"
#include "common/tail_queue.h"

#include "client/exchange/verdict.h"

#include <stdatomic.h>

struct attempt;

/* An address of a target. It is never freed, so that results can refer to it. */
struct server {
    struct address address; /* its length is 0 in the server that stands for no address */
    struct target *target;
    struct server *next;     /* in the list of the target */
    size_t index;            /* among those of all targets */
    atomic_bool is_reported; /* a failure was reported, and no connection was accepted since */
};

struct target {
    struct endpoint endpoint;
    struct server *nowhere; /* stands for no address */
    struct server *known;   /* a list of all addresses that the name had */
    struct server **order;  /* its addresses, in the order in which to try them */
    size_t count;
    _Atomic(struct server *) preferred; /* the one that accepted last; NULL: none, or it failed */
    TAILQ_ENTRY(target) link;           /* names.c: among those that wait for a look-up */
    enum { NAME_RESTS, NAME_WAITS, NAME_IS_LOOKED_UP } state; /* of the look-up */
    bool is_numeric;           /* the host is an address, which never changes */
    int64_t resolving;         /* nanoseconds that the last look-up took; -1: none has ended */
    struct verdict unresolved; /* why the last look-up failed; RESULT_RIGHT: it did not */
};

struct targets {
    struct target *list;
    size_t count;
    struct server **servers; /* the servers `nowhere`, then all addresses that the names had */
    size_t server_count;
};

/* Make targets of endpoints. Returns 0, or -1 and errno. They are not freed. */
int targets_open(struct targets *targets, const struct endpoint *endpoints, size_t count);

/* Replace the addresses of a target by those in `list`, which is in the order of getaddrinfo(3),
 * and put them into the order of RFC 8305, section 4: families alternate. Returns 1 if the name had
 * other addresses before, 0 if not, or -1 and errno. No other thread may begin an exchange
 * meanwhile. */
int target_update(struct targets *targets, struct target *target, const struct address *list,
                  size_t count);

/* Set the server of up to `room` attempts, in the order in which to try them. Returns how many. */
size_t target_choose(const struct target *target, struct attempt *attempts, size_t room);

/* Prefer a server, which has accepted, until target_forsake() reports that it failed. */
void target_prefer(struct server *server);
void target_forsake(struct server *server);
bool target_is_preferred(const struct server *server);

#endif
