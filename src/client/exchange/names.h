/* SPDX-License-Identifier: MIT */
/* Looks the names of targets up, a bounded number of them at a time, each in a separate thread:
 * getaddrinfo(3) can block for as long as the name servers do not answer. */
#ifndef CLIENT_EXCHANGE_NAMES_H
#define CLIENT_EXCHANGE_NAMES_H

#include "client/exchange/resolver.h"
#include "client/exchange/target.h"

/* Look-ups that can be under way at once. */
#define NAMES_AT_ONCE 64

struct names {
    struct targets *targets;
    int family; /* AF_UNSPEC, AF_INET or AF_INET6 */
    int wake;   /* an eventfd that is written to when a look-up has ended */
    TAILQ_HEAD(, target) waiting;
    size_t under_way;
    struct look_up {
        struct target *target;
        struct resolver *resolver; /* NULL: `error` kept it from starting */
        int error;
    } look_ups[NAMES_AT_ONCE];
};

/* Prepare for look-ups of addresses of a family; none is under way. */
void names_open(struct names *names, struct targets *targets, int family, int wake);

/* Look the name of a target up, unless that is under way. A numeric address is found at once. */
void names_look_up(struct names *names, struct target *target);

/* Take the result of a look-up that has ended, and begin one that waits. Returns its target, whose
 * addresses or `unresolved` are new; NULL if none has ended. `changed` is set if the name had other
 * addresses before. No other thread may begin an exchange meanwhile. */
struct target *names_take(struct names *names, bool *changed);

#endif
