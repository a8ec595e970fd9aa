/* SPDX-License-Identifier: MIT */
/* What became of many exchanges, counted. */
#ifndef CLIENT_TALLY_H
#define CLIENT_TALLY_H

#include "client/times.h"
#include "client/verdict.h"

/* Kinds of failures that are told apart; more of them count as the last. */
#define TALLY_FAILURES 32

struct failure {
    struct verdict verdict; /* `count` is of no matter */
    uint64_t count;
};

/* All zero is none. */
struct tally {
    uint64_t sent;       /* right + wrong + lost */
    uint64_t classes[4]; /* by enum verdict_class; CLASS_LOCAL ones were not sent */
    uint64_t unfinished; /* that the end cut short, too soon for a verdict */
    struct times times;  /* of the right ones */
    struct failure failures[TALLY_FAILURES];
    size_t failure_count;
};

/* Count one that took so many nanoseconds. */
void tally_add(struct tally *tally, const struct verdict *verdict, int64_t took);

/* Count one that the end cut short after so many nanoseconds: as lost, or wrong where octets had
 * come, if it was slower than each right one, else, or behind a right reply, as unfinished. `phase`
 * is the one that it was in, and `count` how many octets of a reply had come. */
void tally_cut(struct tally *tally, enum phase phase, size_t count, int64_t took);

/* Count in `into` all that `from` has counted. */
void tally_merge(struct tally *into, const struct tally *from);

/* Those lost in percent of those sent; 0 where none was. */
double tally_lost(const struct tally *tally);

/* The status to exit with: sixteen(1), EXIT STATUS. Where none was right, that is not 0. */
int tally_status(const struct tally *tally);

#endif
