/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: refuse every change of the scheduling policy, as a kernel can. The benchmark uses
 * this to keep sixteend in SCHED_OTHER, like its peers. It has no other use. */
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
