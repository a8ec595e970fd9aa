/* SPDX-License-Identifier: MIT */
/* One exchange with one address, phase by phase, with blocking calls. */
#ifndef CLIENT_PROBE_H
#define CLIENT_PROBE_H

#include "client/misbehaviour.h"
#include "client/source.h"
#include "client/verdict.h"
#include "common/address.h"

#include <stdatomic.h>
#include <stdint.h>

/* What every exchange of a run sends, expects and may take. */
struct question {
    const void *header; /* of the PROXY protocol, sent first … */
    size_t header_length;
    const char *message; /* WIRE_OCTETS octets each */
    const char *expect;
    double timeout; /* seconds for the exchange with one address */
    struct source source;
    struct misbehaviour misbehaviour;
    atomic_int *phase; /* where one stands, for another thread to see; or NULL */
};

/* The instants that are noted. */
enum mark { MARK_CONNECTED, MARK_SENT, MARK_FIRST, MARK_LAST, MARK_END, MARKS };

struct probe {
    struct address server; /* who was asked */
    struct address local;  /* from where; its length is 0 if it got no name */
    struct verdict verdict;
    unsigned char octets[WIRE_OCTETS + 1]; /* the reply; one more, to see too long a one */
    double timeout;                        /* the seconds that it had */
    int64_t began;                         /* clock_nanoseconds(), before socket(2) */
    int64_t marks[MARKS];                  /* nanoseconds since then; -1: not reached */
    int64_t took; /* to the end of file; where none came, to the last octet;
                     where there was no right reply, to the verdict */
};

/* Connect to `server`, send the message, receive the reply until end of file and compare it, all
 * within the question's time, or misbehave as it says. `number` chooses among the addresses of
 * the source. Fills in `probe`; leaves no socket open. */
void probe_run(struct probe *probe, const struct address *server, const struct question *question,
               uint64_t number);

#endif
