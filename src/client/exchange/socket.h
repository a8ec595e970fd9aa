/* SPDX-License-Identifier: MIT */
/* Reads the state of a TCP socket, and sets its options. */
#ifndef CLIENT_EXCHANGE_SOCKET_H
#define CLIENT_EXCHANGE_SOCKET_H

#include <stdbool.h>

/* Return the error of the socket, or 0. */
int socket_error(int fd);

/* Return whether the socket is connected to itself. If nothing listens at a port of the ephemeral
 * range, connect(2) can choose that port as the local one, and TCP then connects the socket to
 * itself (RFC 9293, 3.5: simultaneous open). */
bool socket_is_self_connected(int fd);

/* Let close(2) reset the connection, which leaves no socket in TIME-WAIT. Returns 0, or -1 and
 * errno. */
int socket_reset_at_close(int fd);

#endif
