/* SPDX-License-Identifier: MIT */
/* The result of an exchange, in the words that every report uses: sixteen(1), OUTCOMES. */
#ifndef CLIENT_EXCHANGE_VERDICT_H
#define CLIENT_EXCHANGE_VERDICT_H

#include "common/wire.h"

#include <stdbool.h>
#include <stddef.h>

/* How far an exchange is, or was when it ended. */
enum phase { PHASE_RESOLVE, PHASE_CONNECT, PHASE_SEND, PHASE_RECEIVE, PHASE_CLOSE, PHASES };

enum result {
    RESULT_RIGHT,      /* the expected octets, then end of file */
    RESULT_SILENT,     /* the expected octets, then nothing until a limit: right too */
    RESULT_QUIET,      /* no reply, and none was due */
    RESULT_CONNECTED,  /* the connection, of an exchange that only connects */
    RESULT_DIFFERS,    /* sixteen octets, but not the expected ones */
    RESULT_MORE,       /* more octets than were due */
    RESULT_EOF,        /* end of file before the sixteenth octet */
    RESULT_TIMEOUT,    /* the time limit expired in `phase` */
    RESULT_FAILED,     /* the connection failed in `phase`: `error` */
    RESULT_OVERTAKEN,  /* another address answered before this one */
    RESULT_CUT,        /* the run ended in `phase`, before the sixteenth octet */
    RESULT_UNRESOLVED, /* the name has no address: `error` is that of getaddrinfo(3) */
    RESULT_LOCAL       /* this host has no socket, no port or the like: `error` */
};

/* What a result means for the server and the path to it. */
enum verdict_class {
    CLASS_RIGHT,
    CLASS_WRONG,      /* octets arrived, but not a correct reply */
    CLASS_LOST,       /* no octet arrived */
    CLASS_LOCAL,      /* it failed for a reason on this host */
    CLASS_UNFINISHED, /* the run ended before the result was known */
    CLASSES
};

struct verdict {
    enum result result;
    enum phase phase; /* the last one reached */
    int error;        /* errno, or what `result` says; 0: none */
    size_t count;     /* octets of a reply that arrived */
};

/* Return the class of a verdict. */
enum verdict_class verdict_class(const struct verdict *verdict);

/* Return whether the connection was established. */
bool verdict_is_connected(const struct verdict *verdict);

/* Return the word for the outcome, that of the server's log if it has one: "ok", "refused", ... */
const char *verdict_outcome(const struct verdict *verdict);

/* Return "resolve", "connect", "send", "receive" or "close". */
const char *phase_name(enum phase phase);

/* Room for the longest reason. */
#define VERDICT_WHY 200

/* Write the reason for a result, in words that fit after the phase and the address; empty if it
 * needs none. `seconds` is the time that the exchange had. Returns `why`. */
char *verdict_why(const struct verdict *verdict, double seconds, char why[VERDICT_WHY]);

/* Write the reason for all exchanges with that result, without numbers. Returns `why`. */
char *verdict_kind(const struct verdict *verdict, char why[VERDICT_WHY]);

/* Return whether an errno of connect(2) or socket(2) is a fault of this host: no local port or
 * address, descriptor or memory is left. */
bool error_is_local(int error);

#endif
