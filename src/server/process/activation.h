/* SPDX-License-Identifier: MIT */
/* Sockets that a service manager opened and passes on: the protocol of sd_listen_fds(3). */
#ifndef SERVER_PROCESS_ACTIVATION_H
#define SERVER_PROCESS_ACTIVATION_H

/* The first of them; the others follow. */
#define ACTIVATION_FIRST 3

/* How many were passed, by LISTEN_FDS and LISTEN_PID; 0 where none were, or to another
 * process. They are closed at execve(2) from now on. Returns -1 with the reason logged when
 * LISTEN_FDS is no such number or a descriptor is not open. */
int activation_count(void);

#endif
