/* SPDX-License-Identifier: MIT */
/* The signals that the daemon takes, TERM, INT, HUP and USR1, as a descriptor that poll(2)
 * reports like any other. (ppoll(2) would not do: while a descriptor is ready it lets
 * no signal in, so a flood of connections could put off a stop for as long as it lasts.) */
#ifndef SERVER_PROCESS_SIGNALS_H
#define SERVER_PROCESS_SIGNALS_H

/* Forget what the process that started us ignored, caught or blocked. */
void signals_reset(void);

/* Block TERM, INT, HUP and USR1 in this thread, and so in all that it makes; ignore PIPE.
 * Call it before there is a second thread. */
void signals_block(void);

/* Open a non-blocking signalfd(2) for what signals_block() blocked. Returns it, or -1
 * and errno. */
int signals_open(void);

/* Return the number of a pending signal, or 0 if there is none. A signal that was sent twice before
 * counts once. */
int signals_take(int fd);

/* From now on, let TERM and INT end the process at once with this exit status. */
void signals_let_end(int status);

#endif
