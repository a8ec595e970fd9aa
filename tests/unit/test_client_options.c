/* SPDX-License-Identifier: MIT */
/* The client's command line: what it asks for, and what is wrong with it. */
#include <config.h>

#include "client/options/options.h"
#include "names_support.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 20

static struct client_options options;
static char why[CLIENT_OPTIONS_WHY];

static void begin(void)
{
    names_find(NULL, 0);
}

/* Read a command line, whose words have one space between them; "''" is an empty one. */
static int parse(const char *line)
{
    static char name[] = "sixteen";
    static char text[1024];
    char *argv[WORDS_MAX + 2] = {name};
    char *rest = NULL;
    int argc = 1;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        need(argc <= WORDS_MAX, "room for the words");
        if (strcmp(word, "''") == 0)
            *word = '\0';
        argv[argc++] = word;
    }
    optind = 0; /* getopt_long(3) starts anew */
    why[0] = '\0';
    return client_options_parse(&options, argc, argv, why);
}

static void take(const char *line)
{
    int result = parse(line);
    ck_assert_str_eq(why, "");
    ck_assert_int_eq(result, 0);
}

static const struct {
    const char *line;
    const char *host;
    const char *port;
} targets[] = {
    {"", "127.0.0.1", "1060"},
    {"example.net", "example.net", "1060"},
    {"example.net 7", "example.net", "7"},
    {"example.net:7", "example.net", "7"},
    {"example.net:echo", "example.net", "echo"},
    {"192.0.2.1:7", "192.0.2.1", "7"},
    {"[2001:db8::1]:7", "2001:db8::1", "7"},
    {"2001:db8::1", "2001:db8::1", "1060"},
    {"::1 7", "::1", "7"},
    {"-p 7", "127.0.0.1", "7"},
    {"-p 7 example.net", "example.net", "7"},
    {"-p 7 example.net:8", "example.net", "8"},
    {"-p 7 example.net 8", "example.net", "8"},
    {"--port echo ::1", "::1", "echo"},
    {"fe80::1%lo", "fe80::1%lo", "1060"},
    {"fe80::1%1", "fe80::1%1", "1060"},
    {"-4 192.0.2.1", "192.0.2.1", "1060"},
    {"-6 ::1", "::1", "1060"},
};

START_TEST(each_target_has_a_host_and_a_port)
{
    const struct address any[] = {numeric_address("192.0.2.1", "7")};
    names_find(any, 1); /* any service is known */
    take(targets[_i].line);
    ck_assert_str_eq(options.server.host, targets[_i].host);
    ck_assert_str_eq(options.server.port, targets[_i].port);
}
END_TEST

#define TARGET "TARGET must be HOST, HOST:PORT or [IPV6]:PORT, not "
#define HELP "; see sixteen --help"

static const struct {
    const char *line;
    const char *why;
} mistakes[] = {
    {"''", TARGET "'': the host is missing"},
    {"*:7", TARGET "*:7: the host is missing"},
    {":7", TARGET ":7: no host before the port; write *:PORT for every local address"},
    {"[::1", TARGET "[::1: the closing bracket of the IPv6 address is missing"},
    {"a:70000", TARGET "a:70000: the port must be a number from 0 to 65535 or a service name"},
    {"a b", "unexpected argument after TARGET: b"},
    {"a:7 8", "unexpected argument after TARGET: 8"},
    {"a ''", "unexpected argument after TARGET: "},
    {"a 7 8", "unexpected argument after HOST and PORT: 8"},
    {"a 65536", "PORT must be a number from 0 to 65535 or a service name, not 65536"},
    {"-p 65536", "--port must be a number from 0 to 65535 or a service name, not 65536"},
    {"-p ''", "--port must be a number from 0 to 65535 or a service name, not "},
    {"-6 192.0.2.1", "192.0.2.1 is not an IPv6 address, which -6 or --bind asks for"},
    {"-4 ::1", "::1 is not an IPv4 address, which -4 or --bind asks for"},
    {"-4 fe80::1%lo", "fe80::1%lo is not an IPv4 address, which -4 or --bind asks for"},
    {"-b 127.0.0.1 ::1", "::1 is not an IPv4 address, which -4 or --bind asks for"},
    {"-4 -6", "-4, -6 and --bind must agree on the address family" HELP},
    {"-6 -b 127.0.0.1", "-4, -6 and --bind must agree on the address family" HELP},
    {"-b nonsense", "--bind nonsense: not an address, a prefix or an interface of this host"},
    {"-c 0", "--count must be a whole number from 1 to 1000000000000000, not 0"},
    {"-c x", "--count must be a whole number from 1 to 1000000000000000, not x"},
    {"-i -1", "--interval must be a number of seconds from 0 to 31536000, not -1"},
    {"-W 0", "--timeout must be a number of seconds greater than 0 and at most 31536000, not 0"},
    {"-W -1", "--timeout must be a number of seconds greater than 0 and at most 31536000, not -1"},
    {"-w 1e9",
     "--deadline must be a number of seconds greater than 0 and at most 31536000, not 1e9"},
    {"--resolve 0",
     "--resolve must be a number of seconds greater than 0 and at most 31536000, not 0"},
    {"--duration 0",
     "--duration must be a number of seconds greater than 0 and at most 31536000, not 0"},
    {"--rate 0", "--rate must be a number greater than 0 and at most 10000000, not 0"},
    {"-P 1000001", "--parallel must be a whole number from 1 to 1000000, not 1000001"},
    {"--message short", "--message must be exactly 16 octets long, not 5: short"},
    {"--expect short", "--expect must be exactly 16 octets long, not 5: short"},
    {"--misbehave x",
     "--misbehave x: unknown kind; use drip, short, excess, silent, reset or half-close"},
    {"--proxy v3", "the first argument of --proxy must be v1 or v2, not v3"},
    {"--proxy v1 192.0.2.1:1", "--proxy requires three arguments: v1 or v2, SRC and DST" HELP},
    {"--proxy v1 a:1 b:2", "--proxy a:1: not a numeric address with a port, like 192.0.2.1:1060"},
    {"--proxy v1 192.0.2.1:1 [::1]:2", "--proxy requires two addresses of the same family"},
    {"--json --plugin", "--json and --plugin are mutually exclusive" HELP},
    {"--plugin --warn x", "--warn x: not a range; use 10, 10:, ~:10, 10:20 or @10:20"},
    {"--warn 1", "--warn and --crit require --plugin" HELP},
    {"--crit 1 --json", "--warn and --crit require --plugin" HELP},
    {"-P 2 -i 1",
     "--interval cannot be combined with -P, --rate or --duration; --rate sets the pace of a "
     "load" HELP},
    {"-P 2 --plugin", "--plugin cannot be combined with -P, --rate or --duration" HELP},
    {"--rate 2 --misbehave reset",
     "--misbehave cannot be combined with -P, --rate or --duration" HELP},
    {"-x", "unknown option -x" HELP},
    {"-c", "option requires an argument: -c" HELP},
};

