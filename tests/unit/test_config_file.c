/* SPDX-License-Identifier: MIT */
/* Reading the configuration's text: what it sets, and how it is refused. */
#include <config.h>

#include "server/config/config_file.h"
#include "settings_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

static struct settings *settings;
static struct settings *before;
static char message[ERROR_SIZE];

static void begin_with_defaults(void)
{
    settings = new_settings();
    before = new_settings();
    message[0] = '\0';
}

static void end(void)
{
    settings_unref(settings);
    settings_unref(before);
}

static bool parse(const char *text)
{
    return config_file_parse("a.conf", text, strlen(text), settings, message);
}

static void assert_untouched(void)
{
    assert_same_settings(settings, before);
}

#define CONNECTIONS "limits.connections must be a whole number from 1 to 1000000, not "
#define LISTEN                                            \
    "listen must be an array of 1 to 64 addresses, like " \
    "[ \"127.0.0.1:1060\", \"[::1]:1060\" ], not "

#define PREFIXES                                                                                \
    "must be an array of at most 4096 prefixes, like [ \"192.0.2.0/24\", \"2001:db8::/32\" ], " \
    "not "

static const struct {
    const char *text, *message;
} refused[] = {
    {"strict = true;\ncolour = 1;",
     "2: unknown key 'colour'; known here: listen, reply, expect, strict, limits, timeouts, "
     "access, log, daemon, metrics"},
    {"limits:\n{\n  conections = 1;\n};",
     "3: unknown key 'conections'; known in limits: connections, per_source, when_full, backlog"},
    {"strict: { a = 1; };", "1: strict must be true or false, not a group"},
    {"limits = 5;", "1: limits must be a group, like limits: { … };"},
    {"strict = true;\n\nstrict = false;",
     "3: duplicate setting name in 'strict = false;'; set each key once"},
    {"strict true;", "1: syntax error in 'strict true;'; write KEY = VALUE; and no comma after the "
                     "last element of an array"},
    {"\nstrict = 1;", "2: strict must be true or false, not 1"},
    {"strict = \"yes\";", "1: strict must be true or false, not 'yes'"},
    {"limits: {\n connections = \"many\"; };", "2: " CONNECTIONS "'many'"},
    {"limits: { connections = 0; };", "1: " CONNECTIONS "0"},
    {"limits: { connections = -1; };", "1: " CONNECTIONS "-1"},
    {"limits: { connections = 1000001L; };", "1: " CONNECTIONS "1000001"},
    {"limits: { connections = 4294967297; };",
     "1: an integer beyond 32 bits in 'limits: { connections = 4294967297; };'; the largest is "
     "2147483647"},
    {"timeouts: { drain = true; };",
     "1: timeouts.drain must be a number of seconds from 0 to 86400, like 30.0, not true"},
    {"timeouts: { linger = 1e999; };",
     "1: timeouts.linger must be a number of seconds from 0.01 to 3600, like 2.0, not inf"},
    {"reply = \"Bye\\n\";", "1: reply must be a string of exactly 16 octets, like \"Farewell, "
                            "client\", not 'Bye\\n' of 4"},
    {"listen = [ ];", "1: " LISTEN "an array of 0"},
    {"listen = [ 1060 ];", "1: " LISTEN "an array with an element that is not a string"},
    {"listen = \"*:1060\";", "1: " LISTEN "'*:1060'"},
    {"listen = ( \"*:1060\" );", "1: " LISTEN "a list in parentheses"},
    {"listen = [ \"*:1\",\n\"127.0.0.1\" ];",
     "2: listen '127.0.0.1': no port; write HOST:PORT, [IPV6]:PORT or *:PORT, like "
     "127.0.0.1:1060"},
    {"log: { to = \"file\"; };", "1: log.to must be one of \"syslog\", \"stderr\", not 'file'"},
    {"access: { allow = \"::1\"; };", "1: access.allow " PREFIXES "'::1'"},
    {"access: { deny = ( \"::1\" ); };", "1: access.deny " PREFIXES "a list in parentheses"},
    {"access: { deny = [ 1 ]; };",
     "1: access.deny " PREFIXES "an array with an element that is not a string"},
    {"access: { proxies = [ \"::1\",\n \"::1/64\" ]; };",
     "2: access.proxies '::1/64': bits are set after the prefix length; the network is ::/64"},
    {"access: { allowed = [ ]; };",
     "1: unknown key 'allowed'; known in access: allow, deny, proxies"},
    {"daemon: { pid_file = \"x\"; };",
     "1: daemon.pid_file must be an absolute path, or \"\" for none, not 'x'"},
    {"# @include\n@include \"/etc\"",
     "2: @include in '@include \"/etc\"'; it is not supported; write everything into one file"},
};

