/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/transfer.h"

#include <assert.h>
#include <errno.h>

/* Set the time that is left as the timeout of the next call on `fd`, if that call can wait. */
static enum transfer_status arm(int fd, int option, int flags, struct deadline deadline)
{
    int64_t left = deadline_left(deadline, clock_nanoseconds());
    if (left == 0)
        return TRANSFER_TIMEOUT;
    if (flags & MSG_DONTWAIT)
        return TRANSFER_DONE;
    struct timeval timeout = timeval_from(left);
    int rc = setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof timeout);
    return rc == 0 ? TRANSFER_DONE : TRANSFER_FAILED;
}

/* Judge a call that failed; TRANSFER_DONE means to call again. On a blocking socket EAGAIN says
 * that the timeout is over, and then arm() finds that the deadline passed. */
static enum transfer_status judge(int error, int flags)
{
    if (error == EAGAIN && (flags & MSG_DONTWAIT))
        return TRANSFER_BLOCKED;
    return error == EINTR || error == EAGAIN ? TRANSFER_DONE : TRANSFER_FAILED;
}

enum transfer_status recv_all(int fd, void *buffer, size_t want, size_t room, int flags,
                              struct deadline deadline, size_t *count)
{
    enum transfer_status status = TRANSFER_DONE;
    assert(want <= room);
    while (*count < want && status == TRANSFER_DONE) {
        status = arm(fd, SO_RCVTIMEO, flags, deadline);
        if (status != TRANSFER_DONE)
            break;
        ssize_t more = recv(fd, (char *)buffer + *count, room - *count, flags);
        if (more > 0)
            *count += (size_t)more;
        else
            status = more == 0 ? TRANSFER_EOF : judge(errno, flags);
    }
    return status;
}

enum transfer_status send_all(int fd, const void *buffer, size_t length, int flags,
                              struct deadline deadline, size_t *count)
{
    enum transfer_status status = TRANSFER_DONE;
    while (*count < length && status == TRANSFER_DONE) {
        status = arm(fd, SO_SNDTIMEO, flags, deadline);
        if (status != TRANSFER_DONE)
            break;
        ssize_t taken =
            send(fd, (const char *)buffer + *count, length - *count, flags | MSG_NOSIGNAL);
        if (taken >= 0)
            *count += (size_t)taken;
        else
            status = judge(errno, flags);
    }
    return status;
}
