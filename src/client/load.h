/* SPDX-License-Identifier: MIT */
/* Many exchanges at once, driven by events in a thread for each CPU. */
#ifndef CLIENT_LOAD_H
#define CLIENT_LOAD_H

#include "client/probe.h"
#include "client/tally.h"

struct load_plan {
    unsigned parallel; /* exchanges at once, at most */
    double rate;       /* open loop: so many are to begin each second, evenly; 0: closed loop */
    uint64_t count;    /* so many in all; 0: no end */
    double duration;   /* begin them for so many seconds; 0: no end */
    const struct question *question; /* behaves well */
    const struct address *servers;   /* asked by turns */
    size_t server_count;
};

/* What any thread may see meanwhile. */
struct load_progress {
    uint64_t done;   /* ended, whatever became of them */
    uint64_t errors; /* of those, not right */
};

struct load_result {
    unsigned threads;
    uint64_t not_begun; /* open loop: scheduled until the end, and not begun for want of a place */
    struct times service;  /* open loop: from the real beginning; the tallies' times count from the
                              scheduled one */
    struct tally *tallies; /* one for each server; to be freed */
    int64_t elapsed;       /* nanoseconds from the first beginning to the last end */
    double rate; /* right ones each second, while exchanges began: those that are let end when the
                    duration is over, or behind a stop, neither count nor take time */
};

struct load;

/* Begin. What the plan points to is to stay until load_join(). Raises the soft limit on
 * descriptors to what `parallel` needs, as far as the hard one lets it: getrlimit(2). Returns
 * NULL, with errno, where memory, descriptors or threads are lacking. */
struct load *load_start(const struct load_plan *plan);

struct load_progress load_progress(const struct load *load);

/* Begin no more exchanges, and let those under way end. Any thread may call it, a signal handler
 * may not. */
void load_stop(struct load *load);

/* End those under way, too: tally_cut(). */
void load_cut(struct load *load);

/* Wait for the end, and tell of it. */
void load_join(struct load *load, struct load_result *result);

/* Free it, behind load_join(). */
void load_free(struct load *load);

#endif
