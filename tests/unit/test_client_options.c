/* SPDX-License-Identifier: MIT */
/* The client's command line: what it asks for, and what is wrong with it. */
#include <config.h>

#include "client/options/options.h"
#include "common/text.h"
#include "names_support.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORDS_MAX 20

static struct client_options options;
static char why[CLIENT_OPTIONS_WHY];

static void begin(void)
{
    names_find(NULL, 0);
}

static void keep(void *server)
{
    (void)server;
}

/* Free the targets, which the program does not. */
static void forget(void)
{
    tdestroy(options.known, keep);
    free(options.servers);
    options = (struct client_options){.server_count = 0};
}

/* Read a command line, whose words have one space between them; "''" is an empty one. */
static int parse(const char *line)
{
    static char name[] = "sixteen";
    static char text[1024];
    static char *argv[WORDS_MAX + 2]; /* the options refer to it */
    char *rest = NULL;
    int argc = 1;
    argv[0] = name;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        need(argc <= WORDS_MAX, "room for the words");
        if (strcmp(word, "''") == 0)
            *word = '\0';
        argv[argc++] = word;
    }
    forget();
    argv[argc] = NULL;
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
    {"example.net --proxy v1 192.0.2.1:1 192.0.2.2:2 7 -4", "example.net", "7"},
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
    ck_assert_str_eq(options.servers[0].host, targets[_i].host);
    ck_assert_str_eq(options.servers[0].port, targets[_i].port);
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
    {"a:7 8", "unexpected argument after TARGET: 8"},
    {"a ''", TARGET "'': the host is missing"},
    {"a 7 8", "7 is not a TARGET; with several, write each as HOST:PORT"},
    {"a b 7", "7 is not a TARGET; with several, write each as HOST:PORT"},
    {"a 7 b", "7 is not a TARGET; with several, write each as HOST:PORT"},
    {"a b :7", TARGET ":7: no host before the port; write *:PORT for every local address"},
    {"a b a", "the target a is given twice"},
    {"a a:1060", "the target a:1060 is given twice"},
    {"-p 7 a a:7", "the target a:7 is given twice"},
    {"::1 [::1]", "the target [::1] is given twice"},
    {"-4 a ::1", "::1 is not an IPv4 address, but -4 or --bind requires one"},
    {"--plugin a b", "--plugin takes only one TARGET" HELP},
    {"-P 2 a b", "a load takes only one TARGET" HELP},
    {"--rate 2 a b", "a load takes only one TARGET" HELP},
    {"--path a b", "--path takes only one TARGET" HELP},
    {"a\x1b", "TARGET contains a blank or a control character: \"a\\u001b\""},
    {"-i 0 a b", "--interval 0 takes only one TARGET; several are checked at the same time"},
    {"a 65536", "PORT must be a number from 0 to 65535 or a service name, not 65536"},
    {"-p 65536", "--port must be a number from 0 to 65535 or a service name, not 65536"},
    {"-p ''", "--port must be a number from 0 to 65535 or a service name, not "},
    {"-6 192.0.2.1", "192.0.2.1 is not an IPv6 address, but -6 or --bind requires one"},
    {"-4 ::1", "::1 is not an IPv4 address, but -4 or --bind requires one"},
    {"-4 fe80::1%lo", "fe80::1%lo is not an IPv4 address, but -4 or --bind requires one"},
    {"-b 127.0.0.1 ::1", "::1 is not an IPv4 address, but -4 or --bind requires one"},
    {"-4 -6", "-4, -6 and --bind must agree on the address family" HELP},
    {"-6 -b 127.0.0.1", "-4, -6 and --bind must agree on the address family" HELP},
    {"-b nonsense", "--bind nonsense: not an address, a prefix or an interface of this host"},
    {"-c 0", "--count must be a whole number from 1 to 1000000000000000, not 0"},
    {"-c x", "--count must be a whole number from 1 to 1000000000000000, not x"},
    {"-i 1e-12", "--interval must be at least 0.000001 for 1 target"},
    {"-i 1e-12 a", "--interval must be at least 0.000001 for 1 target"},
    {"-i -1", "--interval must be a number of seconds from 0 to 31536000, not -1"},
    {"-W 0", "--timeout must be a number of seconds greater than 0 and at most 31536000, not 0"},
    {"-W -1", "--timeout must be a number of seconds greater than 0 and at most 31536000, not -1"},
    {"-w 1e9",
     "--deadline must be a number of seconds greater than 0 and at most 31536000, not 1e9"},
    {"--resolve 0", "--resolve must be a number of seconds from 0.01 to 31536000, not 0"},
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
    {"--connect --message sixteen-octets-!",
     "--connect sends nothing, so it cannot be combined with --message, --expect, --proxy or "
     "--misbehave" HELP},
    {"--expect sixteen-octets-! --connect -P 2",
     "--connect sends nothing, so it cannot be combined with --message, --expect, --proxy or "
     "--misbehave" HELP},
    {"--connect --proxy v1 192.0.2.1:1 192.0.2.2:2",
     "--connect sends nothing, so it cannot be combined with --message, --expect, --proxy or "
     "--misbehave" HELP},
    {"--connect --misbehave silent",
     "--connect sends nothing, so it cannot be combined with --message, --expect, --proxy or "
     "--misbehave" HELP},
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
    {"a b", 1, 1, CLIENT_REPEATED, 1},
    {"-c 3 a b", 3, 1, CLIENT_REPEATED, 1},
    {"-i 0.2 a b", 0, 0.2, CLIENT_REPEATED, 1},
    {"-w 1 a b", 0, 1, CLIENT_REPEATED, 1},
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
    ck_assert_str_eq(options.servers[0].host, "example.net");
}
END_TEST

