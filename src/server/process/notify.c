/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/process/notify.h"

#include "common/deadline.h"
#include "common/number.h"
#include "server/log/log.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_SIZE 512

/* The main thread's. */
static int fd = -1;
static int64_t watchdog = -1;
static bool ready_owed; /* the manager is to be told READY=1 with the next status */

static void read_watchdog(void)
{
    long long us = environment_number("WATCHDOG_USEC");
    bool for_us = getenv("WATCHDOG_PID") == NULL || environment_number("WATCHDOG_PID") == getpid();
    if (us > 0 && us <= INT64_MAX / 1000 && for_us)
        watchdog = us * 1000 / 2;
}

/* A name that begins with '@' is an abstract one: unix(7). Returns its length, or 0. */
static socklen_t address_of(const char *name, struct sockaddr_un *address)
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
    struct sockaddr_un address;

    if (name == NULL)
        return 0;
    socklen_t length = address_of(name, &address);
    if (length == 0) {
        log_line(LOG_CRIT, "NOTIFY_SOCKET is neither a path nor an abstract name");
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, length) != 0) {
        log_errno(LOG_CRIT, "cannot reach the service manager at NOTIFY_SOCKET");
        notify_close();
        return -1;
    }
    read_watchdog();
    return 0;
}

/* Returns whether the manager was told. */
static bool tell(const char *message)
{
    if (fd < 0 || send(fd, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return true;
    log_errno(LOG_WARNING, "the service manager was not told %.*s", (int)strcspn(message, "\n"),
              message);
    return false;
}

void notify_ready(const char *status)
{
    ready_owed = true;
    notify_status(status);
}

void notify_reloading(void)
{
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)(clock_nanoseconds() / 1000));
    (void)tell(message);
}

void notify_stopping(void)
{
    ready_owed = false;
    (void)tell("STOPPING=1");
}

void notify_status(const char *status)
{
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message, "%sSTATUS=%s", ready_owed ? "READY=1\n" : "", status);
    if (tell(message))
        ready_owed = false;
}

void notify_watchdog(void)
{
    (void)tell("WATCHDOG=1");
}

bool notify_wanted(void)
{
    return fd >= 0;
}

int64_t notify_watchdog_interval(void)
{
    return watchdog;
}

void notify_close(void)
{
    if (fd >= 0)
        close(fd);
    fd = -1;
    watchdog = -1;
    ready_owed = false;
}
