/* SPDX-License-Identifier: MIT */
/* A thread of a load: begins its share of the exchanges and waits for them. */
#ifndef CLIENT_DRIVER_H
#define CLIENT_DRIVER_H

#include "client/flight.h"
#include "client/load.h"

#include <pthread.h>
#include <stdatomic.h>

struct driver {
    /* Whoever asks how far the load has come reads these, each driver's on a cache line that
     * nobody else writes to. */
    _Alignas(64) _Atomic uint64_t done;
    _Atomic uint64_t errors;

    struct load *load;
    unsigned index; /* among the drivers */
    unsigned places;
    pthread_t thread;
    int epoll;
    struct flight *flights; /* one for each place; they are in one of these two: */
    struct flights idle;
    struct flights live; /* in the order in which they began */
    uint64_t begun;
    int64_t pause; /* begin none before */
    int64_t first; /* when its first exchange began, … */
    int64_t last;  /* … and its last one ended */
    uint64_t not_begun;
    uint64_t timely; /* right, before the end of the load */
    struct times service;
    struct tally *tallies; /* one for each server */
};

/* What the drivers share. */
struct load {
    struct load_plan plan;
    struct cargo cargo;
    pthread_mutex_t gate; /* closed until all threads are there, or not to be had */
    int64_t began;
    _Atomic int64_t end;      /* none begins from then on */
    atomic_bool cut;          /* those under way are to end, too */
    _Atomic uint64_t claimed; /* of the plan's count, in a closed loop */
    int wake;                 /* an eventfd for who waits while one of these changes */
    unsigned drivers;
    struct driver driver[];
};

/* Get what the driver `index` needs, for its share of the places. Returns 0, or -1 and errno. */
int driver_prepare(struct driver *driver, struct load *load, unsigned index);

/* Begin exchanges and wait for them until all are over, or cut: then those that are too early for
 * a verdict stay in `live`. */
void driver_run(struct driver *driver);

/* Give back what driver_prepare() got. */
void driver_release(struct driver *driver);

#endif
