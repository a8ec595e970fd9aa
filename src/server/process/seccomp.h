/* SPDX-License-Identifier: MIT */
/* The filter of system calls: configure --with-seccomp. */
#ifndef SERVER_PROCESS_SECCOMP_H
#define SERVER_PROCESS_SECCOMP_H

/* Make the kernel refuse every system call that a running daemon does not make, to this thread and
 * to all that it starts: seccomp(2). A refused call is logged and ends the process with SIGSYS.
 * Call it once everything is open and privileges are dropped, before there is a second thread.
 * Returns 0, or -1 with the reason logged. Does nothing without `configure --with-seccomp`. */
int seccomp_enter(void);

#endif
