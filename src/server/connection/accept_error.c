/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/accept_error.h"

#include "server/log/stats.h"

#include <errno.h>

/* clang-format off */
#define ROW(name, remedy) {#name, name, REMEDY_##remedy}
/* accept(2) passes on what the network had to say of a connection that was queued. */
const struct accept_error accept_errors[ACCEPT_ERRORS] = {
    /* what the network says of a queued connection */
    ROW(EINTR, CONTINUE),      ROW(ECONNABORTED, CONTINUE), ROW(EPROTO, CONTINUE),
    ROW(EPERM, CONTINUE),      ROW(ENETDOWN, CONTINUE),     ROW(ENETUNREACH, CONTINUE),
    ROW(EHOSTDOWN, CONTINUE),  ROW(EHOSTUNREACH, CONTINUE), ROW(ENONET, CONTINUE),
    ROW(ENOPROTOOPT, CONTINUE), ROW(ETIMEDOUT, CONTINUE),
    ROW(EOPNOTSUPP, PAUSE), /* permanent if the socket is not a stream socket */
    /* shortages */
    ROW(EMFILE, EVICT), ROW(ENFILE, EVICT), ROW(ENOBUFS, PAUSE), ROW(ENOMEM, PAUSE),
    /* bugs of ours */
    ROW(EBADF, STOP), ROW(EINVAL, STOP), ROW(ENOTSOCK, STOP), ROW(EFAULT, STOP),
    {"other", 0, REMEDY_PAUSE},
};
/* clang-format on */

_Static_assert(ACCEPT_ERRORS <= STATS_ACCEPT_ERRORS, "the statistics have room for every error");

size_t accept_error_find(int number)
{
    size_t i = 0;
    while (i < ACCEPT_ERRORS - 1 && accept_errors[i].number != number)
        i++;
    return i;
}
