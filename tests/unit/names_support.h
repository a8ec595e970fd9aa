/* SPDX-License-Identifier: MIT */
/* getaddrinfo(3) in tests: what it finds, and how often it is called. Calls for a numeric address,
 * which look nothing up, are real and not counted. */
#ifndef UNIT_NAMES_SUPPORT_H
#define UNIT_NAMES_SUPPORT_H

#include "support.h"

#include <netdb.h>

/* Let every later call find these addresses, at most NAMES_MAX, in this order. None: let the C
 * library find what it will. */
#define NAMES_MAX 8
void names_find(const struct address *list, size_t count);

/* Let every later call fail with this error and errno, until names_find(). */
void names_fail(int error, int number);

/* Is called first in each call, in its thread, unless it is NULL. */
extern void (*names_hook)(void);

/* Return the flags of the last call. */
int names_flags(void);

/* Return how many calls there were since names_find(), and how many results were freed. */
int names_calls(void);
int names_freed(void);

#endif
