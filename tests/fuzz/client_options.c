/* SPDX-License-Identifier: MIT */
/* sixteen's command line: valid, or refused with one line. */
#include <config.h>

#include "fuzz.h"

#include "client/options.h"
#include "common/wire.h"

#include <getopt.h>
#include <string.h>

static void judge(const struct client_options *options)
{
    must(options->question.timeout > 0 && options->question.timeout <= 31536000);
    must(strlen(options->question.message) == WIRE_OCTETS);
    must(strlen(options->question.expect) == WIRE_OCTETS);
    must(options->family == AF_UNSPEC || options->family == AF_INET || options->family == AF_INET6);
    must(options->server.host[0] != '\0');
    must(strlen(options->server.host) < sizeof options->server.host);
    must(strlen(options->server.port) < sizeof options->server.port);
    must(port_is_plausible(options->server.port));
    must(options->question.header_length <= sizeof options->header);
    must(options->interval >= 0 && options->rate >= 0 && options->duration >= 0);
    must(options->mode != CLIENT_LOAD || options->parallel > 0);
    must(options->mode != CLIENT_ONCE || options->count == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct client_options options;
    char *argv[WORDS_MAX + 2];
    char why[CLIENT_OPTIONS_WHY] = "";

    int argc = words(data, size, "sixteen", argv);
    optind = 0; /* getopt_long(3) starts anew */
    bool taken = client_options_parse(&options, argc, argv, why) == 0;
    if (taken)
        judge(&options);
    must(strchr(why, '\n') == NULL);
    must(taken == (*why == '\0'));
    return 0;
}
