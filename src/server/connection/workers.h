/* SPDX-License-Identifier: MIT */
/* Gives each conversation to a worker thread: one thread per live connection. */
#ifndef SERVER_CONNECTION_WORKERS_H
#define SERVER_CONNECTION_WORKERS_H

#include "server/connection/connection.h"
#include "server/connection/lingering_close.h"

struct handover;

/* What it has at one moment. */
struct census {
    size_t live;    /* conversations */
    size_t peak;    /* the most that ever were */
    size_t workers; /* threads */
    size_t parked;  /* those of them that have nothing to do */
};

/* Make a handover for at most `most` live conversations, whose workers end when they had
 * nothing to do for `idle` seconds. Workers give half-closed sockets to `linger`, and
 * write to the eventfd(2) `wake_fd` when a conversation ends that the acceptor waits for, or
 * whose outcome is one to warn of; both stay the caller's. Returns NULL and errno on failure. */
struct handover *handover_create(size_t most, double idle, struct lingerers *linger, int wake_fd);

/* Let other numbers hold from now on. The thread that gives, only. */
void handover_change(struct handover *handover, size_t most, double idle);

/* Whether one more conversation may begin. If not, the next one that ends writes
 * to `wake_fd`. */
bool handover_has_place(struct handover *handover);

/* Give a conversation from malloc(3) to the workers, who from then on own it, its socket
 * and its use of its snapshot; call handover_call() soon. Returns 0; or an error number when no
 * thread can be had, and then both are still the caller's. */
int handover_give(struct handover *handover, struct conversation *conversation);

/* See to it that somebody is awake for the conversations that were given. */
void handover_call(struct handover *handover);

/* End workers that have been idle for too long. Returns nanoseconds until the next one may
 * have been, or NEVER when there is no worker. The thread that gives, only. */
int64_t handover_retire(struct handover *handover);

/* Count what it has. The thread that gives, only. */
struct census handover_census(struct handover *handover);

/* Whether no conversation is live. If one is, the next one that ends writes to
 * `wake_fd`. */
bool handover_is_idle(struct handover *handover);

/* End every live conversation now: their sockets are shut down and their outcome
 * is `slow`. The workers still have to carry that out. */
void handover_cut(struct handover *handover);

/* End every worker and free everything; no conversation may be live. */
void handover_destroy(struct handover *handover);

#endif
