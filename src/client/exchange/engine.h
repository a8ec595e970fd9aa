/* SPDX-License-Identifier: MIT */
/* Makes exchanges by a plan: one, one after the other, at an interval, or many at once. An event
 * loop in the main thread makes them; for a load, one loop in a thread for each CPU. */
#ifndef CLIENT_EXCHANGE_ENGINE_H
#define CLIENT_EXCHANGE_ENGINE_H

#include "client/exchange/event_loop.h"
#include "client/exchange/schedule.h"

struct plan {
    const struct question *question;
    struct targets *targets; /* each round has a start for each */
    double rate;             /* rounds per second; 0: as soon as a place is free */
    bool skips;              /* schedule.skips */
    uint64_t count;          /* rounds; 0: no limit */
    double duration;         /* of a load: seconds in which starts are due; 0: no limit */
    unsigned places;         /* exchanges that can be open at once */
    bool each_address;       /* each start begins an exchange with every address */
    bool alternates;         /* starts use the addresses in turn */
    bool is_load;            /* threads make the exchanges */
};

struct engine_hooks {
    void *context;
    /* An exchange has ended. In a load the threads of the loops call it, each with its index. */
    void (*ended)(void *context, unsigned loop, const struct exchange *exchange);
    /* A start of a schedule that skips was due, but no exchange begins. */
    void (*skipped)(void *context, uint64_t number);
    /* Called in the main thread before each wait for events; returns when to call it again at the
     * latest. */
    int64_t (*turn)(void *context, int64_t now);
    /* A start is due whose target has no address and no look-up under way. */
    void (*unresolved)(void *context, struct target *target);
};

struct engine {
    struct event_loop control; /* the main thread's */
    struct event_loop *loops;  /* those of the threads */
    struct engine_hooks hooks;
    struct plan plan;
    struct schedule schedule;
    _Atomic int64_t shared_places;
    atomic_uint pending; /* what the main thread's loop waits for: threads, or a look-up */
    unsigned threads;    /* that begin exchanges */
    int wake;            /* an eventfd that wakes all loops */
    atomic_bool is_cut;
    atomic_bool lacks_memory;
};

/* Initialize the engine. Returns 0, or -1 and errno. */
int engine_open(struct engine *engine, const struct engine_hooks *hooks);

/* Handle events until the hook `turn` sets `pending` to 0. */
void engine_wait(struct engine *engine);

/* Return the number of threads that make the exchanges of a load. */
unsigned engine_threads(unsigned places);

/* Make the exchanges of a plan and wait for their end. Raises the soft limit on descriptors to what
 * the plan needs, as far as the hard limit allows: getrlimit(2). Returns 0, or -1 and errno if
 * memory, descriptors or threads are short. */
int engine_run(struct engine *engine, const struct plan *plan);

/* Let nothing more become due. What an open loop has already due still begins; the open exchanges
 * end by themselves. */
void engine_stop(struct engine *engine, int64_t now);

/* End the open exchanges now, and begin none. */
void engine_cut(struct engine *engine);

/* Cut because memory is short. */
void engine_lack_memory(struct engine *engine);

#endif
