/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/options/operands.h"

#include "common/number.h"
#include "common/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define TARGETS_MAX 10000
#define STARTS_MAX 1e6 /* a second, of all targets */
#define LINE_SIZE 1000
#define SHOWN 100 /* octets of a target that is quoted */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

int set_port(const struct reading *reading, const char *name, const char *port,
             struct endpoint *target)
{
    if (strlen(port) >= sizeof target->port || !port_is_plausible(port))
        return wrong(reading, "%s must be a number from 0 to 65535 or a service name, not %.500s",
                     name, port);
    memset(target->port, 0, sizeof target->port);
    memcpy(target->port, port, strlen(port));
    return 0;
}

/* Return whether the text is an IPv6 address, perhaps with an interface after a percent sign. */
static bool is_ipv6_address(const char *text)
{
    struct in6_addr in6;
    char address[INET6_ADDRSTRLEN] = "";
    size_t length = strcspn(text, "%");
    memcpy(address, text, length < sizeof address ? length : 0);
    return inet_pton(AF_INET6, address, &in6) == 1;
}

/* Split HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; an IPv6 address without brackets is a host. */
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
    return is_ipv6 && !is_ipv6_address(server->host) ? "it is not an IPv6 address" : NULL;
}

static bool is_digits(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* List the interfaces of this host, for a message that asks for one. */
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

/* Return whether this host has the interface, given by name or number: RFC 4007, 11.2. */
static bool is_interface(const char *text)
{
    unsigned long long number;
    char name[IF_NAMESIZE];
    return if_nametoindex(text) != 0 || (read_whole(text, UINT32_MAX, &number) &&
                                         if_indextoname((unsigned)number, name) != NULL);
}

/* Find the mistakes in a numeric address that the resolver or the kernel would report as failures
 * of the network. */
static int check_address(const struct reading *reading, const struct endpoint *server)
{
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
    int family = reading->options->family;
    if ((is_in && family == AF_INET6) || (is_in6 && family == AF_INET))
        return wrong(reading, "%s is not an IPv%c address, but -%c or --bind requires one",
                     server->host, family == AF_INET6 ? '6' : '4', family == AF_INET6 ? '6' : '4');
    bool needs_interface = is_in6 && percent == NULL && IN6_IS_ADDR_LINKLOCAL(&in6);
    if (!needs_interface && (!is_in6 || percent == NULL || is_interface(percent + 1)))
        return 0;
    list_interfaces(interfaces, sizeof interfaces);
    if (needs_interface)
        return wrong(reading,
                     "%s: a link-local address needs an interface, like %s%%%s; this host "
                     "has %s",
                     host, host, "eth0", interfaces);
    return wrong(reading, "%s: this host has no interface %s; it has %s", server->host, percent + 1,
                 interfaces);
}

/* A service is looked up in a file, so an unknown one is a mistake and not a failed look-up. */
static int check_service(const struct reading *reading, const struct endpoint *server)
{
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

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct endpoint));
}

static bool is_graphic(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || *text == '\x7f')
            return false;
    return true;
}

/* Take a target. `port`, if not NULL, is an operand after it that names its port. */
static int take(const struct reading *reading, const char *text, const char *port)
{
    struct client_options *options = reading->options;
    char quoted[QUOTE_SIZE(SHOWN)];

    if (options->server_count == TARGETS_MAX)
        return wrong(reading, "at most %d targets are supported", TARGETS_MAX);
    struct endpoint *server = &options->servers[options->server_count++];
    if (!is_graphic(text))
        return wrong(reading, "TARGET contains a blank or a control character: %s",
                     quote(text, strnlen(text, SHOWN), quoted, sizeof quoted));
    const char *why = split(text, server);
    if (why == NULL && server->host[0] == '\0')
        why = "the host is missing";
    if (why != NULL)
        return wrong(reading, "TARGET must be HOST, HOST:PORT or [IPV6]:PORT, not %.500s: %s",
                     text[0] != '\0' ? text : "''", why);
    if (port != NULL && server->port[0] != '\0')
        return wrong(reading, "unexpected argument after TARGET: %.500s", port);
    if (port != NULL && set_port(reading, "PORT", port, server) != 0)
        return -1;
    if (server->port[0] == '\0')
        memcpy(server->port, options->port.port, sizeof server->port);
    if (check_address(reading, server) != 0 || check_service(reading, server) != 0)
        return -1;
    void *node = tsearch(server, &options->known, compare);
    if (node != NULL && *(void **)node != server)
        return wrong(reading, "the target %.500s is given twice", text);
    return node != NULL ? 0 : wrong(reading, "%s", strerror(ENOMEM));
}

