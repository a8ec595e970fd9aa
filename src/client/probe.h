/* SPDX-License-Identifier: MIT */
/* One exchange with one address, phase by phase. */
#ifndef CLIENT_PROBE_H
#define CLIENT_PROBE_H

#include "common/address.h"
#include "common/wire.h"

#include <stdbool.h>

/* Where an exchange stands, or where it ended. */
enum phase { PHASE_CONNECT, PHASE_SEND, PHASE_RECEIVE, PHASE_CLOSE };

enum probe_result {
    PROBE_RIGHT,   /* the expected octets, then end of file */
    PROBE_SILENT,  /* the expected octets, then nothing until the time was up: right too */
    PROBE_DIFFERS, /* sixteen octets, but others */
    PROBE_MORE,    /* more than sixteen octets */
    PROBE_EOF,     /* end of file before the sixteenth octet */
    PROBE_TIMEOUT, /* the time was up in `phase` */
    PROBE_FAILED,  /* a system call failed in `phase`: `error` */
    PROBE_LOCAL    /* the same, but for a reason on this host: no socket, no port */
};

struct probe {
    struct address server; /* who was asked */
    struct address local;  /* from where; its length is 0 if it got no name */
    enum phase phase;      /* the last one reached */
    enum probe_result result;
    int error;                             /* errno of PROBE_FAILED and PROBE_LOCAL */
    unsigned char octets[WIRE_OCTETS + 1]; /* the reply; one more, to see too long a one */
    size_t count;                          /* how many of them came */
};

/* Connect to `server`, send `message`, receive the reply until end of file and
 * compare it with `expect`, both of WIRE_OCTETS octets, all within `seconds`. Fills
 * in `probe`; leaves no socket open. */
void probe_run(struct probe *probe, const struct address *server, const char *message,
               const char *expect, double seconds);

/* Whether the server answered as it should. */
bool probe_is_right(const struct probe *probe);

#endif
