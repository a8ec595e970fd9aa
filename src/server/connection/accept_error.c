/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/accept_error.h"

#include <errno.h>

#define ROW(name, remedy)   \
    {                       \
#name, name, remedy \
    }

/* accept(2) passes on what the network had to say of a connection that was queued. */
const struct accept_error accept_errors[ACCEPT_ERRORS] = {
    ROW(EINTR, REMEDY_GO_ON),       ROW(ECONNABORTED, REMEDY_GO_ON), ROW(EPROTO, REMEDY_GO_ON),
    ROW(EPERM, REMEDY_GO_ON),       ROW(ENETDOWN, REMEDY_GO_ON),     ROW(ENETUNREACH, REMEDY_GO_ON),
    ROW(EHOSTDOWN, REMEDY_GO_ON),   ROW(EHOSTUNREACH, REMEDY_GO_ON), ROW(ENONET, REMEDY_GO_ON),
    ROW(ENOPROTOOPT, REMEDY_GO_ON), ROW(ETIMEDOUT, REMEDY_GO_ON),    ROW(EMFILE, REMEDY_SHED),
    ROW(ENFILE, REMEDY_SHED),       ROW(ENOBUFS, REMEDY_PAUSE),      ROW(ENOMEM, REMEDY_PAUSE),
    ROW(EOPNOTSUPP, REMEDY_PAUSE), /* the network's, or for ever: a datagram socket's */
    ROW(EBADF, REMEDY_STOP),        ROW(EINVAL, REMEDY_STOP),        ROW(ENOTSOCK, REMEDY_STOP),
    ROW(EFAULT, REMEDY_STOP),       {"other", 0, REMEDY_PAUSE},
};

size_t accept_error_find(int number)
{
    size_t i = 0;
    while (i < ACCEPT_ERRORS - 1 && accept_errors[i].number != number)
        i++;
    return i;
}
