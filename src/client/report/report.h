/* SPDX-License-Identifier: MIT */
/* What is reported about exchanges. text.h, json.h and plugin.h report it. */
#ifndef CLIENT_REPORT_REPORT_H
#define CLIENT_REPORT_REPORT_H

#include "client/exchange/exchange.h"
#include "client/options/options.h"
#include "client/report/tally.h"

/* One exchange. */
struct record {
    uint64_t sequence;     /* from 1 */
    struct address server; /* its length is 0 if the name has no address */
    struct address local;  /* its length is 0 if it is not known */
    struct verdict verdict;
    unsigned char octets[WIRE_OCTETS + 1]; /* the reply: verdict.count octets */
    int64_t waited;                        /* nanoseconds, as exchange.waited */
    int64_t began;                         /* clock_nanoseconds() */
    int64_t marks[MARKS];                  /* nanoseconds since then; -1: not reached */
    int64_t took;
};

struct report {
    const struct client_options *options;
    const struct record *record;
    int64_t resolving; /* nanoseconds that the last look-up of the name took; -1: none has ended */
};

/* What a load has in addition. */
struct load_result {
    unsigned threads;
    struct times service; /* open loop: from the actual start; the tallies' times count from the
                             scheduled one */
    double rate;          /* right exchanges per second, while exchanges began or were due */
};

/* All exchanges of a run. */
struct summary {
    const struct client_options *options;
    size_t server_count; /* addresses that were used; 0 if the name has none */
    const struct address *servers;
    const struct tally *const *tallies; /* one for each address */
    const struct tally *total;          /* of all addresses */
    uint64_t not_begun;                 /* starts that were due but did not take place */
    int64_t elapsed;                    /* nanoseconds from the first start to the last end */
    const struct record *failure;       /* the first that was not right; NULL: all were */
    const struct record *passed_over; /* an address that failed where another did not; NULL: none */
    const struct load_result *load;   /* NULL: not a load */
};

#endif
