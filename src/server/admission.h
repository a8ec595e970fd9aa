/* SPDX-License-Identifier: MIT */
/* Who may have a worker: at most limits.connections peers where others are refused and not
 * kept waiting, and at most limits.per_source of one address. */
#ifndef SERVER_ADMISSION_H
#define SERVER_ADMISSION_H

#include "server/conversation.h"

struct admission;

/* What a conversation was told. */
enum admission_verdict {
    ADMITTED,
    ADMISSION_CONNECTIONS, /* limits.connections refused it */
    ADMISSION_PER_SOURCE,  /* limits.per_source refused it */
    ADMISSION_FAILED       /* nothing is left to count it with: ENOMEM */
};

/* Returns NULL and errno on failure. */
struct admission *admission_create(void);

/* Count a conversation in, by the settings it runs under; if it may not go on it is not
 * counted. */
enum admission_verdict admission_enter(struct admission *admission,
                                       struct conversation *conversation);

/* Count it out, where it is counted; any thread may. To be called before its peer can know
 * that it is over: who comes again at once finds its place free. */
void admission_leave(struct conversation *conversation);

/* Nobody may be counted any more. NULL is nothing. */
void admission_destroy(struct admission *admission);

#endif
