/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/handover.h"

#include "common/checked.h"
#include "server/exchange.h"
#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* 64 KiB hold the exchange and a log line many times over; less saves no memory. */
#define STACK_SIZE 65536

/* Some platforms have a minimum above that. */
static size_t stack_size(void)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);
    return least > STACK_SIZE ? (size_t)least : STACK_SIZE;
}

struct handover {
    size_t most;
    struct lingerers *linger;
    int wake_fd;
    pthread_attr_t attributes;
    pthread_mutex_t lock; /* protects all that follows, and the links of conversations */
    size_t live;          /* counted before a thread begins, so a drain misses none */
    struct conversation *conversations; /* the live ones, for handover_cut() */
    bool awaited;                       /* the acceptor waits for one to end */
    bool has_ended;                     /* whether `ended` is a thread */
    pthread_t ended;                    /* the last worker that ended, to be joined */
};

struct handover *handover_create(size_t most, struct lingerers *linger, int wake_fd)
{
    struct handover *handover = calloc(1, sizeof *handover);
    if (handover == NULL)
        return NULL;
    handover->most = most;
    handover->linger = linger;
    handover->wake_fd = wake_fd;
    int error = pthread_attr_init(&handover->attributes);
    if (error != 0) {
        free(handover);
        errno = error;
        return NULL;
    }
    CHECKED(pthread_attr_setstacksize(&handover->attributes, stack_size()));
    CHECKED(pthread_mutex_init(&handover->lock, NULL));
    return handover;
}

bool handover_has_place(struct handover *handover)
{
    CHECKED(pthread_mutex_lock(&handover->lock));
    bool has_place = handover->live < handover->most;
    handover->awaited = !has_place;
    CHECKED(pthread_mutex_unlock(&handover->lock));
    return has_place;
}

bool handover_is_idle(struct handover *handover)
{
    CHECKED(pthread_mutex_lock(&handover->lock));
    bool idle = handover->live == 0;
    handover->awaited = !idle;
    CHECKED(pthread_mutex_unlock(&handover->lock));
    return idle;
}

/* Both of these are called with the lock held. */
static void link_conversation(struct handover *handover, struct conversation *conversation)
{
    conversation->handover = handover;
    conversation->previous = NULL;
    conversation->next = handover->conversations;
    if (conversation->next != NULL)
        conversation->next->previous = conversation;
    handover->conversations = conversation;
}

static void unlink_conversation(struct handover *handover, struct conversation *conversation)
{
    if (conversation->next != NULL)
        conversation->next->previous = conversation->previous;
    if (conversation->previous != NULL)
        conversation->previous->next = conversation->next;
    else
        handover->conversations = conversation->next;
}

/* From here on handover_cut() knows nothing of the socket, so it can be closed. */
static void finish(struct handover *handover, struct conversation *conversation)
{
    CHECKED(pthread_mutex_lock(&handover->lock));
    unlink_conversation(handover, conversation);
    CHECKED(pthread_mutex_unlock(&handover->lock));

    if (conversation->half_closed)
        linger_add(handover->linger, conversation->fd);
    else
        close(conversation->fd);
}

/* The last act of a worker. Each joins the one that ended before it, and
 * handover_destroy() the last, so that none is left behind. */
static void leave(struct handover *handover)
{
    CHECKED(pthread_mutex_lock(&handover->lock));
    bool has_ended = handover->has_ended;
    pthread_t ended = handover->ended;
    handover->has_ended = true;
    handover->ended = pthread_self();
    handover->live--;
    bool wake = handover->awaited;
    handover->awaited = false;
    CHECKED(pthread_mutex_unlock(&handover->lock));

    if (wake)
        eventfd_write(handover->wake_fd, 1);
    if (has_ended)
        CHECKED(pthread_join(ended, NULL));
}

static void *work(void *argument)
{
    struct conversation *conversation = argument;
    struct handover *handover = conversation->handover;

    exchange_hold(conversation);
    finish(handover, conversation);
    log_conversation(conversation);
    free(conversation);
    leave(handover);
    return NULL;
}

int handover_give(struct handover *handover, struct conversation *conversation)
{
    pthread_t worker;

    CHECKED(pthread_mutex_lock(&handover->lock));
    assert(handover->live < handover->most);
    handover->live++;
    link_conversation(handover, conversation);
    CHECKED(pthread_mutex_unlock(&handover->lock));

    int error = pthread_create(&worker, &handover->attributes, work, conversation);
    if (error == 0)
        return 0; /* the worker has it, and perhaps freed it already */

    CHECKED(pthread_mutex_lock(&handover->lock));
    handover->live--;
    unlink_conversation(handover, conversation);
    CHECKED(pthread_mutex_unlock(&handover->lock));
    return error;
}

void handover_cut(struct handover *handover)
{
    CHECKED(pthread_mutex_lock(&handover->lock));
    for (struct conversation *c = handover->conversations; c != NULL; c = c->next) {
        atomic_store(&c->cut, true);
        shutdown(c->fd, SHUT_RDWR);
    }
    CHECKED(pthread_mutex_unlock(&handover->lock));
}

void handover_destroy(struct handover *handover)
{
    if (handover == NULL)
        return;
    assert(handover->live == 0);
    if (handover->has_ended)
        CHECKED(pthread_join(handover->ended, NULL));
    CHECKED(pthread_mutex_destroy(&handover->lock));
    CHECKED(pthread_attr_destroy(&handover->attributes));
    free(handover);
}