START_TEST(a_wrong_text_is_refused_with_its_line)
{
    ck_assert(!parse(refused[_i].text));
    ck_assert_int_eq(strncmp(message, "a.conf:", 7), 0);
    ck_assert_str_eq(message + 7, refused[_i].message);
}
END_TEST

START_TEST(a_wrong_value_after_right_ones_is_refused)
{
    ck_assert(!parse("strict = true; reply = \"0123456789abcdef\"; listen = [ \"*:1\" ];\n"
                     "limits: { connections = 1; backlog = 1; };\n"
                     "timeouts: { exchange = 1.0; linger = 1.0; drain = 1.0; };\n"
                     "log: { to = \"syslog\"; facility = \"cron\"; level = \"crit\"; };\n"
                     "daemon: { background = true; pid_file = \"/x\"; user = \"root\";\n"
                     "          group = 0; };"));
    ck_assert_str_eq(message, "a.conf:6: daemon.group must be the name of an existing group, "
                              "or \"\", not 0");
}
END_TEST

START_TEST(a_key_of_any_length_is_refused)
{
    char text[1000];
    memset(text, 'k', sizeof text);
    memcpy(text + sizeof text - 6, " = 1;", 6);
    ck_assert(!parse(text));
    ck_assert_int_eq(strncmp(message, "a.conf:1: unknown key 'kkkkkkkkkk", 33), 0);
}
END_TEST

START_TEST(an_empty_text_changes_nothing)
{
    ck_assert(parse(""));
    ck_assert(parse("# nothing\n"));
    ck_assert(parse("limits: { }; timeouts: { };"));
    assert_untouched();
}
END_TEST

START_TEST(every_key_is_set)
{
    ck_assert_msg(parse("listen = [ \"*:1\", \"[::1]:http\", \"a.example:0\" ];\n"
                        "reply = \"0123456789abcdef\"; expect = \"fedcba9876543210\";\n"
                        "strict = TRUE\n"
                        "limits = { connections = 0x10; backlog = 5L }\n"
                        "timeouts: { exchange = 3; linger = 1e-1; drain = 0.25 /* s */ }\n"
                        "access: { allow = [ \"10.0.0.0/8\", \"::1\" ]; deny = [ ];\n"
                        "          proxies = [ \"192.0.2.1\" ]; };\n"
                        "log: { to = \"syslog\"; facility = \"local3\"; level = \"warning\"; };\n"
                        "daemon: { background = true; pid_file = \"/run/a b\"; user = \"root\",\n"
                        "          group = \"root\"; };"),
                  "%s", message);
    ck_assert_uint_eq(settings->listen.count, 3);
    assert_listen(settings, 1, "[::1]:http");
    ck_assert_mem_eq(settings->reply, "0123456789abcdef", WIRE_OCTETS);
    ck_assert_mem_eq(settings->expect, "fedcba9876543210", WIRE_OCTETS);
    ck_assert(settings->strict && settings->daemon.background);
    ck_assert_int_eq(settings->limits.connections, 16);
    ck_assert_int_eq(settings->limits.backlog, 5);
    ck_assert_double_eq(settings->timeouts.exchange, 3);
    ck_assert_double_eq(settings->timeouts.linger, 0.1);
    ck_assert_double_eq(settings->timeouts.drain, 0.25);
    ck_assert_uint_eq(settings->access.allow.count, 2);
    ck_assert_uint_eq(settings->access.deny.count, 0);
    ck_assert_uint_eq(settings->access.proxies.count, 1);
    ck_assert_int_eq(settings->log.to, LOG_TO_SYSLOG);
    ck_assert_int_eq(settings->log.facility, LOG_LOCAL3);
    ck_assert_int_eq(settings->log.level, LOG_WARNING);
    ck_assert_str_eq(settings->daemon.pid_file, "/run/a b");
    ck_assert_str_eq(settings->daemon.user, "root");
    ck_assert_str_eq(settings->daemon.group, "root");
}
END_TEST

