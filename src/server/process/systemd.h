/* SPDX-License-Identifier: MIT */
/* The service manager: the listening sockets that it passes, and the messages that it gets. The
 * protocols are those of sd_listen_fds(3) and sd_notify(3), which other managers speak too. */
#ifndef SERVER_PROCESS_SYSTEMD_H
#define SERVER_PROCESS_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

/* The first descriptor that a service manager passes; the others follow it. */
#define SYSTEMD_FIRST_FD 3

/* Return the number of sockets that were passed to this process, by LISTEN_FDS and LISTEN_PID.
 * From then on they are closed at execve(2). Returns -1 with the reason logged if LISTEN_FDS is not
 * a number or a descriptor is not open. */
int systemd_count_sockets(void);

/* Open the socket of NOTIFY_SOCKET, and read WATCHDOG_USEC and WATCHDOG_PID. Without NOTIFY_SOCKET
 * in the environment, or if it is empty, the functions that follow do nothing, except
 * notify_ready_fd(). Returns 0; or -1 with the reason logged if the manager cannot be reached. */
int notify_open(void);

/* The next functions send one datagram each, and do not wait if the manager does not read it. They
 * find a manager that has created its socket again. */

/* Send READY=1 and STATUS=. If the manager cannot take it, READY=1 is sent again with the next
 * status. */
void notify_ready(const char *status);

/* Send RELOADING=1 and MONOTONIC_USEC. */
void notify_reloading(void);

/* Send STOPPING=1. */
void notify_stopping(void);

/* Send STATUS=. */
void notify_status(const char *status);

/* Send WATCHDOG=1. */
void notify_watchdog(void);

/* Whether notify_open() found a manager to notify. */
bool notify_wanted(void);

/* Whether the service manager could not take READY=1, so that it must be sent again. */
bool notify_is_pending(void);

/* Return how often to call notify_watchdog(), in nanoseconds: twice in the time that the manager
 * allows, as sd_watchdog_enabled(3) advises. NEVER if it does not watch. */
int64_t notify_watchdog_interval(void);

/* Close the socket. */
void notify_close(void);

/* Write a newline to `fd`, where a manager such as s6 waits for it, and close it. Does not wait;
 * logs a failure. This does not depend on NOTIFY_SOCKET. */
void notify_ready_fd(int fd);

#endif