START_TEST(nothing_is_sent_to_connect)
{
    take("--connect -P 2");
    ck_assert(options.question.connects);
    ck_assert_uint_eq(options.question.script.length, 0);
    ck_assert_int_eq(options.question.script.end, SCRIPT_END_OPEN);
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
    static const char *const names[] = {"ipv4",    "ipv6",     "port",    "bind",     "all",
                                        "timeout", "quiet",    "count",   "interval", "deadline",
                                        "resolve", "message",  "expect",  "proxy",    "misbehave",
                                        "json",    "plugin",   "warn",    "crit",     "parallel",
                                        "rate",    "duration", "connect", "help",     "version"};
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

/* ---- Several targets, and files of them ---- */

static void assert_targets(const char *expected)
{
    char text[1024] = "";
    char name[ENDPOINT_TEXT];
    for (size_t i = 0; i < options.server_count; i++)
        text_append(text, sizeof text, "%s%s", i > 0 ? " " : "",
                    endpoint_format(&options.servers[i], name));
    ck_assert_str_eq(text, expected);
}

START_TEST(each_operand_is_a_target)
{
    static const struct {
        const char *line;
        const char *targets;
        bool is_table;
    } rows[] = {{"", "127.0.0.1:1060", false},
                {"a 7", "a:7", false},
                {"a b", "a:1060 b:1060", true},
                {"a b:7 [::1]:8 ::1", "a:1060 b:7 [::1]:8 [::1]:1060", true},
                {"a a:7", "a:1060 a:7", true},
                {"-p 7 a b:8 --all c", "a:7 b:8 c:7", true},
                {"a 7x", "a:1060 7x:1060", true},
                {"7 a", "7:1060 a:1060", true}};
    take(rows[_i].line);
    assert_targets(rows[_i].targets);
    ck_assert_int_eq(options.is_table, rows[_i].is_table);
    ck_assert_int_eq(options.mode, rows[_i].is_table ? CLIENT_REPEATED : CLIENT_ONCE);
}
END_TEST

START_TEST(the_arguments_are_kept)
{
    take("-c 3 a b");
    ck_assert_str_eq(options.arguments[0], "sixteen");
    ck_assert_str_eq(options.arguments[4], "b");
    ck_assert_ptr_null(options.arguments[5]);
}
END_TEST

static int file = -1;
static char path[32];

/* Make a file with these octets. */
static void make_file(const char *octets, size_t count)
{
    file = memfd_create("targets", MFD_CLOEXEC);
    need(file >= 0, "a file in memory");
    write_octets(file, octets, count);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

/* Read a command line that names the file. */
static int parse_file(const char *line)
{
    char with_file[100];
    snprintf(with_file, sizeof with_file, "%s --targets %s", line, path);
    return parse(with_file);
}

static void begin_files(void)
{
    begin();
    file = -1;
}

static void end_files(void)
{
    forget();
    if (file >= 0)
        close(file);
}

static const struct {
    const char *text;
    const char *line;
    const char *targets;
} files[] = {
    {"a\n", "", "a:1060"},
    {"a", "", "a:1060"},
    {"a:7\n[::1]:8\n::1\n", "", "a:7 [::1]:8 [::1]:1060"},
    {"# one\n\n \t\na # two\n#b\n\tb#three\n", "", "a:1060 b:1060"},
    {"a\r\n\r\n# one\r\nb:7 \r\n", "", "a:1060 b:7"},
    {"\xef\xbb\xbf"
     "a\n",
     "", "a:1060"},
    {"b\n", "-p 7 a", "a:7 b:7"},
    {"b\n", "a 7", "a:7 b:1060"},
    {"# none\n", "a", "a:1060"},
};

START_TEST(each_line_of_a_file_is_a_target)
{
    make_file(files[_i].text, strlen(files[_i].text));
    int result = parse_file(files[_i].line);
    ck_assert_str_eq(why, "");
    ck_assert_int_eq(result, 0);
    assert_targets(files[_i].targets);
    ck_assert(options.is_table); /* even with one */
    ck_assert_int_eq(options.mode, CLIENT_REPEATED);
}
END_TEST

#define LINES(text) (text), sizeof(text) - 1

/* FILE stands for the name of the file. */
static const struct {
    const char *text;
    size_t length;
    const char *line;
    const char *why;
} wrong_files[] = {
    {LINES(""), "", "--targets: FILE has no target"},
    {LINES("\n # one\n"), "", "--targets: FILE has no target"},
    {LINES("a\n\nb 7\n"), "", "FILE:3: unexpected text after the target: 7"},
    {LINES("a b # c\r\n"), "", "FILE:1: unexpected text after the target: b # c"},
    {LINES("a\nb\0c\n"), "", "FILE:2: the line contains a NUL octet"},
    {LINES("a\n\0"), "", "FILE:2: the line contains a NUL octet"},
    {LINES("a\n*:7\n"), "", "FILE:2: " TARGET "*:7: the host is missing"},
    {LINES("a:70000"), "",
     "FILE:1: " TARGET "a:70000: the port must be a number from 0 to 65535 or a service name"},
    {LINES("a\nb\na\n"), "", "FILE:3: the target a is given twice"},
    {LINES("a\n"), "a:1060", "FILE:1: the target a is given twice"},
    {LINES("::1\n"), "-4", "FILE:1: ::1 is not an IPv4 address, but -4 or --bind requires one"},
    {LINES("a\n"), "--targets b", "--targets can be given only once" HELP},
    {LINES("a\n"), "--plugin", "--plugin takes only one TARGET" HELP},
    {LINES("a\n"), "-P 2", "a load takes only one TARGET" HELP},
    {LINES("a\nb\n"), "-i 0.000001", "--interval must be at least 0.000002 for 2 targets"},
    {LINES("a\n"), "-i 0",
     "--interval 0 takes only one TARGET; several are checked at the same time"},
};

START_TEST(a_line_has_a_limit)
{
    char text[1002];
    memset(text, 'a', sizeof text);
    text[999] = text[1001] = '\n';
    text[1000] = 'b';
    text[0] = '#';
    make_file(text, sizeof text);
    ck_assert_int_eq(parse_file(""), 0);
    assert_targets("b:1060");
    end_files();
    begin_files();
    text[999] = 'a';
    make_file(text, sizeof text);
    ck_assert_int_eq(parse_file(""), -1);
    ck_assert_msg(strstr(why, ":1: the line has more than 999 octets") != NULL, "%s", why);
    end_files();
    begin_files();
    text[0] = '\xef';
    text[1] = '\xbb';
    text[2] = '\xbf';
    make_file(text, sizeof text);
    ck_assert_int_eq(parse_file(""), -1);
    ck_assert_msg(strstr(why, ":1: the line has more than 999 octets") != NULL, "%s", why);
}
END_TEST

START_TEST(a_mistake_in_a_file_has_its_line)
{
    char expected[CLIENT_OPTIONS_WHY];
    const char *at = strstr(wrong_files[_i].why, "FILE");
    make_file(wrong_files[_i].text, wrong_files[_i].length);
    ck_assert_int_eq(parse_file(wrong_files[_i].line), -1);
    if (at == NULL)
        at = wrong_files[_i].why + strlen(wrong_files[_i].why);
    snprintf(expected, sizeof expected, "%.*s%s%s", (int)(at - wrong_files[_i].why),
             wrong_files[_i].why, *at != '\0' ? path : "", *at != '\0' ? at + 4 : "");
    ck_assert_str_eq(why, expected);
}
END_TEST

START_TEST(targets_can_be_read_from_standard_input)
{
    static const char text[] = "a\n\nb:7 c\n";
    make_file(text, _i == 0 ? 3 : sizeof text - 1);
    int kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    int from = open(path, O_RDONLY | O_CLOEXEC);
    need(kept >= 0 && from >= 0 && dup2(from, STDIN_FILENO) >= 0, "standard input");
    close(from);
    int result = parse("--targets -");
    rewind(stdin); /* forgets what it has read */
    dup2(kept, STDIN_FILENO);
    close(kept);
    ck_assert_str_eq(why, _i == 0 ? "" : "standard input:3: unexpected text after the target: c");
    ck_assert_int_eq(result, _i == 0 ? 0 : -1);
    if (_i == 0)
        assert_targets("a:1060");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_a_mistake)
{
    ck_assert_int_eq(parse("--targets /no/such/file"), -1);
    ck_assert_str_eq(why, "--targets: cannot open /no/such/file: No such file or directory");
    ck_assert_int_eq(parse("a --targets /"), -1);
    ck_assert_str_eq(why, "cannot read /: Is a directory");
}
END_TEST

START_TEST(ten_thousand_targets_are_the_most)
{
    char *text = NULL;
    size_t size = 0;
    char expected[100];
    FILE *out = open_memstream(&text, &size);
    need(out != NULL, "a stream into memory");
    for (int i = 1; i <= 10000 + _i; i++)
        fprintf(out, "host%d\n", i);
    (void)fclose(out);
    make_file(text, size);
    free(text);
    ck_assert_int_eq(parse_file(""), -_i);
    snprintf(expected, sizeof expected, "%s:10001: at most 10000 targets are supported", path);
    ck_assert_str_eq(why, _i == 0 ? "" : expected);
    if (_i == 0)
        ck_assert_uint_eq(options.server_count, 10000);
}
END_TEST

/* The first allocation is for the operands, the second for the targets. */
START_TEST(without_memory_there_is_no_target)
{
    io_fail(FAULT_MEMORY, _i, 1, ENOMEM);
    int result = parse("a");
    io_reset();
    ck_assert_int_eq(result, -1);
    ck_assert_str_eq(why, "Cannot allocate memory");
}
END_TEST

Suite *client_options_suite(void)
{
    Suite *suite = suite_create("client options");
    TCase *tcase = add_case(suite, "client options", NULL);
    tcase_add_checked_fixture(tcase, begin, forget);
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
    tcase_add_test(tcase, nothing_is_sent_to_connect);
    tcase_add_test(tcase, a_source_sets_the_family);
    tcase_add_test(tcase, the_help_names_each_long_option);

    TCase *several = add_case(suite, "client options, targets", NULL);
    tcase_add_checked_fixture(several, begin_files, end_files);
    tcase_add_loop_test(several, each_operand_is_a_target, 0, 8);
    tcase_add_test(several, the_arguments_are_kept);
    tcase_add_loop_test(several, each_line_of_a_file_is_a_target, 0, COUNT(files));
    tcase_add_test(several, a_line_has_a_limit);
    tcase_add_loop_test(several, a_mistake_in_a_file_has_its_line, 0, COUNT(wrong_files));
    tcase_add_loop_test(several, targets_can_be_read_from_standard_input, 0, 2);
    tcase_add_test(several, a_file_that_cannot_be_read_is_a_mistake);
    tcase_add_loop_test(several, ten_thousand_targets_are_the_most, 0, 2);
    tcase_add_loop_test(several, without_memory_there_is_no_target, 0, 2);
    return suite;
}
