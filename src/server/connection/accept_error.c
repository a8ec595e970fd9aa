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
    ROW(EINTR, REMEDY_CONTINUE),
    ROW(ECONNABORTED, REMEDY_CONTINUE),
    ROW(EPROTO, REMEDY_CONTINUE),
    ROW(EPERM, REMEDY_CONTINUE),
    ROW(ENETDOWN, REMEDY_CONTINUE),
    ROW(ENETUNREACH, REMEDY_CONTINUE),
    ROW(EHOSTDOWN, REMEDY_CONTINUE),
    ROW(EHOSTUNREACH, REMEDY_CONTINUE),
    ROW(ENONET, REMEDY_CONTINUE),
    ROW(ENOPROTOOPT, REMEDY_CONTINUE),
    ROW(ETIMEDOUT, REMEDY_CONTINUE),
    ROW(EMFILE, REMEDY_EVICT),
    ROW(ENFILE, REMEDY_EVICT),
    ROW(ENOBUFS, REMEDY_PAUSE),
    ROW(ENOMEM, REMEDY_PAUSE),
    ROW(EOPNOTSUPP, REMEDY_PAUSE), /* the network's, or for ever: a datagram socket's */
    ROW(EBADF, REMEDY_STOP),
    ROW(EINVAL, REMEDY_STOP),
    ROW(ENOTSOCK, REMEDY_STOP),
    ROW(EFAULT, REMEDY_STOP),
    {"other", 0, REMEDY_PAUSE},
};

size_t accept_error_find(int number)
{
    size_t i = 0;
    while (i < ACCEPT_ERRORS - 1 && accept_errors[i].number != number)
        i++;
    return i;
}
