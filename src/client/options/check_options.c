/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/options/check_options.h"

#include "client/options/reading.h"
#include "common/command_line.h"

#include <getopt.h>
#include <math.h>

#define CHECK_TIMEOUT 10.0
#define CHECK_COUNT_MAX 1000

static const char flags[] = "-:46c:H:hn:p:t:Vvw:";

static const struct option long_options[] = {{"hostname", required_argument, NULL, 'H'},
                                             {"port", required_argument, NULL, 'p'},
                                             {"use-ipv4", no_argument, NULL, '4'},
                                             {"use-ipv6", no_argument, NULL, '6'},
                                             {"bind", required_argument, NULL, 'b'},
                                             {"all", no_argument, NULL, OPTION_ALL},
                                             {"timeout", required_argument, NULL, 't'},
                                             {"packets", required_argument, NULL, 'n'},
                                             {"warning", required_argument, NULL, 'w'},
                                             {"critical", required_argument, NULL, 'c'},
                                             {"message", required_argument, NULL, OPTION_MESSAGE},
                                             {"expect", required_argument, NULL, OPTION_EXPECT},
                                             {"connect", no_argument, NULL, OPTION_CONNECT},
                                             {"verbose", no_argument, NULL, 'v'},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

void check_options_help(FILE *out)
{
    fputs("usage: check_sixteen -H HOST [-p PORT] [-t SECONDS] [-n N]\n"
          "                     [-w RANGE[,LOSS%]] [-c RANGE[,LOSS%]] [-4|-6] [-v]\n"
          "Check a sixteend for Nagios, Icinga and compatible systems.\n"
          "\n"
          "  -H, --hostname HOST     name or address; HOST:PORT and [IPV6]:PORT also work\n"
          "  -p, --port PORT         port of a HOST without one; default " WIRE_PORT "\n"
          "  -4, --use-ipv4          use IPv4 addresses only\n"
          "  -6, --use-ipv6          use IPv6 addresses only\n"
          "      --bind SOURCE       connect from this address or interface\n"
          "      --all               run the exchanges with each address of HOST\n"
          "  -t, --timeout SECONDS   time limit of the whole check; default 10\n"
          "  -n, --packets N         run N exchanges; default 1\n"
          "  -w, --warning RANGE,LOSS%\n"
          "                          WARNING if the mean time in seconds is outside RANGE\n"
          "                          or this percentage of exchanges is lost\n"
          "  -c, --critical RANGE,LOSS%\n"
          "                          CRITICAL in the same way; RANGE is 10, 10:, ~:10,\n"
          "                          10:20 or @10:20; either part can be left out\n"
          "      --message TEXT      send TEXT, exactly 16 octets\n"
          "      --expect TEXT       expect TEXT as the reply, exactly 16 octets\n"
          "      --connect           only connect, to any TCP service, and send nothing\n"
          "  -v, --verbose           print a summary after the first line\n"
          "  -h, --help              print this help and exit\n"
          "  -V, --version           print the version and exit\n"
          "\n"
          "Without LOSS%, any loss is CRITICAL. A wrong reply always is.\n"
          "Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. See check_sixteen(1).\n",
          out);
}

/* Take an option; most are the same as those of sixteen. */
static int take(const struct reading *reading, int flag, char **host)
{
    struct client_options *options = reading->options;
    char why[ERROR_SIZE];
    switch (flag) {
    case 'H': *host = optarg; return 0;
    case 't': return set_seconds(reading, "--timeout", &options->deadline);
    case 'n': return set_whole(reading, "--packets", CHECK_COUNT_MAX, &options->count);
    case 'w': return set_threshold(reading, "--warning", &options->warn);
    case 'c': return set_threshold(reading, "--critical", &options->crit);
    case 'v': options->is_verbose = true; return 0;
    case OPERAND:
        return wrong(reading, "unexpected argument: %.500s; see check_sixteen --help", optarg);
    case ':':
    case '?':
        return wrong(reading, "%s; see check_sixteen --help",
                     command_line_error(reading->line, flag, why));
    default: return client_options_take(reading, flag);
    }
}

/* Begin the exchanges in the first half of the time, so that the last one has the other half. */
static void pace(struct client_options *options)
{
    options->timeout = options->deadline;
    options->has_interval = true;
    options->interval = fmax(1e-6, fmin(1, options->deadline / 2 / (double)options->count));
}

int check_options_parse(struct client_options *options, int argc, char *argv[],
                        char why[CLIENT_OPTIONS_WHY])
{
    struct command_line line = {.argc = argc, .argv = argv};
    const struct reading reading = {"check_sixteen", options, &line, why};
    char *host = NULL;
    int status = 0;
    int flag;

    client_options_begin(options);
    options->format = FORMAT_PLUGIN;
    options->deadline = CHECK_TIMEOUT;
    options->count = 1;
    while (status == 0 && (flag = command_line_next(&line, flags, long_options)) != -1)
        status = take(&reading, flag, &host);
    bool checks = options->mode != CLIENT_HELP && options->mode != CLIENT_VERSION;
    if (status == 0 && host == NULL && checks)
        status = wrong(&reading, "the option -H is missing; see check_sixteen --help");
    if (status == 0)
        pace(options);
    return client_options_end(&reading, status, &host, host != NULL ? 1 : 0);
}
