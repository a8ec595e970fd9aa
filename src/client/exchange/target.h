/* SPDX-License-Identifier: MIT */
/* The target of a run: a name, its addresses, and the order in which to try them. */
#ifndef CLIENT_EXCHANGE_TARGET_H
#define CLIENT_EXCHANGE_TARGET_H

#include "common/address.h"

#include <stdatomic.h>

struct attempt;

/* An address of a target. It is never freed, so that results can refer to it. */
struct server {
    struct address address;
    struct target *target;
    size_t index;            /* in `servers` of the target */
    atomic_bool is_reported; /* a failure was reported, and no connection was accepted since */
};

struct target {
    struct endpoint endpoint;
    struct server **servers; /* all addresses that the name had during the run */
    size_t server_count;
    struct server **order; /* the present ones, in the order in which to try them */
    size_t count;
    _Atomic(struct server *) preferred; /* the one that accepted last; NULL: none, or it failed */
};

/* Replace the addresses by those in `list`, which is in the order of getaddrinfo(3), and put them
 * into the order of RFC 8305, section 4: families alternate. Returns 1 if the name had other
 * addresses before, 0 if not, or -1 and errno. No other thread may begin an exchange meanwhile. */
int target_update(struct target *target, const struct address *list, size_t count);

/* Set the server of up to `room` attempts, in the order in which to try them. Returns how many. */
size_t target_choose(const struct target *target, struct attempt *attempts, size_t room);

/* Prefer a server, which has accepted, until target_forsake() reports that it failed. */
void target_prefer(struct server *server);
void target_forsake(struct server *server);
bool target_is_preferred(const struct server *server);

#endif
