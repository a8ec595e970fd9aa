/* SPDX-License-Identifier: MIT */
/* recv(2) and send(2) made exact: so many octets, by such a deadline.
 *
 * TCP is a stream. One recv may return fewer octets than were asked for, and
 * one send may take fewer than it was given; sixteen(7) tells when. These loops
 * go on until the count is right, the stream ends, or the deadline passes. */
#ifndef COMMON_TRANSFER_H
#define COMMON_TRANSFER_H

#include "common/deadline.h"

#include <stddef.h>
#include <sys/socket.h>

enum transfer_status {
    TRANSFER_DONE,    /* all octets asked for went over */
    TRANSFER_EOF,     /* recv_all only: the peer ended its stream before that */
    TRANSFER_TIMEOUT, /* the deadline passed before that */
    TRANSFER_BLOCKED, /* with MSG_DONTWAIT only: the rest would have to be waited for */
    TRANSFER_FAILED   /* a system call failed: errno tells why */
};

/* Receive at least `want` octets from the blocking stream socket `fd` into
 * `buffer`, which has `room` for as many or more: what lies ready beyond `want`
 * may be taken along, up to `room`, and is not waited for. `*count` is set to
 * the octets received whatever the status, so that end of file after none can be
 * told from end of file in the middle. `flags` are those of recv(2).
 *
 * The deadline is absolute: what is left of it is set as SO_RCVTIMEO before each
 * call, because that option alone starts anew with every call: socket(7). With
 * MSG_DONTWAIT nothing is waited for, so that isn't needed. */
enum transfer_status recv_all(int fd, void *buffer, size_t want, size_t room, int flags,
                              struct deadline deadline, size_t *count);

/* Send all `length` octets of `buffer` on the blocking stream socket `fd`.
 * `flags` are those of send(2); MSG_NOSIGNAL is added, so that a peer that went
 * away is EPIPE and not a signal. `*count` is set to the octets that the kernel
 * took, whatever the status. The deadline is kept by SO_SNDTIMEO in the same
 * way. */
enum transfer_status send_all(int fd, const void *buffer, size_t length, int flags,
                              struct deadline deadline, size_t *count);

#endif
