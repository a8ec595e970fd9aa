/* SPDX-License-Identifier: MIT */
/* Targets in tests. */
#ifndef UNIT_TARGETS_SUPPORT_H
#define UNIT_TARGETS_SUPPORT_H

#include "client/exchange/target.h"
#include "support.h"

/* Make targets, whose hosts are example.net, 1.example.net, 2.example.net and so on. */
void targets_begin(struct targets *targets, size_t count);

/* Free them and their servers. */
void targets_end(struct targets *targets);

#endif
