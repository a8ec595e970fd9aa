/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/process/rlimits.h"

#include "server/log/log.h"

#include <sched.h>
#include <sys/resource.h>

/* Beside the sockets: standard input, output and error, the pid file, syslog, what the
 * acceptor waits on, and a few that whoever started us left open. */
#define OTHER_DESCRIPTORS 32

/* While one connection is served, another may await its close. */
static rlim_t descriptors_needed(const struct settings *settings)
{
    return 2 * (rlim_t)settings->limits.connections + settings->listen.count + OTHER_DESCRIPTORS;
}

/* Only root may raise the hard limit. */
static int raise_limit(const struct rlimit *limit, rlim_t needed)
{
    struct rlimit wanted = {.rlim_cur = needed, .rlim_max = limit->rlim_max};
    if (wanted.rlim_max < needed)
        wanted.rlim_max = needed;
    return setrlimit(RLIMIT_NOFILE, &wanted);
}

void rlimits_raise(const struct settings *settings)
{
    rlim_t needed = descriptors_needed(settings);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed ||
        raise_limit(&limit, needed) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    log_line(LOG_WARNING,
             "limits.connections = %d can need %llu descriptors but the hard limit is %llu; "
             "beyond it peers wait; raise RLIMIT_NOFILE (LimitNOFILE= in a systemd unit)",
             settings->limits.connections, (unsigned long long)needed,
             (unsigned long long)limit.rlim_max);
}

/* A thread that is woken under SCHED_BATCH doesn't preempt the one that woke it, which
 * saves a worker and its acceptor half of their context switches. */
static void use_batch_policy(void)
{
    const struct sched_param none = {0};
    if (sched_getscheduler(0) == SCHED_OTHER)
        (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

/* A core holds what peers sent. A limit of 1 has the kernel make none: neither a file, as 0
 * would, nor what goes to a program that core_pattern names, for which 0 counts nothing:
 * core(5). */
static void disable_core(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max > 1)
        limit.rlim_max = 1;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_CORE, &limit) != 0)
        log_errno(LOG_WARNING, "cannot disable core dumps; a core could hold what peers sent");
}

void rlimits_prepare(const struct settings *settings)
{
    disable_core();
    rlimits_raise(settings);
    use_batch_policy();
}
