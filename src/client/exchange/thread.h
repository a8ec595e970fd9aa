/* SPDX-License-Identifier: MIT */
/* Starts threads that leave signals to the main thread. */
#ifndef CLIENT_EXCHANGE_THREAD_H
#define CLIENT_EXCHANGE_THREAD_H

#include "common/checked.h"

#include <pthread.h>
#include <signal.h>

/* Start a thread in which all signals are blocked. Returns 0, or an error number. */
static inline int thread_start(pthread_t *thread, void *(*work)(void *), void *argument)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    CHECKED(pthread_sigmask(SIG_SETMASK, &all, &before));
    int error = pthread_create(thread, NULL, work, argument);
    CHECKED(pthread_sigmask(SIG_SETMASK, &before, NULL));
    return error;
}

#endif
