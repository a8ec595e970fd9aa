/* SPDX-License-Identifier: MIT */
/* What the service manager is told: the protocol of sd_notify(3), one datagram a message,
 * which is never waited for. Without NOTIFY_SOCKET in the environment none of these does
 * anything. */
#ifndef SERVER_PROCESS_NOTIFY_H
#define SERVER_PROCESS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Returns 0; or -1 with the reason
 * logged where the manager waits for a word and cannot be reached. */
int notify_open(void);

/* READY=1 and STATUS=: after a start, and after a reload, taken or refused. If the manager
 * could not take it, it is told with the next status. */
void notify_ready(const char *status);

/* RELOADING=1 and MONOTONIC_USEC. */
void notify_reloading(void);

/* STOPPING=1. */
void notify_stopping(void);

/* STATUS= alone. */
void notify_status(const char *status);

/* WATCHDOG=1. */
void notify_watchdog(void);

/* Whether there is somebody to be told. */
bool notify_wanted(void);

/* How often the manager wants notify_watchdog(), in nanoseconds: twice as often as it
 * looks, as sd_watchdog_enabled(3) advises. -1: never. */
int64_t notify_watchdog_interval(void);

/* Close the socket. */
void notify_close(void);

#endif
