/* SPDX-License-Identifier: MIT */
/* The filter of system calls: configure --with-seccomp. */
#ifndef SERVER_PROCESS_SECCOMP_H
#define SERVER_PROCESS_SECCOMP_H

#include <stdint.h>

/* Make the kernel answer EPERM to the system calls that a break-in would want, in every thread of
 * this process: seccomp(2). Call it once everything is open and privileges are dropped, before the
 * first thread of the daemon. Returns 0, or -1 with the reason logged. Does nothing without
 * `configure --with-seccomp`. */
int seccomp_enter(void);

/* Add the rules to an allow-all filter of libseccomp, for one of its architectures. Returns 0 or a
 * negative errno. Exists only `--with-seccomp`; the unit tests look at other architectures than
 * their own. */
int seccomp_fill(void *filter, uint32_t architecture);

#endif
