/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/options.h"

#include "common/command_line.h"
#include "common/number.h"
#include "common/wire.h"

#include <getopt.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT 10.0
#define PARALLEL_DEFAULT 1 /* closed loop */
#define PARALLEL_DEFAULT_OPEN 1000
#define SECONDS_MAX 31536000.0 /* a year */

enum {
    OPTION_MESSAGE = 256,
    OPTION_EXPECT,
    OPTION_ALL,
    OPTION_PROXY,
    OPTION_MISBEHAVE,
    OPTION_JSON,
    OPTION_PLUGIN,
    OPTION_WARN,
    OPTION_CRIT,
    OPTION_RATE,
    OPTION_DURATION
};

static const char flags[] = ":46b:c:i:W:w:qP:hV";

static const struct option long_options[] = {
    {"ipv4", no_argument, NULL, '4'},
    {"ipv6", no_argument, NULL, '6'},
    {"bind", required_argument, NULL, 'b'},
    {"all", no_argument, NULL, OPTION_ALL},
    {"count", required_argument, NULL, 'c'},
    {"interval", required_argument, NULL, 'i'},
    {"timeout", required_argument, NULL, 'W'},
    {"deadline", required_argument, NULL, 'w'},
    {"quiet", no_argument, NULL, 'q'},
    {"message", required_argument, NULL, OPTION_MESSAGE},
    {"expect", required_argument, NULL, OPTION_EXPECT},
    {"proxy", required_argument, NULL, OPTION_PROXY},
    {"misbehave", required_argument, NULL, OPTION_MISBEHAVE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"plugin", no_argument, NULL, OPTION_PLUGIN},
    {"warn", required_argument, NULL, OPTION_WARN},
    {"crit", required_argument, NULL, OPTION_CRIT},
    {"parallel", required_argument, NULL, 'P'},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0}};

void client_options_help(FILE *out)
{
    fputs("usage: sixteen [OPTION]... [HOST [PORT]]\n"
          "Send sixteen octets to a sixteend over TCP and check the reply.\n"
          "HOST defaults to " WIRE_HOST " and PORT to " WIRE_PORT ".\n"
          "\n"
          "  -4, --ipv4              use IPv4 addresses only\n"
          "  -6, --ipv6              use IPv6 addresses only\n"
          "  -b, --bind SOURCE       connect from this address or interface, or from the\n"
          "                          addresses of a prefix in turn\n"
          "      --all               run an exchange with each address of HOST\n"
          "  -W, --timeout SECONDS   time limit for each exchange; default 10\n"
          "  -q, --quiet             print only failures, or only the summary of a run\n"
          "\n"
          "Repeated exchanges, like ping:\n"
          "  -c, --count N           stop after N exchanges\n"
          "  -i, --interval SECONDS  time from one start to the next; default 1\n"
          "  -w, --deadline SECONDS  stop after this time, even during an exchange\n"
          "\n"
          "Message and reply:\n"
          "      --message TEXT      send TEXT, exactly 16 octets\n"
          "      --expect TEXT       expect TEXT as the reply, exactly 16 octets\n"
          "      --proxy v1|v2 SRC DST\n"
          "                          first send a PROXY header with these addresses\n"
          "      --misbehave KIND    act as a faulty client: drip[:SECONDS], short,\n"
          "                          excess, silent, reset or half-close\n"
          "\n"
          "Output:\n"
          "      --json              print a JSON object for each exchange and a summary\n"
          "      --plugin            run as a monitoring plugin, exit status 0 to 3\n"
          "      --warn RANGE        WARNING if the time in seconds is outside RANGE\n"
          "      --crit RANGE        CRITICAL if the time in seconds is outside RANGE;\n"
          "                          RANGE is 10, 10:, ~:10, 10:20 or @10:20\n"
          "\n"
          "Load:\n"
          "  -P, --parallel N        keep N exchanges open at once; default 1; with --rate\n"
          "                          at most N, default 1000\n"
          "      --rate N            start N exchanges per second, whether or not earlier\n"
          "                          ones have ended\n"
          "      --duration SECONDS  stop starting exchanges after this time\n"
          "\n"
          "  -h, --help              print this help and exit\n"
          "  -V, --version           print the version and exit\n"
          "\n"
          "Exit status: 0 every reply was correct, 1 a reply was wrong or missing,\n"
          "2 usage or local error. See sixteen(1) for details.\n",
          out);
}

