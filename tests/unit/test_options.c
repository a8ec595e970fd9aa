/* SPDX-License-Identifier: MIT */
/* The command line, and the settings that result from it. */
#include <config.h>

#include "server/config/options.h"
#include "settings_support.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define DEFAULT_FILE SYSCONFDIR "/sixteen.conf"

/* Whether the default file exists. NOLINTBEGIN(bugprone-reserved-identifier) */
static int access_error;
int __wrap_access(const char *path, int mode);

int __wrap_access(const char *path, int mode)
{
    need(strcmp(path, DEFAULT_FILE) == 0 && mode == F_OK, "a look for the default file");
    errno = access_error;
    return access_error == 0 ? 0 : -1;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct options options;
static struct settings *settings; /* those that the last call loaded, or NULL */
static struct settings *defaults;
static struct settings *running; /* those of a running daemon, or NULL */
static char message[ERROR_SIZE];
static int file = -1;

static void begin(void)
{
    access_error = ENOENT;
    options = (struct options){0};
    defaults = new_settings();
    settings = running = NULL;
    message[0] = '\0';
}

static void close_file(void)
{
    if (file >= 0)
        close(file);
    file = -1;
}

static void end(void)
{
    close_file();
    settings_unref(settings);
    settings_unref(running);
    settings_unref(defaults);
}

/* Make --config name a file with this text. */
static void write_file(const char *text)
{
    close_file();
    file = memfd_create("sixteen.conf", MFD_CLOEXEC);
    need(file >= 0, "a file in memory");
    write_octets(file, text, strlen(text));
    snprintf(options.config, sizeof options.config, "/proc/self/fd/%d", file);
}

static void add_listen(const char *text)
{
    need(endpoint_parse(text, &options.listen.list[options.listen.count++]) == NULL,
         "a valid address");
}

static int load(void)
{
    settings_unref(settings);
    settings = NULL;
    return options_load(&options, running, &settings, message);
}

static void assert_loaded_with(const char *warning)
{
    int status = load();
    ck_assert_msg(status == EX_OK, "%d: %s", status, message);
    ck_assert_ptr_nonnull(settings);
    ck_assert_uint_eq(settings->references, 1);
    ck_assert_str_eq(message, warning);
}

static void assert_loaded(void)
{
    assert_loaded_with("");
}

static void assert_refused(int status, const char *expected)
{
    ck_assert_int_eq(load(), status);
    ck_assert_ptr_null(settings);
    ck_assert_str_eq(message, expected);
}

START_TEST(without_file_and_options_the_defaults_hold)
{
    assert_loaded();
    defaults->log.to = LOG_TO_STDERR;
    assert_same_settings(settings, defaults);
    ck_assert_str_eq(options_file_name(&options), "the built-in defaults");
}
END_TEST

START_TEST(the_default_file_is_read_if_it_exists)
{
    char named[sizeof message];
    access_error = 0;
    ck_assert_str_eq(options_file_name(&options), DEFAULT_FILE);
    access_error = EACCES;
    ck_assert_str_eq(options_file_name(&options), DEFAULT_FILE);
    snprintf(options.config, sizeof options.config, "%s", DEFAULT_FILE);
    int status = load();
    memcpy(named, message, sizeof named);
    options.config[0] = '\0';
    ck_assert_int_eq(load(), status);
    ck_assert_str_eq(message, named);
}
END_TEST

static void parse_no_option(void)
{
    char name[] = "sixteend";
    char *argv[] = {name, NULL};
    optind = 0; /* getopt_long(3) starts anew */
    ck_assert_int_eq(options_parse(&options, 1, argv, message), 0);
}

START_TEST(a_default_file_that_exists_is_remembered)
{
    parse_no_option();
    ck_assert_str_eq(options.config, "");
    access_error = 0;
    parse_no_option();
    ck_assert_str_eq(options.config, DEFAULT_FILE);
    access_error = ENOENT;
    (void)load();
    ck_assert_str_eq(options.config, DEFAULT_FILE);
    ck_assert_str_eq(options_file_name(&options), DEFAULT_FILE);
}
END_TEST

START_TEST(the_file_of_the_command_line_is_read_over_the_defaults)
{
    write_file("limits: { connections = 7; };");
    assert_loaded();
    ck_assert_int_eq(settings->limits.connections, 7);
    ck_assert_int_eq(settings->limits.backlog, defaults->limits.backlog);
    ck_assert_str_eq(options_file_name(&options), options.config);
}
END_TEST

START_TEST(options_win_over_the_file)
{
    write_file(
        "listen = [ \"*:1\", \"*:2\", \"*:3\" ]; log: { to = \"syslog\"; level = \"err\"; };\n"
        "daemon: { background = true; pid_file = \"/run/a.pid\"; };");
    add_listen("127.0.0.1:4");
    add_listen("127.0.0.1:5");
    options.verbose = true;
    options.to_stderr = true;
    options.run_in = RUN_FOREGROUND;
    snprintf(options.pid_file, sizeof options.pid_file, "/run/b.pid");
    assert_loaded();
    ck_assert_uint_eq(settings->listen.count, 2);
    assert_listen(settings, 0, "127.0.0.1:4");
    assert_listen(settings, 1, "127.0.0.1:5");
    ck_assert_int_eq(settings->log.level, LOG_DEBUG);
    ck_assert_int_eq(settings->log.to, LOG_TO_STDERR);
    ck_assert(!settings->daemon.background);
    ck_assert_str_eq(settings->daemon.pid_file, "/run/b.pid");
}
END_TEST

START_TEST(the_file_decides_what_no_option_does)
{
    write_file("listen = [ \"*:1\" ]; log: { level = \"err\"; };\n"
               "daemon: { background = true; pid_file = \"/run/a.pid\"; };");
    assert_loaded();
    ck_assert_uint_eq(settings->listen.count, 1);
    assert_listen(settings, 0, "*:1");
    ck_assert_int_eq(settings->log.level, LOG_ERR);
    ck_assert_int_eq(settings->log.to, LOG_TO_SYSLOG);
    ck_assert(settings->daemon.background);
    ck_assert_str_eq(settings->daemon.pid_file, "/run/a.pid");
}
END_TEST

START_TEST(the_command_line_sends_it_to_the_background)
{
    options.run_in = RUN_BACKGROUND;
    assert_loaded();
    ck_assert(settings->daemon.background);
    ck_assert_int_eq(settings->log.to, LOG_TO_SYSLOG);
}
END_TEST

static void assert_log_target(enum log_target expected)
{
    assert_loaded();
    ck_assert_int_eq(settings->log.to, expected);
}

START_TEST(the_log_goes_to_stderr_in_the_foreground_and_to_syslog_in_the_background)
{
    assert_log_target(LOG_TO_STDERR);
    write_file("daemon: { background = true; };");
    assert_log_target(LOG_TO_SYSLOG);
    write_file("log: { to = \"syslog\"; };");
    assert_log_target(LOG_TO_SYSLOG);
    options.run_in = RUN_BACKGROUND;
    assert_log_target(LOG_TO_SYSLOG);
}
END_TEST

START_TEST(a_wrong_file_is_named)
{
    char expected[sizeof options.config + 64];
    write_file("\nstrict = 1;");
    snprintf(expected, sizeof expected, "%s:2: strict must be true or false, not 1",
             options.config);
    assert_refused(EX_CONFIG, expected);
    snprintf(options.config, sizeof options.config, "/dev/null/none");
    assert_refused(EX_CONFIG, "/dev/null/none: cannot read: Not a directory");
}
END_TEST

static int parse_two_addresses(const char *second)
{
    char words[][64] = {"sixteend", "--listen", "127.0.0.1:4", "--listen", ""};
    char *argv[COUNT(words) + 1] = {NULL};
    for (size_t i = 0; i < COUNT(words); i++)
        argv[i] = words[i];
    snprintf(words[COUNT(words) - 1], sizeof words[0], "%s", second);
    optind = 0; /* getopt_long(3) starts anew */
    return options_parse(&options, COUNT(words), argv, message);
}

START_TEST(a_wrong_address_of_the_command_line_is_a_usage_error)
{
    ck_assert_int_eq(parse_two_addresses("[::1]:5"), 0);
    ck_assert_uint_eq(options.listen.count, 2);
    ck_assert_str_eq(message, "");
    ck_assert_int_eq(parse_two_addresses("nonsense"), -1);
    ck_assert_str_eq(message, "--listen nonsense: no port; write HOST:PORT, [IPV6]:PORT or "
                              "*:PORT, like 127.0.0.1:1060");
}
END_TEST

START_TEST(standard_error_and_a_background_from_the_file_are_refused)
{
    write_file("daemon: { background = true; };");
    options.to_stderr = true;
    assert_refused(EX_USAGE, "--stderr needs --foreground, because daemon.background is true; "
                             "see sixteend --help");
}
END_TEST

START_TEST(a_log_on_standard_error_and_a_background_are_refused)
{
    char expected[sizeof options.config + 256];
    write_file("log: { to = \"stderr\"; };");
    assert_loaded();
    options.run_in = RUN_BACKGROUND;
    snprintf(expected, sizeof expected,
             "%s: log.to must be \"syslog\" in the background, not \"stderr\"; set "
             "daemon.background = false, or use --foreground",
             options.config);
    assert_refused(EX_CONFIG, expected);
    options.run_in = RUN_DEFAULT;
    write_file("log: { to = \"stderr\"; }; daemon: { background = true; };");
    ck_assert_int_eq(load(), EX_CONFIG);
    options.run_in = RUN_FOREGROUND;
    assert_loaded();
    ck_assert_int_eq(settings->log.to, LOG_TO_STDERR);
}
END_TEST

START_TEST(a_readiness_descriptor_requires_the_foreground)
{
    options.ready_fd = 3;
    assert_loaded();
    write_file("daemon: { background = true; };");
    assert_refused(EX_USAGE, "--ready-fd needs --foreground, because daemon.background is true; "
                             "see sixteend --help");
    options.run_in = RUN_FOREGROUND;
    assert_loaded();
}
END_TEST

START_TEST(a_running_daemon_keeps_its_fixed_keys)
{
    write_file("daemon: { pid_file = \"/run/a.pid\"; user = \"root\"; };");
    assert_loaded();
    running = settings_ref(settings);
    assert_loaded();
    assert_same_settings(settings, running);
    write_file("strict = true;\n"
               "daemon: { pid_file = \"/run/b.pid\"; group = \"root\"; background = true; };");
    assert_loaded_with("daemon.background, daemon.pid_file, daemon.user, daemon.group: "
                       "a change takes effect at the next restart");
    ck_assert(settings->strict);
    ck_assert(!settings->daemon.background);
    ck_assert_str_eq(settings->daemon.pid_file, "/run/a.pid");
    ck_assert_str_eq(settings->daemon.user, "root");
    ck_assert_str_eq(settings->daemon.group, "");
    ck_assert_int_eq(settings->log.to, LOG_TO_STDERR);
    write_file("daemon: { pid_file = \"/run/a.pid\"; user = \"\"; };");
    assert_loaded_with("daemon.user: a change takes effect at the next restart");
    write_file("strict = 1;");
    ck_assert_int_eq(load(), EX_CONFIG);
    ck_assert_ptr_null(settings);
}
END_TEST

Suite *options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = add_case(suite, "options", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, without_file_and_options_the_defaults_hold);
    tcase_add_test(tcase, the_default_file_is_read_if_it_exists);
    tcase_add_test(tcase, a_default_file_that_exists_is_remembered);
    tcase_add_test(tcase, the_file_of_the_command_line_is_read_over_the_defaults);
    tcase_add_test(tcase, options_win_over_the_file);
    tcase_add_test(tcase, the_file_decides_what_no_option_does);
    tcase_add_test(tcase, the_command_line_sends_it_to_the_background);
    tcase_add_test(tcase, the_log_goes_to_stderr_in_the_foreground_and_to_syslog_in_the_background);
    tcase_add_test(tcase, a_wrong_file_is_named);
    tcase_add_test(tcase, a_wrong_address_of_the_command_line_is_a_usage_error);
    tcase_add_test(tcase, standard_error_and_a_background_from_the_file_are_refused);
    tcase_add_test(tcase, a_log_on_standard_error_and_a_background_are_refused);
    tcase_add_test(tcase, a_readiness_descriptor_requires_the_foreground);
    tcase_add_test(tcase, a_running_daemon_keeps_its_fixed_keys);
    return suite;
}
