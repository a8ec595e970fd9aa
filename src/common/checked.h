/* SPDX-License-Identifier: MIT */
/* CHECKED(): no result of a pthread call is ignored; and a condition variable made with it. */
#ifndef COMMON_CHECKED_H
#define COMMON_CHECKED_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* For calls of pthreads that fail only if we misuse them: print the call and its error, and abort.
 */
#define CHECKED(call)                                                     \
    do {                                                                  \
        int checked_error = (call);                                       \
        if (checked_error != 0) {                                         \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, \
                    strerror(checked_error));                             \
            abort();                                                      \
        }                                                                 \
    } while (0)

/* Initialize a condition variable whose timed waits end at an instant of clock_nanoseconds(). */
static inline void cond_init_monotonic(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    CHECKED(pthread_condattr_init(&monotonic));
    CHECKED(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC));
    CHECKED(pthread_cond_init(condition, &monotonic));
    CHECKED(pthread_condattr_destroy(&monotonic));
}

#endif