/* What is being read, and where to say what is wrong with it. */
struct reading {
    struct client_options *options;
    char **argv;
    int argc;
    char *why;
};

__attribute__((format(printf, 2, 3))) static int wrong(const struct reading *reading,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->why, CLIENT_OPTIONS_WHY, format, arguments);
    va_end(arguments);
    return -1;
}

static int set_family(const struct reading *reading, int family)
{
    if (reading->options->family != AF_UNSPEC && reading->options->family != family)
        return wrong(reading,
                     "-4, -6 and --bind must agree on the address family; see sixteen --help");
    reading->options->family = family;
    return 0;
}

static int set_format(const struct reading *reading, enum client_format format)
{
    if (reading->options->format != FORMAT_TEXT && reading->options->format != format) {
        reading->options->format = FORMAT_PLUGIN; /* which tells its misuse, too */
        return wrong(reading, "--json and --plugin are mutually exclusive; see sixteen --help");
    }
    reading->options->format = format;
    return 0;
}

/* A number from `least` to `most`, or above `least` if that is 0 and `zero` is not taken. */
static bool read_number(const char *text, bool zero, double most, double *number)
{
    return read_decimal(text, strlen(text), number) && (*number > 0 || (zero && *number == 0)) &&
           *number <= most;
}

static int set_seconds(const struct reading *reading, const char *name, double *seconds)
{
    if (!read_number(optarg, false, SECONDS_MAX, seconds))
        return wrong(reading,
                     "%s must be a number of seconds greater than 0 and at most %.0f, not %.500s",
                     name, SECONDS_MAX, optarg);
    return 0;
}

static int set_interval(const struct reading *reading)
{
    reading->options->has_interval = true;
    if (!read_number(optarg, true, SECONDS_MAX, &reading->options->interval))
        return wrong(reading, "--interval must be a number of seconds from 0 to %.0f, not %.500s",
                     SECONDS_MAX, optarg);
    return 0;
}

static int set_rate(const struct reading *reading)
{
    if (!read_number(optarg, false, 1e7, &reading->options->rate))
        return wrong(reading,
                     "--rate must be a number greater than 0 and at most 10000000, not %.500s",
                     optarg);
    return 0;
}

static int set_whole(const struct reading *reading, const char *name, uint64_t most,
                     uint64_t *number)
{
    char *end;
    *number = strtoull(optarg, &end, 10);
    if (*optarg < '0' || *optarg > '9' || *end != '\0' || *number < 1 || *number > most)
        return wrong(reading, "%s must be a whole number from 1 to %llu, not %.500s", name,
                     (unsigned long long)most, optarg);
    return 0;
}

static int set_parallel(const struct reading *reading)
{
    uint64_t number;
    int status = set_whole(reading, "--parallel", 1000000, &number);
    reading->options->parallel = (unsigned)number;
    return status;
}

static int set_octets(const struct reading *reading, const char *name, const char **octets)
{
    if (strlen(optarg) != WIRE_OCTETS)
        return wrong(reading, "%s must be exactly %d octets long, not %zu: %.500s", name,
                     WIRE_OCTETS, strlen(optarg), optarg);
    *octets = optarg;
    return 0;
}

static int set_source(const struct reading *reading)
{
    char why[SOURCE_WHY];
    if (!source_parse(optarg, &reading->options->question.source, why))
        return wrong(reading, "--bind %.500s: %s", optarg, why);
    reading->options->source = optarg;
    return 0;
}

