/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: a kernel that lets nobody choose a scheduling policy. So `make bench` gets
 * a sixteend that stays in SCHED_OTHER, as its peers do; it is good for nothing else. */
#include <errno.h>
#include <sched.h>

int sched_setscheduler(pid_t pid, int policy, const struct sched_param *param)
{
    (void)pid;
    (void)policy;
    (void)param;
    errno = EPERM;
    return -1;
}
