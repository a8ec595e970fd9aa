/* SPDX-License-Identifier: MIT */
/* Starts threads: with all signals blocked, or with a small stack. Blocks a signal in the calling
 * thread. */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include "common/checked.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

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

/* SIG_BLOCK or SIG_UNBLOCK a signal in the calling thread. */
static inline void thread_mask(int how, int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    CHECKED(pthread_sigmask(how, &set, NULL));
}

/* Enough for an exchange and a log line many times over; less saves no memory. */
#define THREAD_STACK 65536

/* Start a thread with a small stack, of which there can be thousands. It inherits the signal mask.
 * Returns 0, or an error number. */
static inline int thread_start_small(pthread_t *thread, void *(*work)(void *), void *argument)
{
    pthread_attr_t attributes;
    long least = sysconf(_SC_THREAD_STACK_MIN);
    size_t size = least > THREAD_STACK ? (size_t)least : THREAD_STACK;
    CHECKED(pthread_attr_init(&attributes)); /* the C library's needs no memory */
    CHECKED(pthread_attr_setstacksize(&attributes, size));
    int error = pthread_create(thread, &attributes, work, argument);
    CHECKED(pthread_attr_destroy(&attributes));
    return error;
}

#endif
