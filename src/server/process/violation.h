/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PROCESS_VIOLATION_H
#define SERVER_PROCESS_VIOLATION_H

/* Have a system call that the filter refuses with SIGSYS told where the log goes, as
 * critical, before that signal ends the process. Call it before the filter is there: nobody may
 * put another handler in its place then. */
void violation_watch(void);

#endif
