/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/options/options.h"

#include "client/options/operands.h"
#include "common/command_line.h"
#include "common/deadline.h"
#include "common/number.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT 10.0
#define HOP_WAIT_DEFAULT 0.9 /* after 1 s the kernel would send the SYN again */
#define RESOLVE_DEFAULT 300.0
#define PLUGIN_END_TIMEOUT 1.0 /* a check does not wait longer for the end of file */
#define PARALLEL_DEFAULT 1     /* closed loop */
#define PARALLEL_DEFAULT_OPEN 1000
#define PARALLEL_MAX 1000000
#define SECONDS_MAX 31536000.0 /* a year */
#define RATE_MAX 1e7
#define RESOLVE_MIN 0.01
#define REPORT_MIN 0.01 /* shorter reports would keep the exchanges waiting */

static const char flags[] = "-:46b:c:Di:W:w:qp:P:hV";

static const struct option long_options[] = {
    {"ipv4", no_argument, NULL, '4'},
    {"ipv6", no_argument, NULL, '6'},
    {"bind", required_argument, NULL, 'b'},
    {"all", no_argument, NULL, OPTION_ALL},
    {"path", no_argument, NULL, OPTION_PATH},
    {"count", required_argument, NULL, 'c'},
    {"interval", required_argument, NULL, 'i'},
    {"timeout", required_argument, NULL, 'W'},
    {"deadline", required_argument, NULL, 'w'},
    {"report", required_argument, NULL, OPTION_REPORT},
    {"timestamps", no_argument, NULL, 'D'},
    {"quiet", no_argument, NULL, 'q'},
    {"message", required_argument, NULL, OPTION_MESSAGE},
    {"expect", required_argument, NULL, OPTION_EXPECT},
    {"connect", no_argument, NULL, OPTION_CONNECT},
    {"proxy", required_argument, NULL, OPTION_PROXY},
    {"misbehave", required_argument, NULL, OPTION_MISBEHAVE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"metrics", required_argument, NULL, OPTION_METRICS},
    {"plugin", no_argument, NULL, OPTION_PLUGIN},
    {"warn", required_argument, NULL, OPTION_WARN},
    {"crit", required_argument, NULL, OPTION_CRIT},
    {"port", required_argument, NULL, 'p'},
    {"targets", required_argument, NULL, OPTION_TARGETS},
    {"resolve", required_argument, NULL, OPTION_RESOLVE},
    {"parallel", required_argument, NULL, 'P'},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0}};

