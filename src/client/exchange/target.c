/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/target.h"

#include "client/exchange/exchange.h"

#include <stdlib.h>

static struct server *add(struct targets *targets, struct target *target,
                          const struct address *address)
{
    size_t size = (targets->server_count + 1) * sizeof(struct server *);
    struct server **servers = realloc(targets->servers, size);
    if (servers == NULL)
        return NULL;
    targets->servers = servers;
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return NULL;
    server->address = *address;
    server->target = target;
    server->index = targets->server_count;
    servers[targets->server_count++] = server;
    return server;
}

/* Return the server of an address, which can be new. A v4-mapped address is the IPv4 address that
 * it stands for. */
static struct server *take(struct targets *targets, struct target *target, struct address address)
{
    address_unmap(&address);
    for (struct server *server = target->known; server != NULL; server = server->next)
        if (address_equals(&server->address, &address))
            return server;
    struct server *server = add(targets, target, &address);
    if (server != NULL) {
        server->next = target->known;
        target->known = server;
    }
    return server;
}

int targets_open(struct targets *targets, const struct endpoint *endpoints, size_t count)
{
    const struct address none = {.length = 0};

    targets->list = calloc(count, sizeof *targets->list);
    if (targets->list == NULL)
        return -1;
    for (; targets->count < count; targets->count++) {
        struct target *target = &targets->list[targets->count];
        target->endpoint = endpoints[targets->count];
        target->resolving = -1;
        target->nowhere = add(targets, target, &none);
        if (target->nowhere == NULL)
            return -1;
    }
    return 0;
}

/* RFC 8305, section 4: after each address the next one of the other family, while there is one. */
static void alternate(struct server **order, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        size_t other = i;
        while (other < count &&
               order[other]->address.u.any.sa_family == order[i - 1]->address.u.any.sa_family)
            other++;
        if (other == count)
            return;
        struct server *server = order[other];
        for (; other > i; other--)
            order[other] = order[other - 1];
        order[i] = server;
    }
}

static bool has(struct server *const *order, size_t count, const struct server *server)
{
    for (size_t i = 0; i < count; i++)
        if (order[i] == server)
            return true;
    return false;
}

int target_update(struct targets *targets, struct target *target, const struct address *list,
                  size_t count)
{
    struct server **order = calloc(count, sizeof(struct server *));
    if (order == NULL)
        return -1;
    bool changed = target->count > 0 && count != target->count;
    for (size_t i = 0; i < count; i++) {
        order[i] = take(targets, target, list[i]);
        if (order[i] == NULL) {
            free(order);
            return -1;
        }
        changed |= target->count > 0 && !has(target->order, target->count, order[i]);
    }
    alternate(order, count);
    if (!has(order, count, atomic_load(&target->preferred)))
        atomic_store(&target->preferred, NULL);
    free(target->order);
    target->order = order;
    target->count = count;
    return changed;
}

size_t target_choose(const struct target *target, struct attempt *attempts, size_t room)
{
    struct server *preferred = atomic_load(&target->preferred);
    size_t chosen = 0;

    if (preferred != NULL)
        attempts[chosen++].server = preferred;
    for (size_t i = 0; i < target->count && chosen < room; i++)
        if (target->order[i] != preferred)
            attempts[chosen++].server = target->order[i];
    return chosen;
}

void target_prefer(struct server *server)
{
    struct server *now = atomic_load_explicit(&server->target->preferred, memory_order_relaxed);
    if (now != server)
        atomic_store(&server->target->preferred, server);
}

void target_forsake(struct server *server)
{
    struct server *expected = server;
    (void)atomic_compare_exchange_strong(&server->target->preferred, &expected, NULL);
}

bool target_is_preferred(const struct server *server)
{
    return atomic_load(&server->target->preferred) == server;
}
