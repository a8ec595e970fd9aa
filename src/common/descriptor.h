/* SPDX-License-Identifier: MIT */
/* Descriptors: what close(2) and write(2) do not do by themselves. */
#ifndef COMMON_DESCRIPTOR_H
#define COMMON_DESCRIPTOR_H

#include <stddef.h>
#include <sys/types.h>

/* Open descriptors 0, 1 and 2 if they are closed, so that no socket gets such a number and no
 * message goes to a peer. Returns 0, or -1 and errno if one stays closed. */
int descriptors_open_standard(void);

/* Close `fd` and keep errno, on the way out of a failure. Always returns -1. */
int close_after_error(int fd);

/* Write all `length` octets to the blocking descriptor `fd`. Returns 0, or -1 and errno. */
int write_all(int fd, const void *octets, size_t length);

/* Wait until `fd`, which may block or not, can be written, and write at most `length` octets to it.
 * At most PIPE_BUF of them do not wait any further in a pipe or a socket. Returns how many were
 * written, or -1 and errno: ETIMEDOUT after that many milliseconds; -1 of them means no limit. */
ssize_t write_when_ready(int fd, const void *octets, size_t length, int milliseconds);

/* Write a text in the same way, in pieces. Returns 0, or -1 and errno. */
int write_text_when_ready(int fd, const char *text, int milliseconds);

#endif
