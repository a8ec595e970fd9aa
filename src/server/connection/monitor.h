/* SPDX-License-Identifier: MIT */
/* The monitor of this room: the one lock for everything that acceptors, workers and the main loop
 * share, and the condition for which acceptors wait.
 *
 * Why one lock: a connection passes acceptor, admission, workers and lingering close within
 * microseconds, and with a lock for each of them a thread would take several where it takes one. An
 * acceptor enters the monitor once for each connection, a worker once between two connections, the
 * main loop once for each sweep. Inside, no thread logs and none calls on a connection's socket
 * anything that can block. A new thread is started there, which happens only while the number of
 * connections grows. No thread takes another lock inside. */
#ifndef SERVER_CONNECTION_MONITOR_H
#define SERVER_CONNECTION_MONITOR_H

#include "common/checked.h"
#include "common/deadline.h"
#include "server/log/log.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct monitor {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int wake_fd; /* eventfd(2), which the main loop polls */
};

/* Returns 0; or -1 and errno, without `wake_fd`. */
static inline int monitor_init(struct monitor *monitor)
{
    CHECKED(pthread_mutex_init(&monitor->lock, NULL));
    cond_init_monotonic(&monitor->changed);
    monitor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return monitor->wake_fd >= 0 ? 0 : -1;
}

static inline void monitor_destroy(struct monitor *monitor)
{
    CHECKED(pthread_cond_destroy(&monitor->changed));
    CHECKED(pthread_mutex_destroy(&monitor->lock));
    if (monitor->wake_fd >= 0)
        close(monitor->wake_fd);
}

static inline void monitor_enter(struct monitor *monitor)
{
    CHECKED(pthread_mutex_lock(&monitor->lock));
}

static inline void monitor_leave(struct monitor *monitor)
{
    CHECKED(pthread_mutex_unlock(&monitor->lock));
}

/* Inside, wait for monitor_notify(), at the latest until the instant `until` of
 * clock_nanoseconds(). Leaves the monitor meanwhile. Can return early. */
static inline void monitor_wait(struct monitor *monitor, int64_t until)
{
    const struct timespec at = timespec_from(until);
    int error = pthread_cond_timedwait(&monitor->changed, &monitor->lock, &at);
    CHECKED(error == ETIMEDOUT ? 0 : error);
}

/* Inside, wake every thread in monitor_wait(). */
static inline void monitor_notify(struct monitor *monitor)
{
    CHECKED(pthread_cond_broadcast(&monitor->changed));
}

/* Wake the main loop. */
static inline void monitor_wake_loop(struct monitor *monitor)
{
    (void)eventfd_write(monitor->wake_fd, 1);
}

/* Inside, count what a warning reports, with its errno or 0. The main loop logs it. */
static inline void monitor_warn(struct monitor *monitor, struct warning *warning, int error)
{
    warning->error = error;
    if (warning->count++ == 0)
        monitor_wake_loop(monitor);
}

#endif
