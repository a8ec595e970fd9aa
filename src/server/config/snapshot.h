/* SPDX-License-Identifier: MIT */
/* Settings that are shared and never change: a reload makes new ones, and the old ones go
 * when nobody uses them any more. */
#ifndef SERVER_CONFIG_SNAPSHOT_H
#define SERVER_CONFIG_SNAPSHOT_H

#include "server/config/settings.h"

#include <stdatomic.h>

struct snapshot {
    struct settings settings;
    atomic_size_t users;
};

/* Copy `settings` into a new snapshot, whose first user is the caller. Returns NULL and
 * errno on failure. */
struct snapshot *snapshot_create(const struct settings *settings);

/* One more user; any thread that is one may call it. Returns the snapshot. */
struct snapshot *snapshot_take(struct snapshot *snapshot);

/* One user less; the last one frees it. NULL is nothing. */
void snapshot_release(struct snapshot *snapshot);

#endif
