/* SPDX-License-Identifier: MIT */
/* An event loop begins exchanges when they are due and a place is free, and continues each of them
 * at its events and instants. Each thread has one. A place allows one exchange to be open. */
#ifndef CLIENT_EXCHANGE_EVENT_LOOP_H
#define CLIENT_EXCHANGE_EVENT_LOOP_H

#include "client/exchange/exchange.h"

#include <pthread.h>

struct engine;

struct event_loop {
    _Alignas(64) struct engine *engine; /* no two loops share a cache line */
    unsigned index;
    pthread_t thread;
    int epoll;
    int timer;
    int64_t armed; /* the instant that the timer is set to */
    int64_t pause; /* no exchange begins before this instant */
    bool begins;   /* whether this loop begins exchanges */
    _Atomic int64_t own_places;
    _Atomic int64_t *places; /* free places: its own, or those that all loops share */
    struct exchanges idle;   /* allocated ones that are not open */
    struct exchanges open;   /* sorted by their next instants */
};

/* Initialize a loop. Returns 0, or -1 and errno. */
int event_loop_open(struct event_loop *loop, struct engine *engine, unsigned index);

/* Run until no exchange is open and none will begin, or until engine_cut(). */
void event_loop_run(struct event_loop *loop);

/* Begin the exchanges that wait for the addresses of the target, now that its look-up has ended, or
 * end them if it has found none. */
void event_loop_resolved(struct event_loop *loop, const struct target *target);

#endif
