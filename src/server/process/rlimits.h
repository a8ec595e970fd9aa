/* SPDX-License-Identifier: MIT */
/* Resource limits and scheduling policy: descriptors, core dumps, SCHED_BATCH. */
#ifndef SERVER_PROCESS_RLIMITS_H
#define SERVER_PROCESS_RLIMITS_H

#include "server/config/settings.h"

/* Disable core dumps, raise RLIMIT_NOFILE to what limits.connections and this number of listeners
 * can need, and choose the scheduling policy SCHED_BATCH. Logs what cannot be
 * changed: getrlimit(2), sched(7). Call it before there is a second thread, and as root if
 * possible. */
void rlimits_prepare(const struct settings *settings, size_t listeners);

/* Raise RLIMIT_NOFILE alone, after a reload. */
void rlimits_raise(const struct settings *settings, size_t listeners);

#endif
