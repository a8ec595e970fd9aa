/* SPDX-License-Identifier: MIT */
/* sixteen's command line: refused with one line about it, or taken without a word. */
#include <config.h>

#include "fuzz.h"

#include "client/options.h"
#include "common/wire.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static void judge(const struct client_options *options)
{
    must(options->timeout > 0 && options->timeout <= 86400);
    must(strlen(options->message) == WIRE_OCTETS);
    must(strlen(options->expect) == WIRE_OCTETS);
    must(options->family == AF_UNSPEC || options->family == AF_INET || options->family == AF_INET6);
    must(options->server.host[0] != '\0');
    must(strlen(options->server.host) < sizeof options->server.host);
    must(strlen(options->server.port) < sizeof options->server.port);
    must(port_is_plausible(options->server.port));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client_options options;
    char *argv[WORDS_MAX + 2];
    struct ear ear;

    int argc = words(data, size, "sixteen", argv);
    optind = 0; /* getopt_long(3) begins anew */
    hear(&ear, &stderr);
    bool taken = client_options_parse(&options, argc, argv) == 0;
    char *said = heard(&ear);
    if (taken)
        judge(&options);
    must(lines_of(said, strlen(said)) == (taken ? 0 : 1));
    must(taken == (*said == '\0'));
    free(said);
    return 0;
}
