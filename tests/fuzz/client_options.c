/* SPDX-License-Identifier: MIT */
/* The command lines of sixteen and check_sixteen: valid, or refused with one line. */
#include <config.h>

#include "fuzz.h"

#include "client/options/check_options.h"
#include "client/options/options.h"
#include "common/wire.h"

#include <getopt.h>
#include <string.h>

static void judge(const struct client_options *options)
{
    const struct question *question = &options->question;
    must(options->timeout > 0 && options->timeout <= 31536000);
    must(question->timeout >= 0 && question->timeout <= INT64_C(31536000000000000));
    must(memchr(question->message, '\0', WIRE_OCTETS) == NULL);
    must(memchr(question->expect, '\0', WIRE_OCTETS) == NULL);
    must(question->script.length <= sizeof question->script.octets);
    must(question->script.at_once <= question->script.length);
    must(options->family == AF_UNSPEC || options->family == AF_INET || options->family == AF_INET6);
    must(options->server.host[0] != '\0');
    must(strlen(options->server.host) < sizeof options->server.host);
    must(strlen(options->server.port) < sizeof options->server.port);
    must(port_is_plausible(options->server.port));
    must(options->header_length <= sizeof options->header);
    must(options->interval >= 0 && options->rate >= 0 && options->duration >= 0);
    must(options->mode != CLIENT_LOAD || options->parallel > 0);
    must(options->mode != CLIENT_ONCE || options->count == 1);
}

typedef int parser(struct client_options *options, int argc, char *argv[],
                   char why[CLIENT_OPTIONS_WHY]);

static void parse(parser *parse_options, const uint8_t *data, size_t size)
{
    static struct client_options options;
    char *argv[WORDS_MAX + 2];
    char why[CLIENT_OPTIONS_WHY] = "";

    int argc = words(data, size, "sixteen", argv); /* getopt_long(3) changes their order */
    optind = 0;                                    /* so that it starts anew */
    bool taken = parse_options(&options, argc, argv, why) == 0;
    if (taken)
        judge(&options);
    must(strchr(why, '\n') == NULL);
    must(taken == (*why == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(client_options_parse, data, size);
    parse(check_options_parse, data, size);
    return 0;
}
