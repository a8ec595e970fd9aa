/* SPDX-License-Identifier: MIT */
/* Waits for connections and signals, accepts, and gives each connection on. */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include "server/listener.h"
#include "server/settings.h"

struct acceptor;

/* Make everything ready to serve. `listeners` and `settings` stay the caller's and are
 * to last as long as the acceptor. Call signals_block() first. Returns NULL with the
 * reason logged on failure. */
struct acceptor *acceptor_create(struct listeners *listeners, const struct settings *settings);

/* Serve until TERM or INT, then drain: empty the listeners' queues as far as there is
 * place, close them, and give live conversations settings->timeouts.drain seconds to
 * end; a second signal ends them at once. Returns 0; or -1 with the reason logged, when
 * the daemon cannot go on. */
int acceptor_run(struct acceptor *acceptor);

/* Free everything; NULL is nothing. */
void acceptor_destroy(struct acceptor *acceptor);

#endif
