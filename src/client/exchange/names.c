/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/names.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/eventfd.h>

void names_open(struct names *names, struct targets *targets, int family, int wake)
{
    *names = (struct names){.targets = targets, .family = family, .wake = wake};
    TAILQ_INIT(&names->waiting);
}

/* Store the result of a look-up. A target keeps the addresses that it has if there are no new ones.
 * Returns whether it had other addresses before. */
static bool settle(struct names *names, struct target *target, struct resolution *resolution)
{
    target->state = NAME_RESTS;
    target->unresolved = (struct verdict){
        .result = resolution->result, .phase = PHASE_RESOLVE, .error = resolution->error};
    if (resolution->result != RESULT_RIGHT)
        return false;
    target->resolving = resolution->took;
    int changed = target_update(names->targets, target, resolution->list, resolution->count);
    free(resolution->list);
    if (changed < 0)
        target->unresolved = (struct verdict){RESULT_LOCAL, PHASE_RESOLVE, ENOMEM, 0};
    return changed > 0;
}

static void begin_waiting(struct names *names)
{
    struct target *target;
    while (names->under_way < NAMES_AT_ONCE && (target = TAILQ_FIRST(&names->waiting)) != NULL) {
        struct look_up *look_up = &names->look_ups[names->under_way++];
        TAILQ_REMOVE(&names->waiting, target, link);
        *look_up = (struct look_up){
            target, resolver_start(&target->endpoint, names->family, names->wake), 0};
        target->state = NAME_IS_LOOKED_UP;
        if (look_up->resolver == NULL) {
            look_up->error = errno;
            (void)eventfd_write(names->wake, 1);
        }
    }
}

void names_look_up(struct names *names, struct target *target)
{
    struct resolution numeric = {.result = RESULT_RIGHT};

    if (target->state != NAME_RESTS || target->is_numeric)
        return;
    if (endpoint_resolve(&target->endpoint, names->family, AI_NUMERICHOST, &numeric.list,
                         &numeric.count) == 0) {
        (void)settle(names, target, &numeric);
        target->is_numeric = target->count > 0;
        return;
    }
    target->state = NAME_WAITS;
    TAILQ_INSERT_TAIL(&names->waiting, target, link);
    begin_waiting(names);
}

struct target *names_take(struct names *names, bool *changed)
{
    for (size_t i = 0; i < names->under_way; i++) {
        struct look_up look_up = names->look_ups[i];
        struct resolution resolution = {.result = RESULT_LOCAL, .error = look_up.error};
        if (look_up.resolver != NULL && !resolver_end(look_up.resolver, &resolution))
            continue;
        names->look_ups[i] = names->look_ups[--names->under_way];
        *changed = settle(names, look_up.target, &resolution);
        begin_waiting(names);
        return look_up.target;
    }
    return NULL;
}