START_TEST(each_mistake_has_its_complaint)
{
    ck_assert_int_eq(parse(mistakes[_i].line), -1);
    ck_assert_str_eq(why, mistakes[_i].why);
}
END_TEST

START_TEST(a_host_of_256_octets_is_too_long)
{
    char line[300] = "";
    memset(line, 'a', 256);
    ck_assert_int_eq(parse(line), -1);
    ck_assert_ptr_nonnull(strstr(why, ": the host is too long"));
    line[255] = '\0';
    ck_assert_int_eq(parse(line), 0);
}
END_TEST

START_TEST(an_unknown_service_is_a_mistake)
{
    names_fail(EAI_SERVICE, 0);
    ck_assert_int_eq(parse("example.net:no-such"), -1);
    ck_assert_str_eq(why, "unknown service no-such; /etc/services lists those of this host");
    names_fail(EAI_AGAIN, 0);
    take("example.net:no-such");
}
END_TEST

START_TEST(a_link_local_address_needs_an_interface_of_this_host)
{
    ck_assert_int_eq(parse("fe80::1"), -1);
    ck_assert_ptr_nonnull(strstr(why, "fe80::1: a link-local address needs an interface, like "
                                      "fe80::1%eth0; this host has lo"));
    ck_assert_int_eq(parse("fe80::1%nonesuch"), -1);
    ck_assert_ptr_nonnull(
        strstr(why, "fe80::1%nonesuch: this host has no interface nonesuch; it has lo"));
}
END_TEST

START_TEST(a_plugin_is_known_even_after_a_mistake)
{
    ck_assert_int_eq(parse("-c 0 --plugin"), -1);
    ck_assert_int_eq(options.format, FORMAT_PLUGIN);
    ck_assert_int_eq(parse("--json --plugin"), -1);
    ck_assert_int_eq(options.format, FORMAT_PLUGIN);
}
END_TEST

static const struct {
    const char *line;
    uint64_t count;
    double interval;
    enum client_mode mode;
    unsigned parallel;
} modes[] = {
    {"", 1, 1, CLIENT_ONCE, 1},
    {"--all", 1, 1, CLIENT_ONCE, 1},
    {"-c 3", 3, 1, CLIENT_REPEATED, 1},
    {"-i 0", 0, 0, CLIENT_REPEATED, 1},
    {"-i 0.2", 0, 0.2, CLIENT_REPEATED, 1},
    {"-w 1", 0, 1, CLIENT_REPEATED, 1},
    {"-w 1 --plugin", 1, 1, CLIENT_REPEATED, 1},
    {"--plugin", 1, 1, CLIENT_ONCE, 1},
    {"-P 7", 0, 1, CLIENT_LOAD, 7},
    {"-P 7 -c 3", 3, 1, CLIENT_LOAD, 7},
    {"--duration 2", 0, 1, CLIENT_LOAD, 1},
    {"--rate 2.5", 0, 1, CLIENT_LOAD, 1000},
    {"--rate 2.5 -P 3", 0, 1, CLIENT_LOAD, 3},
    {"-h", 0, 0, CLIENT_HELP, 0},
    {"--version", 0, 0, CLIENT_VERSION, 0},
};

