/* SPDX-License-Identifier: MIT */
/* The results of many exchanges, counted. */
#ifndef CLIENT_REPORT_TALLY_H
#define CLIENT_REPORT_TALLY_H

#include "client/exchange/verdict.h"
#include "client/report/times.h"

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
    struct failure failures[TALLY_FAILURES];
    size_t failure_count;
};

/* Count an exchange that took `took` nanoseconds. */
void tally_add(struct tally *tally, const struct verdict *verdict, int64_t took);

/* Add what `from` has counted to `into`. */
void tally_merge(struct tally *into, const struct tally *from);

/* Write the percentage of exchanges sent that were lost, without an exponent or trailing zeros, in
 * as many decimals as it takes to tell it from 0 and 100. Returns `text`. */
#define TALLY_PERCENT 32
char *tally_lost(const struct tally *tally, char text[TALLY_PERCENT]);

/* Return the exit status: sixteen(1), EXIT STATUS. It is not 0 if no exchange was right. */
int tally_status(const struct tally *tally);

#endif
