/* SPDX-License-Identifier: MIT */
/* recv(2) and send(2) for a given number of octets, by a deadline.
 *
 * TCP is a stream: one recv(2) can return fewer octets than were asked for, and one send(2) can
 * take fewer than it was given; sixteen(7) says when. These loops continue until the count is
 * reached, the stream ends, a call fails or would block, or the deadline passes. */
#ifndef COMMON_TRANSFER_H
#define COMMON_TRANSFER_H

#include "common/deadline.h"

#include <stddef.h>
#include <sys/socket.h>

enum transfer_status {
    TRANSFER_DONE,    /* all octets were transferred */
    TRANSFER_EOF,     /* the peer ended its stream before; recv_all() only */
    TRANSFER_TIMEOUT, /* the deadline passed before */
    TRANSFER_BLOCKED, /* the rest needs waiting; with MSG_DONTWAIT only */
    TRANSFER_FAILED   /* a system call failed; errno says why */
};

/* Receive octets from the blocking stream socket `fd` until at least `want` are in `buffer`, which
 * has room for `room`. Octets beyond `want` are taken if they are there, and not waited for.
 * `*count` is the number of octets in the buffer, before and after, whatever the status: so another
 * call continues this one, and the caller can tell end of file before the first octet from one in
 * the middle. `flags` are those of recv(2).
 *
 * The deadline is absolute. SO_RCVTIMEO counts for each call, socket(7), so the time that is left
 * is set before each call that can wait. With MSG_DONTWAIT nothing is set. */
enum transfer_status recv_all(int fd, void *buffer, size_t want, size_t room, int flags,
                              struct deadline deadline, size_t *count);

/* Send the octets of `buffer` up to `length` on the blocking stream socket `fd`. `flags` are those
 * of send(2); MSG_NOSIGNAL is added, so that a peer that went away causes EPIPE and no signal.
 * `*count` is the number of octets that the kernel took, before and after. SO_SNDTIMEO is set in
 * the same way. */
enum transfer_status send_all(int fd, const void *buffer, size_t length, int flags,
                              struct deadline deadline, size_t *count);

#endif
