/* SPDX-License-Identifier: MIT */
/* What became of an exchange, in the words that every report uses: sixteen(1), OUTCOMES. */
#ifndef CLIENT_VERDICT_H
#define CLIENT_VERDICT_H

#include "common/wire.h"

#include <stdbool.h>
#include <stddef.h>

/* Where an exchange stands, or where it ended. */
enum phase { PHASE_RESOLVE, PHASE_CONNECT, PHASE_SEND, PHASE_RECEIVE, PHASE_CLOSE, PHASES };

enum result {
    RESULT_RIGHT,      /* the expected octets, then end of file */
    RESULT_SILENT,     /* the expected octets, then nothing until the time was up: right too */
    RESULT_QUIET,      /* no reply, and none was due */
    RESULT_DIFFERS,    /* sixteen octets, but others */
    RESULT_MORE,       /* more octets than were due */
    RESULT_EOF,        /* end of file before the sixteenth octet */
    RESULT_TIMEOUT,    /* the time was up in `phase` */
    RESULT_FAILED,     /* the connection failed in `phase`: `error` */
    RESULT_UNRESOLVED, /* the name has no address: `error` is getaddrinfo's */
    RESULT_LOCAL       /* a reason of this host: no socket, no port: `error` */
};

/* What it means for the server and the path to it. */
enum verdict_class {
    CLASS_RIGHT,
    CLASS_WRONG, /* octets came that were not right */
    CLASS_LOST,  /* none came */
    CLASS_LOCAL  /* it was not begun, for a reason of this host */
};

struct verdict {
    enum result result;
    enum phase phase; /* the last one reached */
    int error;        /* errno or what `result` says; else 0 */
    size_t count;     /* how many octets of a reply came */
};

enum verdict_class verdict_class(const struct verdict *verdict);

/* The outcome's word, as the server's log has them: "ok", "refused", ... */
const char *verdict_outcome(const struct verdict *verdict);

/* "resolve", "connect", "send", "receive", "close". */
const char *phase_name(enum phase phase);

/* Room for the longest reason. */
#define VERDICT_WHY 200

/* Write the reason for what is not RESULT_RIGHT, in words that fit behind the phase and the
 * address; `seconds` is the time that it had. Empty for what is. Returns `why`. */
char *verdict_why(const struct verdict *verdict, double seconds, char why[VERDICT_WHY]);

/* The same for all exchanges that ended so, however many octets and seconds each had. */
char *verdict_kind(const struct verdict *verdict, char why[VERDICT_WHY]);

/* Whether the errno that connect(2) or socket(2) gave is this host's fault: no local port or
 * address, descriptor or memory is left. */
bool error_is_local(int error);

#endif