static int set_misbehaviour(const struct reading *reading)
{
    const char *why = misbehaviour_parse(optarg, &reading->options->question.misbehaviour);
    if (why != NULL)
        return wrong(reading, "--misbehave %.500s: %s", optarg, why);
    return 0;
}

static int set_threshold(const struct reading *reading, const char *name,
                         struct threshold *threshold)
{
    char why[RANGE_WHY];
    if (!range_parse(optarg, &threshold->range, why))
        return wrong(reading, "%s %.500s: %s", name, optarg, why);
    threshold->text = optarg;
    return 0;
}

/* Take one more argument for --proxy, an address and port in numbers. */
static int take_address(const struct reading *reading, struct address *address)
{
    struct endpoint endpoint;
    struct address *found;
    size_t count;

    if (optind >= reading->argc)
        return wrong(reading,
                     "--proxy requires three arguments: v1 or v2, SRC and DST; see sixteen --help");
    const char *text = reading->argv[optind++];
    const char *why = endpoint_parse(text, &endpoint);
    if (why == NULL && (endpoint.host[0] == '\0' ||
                        endpoint_resolve(&endpoint, AF_UNSPEC, AI_NUMERICHOST | AI_NUMERICSERV,
                                         &found, &count) != 0))
        why = "not a numeric address with a port, like 192.0.2.1:1060";
    if (why != NULL)
        return wrong(reading, "--proxy %.500s: %s", text, why);
    *address = *found;
    free(found);
    return 0;
}

static int set_proxy(const struct reading *reading)
{
    struct client_options *options = reading->options;
    int version = strcmp(optarg, "v1") == 0 ? 1 : strcmp(optarg, "v2") == 0 ? 2 : 0;
    struct address source = {0};
    struct address destination = {0};

    if (version == 0)
        return wrong(reading, "the first argument of --proxy must be v1 or v2, not %.500s", optarg);
    if (take_address(reading, &source) != 0 || take_address(reading, &destination) != 0)
        return -1;
    if (source.u.any.sa_family != destination.u.any.sa_family)
        return wrong(reading, "--proxy requires two addresses of the same family");
    options->question.header_length =
        proxy_header_write(version, &source, &destination, options->header);
    return 0;
}

static int take(const struct reading *reading, int flag)
{
    struct client_options *options = reading->options;
    char why[ERROR_SIZE];
    switch (flag) {
    case '4': return set_family(reading, AF_INET);
    case '6': return set_family(reading, AF_INET6);
    case 'b': return set_source(reading);
    case OPTION_ALL: options->all = true; return 0;
    case 'c': return set_whole(reading, "--count", UINT64_C(1000000000000000), &options->count);
    case 'i': return set_interval(reading);
    case 'W': return set_seconds(reading, "--timeout", &options->question.timeout);
    case 'w': return set_seconds(reading, "--deadline", &options->deadline);
    case 'q': options->quiet = true; return 0;
    case OPTION_MESSAGE: return set_octets(reading, "--message", &options->question.message);
    case OPTION_EXPECT: return set_octets(reading, "--expect", &options->question.expect);
    case OPTION_PROXY: return set_proxy(reading);
    case OPTION_MISBEHAVE: return set_misbehaviour(reading);
    case OPTION_JSON: return set_format(reading, FORMAT_JSON);
    case OPTION_PLUGIN: return set_format(reading, FORMAT_PLUGIN);
    case OPTION_WARN: return set_threshold(reading, "--warn", &options->warn);
    case OPTION_CRIT: return set_threshold(reading, "--crit", &options->crit);
    case 'P': return set_parallel(reading);
    case OPTION_RATE: return set_rate(reading);
    case OPTION_DURATION: return set_seconds(reading, "--duration", &options->duration);
    case 'h': options->mode = CLIENT_HELP; return 0;
    case 'V': options->mode = CLIENT_VERSION; return 0;
    default:
        return wrong(reading, "%s; see sixteen --help",
                     command_line_error(flag, flags, reading->argv, why));
    }
}

