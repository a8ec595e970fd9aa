/* SPDX-License-Identifier: MIT */
/* check_sixteen's command line: check_sixteen(1). It has the letters of the monitoring plugins. */
#ifndef CLIENT_OPTIONS_CHECK_OPTIONS_H
#define CLIENT_OPTIONS_CHECK_OPTIONS_H

#include "client/options/options.h"

/* The same as client_options_parse(), for check_sixteen. */
int check_options_parse(struct client_options *options, int argc, char *argv[],
                        char why[CLIENT_OPTIONS_WHY]);

/* Print the text of --help. */
void check_options_help(FILE *out);

#endif