/* Take the target in a line, if there is one. A number sign begins a comment. */
static int take_line(const struct reading *reading, char *line, size_t length)
{
    static const char blanks[] = " \t\r";
    if (length == LINE_SIZE)
        return wrong(reading, "the line has more than %d octets", LINE_SIZE - 1);
    if (strlen(line) != length)
        return wrong(reading, "the line contains a NUL octet");
    while (length > 0 && strchr(blanks, line[length - 1]) != NULL)
        line[--length] = '\0';
    line += strspn(line, blanks);
    char *end = line + strcspn(line, "# \t");
    const char *rest = end + strspn(end, blanks);
    if (*rest != '\0' && *rest != '#')
        return wrong(reading, "unexpected text after the target: %.100s", rest);
    *end = '\0';
    return *line != '\0' ? take(reading, line, NULL) : 0;
}

/* Read a line without its end. Returns its length in octets; LINE_SIZE if it is too long, and then
 * `line` has no NUL. */
static size_t read_line(FILE *in, char line[LINE_SIZE])
{
    size_t length = 0;
    int octet;
    while ((octet = getc(in)) != EOF && octet != '\n') {
        if (length == LINE_SIZE - 1)
            return LINE_SIZE;
        line[length++] = (char)octet;
    }
    line[length] = '\0';
    return length;
}

static int take_lines(const struct reading *reading, FILE *in, const char *name)
{
    char line[LINE_SIZE];
    char why[CLIENT_OPTIONS_WHY];

    for (unsigned number = 1; !feof(in); number++) {
        size_t length = read_line(in, line);
        if (ferror(in))
            return wrong(reading, "cannot read %.500s: %s", name, strerror(errno));
        bool has_mark = number == 1 && length >= 3 && length < LINE_SIZE &&
                        memcmp(line, BYTE_ORDER_MARK, 3) == 0;
        if (take_line(reading, line + (has_mark ? 3 : 0), length - (has_mark ? 3 : 0)) == 0)
            continue;
        snprintf(why, sizeof why, "%s", reading->why);
        return wrong(reading, "%.300s:%u: %.800s", name, number, why);
    }
    return 0;
}

static int take_file(const struct reading *reading)
{
    const char *path = reading->options->targets_file;
    bool is_input = strcmp(path, "-") == 0;
    FILE *in = is_input ? stdin : fopen(path, "re");

    if (in == NULL)
        return wrong(reading, "--targets: cannot open %.500s: %s", path, strerror(errno));
    int status = take_lines(reading, in, is_input ? "standard input" : path);
    if (!is_input)
        (void)fclose(in);
    if (status == 0 && reading->options->server_count == 0)
        return wrong(reading, "--targets: %.500s has no target", path);
    return status;
}

/* Two operands are HOST and PORT, as with nc(1), if the second has digits only. */
static int take_operands(const struct reading *reading, char *const operands[], int count)
{
    if (count == 2 && is_digits(operands[1]))
        return take(reading, operands[0], operands[1]);
    for (int i = 0; i < count; i++) {
        if (i > 0 && is_digits(operands[i]))
            return wrong(reading, "%.500s is not a TARGET; with several, write each as HOST:PORT",
                         operands[i]);
        if (take(reading, operands[i], NULL) != 0)
            return -1;
    }
    return 0;
}

int take_targets(const struct reading *reading, char *const operands[], int count)
{
    struct client_options *options = reading->options;

    options->servers = calloc(TARGETS_MAX, sizeof *options->servers);
    if (options->servers == NULL)
        return wrong(reading, "%s", strerror(ENOMEM));
    if (take_operands(reading, operands, count) != 0)
        return -1;
    if (options->targets_file != NULL && take_file(reading) != 0)
        return -1;
    if (options->server_count == 0 && take(reading, WIRE_HOST, NULL) != 0)
        return -1;
    options->is_table = options->targets_file != NULL || options->server_count > 1;
    if (options->is_table && options->path)
        return wrong(reading, "--path takes only one TARGET; see sixteen --help");
    if (options->is_table && (options->format == FORMAT_PLUGIN || is_load(options)))
        return wrong(reading, "%s takes only one TARGET; see sixteen --help",
                     options->format == FORMAT_PLUGIN ? "--plugin" : "a load");
    if (options->is_table && options->has_interval && options->interval == 0)
        return wrong(reading,
                     "--interval 0 takes only one TARGET; several are checked at the same time");
    double starts = (double)options->server_count / options->interval;
    if (options->has_interval && options->interval > 0 && starts > STARTS_MAX)
        return wrong(reading, "--interval must be at least %.6f for %zu target%s",
                     (double)options->server_count / STARTS_MAX, options->server_count,
                     options->server_count > 1 ? "s" : "");
    return 0;
}
