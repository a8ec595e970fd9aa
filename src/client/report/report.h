/* SPDX-License-Identifier: MIT */
/* What is reported about exchanges; text.h, json.h, plugin.h and prometheus.h write the reports. */
#ifndef CLIENT_REPORT_REPORT_H
#define CLIENT_REPORT_REPORT_H

#include "client/exchange/exchange.h"
#include "client/options/options.h"
#include "client/report/tally.h"

/* The phases that summaries have times of, each from the start of an exchange: until it was
 * connected, until the first octet arrived, and until the end of file. */
#define REPORT_PHASES 3

/* One exchange. */
struct record {
    const struct client_options *options;
    uint64_t sequence; /* of the round, from 1 */
    const struct target *target;
    struct address server; /* its length is 0 if the name has no address */
    struct address local;  /* its length is 0 if it is not known */
    struct verdict verdict;
    unsigned char octets[WIRE_OCTETS + 1]; /* the reply: verdict.count octets */
    int64_t waited;                        /* nanoseconds, as exchange.waited */
    int64_t time;                          /* wall_nanoseconds() when it began */
    int64_t marks[MARKS];                  /* nanoseconds since its beginning; -1: not reached */
    int64_t took;
    struct tcp_state tcp;
};

/* What a load has in addition. */
struct load_result {
    unsigned threads;
    struct times service; /* open loop: from the actual start; the tallies' times count from the
                             scheduled one */
    double rate;          /* right exchanges per second, while exchanges began or were due */
};

/* The exchanges with one target. */
struct target_summary {
    const struct target *target;
    const struct tally *tally; /* of all its addresses */
    struct tally *sum;         /* the same; NULL: more than one address was never used */
    uint64_t not_begun;
    struct record last_failure;   /* its `target` is NULL: none */
    const struct record *failure; /* the same, if it says something about the target; or NULL */
};

/* All exchanges of a run. */
struct summary {
    const struct client_options *options;
    int64_t time; /* of the beginning of the run, on wall_nanoseconds() */
    size_t target_count;
    const struct target_summary *targets;
    size_t server_count; /* addresses that were used; 0 if no name has one */
    const struct address *servers;
    const struct tally *const *tallies; /* one for each address */
    const struct tally *total;          /* of all targets */
    const struct histogram *phases;     /* of the right exchanges, REPORT_PHASES */
    uint64_t not_begun;                 /* starts that were due but did not take place */
    int64_t elapsed;                    /* nanoseconds from the first start to the last end */
    const struct record *failure;       /* the first that was not right; NULL: all were */
    const struct record *passed_over; /* an address that failed where another did not; NULL: none */
    const struct load_result *load;   /* NULL: not a load */
};

#endif
