/* SPDX-License-Identifier: MIT */
/* The way into the background, as daemon(7) describes for SysV daemons, and the clean-up that every
 * start does. */
#ifndef SERVER_PROCESS_BACKGROUND_H
#define SERVER_PROCESS_BACKGROUND_H

/* Close all descriptors except the standard three, the `passed` sockets that follow them, and
 * `ready_fd` unless it is 0; set a umask that denies group and others write access, and change to
 * the root directory. Call it in the foreground too: after the configuration was read and the names
 * in it were looked up, and before the daemon opens any descriptor that it keeps. Returns 0, or -1
 * and errno. */
int background_prepare(int passed, int ready_fd);

/* Continue in the background: in a new session without a terminal, without environment, with no
 * signal ignored or blocked, with the umask 022. Returns 0 there. The process that called waits for
 * background_finish() and exits with that status, or with EX_OSERR if the daemon exits before.
 * Returns -1 and errno on failure. Call it before there is a second thread. */
int background_begin(void);

/* Make the waiting process exit with `status`. With 0 the daemon is ready, and its standard input,
 * output and error go to /dev/null from now on. Does nothing in the foreground, and the second
 * time. Returns 0, or -1 if that process is gone. */
int background_finish(int status);

#endif
