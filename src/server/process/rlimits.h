/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PROCESS_RLIMITS_H
#define SERVER_PROCESS_RLIMITS_H

#include "server/config/settings.h"

/* Ask the kernel for what serving needs: as many descriptors as limits.connections call
 * for (RLIMIT_NOFILE), and the scheduling policy SCHED_BATCH, unless whoever started us
 * chose one; and for no core, in which peers' octets would be (RLIMIT_CORE). Call it before
 * there is a second thread, and as root if there is a choice. A limit that is too low is
 * warned of; a policy that is refused is no reason to say anything: getrlimit(2), sched(7). */
void rlimits_prepare(const struct settings *settings);

/* The same for the descriptors alone, after a reload. */
void rlimits_raise(const struct settings *settings);

#endif
