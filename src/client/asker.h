/* SPDX-License-Identifier: MIT */
/* The thread of an inquiry: resolves the name, and asks. */
#ifndef CLIENT_ASKER_H
#define CLIENT_ASKER_H

/* What the thread does. Its argument is the struct inquiry; when it is through it sends the
 * inquiry's signal. */
void *asker_work(void *argument);

#endif
