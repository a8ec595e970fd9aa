/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/socket.h"

#include "common/address.h"

#include <errno.h>

int socket_error(int fd)
{
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

bool socket_is_self_connected(int fd)
{
    struct address local;
    struct address peer = {.length = sizeof peer.u};
    return address_of_socket(fd, &local) == 0 && getpeername(fd, &peer.u.any, &peer.length) == 0 &&
           address_equals(&local, &peer);
}

int socket_reset_at_close(int fd)
{
    const struct linger hard = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}
