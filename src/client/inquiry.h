/* SPDX-License-Identifier: MIT */
/* All the exchanges of a run: a thread resolves the name and makes them, one at a time or as a
 * load, and counts and tells what becomes of each. */
#ifndef CLIENT_INQUIRY_H
#define CLIENT_INQUIRY_H

#include "client/options.h"
#include "client/progress.h"
#include "client/report.h"

struct inquiry;

/* Begin. `over` is sent to the calling thread, as pthread_kill(3) does, when all exchanges have
 * ended; it is to be blocked. There is one inquiry in a process, and it is never freed, because
 * its thread may wait for the resolver for as long as that likes. */
struct inquiry *inquiry_start(const struct client_options *options, int over);

/* The instant at which everything is to end. */
struct deadline inquiry_end(const struct inquiry *inquiry);

/* Whether all exchanges have ended. Never waits for the output. */
bool inquiry_is_over(const struct inquiry *inquiry);

/* Have it end. A load lets the exchanges that are under way end, unless it is to be `cut` or was
 * told before. Returns whether there is something to wait for: inquiry_is_over(). */
bool inquiry_stop(struct inquiry *inquiry, bool cut);

/* Tell on standard error how far it is: progress_show(). */
void inquiry_show(struct inquiry *inquiry, struct progress *progress, bool stays);

/* End it, whatever is under way: from now on its thread counts and tells nothing. Fills in what
 * there is to tell of all exchanges. */
void inquiry_finish(struct inquiry *inquiry, struct summary *summary);

#endif
