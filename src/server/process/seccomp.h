/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PROCESS_SECCOMP_H
#define SERVER_PROCESS_SECCOMP_H

/* Let the kernel refuse every system call that a running daemon does not make, to this thread
 * and to all that it makes: seccomp(2). One that comes all the same is logged and ends the process
 * with SIGSYS: violation.h. Call it once everything is open and privileges are given up, and
 * before there is a second thread. Returns 0, or -1 with the reason logged. Without
 * `configure --with-seccomp` it does nothing. */
int seccomp_enter(void);

#endif
