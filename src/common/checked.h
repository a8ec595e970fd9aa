/* SPDX-License-Identifier: MIT */
/* CHECKED(): no result of a pthread call is ignored. */
#ifndef COMMON_CHECKED_H
#define COMMON_CHECKED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

#endif