void client_options_help(FILE *out)
{
    fputs("usage: sixteen [OPTION]... [TARGET]...\n"
          "Send sixteen octets to a sixteend over TCP and check the reply.\n"
          "TARGET is HOST, HOST:PORT, [IPV6]:PORT or HOST PORT; the host defaults to\n" WIRE_HOST
          " and the port to " WIRE_PORT ".\n"
          "\n"
          "  -4, --ipv4              use IPv4 addresses only\n"
          "  -6, --ipv6              use IPv6 addresses only\n"
          "  -p, --port PORT         port of each TARGET without one\n"
          "      --targets FILE      read further targets from FILE, one per line; - is\n"
          "                          standard input\n"
          "  -b, --bind SOURCE       connect from this address or interface, or from the\n"
          "                          addresses of a prefix in turn\n"
          "      --all               run an exchange with each address of HOST\n"
          "      --path              first show each hop on the path, and where it ends\n"
          "  -W, --timeout SECONDS   time limit for each exchange; default 10\n"
          "  -q, --quiet             print only failures, or only the summary of a run\n"
          "  -D, --timestamps        print the time of day at which each exchange began\n"
          "\n"
          "Repeated exchanges, like ping:\n"
          "  -c, --count N           stop after N exchanges\n"
          "  -i, --interval SECONDS  time from one start to the next; default 1\n"
          "  -w, --deadline SECONDS  stop after this time, even during an exchange\n"
          "      --report SECONDS    print rate, p50, p99 and failures at this interval\n"
          "      --resolve SECONDS   look the name up again at this interval; default 300\n"
          "\n"
          "Message and reply:\n"
          "      --message TEXT      send TEXT, exactly 16 octets\n"
          "      --expect TEXT       expect TEXT as the reply, exactly 16 octets\n"
          "      --connect           only connect, to any TCP service, and send nothing\n"
          "      --proxy v1|v2 SRC DST\n"
          "                          first send a PROXY header with these addresses\n"
          "      --misbehave KIND    act as a faulty client: drip[:SECONDS], short,\n"
          "                          excess, silent, reset or half-close\n"
          "\n"
          "Output:\n"
          "      --json              print a JSON object for each exchange and a summary\n"
          "      --metrics FILE      write the results to FILE in Prometheus's text format\n"
          "      --plugin            run as a monitoring plugin, exit status 0 to 3\n"
          "      --warn RANGE,LOSS%  WARNING if the time in seconds is outside RANGE, or if\n"
          "                          this percentage of exchanges is lost\n"
          "      --crit RANGE,LOSS%  CRITICAL in the same way; RANGE is 10, 10:, ~:10,\n"
          "                          10:20 or @10:20; either part can be left out\n"
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

int wrong(const struct reading *reading, const char *format, ...)
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
        return wrong(reading, "-4, -6 and --bind must agree on the address family; see %s --help",
                     reading->program);
    reading->options->family = family;
    return 0;
}

static int set_format(const struct reading *reading, enum client_format format)
{
    if (reading->options->format != FORMAT_TEXT && reading->options->format != format) {
        reading->options->format = FORMAT_PLUGIN; /* for the report of this mistake */
        return wrong(reading, "--json and --plugin are mutually exclusive; see sixteen --help");
    }
    reading->options->format = format;
    return 0;
}

/* Take a number from `least` to `most`; above 0 if `least` is ABOVE_0. */
#define ABOVE_0 (-1)
static int set_number(const struct reading *reading, const char *name, const char *what,
                      double least, double most, double *number)
{
    char range[100];
    bool is_number = read_decimal(optarg, strlen(optarg), number);

    if (is_number && (least == ABOVE_0 ? *number > 0 : *number >= least) && *number <= most)
        return 0;
    if (least == ABOVE_0)
        snprintf(range, sizeof range, "greater than 0 and at most %.0f", most);
    else
        snprintf(range, sizeof range, "from %g to %.0f", least, most);
    return wrong(reading, "%s must be %s %s, not %.500s", name, what, range, optarg);
}

int set_seconds(const struct reading *reading, const char *name, double *seconds)
{
    return set_number(reading, name, "a number of seconds", ABOVE_0, SECONDS_MAX, seconds);
}

static int set_interval(const struct reading *reading)
{
    reading->options->has_interval = true;
    return set_number(reading, "--interval", "a number of seconds", 0, SECONDS_MAX,
                      &reading->options->interval);
}

int set_whole(const struct reading *reading, const char *name, uint64_t most, uint64_t *number)
{
    unsigned long long value;
    bool is_whole = read_whole(optarg, most, &value);
    *number = value;
    if (!is_whole || value < 1)
        return wrong(reading, "%s must be a whole number from 1 to %llu, not %.500s", name,
                     (unsigned long long)most, optarg);
    return 0;
}

static int set_octets(const struct reading *reading, const char *name, char *octets)
{
    if (strlen(optarg) != WIRE_OCTETS)
        return wrong(reading, "%s must be exactly %d octets long, not %zu: %.500s", name,
                     WIRE_OCTETS, strlen(optarg), optarg);
    memcpy(octets, optarg, WIRE_OCTETS);
    reading->options->has_octets = true;
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
    const char *why = misbehaviour_parse(optarg, &reading->options->misbehaviour);
    if (why != NULL)
        return wrong(reading, "--misbehave %.500s: %s", optarg, why);
    return 0;
}

/* A second file would replace the first, whose targets would be ignored. */
static int set_targets(const struct reading *reading)
{
    if (reading->options->targets_file != NULL)
        return wrong(reading, "--targets can be given only once; see sixteen --help");
    reading->options->targets_file = optarg;
    return 0;
}

static int set_metrics(const struct reading *reading)
{
    reading->options->metrics = optarg;
    if (optarg[0] == '\0' || strlen(optarg) >= PATH_MAX)
        return wrong(reading, "--metrics: the path is empty or too long");
    return 0;
}

int set_threshold(const struct reading *reading, const char *name, struct threshold *threshold)
{
    char why[RANGE_WHY];
    if (!threshold_parse(optarg, threshold, why))
        return wrong(reading, "%s %.500s: %s", name, optarg, why);
    return 0;
}

/* Take one more argument for --proxy, an address and port in numbers. */
static int take_address(const struct reading *reading, struct address *address)
{
    struct endpoint endpoint;
    struct address *found;
    size_t count;

    if (optind >= reading->line->argc)
        return wrong(reading,
                     "--proxy requires three arguments: v1 or v2, SRC and DST; see sixteen --help");
    const char *text = reading->line->argv[optind++];
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
    options->header_length = proxy_header_write(version, &source, &destination, options->header);
    return 0;
}

int client_options_take(const struct reading *reading, int flag)
{
    struct client_options *options = reading->options;
    char why[ERROR_SIZE];
    switch (flag) {
    case '4': return set_family(reading, AF_INET);
    case '6': return set_family(reading, AF_INET6);
    case 'b': return set_source(reading);
    case OPTION_ALL: options->all = true; return 0;
    case OPTION_PATH: options->path = true; return 0;
    case 'c': return set_whole(reading, "--count", UINT64_C(1000000000000000), &options->count);
    case 'D': options->has_timestamps = true; return 0;
    case 'i': return set_interval(reading);
    case 'W': return set_seconds(reading, "--timeout", &options->timeout);
    case OPTION_REPORT:
        return set_number(reading, "--report", "a number of seconds", REPORT_MIN, SECONDS_MAX,
                          &options->report);
    case OPTION_RESOLVE:
        return set_number(reading, "--resolve", "a number of seconds", RESOLVE_MIN, SECONDS_MAX,
                          &options->resolve);
    case 'p': return set_port(reading, "--port", optarg, &options->port);
    case OPTION_TARGETS: return set_targets(reading);
    case 'w': return set_seconds(reading, "--deadline", &options->deadline);
    case 'q': options->quiet = true; return 0;
    case OPTION_MESSAGE: return set_octets(reading, "--message", options->question.message);
    case OPTION_EXPECT: return set_octets(reading, "--expect", options->question.expect);
    case OPTION_CONNECT: options->question.connects = true; return 0;
    case OPTION_PROXY: return set_proxy(reading);
    case OPTION_MISBEHAVE: return set_misbehaviour(reading);
    case OPTION_JSON: return set_format(reading, FORMAT_JSON);
    case OPTION_METRICS: return set_metrics(reading);
    case OPTION_PLUGIN: return set_format(reading, FORMAT_PLUGIN);
    case OPTION_WARN: return set_threshold(reading, "--warn", &options->warn);
    case OPTION_CRIT: return set_threshold(reading, "--crit", &options->crit);
    case 'P': return set_whole(reading, "--parallel", PARALLEL_MAX, &options->parallel);
    case OPTION_RATE:
        return set_number(reading, "--rate", "a number", ABOVE_0, RATE_MAX, &options->rate);
    case OPTION_DURATION: return set_seconds(reading, "--duration", &options->duration);
    case 'h': options->mode = CLIENT_HELP; return 0;
    case 'V': options->mode = CLIENT_VERSION; return 0;
    default:
        return wrong(reading, "%s; see sixteen --help",
                     command_line_error(reading->line, flag, why));
    }
}

bool is_load(const struct client_options *options)
{
    return options->parallel > 0 || options->rate > 0 || options->duration > 0;
}

/* Refuse options that contradict each other. */
static int agree(const struct reading *reading)
{
    const struct client_options *options = reading->options;
    bool load = is_load(options);
    bool is_plugin = options->format == FORMAT_PLUGIN;
    bool misbehaves = options->misbehaviour.kind != BEHAVE;
    bool sends = options->has_octets || options->header_length > 0 || misbehaves;
    bool repeats = options->count > 0 || options->has_interval || options->deadline > 0;
    const struct {
        bool is_broken;
        const char *rule;
    } rules[] = {
        {load && options->has_interval,
         "--interval cannot be combined with -P, --rate or --duration; --rate sets the pace of a "
         "load"},
        {load && is_plugin, "--plugin cannot be combined with -P, --rate or --duration"},
        {load && options->resolve > 0,
         "--resolve cannot be combined with -P, --rate or --duration; a load looks up its name "
         "once"},
        {load && misbehaves, "--misbehave cannot be combined with -P, --rate or --duration"},
        {options->report > 0 && is_plugin, "--report cannot be combined with --plugin"},
        {options->report > 0 && !load && !repeats && !options->path,
         "--report requires -c, -i, -w, -P, --rate or --duration"},
        {options->metrics != NULL && is_plugin, "--metrics cannot be combined with --plugin"},
        {options->question.connects && sends,
         "--connect sends nothing, so it cannot be combined with --message, --expect, --proxy or "
         "--misbehave"},
        {options->path && (load || repeats || options->report > 0 || options->all || is_plugin),
         "--path cannot be combined with -c, -i, -w, --report, --all, --plugin, -P, --rate or "
         "--duration"},
        {!is_plugin && (options->warn.text || options->crit.text),
         "--warn and --crit require --plugin"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].is_broken)
            return wrong(reading, "%s; see %s --help", rules[i].rule, reading->program);
    int family = source_family(&options->question.source);
    return family == AF_UNSPEC ? 0 : set_family(reading, family);
}

/* Derive what the given options imply, and set the defaults of the others. */
static void complete(struct client_options *options)
{
    struct question *question = &options->question;
    options->hop_wait = options->timeout > 0 ? options->timeout : HOP_WAIT_DEFAULT;
    if (options->timeout <= 0)
        options->timeout = TIMEOUT_DEFAULT;
    question->timeout = deadline_after(0, options->timeout).at;
    question->end_timeout = NEVER;
    if (options->format == FORMAT_PLUGIN)
        question->end_timeout = deadline_after(0, PLUGIN_END_TIMEOUT).at;
    if (!question->connects)
        script_write(&question->script, options->header, options->header_length, question->message,
                     &options->misbehaviour);
    if (options->mode == CLIENT_HELP || options->mode == CLIENT_VERSION)
        return;
    if (is_load(options))
        options->mode = CLIENT_LOAD;
    else if (options->count > 0 || options->has_interval || options->deadline > 0)
        options->mode = CLIENT_REPEATED;
    if (options->mode == CLIENT_ONCE && options->is_table) {
        options->mode = CLIENT_REPEATED;
        options->count = 1;
    }
    question->keeps_server = options->mode == CLIENT_LOAD;
    question->names_ends = options->mode != CLIENT_LOAD;
    if (!options->has_interval)
        options->interval = 1;
    if (options->resolve <= 0)
        options->resolve = RESOLVE_DEFAULT;
    if (options->parallel == 0)
        options->parallel = options->rate > 0 ? PARALLEL_DEFAULT_OPEN : PARALLEL_DEFAULT;
    if (options->count == 0 && (options->mode == CLIENT_ONCE || options->format == FORMAT_PLUGIN))
        options->count = 1;
}

void client_options_begin(struct client_options *options)
{
    *options = (struct client_options){.family = AF_UNSPEC, .port.port = WIRE_PORT};
    memcpy(options->question.message, WIRE_GREETING, WIRE_OCTETS);
    memcpy(options->question.expect, WIRE_REPLY, WIRE_OCTETS);
}

int client_options_end(const struct reading *reading, int status, char *const operands[], int count)
{
    reading->options->arguments = reading->line->argv;
    if (status == 0)
        status = agree(reading);
    if (status == 0)
        status = take_targets(reading, operands, count);
    if (status == 0)
        complete(reading->options);
    return status;
}

int client_options_parse(struct client_options *options, int argc, char *argv[],
                         char why[CLIENT_OPTIONS_WHY])
{
    struct command_line line = {.argc = argc, .argv = argv};
    const struct reading reading = {"sixteen", options, &line, why};
    char **operands = calloc((size_t)argc + 1, sizeof *operands);
    int count = 0;
    int status = 0;
    int flag;

    client_options_begin(options);
    if (operands == NULL)
        return wrong(&reading, "%s", strerror(ENOMEM));
    /* A plugin reports mistakes in another way, so find --plugin even after a wrong option. */
    while ((flag = command_line_next(&line, flags, long_options)) != -1) {
        if (flag == OPERAND)
            operands[count++] = optarg;
        else if (status == 0)
            status = client_options_take(&reading, flag);
        else if (flag == OPTION_PLUGIN)
            options->format = FORMAT_PLUGIN;
    }
    status = client_options_end(&reading, status, operands, count);
    free(operands);
    return status;
}
