/* SPDX-License-Identifier: MIT */
/* Outcomes, counters and gauges: what the daemon knows about itself. */
#ifndef SERVER_LOG_STATS_H
#define SERVER_LOG_STATS_H

#include "common/address.h"
#include "common/duration.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a connection ended. sixteend(8) describes each outcome. */
enum outcome {
    OUTCOME_OK,        /* 16 octets in, 16 out */
    OUTCOME_EXCESS,    /* the same, but the peer sent more than 16 */
    OUTCOME_MISMATCH,  /* strict, and the octets were not the expected ones: no reply */
    OUTCOME_SHORT,     /* end of file after 1 to 15 octets */
    OUTCOME_PROBE,     /* end of file or reset before any octet */
    OUTCOME_SLOW,      /* the deadline passed */
    OUTCOME_RESET,     /* the peer reset the connection during the exchange */
    OUTCOME_DENIED,    /* refused by an access list */
    OUTCOME_LIMITED,   /* refused by a limit */
    OUTCOME_MALFORMED, /* the PROXY header was missing or invalid */
    OUTCOME_FAILED,    /* something failed on our side */
    OUTCOMES           /* the number of outcomes */
};

/* Return "ok", "excess" and so on: the word in log lines and metrics. */
const char *outcome_name(enum outcome outcome);

/* Return the severity, of syslog(3), of the log line of a connection that ended so. */
int outcome_severity(enum outcome outcome);

#define STATS_ACCEPT_ERRORS 32
#define STATS_LISTENERS 256

struct stats {
    int64_t started;       /* seconds since 1970 */
    int64_t configured;    /* when the configuration was last read with success */
    bool reload_refused;   /* the last reload was */
    int connections_limit; /* limits.connections */

    /* counters since the start */
    uint64_t accepted;
    uint64_t outcomes[OUTCOMES];
    uint64_t durations[DURATION_BOUNDS + 1]; /* from getting a slot to the outcome, by bucket … */
    uint64_t microseconds;                   /* … and their sum */
    uint64_t reloads;
    uint64_t reloads_refused;
    uint64_t lines_lost;
    size_t accept_errors;
    struct {
        const char *name; /* as in errno(3) */
        uint64_t count;
    } accept_error[STATS_ACCEPT_ERRORS];

    /* gauges */
    struct gauges {
        size_t active;    /* connections that have a worker or wait for one */
        size_t peak;      /* the largest number of them so far */
        size_t lingering; /* sockets that wait for their peer's end of file */
        size_t workers;   /* threads */
        size_t idle;      /* those of them without a connection */
    } gauges;
    size_t listeners;
    struct listener_stats {
        char address[ADDRESS_TEXT];
        unsigned queued; /* connections that wait to be accepted */
        unsigned limit;  /* how many can wait; 0: neither is known */
    } listener[STATS_LISTENERS];
};

/* Note the time of the start. Before the first thread. */
void stats_begin(void);

/* Count an event. Any thread may call these. */
void stats_accepted(void);
void stats_outcome(enum outcome outcome, int64_t microseconds);
void stats_reload(bool taken);

/* Read the counters and times into `stats`, except the accept errors, and clear the rest of it.
 * Counters agree with each other once no thread counts any more. */
void stats_read(struct stats *stats);

/* Add an accept error, or a listener. Listeners that share an address are added up: a service
 * manager can pass such sockets. */
void stats_add_accept_error(struct stats *stats, const char *name, uint64_t count);
void stats_add_listener(struct stats *stats, const struct listener_stats *listener);

/* Log the statistics as LOG_NOTICE, whatever the threshold is: sixteend(8), SIGNALS. */
void stats_log(const struct stats *stats);

/* Write the status line for a service manager, cut to `size`. */
void stats_status(const struct stats *stats, char *text, size_t size);

#endif
