/* SPDX-License-Identifier: MIT */
/* sixteen: asks a sixteend once. */

#include <config.h>

#include "client/options.h"
#include "client/probe.h"
#include "client/report.h"
#include "common/output.h"

#include <netdb.h>
#include <stdlib.h>

enum { EXIT_RIGHT = 0, EXIT_WRONG = 1, EXIT_LOCAL = 2 };

/* Ask the addresses in order until one lets us connect. */
static int ask(const struct client_options *options, const struct address *servers, size_t count)
{
    struct probe probe = {.result = PROBE_LOCAL};

    for (size_t i = 0; i < count; i++) {
        probe_run(&probe, &servers[i], options->message, options->expect, options->timeout);
        report_probe(&probe, options);
        if (probe.phase != PHASE_CONNECT)
            break;
    }
    if (probe.result == PROBE_LOCAL)
        return EXIT_LOCAL;
    return probe_is_right(&probe) ? EXIT_RIGHT : EXIT_WRONG;
}

/* `status`, unless the words that go with it could not be written. */
static int told(int status)
{
    return output_finish("sixteen") == 0 ? status : EXIT_LOCAL;
}

int main(int argc, char *argv[])
{
    struct client_options options;
    struct address *servers;
    size_t count;

    if (client_options_parse(&options, argc, argv) != 0)
        return EXIT_LOCAL;
    if (options.mode == CLIENT_HELP) {
        client_options_help(stdout);
        return told(EXIT_RIGHT);
    }
    if (options.mode == CLIENT_VERSION) {
        puts("sixteen " PACKAGE_VERSION);
        return told(EXIT_RIGHT);
    }
    int error = endpoint_resolve(&options.server, options.family, 0, &servers, &count);
    if (error != 0) {
        report_unresolved(&options, error);
        return error == EAI_MEMORY || error == EAI_SYSTEM ? EXIT_LOCAL : EXIT_WRONG;
    }
    int status = ask(&options, servers, count);
    free(servers);
    return told(status);
}
