/* SPDX-License-Identifier: MIT */
/* The results of many exchanges, counted. */
#ifndef CLIENT_REPORT_TALLY_H
#define CLIENT_REPORT_TALLY_H

#include "client/exchange/tcp_state.h"
#include "client/exchange/verdict.h"
#include "client/report/times.h"
#include "common/duration.h"

/* Kinds of failures that are counted separately; further kinds count as the last. */
#define TALLY_FAILURES 32

struct failure {
    struct verdict verdict; /* `count` is not used */
    uint64_t count;
};

/* All zero: no exchange. */
struct tally {
    uint64_t sent;             /* right + wrong + lost */
    uint64_t classes[CLASSES]; /* by enum verdict_class */
    uint64_t longest_cut;      /* the longest time that an unfinished exchange had taken */
    uint64_t no_end;           /* right exchanges without an end of file */
    struct times times;        /* of the right exchanges */
    uint64_t durations[DURATION_BOUNDS + 1]; /* of the right exchanges, by duration_bucket() ... */
    uint64_t nanoseconds;                    /* ... and their sum */
    int64_t last_right; /* when the last right one was counted, in seconds since 1970; 0: none */
    struct failure failures[TALLY_FAILURES];
    size_t failure_count;
    /* Of the exchanges sent, those that connected: */
    uint64_t retransmissions;     /* segments that were sent again after the handshake … */
    uint64_t retransmitting;      /* … in this number of exchanges */
    uint64_t syn_retransmissions; /* SYNs that were sent again … */
    uint64_t syn_retransmitting;  /* … in this number of exchanges */
    uint64_t unknown;             /* exchanges of which the kernel does not know this */
};

/* Count an exchange that took `took` nanoseconds. */
void tally_add(struct tally *tally, const struct verdict *verdict, int64_t took);

/* Count what TCP sent again in the exchange. */
void tally_add_tcp(struct tally *tally, const struct verdict *verdict,
                   const struct tcp_state *state);

/* Add what `from` has counted to `into`. */
void tally_merge(struct tally *into, const struct tally *from);

/* Write a percentage of the exchanges sent, without an exponent or trailing zeros, in as many
 * decimals as it takes to tell it from 0 and 100. Returns `text`. */
#define TALLY_PERCENT 32
char *tally_share(const struct tally *tally, uint64_t count, char text[TALLY_PERCENT]);

/* Write the percentage of exchanges that were lost. Returns `text`. */
char *tally_lost(const struct tally *tally, char text[TALLY_PERCENT]);

/* Return the exit status: sixteen(1), EXIT STATUS. It is not 0 if no exchange was right. */
int tally_status(const struct tally *tally);

#endif
