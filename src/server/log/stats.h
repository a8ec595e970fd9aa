/* SPDX-License-Identifier: MIT */
/* What the daemon counts from its start on. Any thread may call any of these. */
#ifndef SERVER_LOG_STATS_H
#define SERVER_LOG_STATS_H

#include "server/connection/accept_error.h"
#include "server/connection/connection.h"

#include <stdint.h>

#define STATS_BOUNDS 16

/* The upper bounds of the durations that are counted together, in microseconds; the last
 * of the STATS_BOUNDS + 1 counts is for what is longer. */
extern const int64_t stats_bounds[STATS_BOUNDS];

struct stats {
    uint64_t accepted;
    uint64_t outcomes[OUTCOMES];
    uint64_t accept_errors[ACCEPT_ERRORS];
    uint64_t durations[STATS_BOUNDS + 1]; /* of all connections, to their outcome */
    uint64_t microseconds;                /* the sum of them */
    uint64_t reloads;
    uint64_t reloads_refused;
};

/* A connection was accepted. */
void stats_accepted(void);

/* accept(2) failed, with the error that has this index in accept_errors. */
void stats_accept_error(size_t index);

/* A connection has its outcome. */
void stats_outcome(const struct connection *connection);

/* A new configuration was taken, or refused. */
void stats_reload(bool taken);

/* All of them. Those of one moment agree with each other once nobody counts any more. */
void stats_get(struct stats *stats);

#endif