static int set_server(const struct reading *reading)
{
    struct endpoint *server = &reading->options->server;
    char **arguments = reading->argv + optind;
    int count = reading->argc - optind;
    const char *host = count > 0 ? arguments[0] : WIRE_HOST;
    const char *port = count > 1 ? arguments[1] : WIRE_PORT;
    if (count > 2)
        return wrong(reading, "unexpected argument after HOST and PORT: %.500s", arguments[2]);
    const char *colon = strchr(host, ':');
    if (host[0] == '[' || (colon != NULL && strchr(colon + 1, ':') == NULL))
        return wrong(reading, "HOST and PORT must be two arguments without brackets, not %.500s",
                     host);
    if (host[0] == '\0' || strlen(host) >= sizeof server->host)
        return wrong(reading, "HOST must be a name or an address, not %.500s",
                     host[0] != '\0' ? host : "''");
    if (strlen(port) >= sizeof server->port || !port_is_plausible(port))
        return wrong(reading, "PORT must be a number from 0 to 65535 or a service name, not %.500s",
                     port);
    snprintf(server->host, sizeof server->host, "%s", host);
    snprintf(server->port, sizeof server->port, "%s", port);
    return 0;
}

/* What goes with what. */
static int agree(const struct reading *reading)
{
    const struct client_options *options = reading->options;
    bool load = options->parallel > 0 || options->rate > 0 || options->duration > 0;
    const char *why = NULL;

    if (load && options->has_interval)
        why = "--interval cannot be combined with -P, --rate or --duration; --rate sets the pace "
              "of a load";
    else if (load && options->format == FORMAT_PLUGIN)
        why = "--plugin cannot be combined with -P, --rate or --duration";
    else if (load && options->question.misbehaviour.kind != BEHAVE)
        why = "--misbehave cannot be combined with -P, --rate or --duration";
    else if (options->format != FORMAT_PLUGIN && (options->warn.text || options->crit.text))
        why = "--warn and --crit require --plugin";
    if (why != NULL)
        return wrong(reading, "%s; see sixteen --help", why);
    int family = source_family(&options->question.source);
    return family == AF_UNSPEC ? 0 : set_family(reading, family);
}

/* What follows from what was given, and the defaults for what was not. */
static void complete(struct client_options *options)
{
    options->question.header = options->header;
    if (options->mode == CLIENT_HELP || options->mode == CLIENT_VERSION)
        return;
    if (options->parallel > 0 || options->rate > 0 || options->duration > 0)
        options->mode = CLIENT_LOAD;
    else if (options->count > 0 || options->has_interval || options->deadline > 0)
        options->mode = CLIENT_REPEATED;
    if (!options->has_interval)
        options->interval = 1;
    if (options->parallel == 0)
        options->parallel = options->rate > 0 ? PARALLEL_DEFAULT_OPEN : PARALLEL_DEFAULT;
    if (options->count == 0 && (options->mode == CLIENT_ONCE || options->format == FORMAT_PLUGIN))
        options->count = 1;
}

int client_options_parse(struct client_options *options, int argc, char *argv[],
                         char why[CLIENT_OPTIONS_WHY])
{
    const struct reading reading = {options, argv, argc, why};
    int status = 0;
    int flag;

    *options = (struct client_options){
        .family = AF_UNSPEC,
        .question = {.timeout = TIMEOUT_DEFAULT, .message = WIRE_GREETING, .expect = WIRE_REPLY}};
    /* A plugin tells its misuse otherwise, so it is to be known even behind that. */
    while ((flag = getopt_long(argc, argv, flags, long_options, NULL)) != -1) {
        if (status == 0)
            status = take(&reading, flag);
        else if (flag == OPTION_PLUGIN)
            options->format = FORMAT_PLUGIN;
    }
    if (status == 0)
        status = set_server(&reading);
    if (status == 0)
        status = agree(&reading);
    complete(options);
    return status;
}
