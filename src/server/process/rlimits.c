/* SPDX-License-Identifier: MIT */
/* RLIMIT_CORE is 1, unless the hard limit is 0 already. 1 stops the kernel from writing a core,
 * which would hold what peers sent. With 0 the kernel would still pass a core to a program that
 * core_pattern names, for which it ignores the limit (core(5); seen on 6.18). A core_pattern that
 * is a socket gets the core even so. Only PR_SET_DUMPABLE would prevent that, but then /proc/PID
 * belongs to root, and ss -p, strace and gdb show the daemon's own user nothing.
 *
 * Under SCHED_BATCH a thread that is woken does not preempt the one that woke it. That saves a
 * quarter of the CPU time: HACKING.md. */
#include <config.h>

#include "server/process/rlimits.h"

#include "server/log/log.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

/* Standard input, output and error, the pid file, syslog, what the main loop polls, and some
 * spare. */
#define OTHER_DESCRIPTORS 32

void rlimits_raise(const struct settings *settings, size_t listeners)
{
    /* While one connection is active, another can linger. An acceptor in accept4(2) has reserved a
     * descriptor in addition to its listener's. */
    rlim_t needed = 2 * ((rlim_t)settings->limits.connections + listeners) + OTHER_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    rlim_t hard = limit.rlim_max;
    limit.rlim_cur = needed;
    if (hard < needed)
        limit.rlim_max = needed; /* which only root may */
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return;
    limit.rlim_cur = limit.rlim_max = hard;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    log_line(LOG_WARNING,
             "limits.connections = %d can need %llu descriptors but the hard limit is %llu; "
             "beyond it peers wait; raise RLIMIT_NOFILE (LimitNOFILE= in a systemd unit)",
             settings->limits.connections, (unsigned long long)needed, (unsigned long long)hard);
}

static void disable_core(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max > 1)
        limit.rlim_max = 1;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_CORE, &limit) != 0)
        log_errno(LOG_WARNING, "cannot disable core dumps; a core could hold what peers sent");
}

/* Threads that are started later inherit it. sched_setscheduler(2) is for a whole process, which
 * Linux cannot do, so not every C library has it. */
static void choose_policy(void)
{
    struct sched_param parameters;
    int policy;
    int error = pthread_getschedparam(pthread_self(), &policy, &parameters);
    if (error == 0 && policy == SCHED_OTHER) /* not one that was chosen on purpose */
        error = pthread_setschedparam(pthread_self(), SCHED_BATCH, &parameters);
    if (error != 0)
        log_line(LOG_NOTICE, "cannot set SCHED_BATCH; connections take more processor time: %s",
                 strerror(error));
}

void rlimits_prepare(const struct settings *settings, size_t listeners)
{
    disable_core();
    rlimits_raise(settings, listeners);
    choose_policy();
}
