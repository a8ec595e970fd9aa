/* SPDX-License-Identifier: MIT */
/* sixteen's command line: sixteen(1). */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "common/address.h"

#include <stdio.h>

enum client_mode { CLIENT_RUN, CLIENT_HELP, CLIENT_VERSION };

struct client_options {
    enum client_mode mode;
    int family;          /* AF_UNSPEC, AF_INET, AF_INET6 */
    double timeout;      /* seconds for the exchange with one address */
    const char *message; /* WIRE_OCTETS octets each */
    const char *expect;
    struct endpoint server;
};

/* Read the command line. Returns 0; or -1 for a usage error, with one line about it
 * on standard error. */
int client_options_parse(struct client_options *options, int argc, char *argv[]);

/* Print the text of --help. */
void client_options_help(FILE *out);

#endif