START_TEST(each_mode_has_its_defaults)
{
    take(modes[_i].line);
    ck_assert_int_eq(options.mode, modes[_i].mode);
    ck_assert_uint_eq(options.count, modes[_i].count);
    ck_assert_double_eq(options.interval, modes[_i].interval);
    ck_assert_uint_eq(options.parallel, modes[_i].parallel);
    if (modes[_i].mode >= CLIENT_HELP)
        return;
    ck_assert_int_eq(options.question.keeps_server, modes[_i].mode == CLIENT_LOAD);
    ck_assert_int_eq(options.question.names_ends, modes[_i].mode != CLIENT_LOAD);
}
END_TEST

START_TEST(the_defaults_are_those_of_the_protocol)
{
    take("");
    ck_assert_mem_eq(options.question.message, WIRE_GREETING, WIRE_OCTETS);
    ck_assert_mem_eq(options.question.expect, WIRE_REPLY, WIRE_OCTETS);
    ck_assert_uint_eq(options.question.script.length, WIRE_OCTETS);
    ck_assert_int_eq(options.question.timeout, INT64_C(10000000000));
    ck_assert_int_eq(options.question.end_timeout, NEVER);
    ck_assert_double_eq(options.resolve, 300);
    ck_assert_int_eq(options.family, AF_UNSPEC);
}
END_TEST

START_TEST(options_change_the_question)
{
    take("--message 0123456789abcdef --expect fedcba9876543210 -W 0.5 --resolve 7 -q "
         "--misbehave drip:2 --plugin --warn 1: --crit 2");
    ck_assert_mem_eq(options.question.message, "0123456789abcdef", WIRE_OCTETS);
    ck_assert_mem_eq(options.question.expect, "fedcba9876543210", WIRE_OCTETS);
    ck_assert_int_eq(options.question.timeout, 500000000);
    ck_assert_int_eq(options.question.end_timeout, 1000000000);
    ck_assert_uint_eq(options.question.script.at_once, 1);
    ck_assert_int_eq(options.question.script.pace, 2000000000);
    ck_assert_double_eq(options.resolve, 7);
    ck_assert(options.quiet);
    ck_assert_str_eq(options.warn.text, "1:");
    ck_assert_str_eq(options.crit.text, "2");
    ck_assert_double_eq(options.crit.range.to, 2);
}
END_TEST

START_TEST(a_proxy_header_goes_before_the_message)
{
    const char header[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    take("--proxy v1 192.0.2.1:1 192.0.2.2:2 example.net");
    ck_assert_uint_eq(options.header_length, sizeof header - 1);
    ck_assert_mem_eq(options.question.script.octets, header, sizeof header - 1);
    ck_assert_uint_eq(options.question.script.length, sizeof header - 1 + WIRE_OCTETS);
    ck_assert_str_eq(options.server.host, "example.net");
}
END_TEST

START_TEST(a_source_sets_the_family)
{
    take("-b 127.0.0.2 example.net");
    ck_assert_int_eq(options.family, AF_INET);
    ck_assert_str_eq(options.source, "127.0.0.2");
    take("-b lo example.net");
    ck_assert_int_eq(options.family, AF_UNSPEC);
}
END_TEST

START_TEST(the_help_names_each_long_option)
{
    static const char *const names[] = {"ipv4",    "ipv6",     "port",   "bind",     "all",
                                        "timeout", "quiet",    "count",  "interval", "deadline",
                                        "resolve", "message",  "expect", "proxy",    "misbehave",
                                        "json",    "plugin",   "warn",   "crit",     "parallel",
                                        "rate",    "duration", "help",   "version"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    need(out != NULL, "a stream into memory");
    client_options_help(out);
    (void)fclose(out);
    for (size_t i = 0; i < COUNT(names); i++) {
        char option[32];
        snprintf(option, sizeof option, "--%s ", names[i]);
        ck_assert_msg(strstr(text, option) != NULL, "%s", option);
    }
    free(text);
}
END_TEST

Suite *client_options_suite(void)
{
    Suite *suite = suite_create("client options");
    TCase *tcase = add_case(suite, "client options", NULL);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_loop_test(tcase, each_target_has_a_host_and_a_port, 0, COUNT(targets));
    tcase_add_loop_test(tcase, each_mistake_has_its_complaint, 0, COUNT(mistakes));
    tcase_add_test(tcase, a_host_of_256_octets_is_too_long);
    tcase_add_test(tcase, an_unknown_service_is_a_mistake);
    tcase_add_test(tcase, a_link_local_address_needs_an_interface_of_this_host);
    tcase_add_test(tcase, a_plugin_is_known_even_after_a_mistake);
    tcase_add_loop_test(tcase, each_mode_has_its_defaults, 0, COUNT(modes));
    tcase_add_test(tcase, the_defaults_are_those_of_the_protocol);
    tcase_add_test(tcase, options_change_the_question);
    tcase_add_test(tcase, a_proxy_header_goes_before_the_message);
    tcase_add_test(tcase, a_source_sets_the_family);
    tcase_add_test(tcase, the_help_names_each_long_option);
    return suite;
}
