/* SPDX-License-Identifier: MIT */
/* The processors of this host. */
#ifndef COMMON_PROCESSORS_H
#define COMMON_PROCESSORS_H

/* Return how many processors this process may use, as sched_getaffinity(2) tells at the first call:
 * callers allocate memory for that number. At least 1, also if the kernel does not tell. The first
 * call must come while there is one thread. */
unsigned processors_usable(void);

#endif
