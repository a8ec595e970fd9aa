/* SPDX-License-Identifier: MIT */
/* What the kernel knows about this process. */
#ifndef SERVER_LOG_PROCESS_STATS_H
#define SERVER_LOG_PROCESS_STATS_H

#include <stdint.h>

struct process_stats {
    double cpu_seconds; /* of user and system, of all threads */
    /* Each of these is -1 if it is not known, as without /proc. */
    int64_t open_fds;
    int64_t max_fds;
    int64_t threads;
    int64_t virtual_memory; /* octets */
    int64_t resident_memory;
};

void process_stats_read(struct process_stats *process);

#endif
