/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/options.h"

#include "common/wire.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT 10.0
#define TIMEOUT_MAX 86400.0

enum { OPTION_MESSAGE = 256, OPTION_EXPECT };

static const char flags[] = ":46W:hV";

static const struct option long_options[] = {{"ipv4", no_argument, NULL, '4'},
                                             {"ipv6", no_argument, NULL, '6'},
                                             {"timeout", required_argument, NULL, 'W'},
                                             {"message", required_argument, NULL, OPTION_MESSAGE},
                                             {"expect", required_argument, NULL, OPTION_EXPECT},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

void client_options_help(FILE *out)
{
    fputs("usage: sixteen [-4 | -6] [-W SECONDS] [--message TEXT] [--expect TEXT] [HOST [PORT]]\n"
          "Send sixteen octets to a sixteend over TCP and tell what it answers.\n"
          "HOST is " WIRE_HOST " and PORT " WIRE_PORT " where they are not given.\n"
          "\n"
          "  -4, --ipv4             use IPv4 addresses only\n"
          "  -6, --ipv6             use IPv6 addresses only\n"
          "  -W, --timeout SECONDS  give each address this long; 10 if not given\n"
          "      --message TEXT     send TEXT, exactly 16 octets\n"
          "      --expect TEXT      expect TEXT as the reply, exactly 16 octets\n"
          "  -h, --help             print this and exit\n"
          "  -V, --version          print the version and exit\n"
          "\n"
          "Exit status: 0 the reply is right, 1 it is wrong or missing, 2 usage or a local error.\n"
          "sixteen(1) tells more.\n",
          out);
}

static int usage(const char *text, const char *argument)
{
    fprintf(stderr, "sixteen: %s%s; see sixteen --help\n", text, argument);
    return -1;
}

static int set_family(struct client_options *options, int family)
{
    if (options->family != AF_UNSPEC && options->family != family)
        return usage("-4 and -6 exclude each other", "");
    options->family = family;
    return 0;
}

static int set_timeout(struct client_options *options, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds > 0 && seconds <= TIMEOUT_MAX))
        return usage("--timeout must be a number of seconds above 0, at most 86400, not ", text);
    options->timeout = seconds;
    return 0;
}

static int set_octets(const char **octets, const char *name, const char *text)
{
    if (strlen(text) != WIRE_OCTETS) {
        fprintf(stderr, "sixteen: %s must be exactly %d octets, and this has %zu: %s\n", name,
                WIRE_OCTETS, strlen(text), text);
        return -1;
    }
    *octets = text;
    return 0;
}

static int take(struct client_options *options, int flag, char *argv[])
{
    const char *last = argv[optind - 1];
    char letter[3] = {'-', (char)optopt, '\0'};
    switch (flag) {
    case '4': return set_family(options, AF_INET);
    case '6': return set_family(options, AF_INET6);
    case 'W': return set_timeout(options, optarg);
    case OPTION_MESSAGE: return set_octets(&options->message, "--message", optarg);
    case OPTION_EXPECT: return set_octets(&options->expect, "--expect", optarg);
    case 'h': options->mode = CLIENT_HELP; return 0;
    case 'V': options->mode = CLIENT_VERSION; return 0;
    case ':': return usage("no value behind ", last);
    default:
        /* a letter that is a flag stands for the long option that was given a value */
        if (optopt == 0 || optopt >= OPTION_MESSAGE ||
            (optopt != ':' && strchr(flags, optopt) != NULL))
            return usage("an option that is unknown, ambiguous or takes no value: ", last);
        return usage("unknown option ", letter);
    }
}

static int set_server(struct client_options *options, char *arguments[], int count)
{
    const char *host = count > 0 ? arguments[0] : WIRE_HOST;
    const char *port = count > 1 ? arguments[1] : WIRE_PORT;
    if (count > 2)
        return usage("more arguments than HOST and PORT: ", arguments[2]);
    if (host[0] == '\0' || strlen(host) >= sizeof options->server.host)
        return usage("HOST must be a name or an address, not ", host[0] != '\0' ? host : "''");
    if (strlen(port) >= sizeof options->server.port || !port_is_plausible(port))
        return usage("PORT must be a number from 0 to 65535 or the name of a service, not ", port);
    snprintf(options->server.host, sizeof options->server.host, "%s", host);
    snprintf(options->server.port, sizeof options->server.port, "%s", port);
    return 0;
}

int client_options_parse(struct client_options *options, int argc, char *argv[])
{
    int flag;

    *options = (struct client_options){.family = AF_UNSPEC,
                                       .timeout = TIMEOUT_DEFAULT,
                                       .message = WIRE_GREETING,
                                       .expect = WIRE_REPLY};
    while ((flag = getopt_long(argc, argv, flags, long_options, NULL)) != -1)
        if (take(options, flag, argv) != 0)
            return -1;
    return set_server(options, argv + optind, argc - optind);
}
