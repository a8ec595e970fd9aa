/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report.h"

#include "common/quote.h"

#include <string.h>

static void print_reply(const struct probe *probe)
{
    char local[ADDRESS_TEXT];
    char reply[QUOTE_SIZE(sizeof probe->octets)];

    if (probe->local.length > 0)
        printf("Client has been assigned socket name %s\n", address_format(&probe->local, local));
    if (probe->count >= WIRE_OCTETS)
        printf("The server said %s\n", quote(probe->octets, WIRE_OCTETS, reply, sizeof reply));
    (void)fflush(stdout); /* so that it comes before what standard error says */
}

static const char *phase_words(enum phase phase)
{
    switch (phase) {
    case PHASE_CONNECT: return "connect to";
    case PHASE_SEND: return "send to";
    case PHASE_RECEIVE: return "receive from";
    default: return "close by";
    }
}

static void print_failure(const struct probe *probe, const struct client_options *options)
{
    char reply[QUOTE_SIZE(sizeof probe->octets)];
    char expected[QUOTE_SIZE(WIRE_OCTETS)];

    switch (probe->result) {
    case PROBE_DIFFERS:
        fprintf(stderr, "the server said %s and not %s\n",
                quote(probe->octets, WIRE_OCTETS, reply, sizeof reply),
                quote(options->expect, WIRE_OCTETS, expected, sizeof expected));
        break;
    case PROBE_MORE: fprintf(stderr, "more than %d octets came\n", WIRE_OCTETS); break;
    case PROBE_EOF:
        fprintf(stderr, "socket closed %zu bytes into a %d-byte message\n", probe->count,
                WIRE_OCTETS);
        break;
    case PROBE_TIMEOUT:
        fprintf(stderr, "timed out after %g s", options->timeout);
        if (probe->phase == PHASE_RECEIVE)
            fprintf(stderr, ", %zu octets into a %d-octet message", probe->count, WIRE_OCTETS);
        fputs("\n", stderr);
        break;
    case PROBE_SILENT:
        fprintf(stderr, "the reply is right, but no end of file followed within %g s\n",
                options->timeout);
        break;
    case PROBE_RIGHT:
    case PROBE_FAILED:
    case PROBE_LOCAL: fprintf(stderr, "%s\n", strerror(probe->error)); break;
    }
}

void report_probe(const struct probe *probe, const struct client_options *options)
{
    char server[ADDRESS_TEXT];

    print_reply(probe);
    if (probe->result == PROBE_RIGHT)
        return;
    fprintf(stderr, "sixteen: %s %s: ", phase_words(probe->phase),
            address_format(&probe->server, server));
    print_failure(probe, options);
}

void report_unresolved(const struct client_options *options, int error)
{
    static const char *const kinds[] = {"", " (IPv4 only)", " (IPv6 only)"};
    int kind = options->family == AF_INET ? 1 : options->family == AF_INET6 ? 2 : 0;
    fprintf(stderr, "sixteen: resolve %s port %s%s: %s\n", options->server.host,
            options->server.port, kinds[kind], address_strerror(error));
}
