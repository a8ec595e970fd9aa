/* SPDX-License-Identifier: MIT */
/* What the main thread (inquiry.c) and the one that asks (asker.c) share, and nobody else sees. */
#ifndef CLIENT_INQUIRY_STATE_H
#define CLIENT_INQUIRY_STATE_H

#include "client/inquiry.h"
#include "client/load.h"

#include <pthread.h>
#include <stdatomic.h>

struct inquiry {
    const struct client_options *options;
    int64_t started;
    struct deadline end; /* of everything */
    pthread_t starter;   /* who is told when it is over, and by which signal */
    int signal;
    atomic_bool over;
    atomic_int phase; /* of the exchange under way */
    bool accepted;    /* the thread's own: without --all, whether an address has accepted … */

    pthread_mutex_t lock;    /* protects all that follows, and the output */
    struct address *servers; /* NULL until the name is resolved */
    size_t server_count;
    int64_t resolving;      /* nanoseconds that it took; -1 until then */
    size_t asked;           /* … and which one was asked last */
    int64_t begun;          /* the first exchange; 0: none has */
    int64_t ended;          /* the last one that did */
    int64_t under_way;      /* the beginning of the one that is; 0: none is */
    struct tally *counting; /* where it counts */
    struct tally *tallies;  /* with --all one for each address, else `first` */
    struct tally first;
    struct probe failure; /* the first that was not right */
    bool has_failure;
    struct load *load; /* while there is one */
    bool stopping;     /* it was told to end */
    struct load_result result;
};

void inquiry_lock(struct inquiry *inquiry);
void inquiry_unlock(struct inquiry *inquiry);

/* An exchange has ended: count and tell it. One that only the end of everything has ended may be
 * neither. Takes the lock. */
void inquiry_note(struct inquiry *inquiry, const struct probe *probe, uint64_t sequence);

/* Count and tell a failure without an exchange as one that came no further. The lock is held. */
void inquiry_fail(struct inquiry *inquiry, enum result result, enum phase phase, int error);

/* Tell of an address that is not asked again, because there is another. Takes the lock. */
void inquiry_pass_over(struct inquiry *inquiry, const struct probe *probe, uint64_t sequence);

#endif
