/* SPDX-License-Identifier: MIT */
/* Descriptors: what close(2) and write(2) do not do by themselves. */
#ifndef COMMON_DESCRIPTOR_H
#define COMMON_DESCRIPTOR_H

#include <stddef.h>

/* Close `fd` and keep errno, on the way out of a failure. Always returns -1. */
int close_after_error(int fd);

/* Write all `length` octets to the blocking descriptor `fd`. Returns 0, or -1 and errno. */
int write_all(int fd, const void *octets, size_t length);

#endif
