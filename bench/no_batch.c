/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: refuse every change of the scheduling policy, as a kernel can. The benchmark uses
 * this to keep sixteend in SCHED_OTHER, like its peers. It has no other use. */
#include <errno.h>
#include <pthread.h>

int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *param)
{
    (void)thread;
    (void)policy;
    (void)param;
    return EPERM;
}
