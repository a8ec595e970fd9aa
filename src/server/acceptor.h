/* SPDX-License-Identifier: MIT */
/* Waits for connections and signals, accepts, and gives each connection on. */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include "server/listener.h"
#include "server/settings.h"

/* Block every signal that is not a fault of our own in this thread, and so in all
 * threads it makes; catch TERM, INT and HUP. Only acceptor_run() lets them in. Call
 * it before there is a second thread. */
void acceptor_take_signals(void);

/* Serve until TERM or INT, then drain: empty the listeners' queues, close them, and
 * give live conversations settings->timeouts.drain seconds to end; a second signal
 * ends them at once. Returns 0; or -1 with the reason logged, when the daemon cannot
 * go on. */
int acceptor_run(struct listeners *listeners, const struct settings *settings);

#endif
