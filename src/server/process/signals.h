/* SPDX-License-Identifier: MIT */
/* What signals do to the daemon. Those that it handles come as a descriptor for poll(2): TERM, INT,
 * QUIT, XCPU and PWR stop it, HUP reloads, USR1 logs the statistics. */
#ifndef SERVER_PROCESS_SIGNALS_H
#define SERVER_PROCESS_SIGNALS_H

/* Ignore the signals that mean nothing to the daemon, unless something handles them; unblock those
 * that stop it, which the program before exec(3) can have blocked; and block HUP and USR1, so that
 * one that comes during the start is taken after it. Call it first. */
void signals_prepare(void);

/* Restore the default action of every other signal, and unblock all but HUP and USR1. */
void signals_reset(void);

/* Block the handled signals and ACCEPTOR_SIGNAL in this thread and in all that it starts, let
 * ACCEPTOR_SIGNAL only interrupt, and open a non-blocking signalfd(2) for the others. Call it
 * before there is a second thread. Returns the descriptor, or -1 and errno. */
int signals_open(void);

/* Return the number of a pending signal, or 0 if there is none. A signal that was sent twice before
 * counts once. */
int signals_take(int fd);

/* Do not report this signal until signals_resume(). Meanwhile it can become pending. */
void signals_defer(int fd, int number);
void signals_resume(int fd);

/* From now on, let TERM, INT and the other signals that stop the daemon end the process at once
 * with this exit status, until signals_open() blocks them. */
void signals_let_end(int status);

#endif
