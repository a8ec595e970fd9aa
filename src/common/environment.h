/* SPDX-License-Identifier: MIT */
#ifndef COMMON_ENVIRONMENT_H
#define COMMON_ENVIRONMENT_H

/* The whole number, 0 or more, that an environment variable holds; -1 where it is not set
 * or holds something else. */
long long environment_number(const char *name);

#endif