START_TEST(a_message_may_have_any_octet_but_NUL)
{
    ck_assert_msg(parse("reply = \"\\x01\\x7f\\xff\\\\\\\"\\t\\n\\r\\f '#\" \"/*;\xc3\";"), "%s",
                  message);
    ck_assert_mem_eq(settings->reply, "\x01\x7f\xff\\\"\t\n\r\f '#/*;\xc3", WIRE_OCTETS);
}
END_TEST

START_TEST(a_key_that_is_not_in_the_text_keeps_its_value)
{
    ck_assert(parse("limits: { connections = 7; };"));
    ck_assert(parse("limits: { backlog = 8; };"));
    ck_assert_int_eq(settings->limits.connections, 7);
    ck_assert_int_eq(settings->limits.backlog, 8);
}
END_TEST

/* Read a file of `count` octets that lives in memory. */
static bool read_from_memory(const char *octets, size_t count)
{
    char path[64];
    int fd = memfd_create("sixteen.conf", MFD_CLOEXEC);
    need(fd >= 0, "a file in memory");
    write_octets(fd, octets, count);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bool valid = config_file_read(path, settings, message);
    close(fd);
    return valid;
}

START_TEST(a_file_is_read)
{
    ck_assert_msg(read_from_memory("strict = true;", 14), "%s", message);
    ck_assert(settings->strict);
}
END_TEST

START_TEST(a_file_of_a_mebioctet_is_read_and_a_longer_one_is_refused)
{
    const size_t most = 1048576;
    char *text = malloc(most + 1);
    need(text != NULL, "memory");
    memset(text, '#', most + 1);
    text[most - 1] = '\n';
    bool read = read_from_memory(text, most);
    bool read_more = read_from_memory(text, most + 1);
    free(text);
    ck_assert(read);
    ck_assert(!read_more);
    ck_assert_ptr_nonnull(strstr(message, ": cannot read: File too large"));
    assert_untouched();
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_refused)
{
    ck_assert(!config_file_read("/dev/null/none", settings, message));
    ck_assert_str_eq(message, "/dev/null/none: cannot read: Not a directory");
    ck_assert(!config_file_read("/", settings, message));
    ck_assert_str_eq(message, "/: cannot read: Is a directory");
    assert_untouched();
}
END_TEST

/* A blocking open(2) would wait for a writer. */
START_TEST(a_FIFO_is_refused_at_once)
{
    char directory[] = "/tmp/sixteend-config-XXXXXX";
    char path[64];
    char expected[128];
    need(mkdtemp(directory) != NULL, "a directory");
    snprintf(path, sizeof path, "%s/fifo", directory);
    need(mkfifo(path, 0600) == 0, "a FIFO");
    int next = dup(STDOUT_FILENO);
    close(next);
    bool read = config_file_read(path, settings, message);
    unlink(path);
    rmdir(directory);
    ck_assert(!read);
    snprintf(expected, sizeof expected, "%s: cannot read: it must be a regular file", path);
    ck_assert_str_eq(message, expected);
    ck_assert_int_lt(fcntl(next, F_GETFD), 0);
    assert_untouched();
}
END_TEST

Suite *config_file_suite(void)
{
    Suite *suite = suite_create("config_file");
    TCase *text = add_case(suite, "config_file_parse", NULL);
    tcase_add_checked_fixture(text, begin_with_defaults, end);
    tcase_add_loop_test(text, a_wrong_text_is_refused_with_its_line, 0, COUNT(refused));
    tcase_add_test(text, a_wrong_value_after_right_ones_is_refused);
    tcase_add_test(text, a_key_of_any_length_is_refused);
    tcase_add_test(text, an_empty_text_changes_nothing);
    tcase_add_test(text, every_key_is_set);
    tcase_add_test(text, a_message_may_have_any_octet_but_NUL);
    tcase_add_test(text, a_key_that_is_not_in_the_text_keeps_its_value);

    TCase *file = add_case(suite, "config_file_read", NULL);
    tcase_add_checked_fixture(file, begin_with_defaults, end);
    tcase_add_test(file, a_file_is_read);
    tcase_add_test(file, a_file_of_a_mebioctet_is_read_and_a_longer_one_is_refused);
    tcase_add_test(file, a_file_that_cannot_be_read_is_refused);
    tcase_add_test(file, a_FIFO_is_refused_at_once);
    return suite;
}
