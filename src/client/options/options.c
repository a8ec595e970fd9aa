/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/options/options.h"

#include "client/options/reading.h"
#include "common/command_line.h"
#include "common/deadline.h"
#include "common/number.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT 10.0
#define RESOLVE_DEFAULT 300.0
#define PLUGIN_END_TIMEOUT 1.0 /* a check does not wait longer for the end of file */
#define PARALLEL_DEFAULT 1     /* closed loop */
#define PARALLEL_DEFAULT_OPEN 1000
#define SECONDS_MAX 31536000.0 /* a year */

static const char flags[] = ":46b:c:i:W:w:qp:P:hV";

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
    {"port", required_argument, NULL, 'p'},
    {"resolve", required_argument, NULL, OPTION_RESOLVE},
    {"parallel", required_argument, NULL, 'P'},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0}};

void client_options_help(FILE *out)
{
    fputs("usage: sixteen [OPTION]... [TARGET]\n"
          "Send sixteen octets to a sixteend over TCP and check the reply.\n"
          "TARGET is HOST, HOST:PORT, [IPV6]:PORT or HOST PORT; the host defaults to\n" WIRE_HOST
          " and the port to " WIRE_PORT ".\n"
          "\n"
          "  -4, --ipv4              use IPv4 addresses only\n"
          "  -6, --ipv6              use IPv6 addresses only\n"
          "  -p, --port PORT         port of a TARGET that names none\n"
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
          "      --resolve SECONDS   look the name up again after this time; default 300\n"
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
          "      --warn RANGE,LOSS%  WARNING if the time in seconds is outside RANGE or this\n"
          "                          percentage of exchanges is lost\n"
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

int set_seconds(const struct reading *reading, const char *name, double *seconds)
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

static int set_parallel(const struct reading *reading)
{
    uint64_t number;
    int status = set_whole(reading, "--parallel", 1000000, &number);
    reading->options->parallel = (unsigned)number;
    return status;
}

static int set_octets(const struct reading *reading, const char *name, char *octets)
{
    if (strlen(optarg) != WIRE_OCTETS)
        return wrong(reading, "%s must be exactly %d octets long, not %zu: %.500s", name,
                     WIRE_OCTETS, strlen(optarg), optarg);
    memcpy(octets, optarg, WIRE_OCTETS);
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

int set_threshold(const struct reading *reading, const char *name, struct threshold *threshold)
{
    char why[RANGE_WHY];
    if (!threshold_parse(optarg, threshold, why))
        return wrong(reading, "%s %.500s: %s", name, optarg, why);
    return 0;
}

static int set_port(const struct reading *reading, const char *name, const char *port)
{
    struct endpoint *server = &reading->options->server;
    if (strlen(port) >= sizeof server->port || !port_is_plausible(port))
        return wrong(reading, "%s must be a number from 0 to 65535 or a service name, not %.500s",
                     name, port);
    memset(server->port, 0, sizeof server->port);
    memcpy(server->port, port, strlen(port));
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
    case 'c': return set_whole(reading, "--count", UINT64_C(1000000000000000), &options->count);
    case 'i': return set_interval(reading);
    case 'W': return set_seconds(reading, "--timeout", &options->timeout);
    case OPTION_RESOLVE: return set_seconds(reading, "--resolve", &options->resolve);
    case 'p': return set_port(reading, "--port", optarg);
    case 'w': return set_seconds(reading, "--deadline", &options->deadline);
    case 'q': options->quiet = true; return 0;
    case OPTION_MESSAGE: return set_octets(reading, "--message", options->question.message);
    case OPTION_EXPECT: return set_octets(reading, "--expect", options->question.expect);
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

/* An operand is HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; an IPv6 address without brackets is a host.
 */
static const char *split(const char *operand, struct endpoint *server)
{
    size_t length = strlen(operand);
    const char *colon = strchr(operand, ':');
    bool is_ipv6 = colon != NULL && strchr(colon + 1, ':') != NULL;
    bool is_enclosed = is_ipv6 && operand[0] == '[' && operand[length - 1] == ']';

    if (!is_enclosed && (operand[0] == '[' || (colon != NULL && !is_ipv6)))
        return endpoint_parse(operand, server);
    if (length >= sizeof server->host)
        return "the host is too long";
    memcpy(server->host, operand + is_enclosed, length - 2 * is_enclosed);
    return NULL;
}

static bool is_digits(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int set_server(const struct reading *reading, char *const operands[], int count)
{
    struct endpoint *server = &reading->options->server;
    char port[sizeof server->port];

    memcpy(port, server->port, sizeof port);
    memset(server, 0, sizeof *server);
    const char *operand = count > 0 ? operands[0] : WIRE_HOST;
    const char *why = split(operand, server);
    if (why == NULL && server->host[0] == '\0')
        why = "the host is missing";
    if (why != NULL)
        return wrong(reading, "TARGET must be HOST, HOST:PORT or [IPV6]:PORT, not %.500s: %s",
                     operand[0] != '\0' ? operand : "''", why);
    if (count > 1 && (!is_digits(operands[1]) || server->port[0] != '\0'))
        return wrong(reading, "unexpected argument after TARGET: %.500s", operands[1]);
    if (count > 2)
        return wrong(reading, "unexpected argument after HOST and PORT: %.500s", operands[2]);
    if (count > 1)
        return set_port(reading, "PORT", operands[1]);
    if (server->port[0] == '\0')
        memcpy(server->port, port, sizeof port);
    return 0;
}

/* Name the interfaces of this host, for a text that asks for one. */
static void list_interfaces(char *text, size_t size)
{
    struct if_nameindex *list = if_nameindex();
    const char *comma = "";
    text[0] = '\0';
    for (struct if_nameindex *i = list; i != NULL && i->if_index != 0; i++) {
        text_append(text, size, "%s%s", comma, i->if_name);
        comma = ", ";
    }
    if (list != NULL)
        if_freenameindex(list);
}

/* Return whether this host has the interface, which has a name and a number: RFC 4007, 11.2. */
static bool is_interface(const char *text)
{
    unsigned long long number;
    char name[IF_NAMESIZE];
    return if_nametoindex(text) != 0 || (read_whole(text, UINT32_MAX, &number) &&
                                         if_indextoname((unsigned)number, name) != NULL);
}

/* Find the mistakes in a numeric address that the resolver or the kernel would report as failures
 * of the network. */
static int check_address(const struct reading *reading)
{
    const struct client_options *options = reading->options;
    const struct endpoint *server = &options->server;
    struct in6_addr in6;
    struct in_addr in;
    char host[sizeof server->host];
    char interfaces[500];

    memcpy(host, server->host, sizeof host);
    char *percent = strchr(host, '%');
    if (percent != NULL)
        *percent = '\0';
    bool is_in = percent == NULL && inet_pton(AF_INET, host, &in) == 1;
    bool is_in6 = inet_pton(AF_INET6, host, &in6) == 1;
    int family = options->family;
    if ((is_in && family == AF_INET6) || (is_in6 && family == AF_INET))
        return wrong(reading, "%s is not an IPv%c address, which -%c or --bind asks for",
                     server->host, family == AF_INET6 ? '6' : '4', family == AF_INET6 ? '6' : '4');
    if (!is_in6)
        return 0;
    list_interfaces(interfaces, sizeof interfaces);
    if (percent == NULL && IN6_IS_ADDR_LINKLOCAL(&in6))
        return wrong(reading,
                     "%s: a link-local address needs an interface, like %s%%%s; this host "
                     "has %s",
                     host, host, "eth0", interfaces);
    if (percent != NULL && !is_interface(percent + 1))
        return wrong(reading, "%s: this host has no interface %s; it has %s", server->host,
                     percent + 1, interfaces);
    return 0;
}

/* A service is looked up in a file, so an unknown one is a mistake and not a failed look-up. */
static int check_service(const struct reading *reading)
{
    const struct endpoint *server = &reading->options->server;
    struct endpoint any = {.host = ""};
    struct address *list;
    size_t count;

    if (port_is_number(server->port))
        return 0;
    memcpy(any.port, server->port, sizeof any.port);
    int error = endpoint_resolve(&any, AF_UNSPEC, 0, &list, &count);
    if (error == EAI_SERVICE)
        return wrong(reading, "unknown service %.500s; /etc/services lists those of this host",
                     any.port);
    if (error == 0)
        free(list);
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
    else if (load && options->resolve > 0)
        why =
            "--resolve cannot be combined with -P, --rate or --duration; a load looks its name up "
            "once";
    else if (load && options->misbehaviour.kind != BEHAVE)
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
    struct question *question = &options->question;
    question->timeout = deadline_after(0, options->timeout).at;
    question->end_timeout = NEVER;
    if (options->format == FORMAT_PLUGIN)
        question->end_timeout = deadline_after(0, PLUGIN_END_TIMEOUT).at;
    script_write(&question->script, options->header, options->header_length, question->message,
                 &options->misbehaviour);
    if (options->mode == CLIENT_HELP || options->mode == CLIENT_VERSION)
        return;
    if (options->parallel > 0 || options->rate > 0 || options->duration > 0)
        options->mode = CLIENT_LOAD;
    else if (options->count > 0 || options->has_interval || options->deadline > 0)
        options->mode = CLIENT_REPEATED;
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
    *options = (struct client_options){
        .family = AF_UNSPEC, .server = {.port = WIRE_PORT}, .timeout = TIMEOUT_DEFAULT};
    memcpy(options->question.message, WIRE_GREETING, WIRE_OCTETS);
    memcpy(options->question.expect, WIRE_REPLY, WIRE_OCTETS);
}

int client_options_end(const struct reading *reading, int status, char *const operands[], int count)
{
    if (status == 0)
        status = set_server(reading, operands, count);
    if (status == 0)
        status = agree(reading);
    if (status == 0)
        status = check_address(reading);
    if (status == 0)
        status = check_service(reading);
    if (status == 0)
        complete(reading->options);
    return status;
}

int client_options_parse(struct client_options *options, int argc, char *argv[],
                         char why[CLIENT_OPTIONS_WHY])
{
    const struct reading reading = {"sixteen", options, argv, argc, why};
    int status = 0;
    int flag;

    client_options_begin(options);
    /* A plugin tells its misuse otherwise, so it is to be known even behind that. */
    while ((flag = getopt_long(argc, argv, flags, long_options, NULL)) != -1) {
        if (status == 0)
            status = client_options_take(&reading, flag);
        else if (flag == OPTION_PLUGIN)
            options->format = FORMAT_PLUGIN;
    }
    return client_options_end(&reading, status, argv + optind, argc - optind);
}
