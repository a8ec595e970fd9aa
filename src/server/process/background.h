/* SPDX-License-Identifier: MIT */
/* The way into the background that daemon(7) calls SysV daemons. */
#ifndef SERVER_PROCESS_BACKGROUND_H
#define SERVER_PROCESS_BACKGROUND_H

/* Make sure that descriptors 0, 1 and 2 are open, so that no socket gets one of these
 * numbers and no message goes to a peer. Returns 0, or -1 and errno. */
int background_open_standard(void);

/* Leave what whoever started us left open or set: descriptors but the standard three and the
 * `passed` sockets that follow them, a umask that lets others write, the working directory.
 * Call it before anything is opened, in the foreground too. Returns 0, or -1 and errno. */
int background_prepare(int passed);

/* Go on in a child of a child, in a session of its own, without a terminal, without
 * environment, with no signal ignored or blocked, with the umask 022, and return 0 there.
 * The caller's process does not return: it waits for background_finish() and exits with the
 * status given there, or says that the daemon ended before it and exits with EX_OSERR.
 * Returns -1 and errno when it cannot be done. Call it before there is a second thread. */
int background_begin(void);

/* Tell the waiting process to exit with `status`. With 0 the daemon is up: standard
 * input, output and error now lead to /dev/null. Does nothing if background_begin()
 * was not called, or the second time. */
void background_finish(int status);

#endif
