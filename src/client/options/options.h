/* SPDX-License-Identifier: MIT */
/* sixteen's command line: sixteen(1). */
#ifndef CLIENT_OPTIONS_OPTIONS_H
#define CLIENT_OPTIONS_OPTIONS_H

#include "client/exchange/exchange.h"
#include "client/options/range.h"

#include <stdio.h>

enum client_mode { CLIENT_ONCE, CLIENT_REPEATED, CLIENT_LOAD, CLIENT_HELP, CLIENT_VERSION };

enum client_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_PLUGIN };

/* Numbers that were not given are 0. */
struct client_options {
    enum client_mode mode;
    enum client_format format;
    int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
    bool quiet;
    bool is_verbose;
    bool has_timestamps;
    bool all; /* ask every address of the name */
    bool has_interval;
    bool has_octets;   /* a message or reply other than the default */
    bool path;         /* trace the path before the exchange */
    bool is_table;     /* several targets, or a file of them */
    uint64_t count;    /* exchanges, or rounds of them */
    uint64_t parallel; /* exchanges at once */
    double interval;   /* seconds between the beginnings of two */
    double timeout;    /* seconds for each exchange */
    double hop_wait;   /* seconds for each handshake of a path */
    double deadline;   /* seconds for everything */
    double report;     /* seconds from one report to the next; 0: none */
    double resolve;    /* seconds after which a watch looks up the name again */
    double rate;       /* exchanges that begin in a second, … */
    double duration;   /* … for this many seconds */
    struct threshold warn, crit;
    const char *source; /* the question's, as it was given; NULL: none was */
    struct misbehaviour misbehaviour;
    struct endpoint port;     /* only the port, for targets without one */
    char *const *arguments;   /* the command line, up to a NULL */
    const char *targets_file; /* NULL: none was given */
    const char *metrics;      /* the metrics file; NULL: none was given */
    struct endpoint *servers;
    size_t server_count;
    void *known; /* the same, for tsearch(3) */
    struct question question;
    unsigned char header[PROXY_HEADER_SIZE]; /* of the PROXY protocol */
    size_t header_length;
};

/* Room for what is wrong with a command line. */
#define CLIENT_OPTIONS_WHY 1200

/* Return whether a load is asked for: -P, --rate or --duration. */
bool is_load(const struct client_options *options);

/* Read the command line. Returns 0; or -1 with one line in `why`,
 * and then only `format` is of use. */
int client_options_parse(struct client_options *options, int argc, char *argv[],
                         char why[CLIENT_OPTIONS_WHY]);

/* Print the text of --help. */
void client_options_help(FILE *out);

#endif
