/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/config/snapshot.h"

#include <stdlib.h>

struct snapshot *snapshot_create(const struct settings *settings)
{
    struct snapshot *snapshot = malloc(sizeof *snapshot);
    if (snapshot == NULL)
        return NULL;
    settings_copy(&snapshot->settings, settings);
    atomic_init(&snapshot->users, 1);
    return snapshot;
}

struct snapshot *snapshot_take(struct snapshot *snapshot)
{
    (void)atomic_fetch_add_explicit(&snapshot->users, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot != NULL &&
        atomic_fetch_sub_explicit(&snapshot->users, 1, memory_order_acq_rel) == 1)
        free(snapshot);
}
