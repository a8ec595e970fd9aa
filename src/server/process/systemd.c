/* SPDX-License-Identifier: MIT */
/* Each notification is sent to the name of the manager's socket, because the manager can have made
 * the socket anew; and over the connection, which was made before privileges were dropped, if that
 * fails. */
#include <config.h>

#include "server/process/systemd.h"

#include "common/deadline.h"
#include "common/descriptor.h"
#include "common/number.h"
#include "server/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NOTIFY_SIZE 512

/* All of these belong to the main thread. */
static int notify_fd = -1; /* connected to NOTIFY_SOCKET ... */
static struct sockaddr_un notify_address;
static socklen_t notify_length; /* ... which this is */
static int64_t watchdog = NEVER;
static bool ready_pending; /* READY=1 goes out with the next status */

int systemd_count_sockets(void)
{
    if (getenv("LISTEN_FDS") == NULL || environment_number("LISTEN_PID") != getpid())
        return 0;
    long long count = environment_number("LISTEN_FDS");
    if (count < 0 || count > INT_MAX - SYSTEMD_FIRST_FD) {
        log_line(LOG_CRIT, "LISTEN_FDS is not a number of sockets");
        return -1;
    }
    for (int fd = SYSTEMD_FIRST_FD; fd < SYSTEMD_FIRST_FD + count; fd++) {
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
            log_errno(LOG_CRIT, "LISTEN_FDS: descriptor %d", fd);
            return -1;
        }
    }
    return (int)count;
}

/* Fill in the address of a path or, after '@', of an abstract name: unix(7). Returns its length, or
 * 0. */
static socklen_t make_address(const char *name, struct sockaddr_un *address)
{
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof address->sun_path)
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'));
}

int notify_open(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (name == NULL || name[0] == '\0')
        return 0;
    notify_length = make_address(name, &notify_address);
    if (notify_length == 0) {
        log_line(LOG_CRIT, "NOTIFY_SOCKET is neither an absolute path nor an abstract socket name");
        return -1;
    }
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify_fd < 0 ||
        connect(notify_fd, (struct sockaddr *)&notify_address, notify_length) != 0) {
        log_errno(LOG_CRIT, "cannot reach the service manager at NOTIFY_SOCKET");
        notify_close();
        return -1;
    }
    long long us = environment_number("WATCHDOG_USEC");
    bool for_us = getenv("WATCHDOG_PID") == NULL || environment_number("WATCHDOG_PID") == getpid();
    if (us > 0 && us <= INT64_MAX / 1000 && for_us)
        watchdog = us * 1000 / 2;
    return 0;
}

/* Returns false if the manager could not take the message. */
static bool notify(const char *message)
{
    static bool failing;
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    size_t length = strlen(message);
    if (notify_fd < 0 ||
        sendto(notify_fd, message, length, flags, (struct sockaddr *)&notify_address,
               notify_length) >= 0 ||
        send(notify_fd, message, length, flags) >= 0) {
        failing = false;
        return true;
    }
    if (!failing)
        log_errno(LOG_WARNING, "cannot notify the service manager of %.*s",
                  (int)strcspn(message, "\n"), message);
    failing = true;
    return false;
}

void notify_ready(const char *status)
{
    ready_pending = true;
    notify_status(status);
}

/* The pipe can be full, or shared with other processes: O_NONBLOCK would apply to them, too. */
void notify_ready_fd(int fd)
{
    errno = EAGAIN;
    if (poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 0) != 1 ||
        write_all(fd, "\n", 1) != 0)
        log_errno(LOG_WARNING, "cannot write to the descriptor of --ready-fd");
    close(fd);
}

void notify_reloading(void)
{
    char message[NOTIFY_SIZE];
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)(clock_nanoseconds() / 1000));
    (void)notify(message);
}

void notify_stopping(void)
{
    ready_pending = false;
    (void)notify("STOPPING=1");
}

void notify_status(const char *status)
{
    char message[NOTIFY_SIZE];
    snprintf(message, sizeof message, "%sSTATUS=%s", ready_pending ? "READY=1\n" : "", status);
    if (notify(message))
        ready_pending = false;
}

void notify_watchdog(void)
{
    (void)notify("WATCHDOG=1");
}

bool notify_is_pending(void)
{
    return ready_pending;
}

bool notify_wanted(void)
{
    return notify_fd >= 0;
}

int64_t notify_watchdog_interval(void)
{
    return watchdog;
}

void notify_close(void)
{
    if (notify_fd >= 0)
        close(notify_fd);
    notify_fd = -1;
    watchdog = NEVER;
    ready_pending = false;
}
