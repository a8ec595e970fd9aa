/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/transfer.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

/* Give the next call on `fd` what is left of the deadline. */
static enum transfer_status arm(int fd, int option, struct deadline deadline)
{
    int64_t left = deadline_left(deadline, clock_nanoseconds());
    if (left == 0)
        return TRANSFER_TIMEOUT;
    struct timeval timeout = timeval_from(left);
    if (setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof timeout) != 0)
        return TRANSFER_FAILED;
    return TRANSFER_DONE;
}

/* After a signal the call is made again. After EAGAIN, which on a blocking socket
 * says that its time-out is over, arm() finds the deadline passed. */
static bool worth_another_try(int error)
{
    return error == EINTR || error == EAGAIN;
}

enum transfer_status recv_all(int fd, void *buffer, size_t want, size_t room,
                              struct deadline deadline, size_t *count)
{
    assert(want <= room);
    *count = 0;
    while (*count < want) {
        enum transfer_status ready = arm(fd, SO_RCVTIMEO, deadline);
        if (ready != TRANSFER_DONE)
            return ready;
        ssize_t more = recv(fd, (char *)buffer + *count, room - *count, 0);
        if (more > 0)
            *count += (size_t)more;
        else if (more == 0)
            return TRANSFER_EOF;
        else if (!worth_another_try(errno))
            return TRANSFER_FAILED;
    }
    return TRANSFER_DONE;
}

enum transfer_status send_all(int fd, const void *buffer, size_t length, int flags,
                              struct deadline deadline, size_t *count)
{
    *count = 0;
    while (*count < length) {
        enum transfer_status ready = arm(fd, SO_SNDTIMEO, deadline);
        if (ready != TRANSFER_DONE)
            return ready;
        ssize_t taken =
            send(fd, (const char *)buffer + *count, length - *count, flags | MSG_NOSIGNAL);
        if (taken >= 0)
            *count += (size_t)taken;
        else if (!worth_another_try(errno))
            return TRANSFER_FAILED;
    }
    return TRANSFER_DONE;
}
