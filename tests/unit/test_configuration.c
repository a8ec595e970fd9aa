/* SPDX-License-Identifier: MIT */
/* The defaults, over them the file, over that the command line. */
#include <config.h>

#include "server/config/configuration.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define DEFAULT_FILE SYSCONFDIR "/sixteen.conf"

/* Whether there is a default file. NOLINTBEGIN(bugprone-reserved-identifier) */
static int access_error;
int __wrap_access(const char *path, int mode);

int __wrap_access(const char *path, int mode)
{
    need(strcmp(path, DEFAULT_FILE) == 0 && mode == F_OK, "a question for the default file");
    errno = access_error;
    return access_error == 0 ? 0 : -1;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct options options;
static struct settings settings;
static struct settings defaults;
static char complaint[SETTINGS_COMPLAINT];
static int file = -1;

static void begin(void)
{
    access_error = ENOENT;
    options = (struct options){0};
    settings_defaults(&defaults);
    settings = defaults;
    complaint[0] = '\0';
}

static void end(void)
{
    if (file >= 0)
        close(file);
    file = -1;
}

/* Let --config name a file with this text. */
static void write_file(const char *text)
{
    end();
    file = memfd_create("sixteen.conf", MFD_CLOEXEC);
    need(file >= 0, "a file in memory");
    write_octets(file, text, strlen(text));
    snprintf(options.config, sizeof options.config, "/proc/self/fd/%d", file);
}

/* What was before in `settings` is to leave no trace. */
static int load(void)
{
    memset(&settings, 0x55, sizeof settings);
    return options_load(&options, NULL, &settings, complaint);
}

static void assert_loaded(void)
{
    int status = load();
    ck_assert_msg(status == EX_OK, "%d: %s", status, complaint);
}

static void assert_refused(int status, const char *expected)
{
    ck_assert_int_eq(load(), status);
    ck_assert_str_eq(complaint, expected);
}

START_TEST(without_file_and_options_the_defaults_hold)
{
    assert_loaded();
    settings_resolve(&defaults);
    ck_assert_mem_eq(&settings, &defaults, sizeof settings);
    ck_assert_str_eq(options_file_name(&options), "the built-in configuration");
}
END_TEST

START_TEST(the_default_file_is_read_where_there_is_one)
{
    char named[sizeof complaint];
    access_error = 0;
    ck_assert_str_eq(options_file_name(&options), DEFAULT_FILE);
    access_error = EACCES;
    ck_assert_str_eq(options_file_name(&options), DEFAULT_FILE);
    snprintf(options.config, sizeof options.config, "%s", DEFAULT_FILE);
    int status = load();
    memcpy(named, complaint, sizeof named);
    options.config[0] = '\0';
    ck_assert_int_eq(load(), status);
    ck_assert_str_eq(complaint, named);
}
END_TEST

START_TEST(the_file_of_the_command_line_is_read_over_the_defaults)
{
    write_file("limits: { connections = 7; };");
    assert_loaded();
    ck_assert_int_eq(settings.limits.connections, 7);
    ck_assert_int_eq(settings.limits.backlog, defaults.limits.backlog);
    ck_assert_str_eq(options_file_name(&options), options.config);
}
END_TEST

START_TEST(options_win_over_the_file)
{
    write_file(
        "listen = [ \"*:1\", \"*:2\", \"*:3\" ]; log: { to = \"syslog\"; level = \"err\"; };\n"
        "daemon: { background = true; pid_file = \"/run/a.pid\"; };");
    options.listen[0] = "127.0.0.1:4";
    options.listen[1] = "127.0.0.1:5";
    options.listen_count = 2;
    options.verbose = true;
    options.to_stderr = true;
    options.place = RUN_FOREGROUND;
    snprintf(options.pid_file, sizeof options.pid_file, "/run/b.pid");
    assert_loaded();
    ck_assert_uint_eq(settings.listen.count, 2);
    ck_assert_str_eq(settings.listen.text[0], "127.0.0.1:4");
    ck_assert_str_eq(settings.listen.text[1], "127.0.0.1:5");
    ck_assert_int_eq(settings.log.level, LOG_DEBUG);
    ck_assert_int_eq(settings.log.to, LOG_TO_STDERR);
    ck_assert(!settings.daemon.background);
    ck_assert_str_eq(settings.daemon.pid_file, "/run/b.pid");
}
END_TEST

START_TEST(what_no_option_says_is_the_file_s)
{
    write_file("listen = [ \"*:1\" ]; log: { level = \"err\"; };\n"
               "daemon: { background = true; pid_file = \"/run/a.pid\"; };");
    assert_loaded();
    ck_assert_uint_eq(settings.listen.count, 1);
    ck_assert_str_eq(settings.listen.text[0], "*:1");
    ck_assert_int_eq(settings.log.level, LOG_ERR);
    ck_assert_int_eq(settings.log.to, LOG_TO_SYSLOG);
    ck_assert(settings.daemon.background);
    ck_assert_str_eq(settings.daemon.pid_file, "/run/a.pid");
}
END_TEST

START_TEST(the_command_line_sends_it_to_the_background)
{
    options.place = RUN_BACKGROUND;
    assert_loaded();
    ck_assert(settings.daemon.background);
    ck_assert_int_eq(settings.log.to, LOG_TO_SYSLOG);
}
END_TEST

START_TEST(a_file_that_is_wrong_is_named)
{
    char expected[sizeof options.config + 64];
    write_file("\nstrict = 1;");
    snprintf(expected, sizeof expected, "%s:2: strict must be true or false, not 1",
             options.config);
    assert_refused(EX_CONFIG, expected);
    snprintf(options.config, sizeof options.config, "/dev/null/none");
    assert_refused(EX_CONFIG, "/dev/null/none: cannot be read: Not a directory");
}
END_TEST

START_TEST(an_address_of_the_command_line_that_is_wrong_is_a_usage_error)
{
    options.listen[0] = "127.0.0.1:4";
    options.listen[1] = "nonsense";
    options.listen_count = 2;
    assert_refused(EX_USAGE, "--listen 'nonsense': no port; write HOST:PORT, [IPV6]:PORT or "
                             "*:PORT, like 127.0.0.1:1060; see sixteend --help");
}
END_TEST

START_TEST(standard_error_and_a_background_that_the_file_says_make_no_sense)
{
    write_file("daemon: { background = true; };");
    options.to_stderr = true;
    assert_refused(EX_USAGE, "--stderr needs --foreground, because the file says background = "
                             "true; see sixteend --help");
}
END_TEST

START_TEST(a_log_on_standard_error_and_a_background_make_no_sense)
{
    char expected[sizeof options.config + 256];
    write_file("log: { to = \"stderr\"; };");
    assert_loaded();
    options.place = RUN_BACKGROUND;
    snprintf(expected, sizeof expected,
             "%s: log.to must be \"syslog\" in the background, not \"stderr\"; or let "
             "daemon.background be false, or give --foreground",
             options.config);
    assert_refused(EX_CONFIG, expected);
    options.place = RUN_DEFAULT;
    write_file("log: { to = \"stderr\"; }; daemon: { background = true; };");
    ck_assert_int_eq(load(), EX_CONFIG);
    options.place = RUN_FOREGROUND;
    assert_loaded();
    ck_assert_int_eq(settings.log.to, LOG_TO_STDERR);
}
END_TEST

Suite *configuration_suite(void)
{
    Suite *suite = suite_create("configuration");
    TCase *tcase = add_case(suite, "configuration", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, without_file_and_options_the_defaults_hold);
    tcase_add_test(tcase, the_default_file_is_read_where_there_is_one);
    tcase_add_test(tcase, the_file_of_the_command_line_is_read_over_the_defaults);
    tcase_add_test(tcase, options_win_over_the_file);
    tcase_add_test(tcase, what_no_option_says_is_the_file_s);
    tcase_add_test(tcase, the_command_line_sends_it_to_the_background);
    tcase_add_test(tcase, a_file_that_is_wrong_is_named);
    tcase_add_test(tcase, an_address_of_the_command_line_that_is_wrong_is_a_usage_error);
    tcase_add_test(tcase, standard_error_and_a_background_that_the_file_says_make_no_sense);
    tcase_add_test(tcase, a_log_on_standard_error_and_a_background_make_no_sense);
    return suite;
}
