/* SPDX-License-Identifier: MIT */
/* Storing a value by its row of the table: each type, and what it refuses. */
#include <config.h>

#include "server/config/settings.h"
#include "settings_support.h"

#include <math.h>
#include <string.h>

static struct settings *settings;
static struct settings *before;
static char error[ERROR_SIZE];
static size_t wrong; /* the index of an element, after setting_store_texts() */

static void begin_with_defaults(void)
{
    settings = new_settings();
    before = new_settings();
    error[0] = '\0';
}

static void end(void)
{
    settings_unref(settings);
    settings_unref(before);
}

static const struct setting *row_of(const char *key)
{
    const struct setting *row = settings_find(key);
    ck_assert_msg(row != NULL, "no row %s", key);
    return row;
}

static void assert_untouched(void)
{
    assert_same_settings(settings, before);
}

/* Fail unless the value was refused for this reason, and the old one kept. */
static void assert_refused(bool stored, const char *reason)
{
    ck_assert(!stored);
    ck_assert_str_eq(error, reason);
    assert_untouched();
}

static const void *value_of(const struct setting *row)
{
    return (const char *)settings + row->offset;
}

START_TEST(a_bool_is_stored)
{
    ck_assert(setting_store_bool(row_of("strict"), settings, true, error));
    ck_assert(settings->strict);
    ck_assert(setting_store_bool(row_of("strict"), settings, false, error));
    assert_untouched();
    assert_refused(store_integer(row_of("strict"), settings, 1, error),
                   "must be true or false, not 1");
}
END_TEST

START_TEST(an_integer_is_stored_from_its_least_to_its_greatest)
{
    const struct setting *row = row_of("limits.connections");
    ck_assert(store_integer(row, settings, 1, error));
    ck_assert_int_eq(settings->limits.connections, 1);
    ck_assert(store_integer(row, settings, 1000000, error));
    ck_assert_int_eq(settings->limits.connections, 1000000);
}
END_TEST

START_TEST(an_integer_out_of_range_is_refused)
{
    const struct setting *row = row_of("limits.connections");
    assert_refused(store_integer(row, settings, 0, error),
                   "must be a whole number from 1 to 1000000, not 0");
    assert_refused(store_integer(row, settings, 1000001, error),
                   "must be a whole number from 1 to 1000000, not 1000001");
    assert_refused(store_integer(row, settings, (1LL << 32) + 1, error),
                   "must be a whole number from 1 to 1000000, not 4294967297");
    assert_refused(store_float(row, settings, 2.5, error),
                   "must be a whole number from 1 to 1000000, not 2.5");
}
END_TEST

START_TEST(seconds_are_stored_with_and_without_a_fraction)
{
    const struct setting *row = row_of("timeouts.exchange");
    ck_assert(store_float(row, settings, 0.01, error));
    ck_assert_double_eq(settings->timeouts.exchange, 0.01);
    ck_assert(store_integer(row, settings, 86400, error));
    ck_assert_double_eq(settings->timeouts.exchange, 86400);
}
END_TEST

START_TEST(seconds_out_of_range_are_refused)
{
    const struct setting *row = row_of("timeouts.exchange");
    assert_refused(store_float(row, settings, 0.0099, error),
                   "must be a number of seconds from 0.01 to 86400, like 10.0, not 0.0099");
    assert_refused(store_integer(row, settings, 86401, error),
                   "must be a number of seconds from 0.01 to 86400, like 10.0, not 86401");
    assert_refused(store_float(row, settings, HUGE_VAL, error),
                   "must be a number of seconds from 0.01 to 86400, like 10.0, not inf");
    ck_assert(!store_float(row, settings, (double)NAN, error));
    assert_untouched();
}
END_TEST

START_TEST(each_choice_is_stored_by_its_name)
{
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        const struct setting *row = settings_row(i);
        for (const struct choice *c = row->choices; c != NULL && c->name != NULL; c++) {
            ck_assert(setting_store_text(row, settings, c->name, error));
            ck_assert_int_eq(*(const int *)value_of(row), c->value);
            ck_assert_str_eq(settings_choice_name(row, c->value), c->name);
        }
    }
    ck_assert_str_eq(settings_choice_name(row_of("log.to"), LOG_TO_DEFAULT), "");
}
END_TEST

START_TEST(another_choice_is_refused_and_all_are_named)
{
    assert_refused(setting_store_text(row_of("log.to"), settings, "Syslog", error),
                   "must be one of \"syslog\", \"stderr\", not 'Syslog'");
    assert_refused(
        setting_store_text(row_of("log.level"), settings, "", error),
        "must be one of \"crit\", \"err\", \"warning\", \"notice\", \"info\", \"debug\", "
        "not ''");
}
END_TEST

START_TEST(a_message_has_exactly_sixteen_octets)
{
    const struct setting *row = row_of("reply");
    ck_assert(setting_store_text(row, settings,
                                 "\xff"
                                 "123456789\"\\ \tef",
                                 error));
    ck_assert_mem_eq(settings->reply,
                     "\xff"
                     "123456789\"\\ \tef",
                     WIRE_OCTETS);
    settings_unref(settings);
    settings = new_settings();
    assert_refused(setting_store_text(row, settings, "fifteen octets.", error),
                   "must be a string of exactly 16 octets, like \"Farewell, client\", "
                   "not 'fifteen octets.' of 15");
    assert_refused(setting_store_text(row, settings, "seventeen octets.", error),
                   "must be a string of exactly 16 octets, like \"Farewell, client\", "
                   "not 'seventeen octets.' of 17");
}
END_TEST

#define SIXTY "012345678901234567890123456789012345678901234567890123456789"

START_TEST(a_long_text_is_refused_in_a_short_line)
{
    assert_refused(setting_store_text(row_of("expect"), settings, SIXTY "\n", error),
                   "must be a string of exactly 16 octets, like \"Hi there, server\", "
                   "not '" SIXTY "'... of 61");
}
END_TEST

START_TEST(a_path_is_absolute_or_empty)
{
    const struct setting *row = row_of("daemon.pid_file");
    char path[PATH_MAX + 1];
    assert_refused(setting_store_text(row, settings, "run/x", error),
                   "must be an absolute path, or \"\" for none, not 'run/x'");
    memset(path, '/', PATH_MAX);
    path[PATH_MAX] = '\0';
    ck_assert(!setting_store_text(row, settings, path, error));
    assert_untouched();
    path[PATH_MAX - 1] = '\0';
    ck_assert(setting_store_text(row, settings, path, error));
    ck_assert_str_eq(settings->daemon.pid_file, path);
    ck_assert(setting_store_text(row, settings, "", error));
    ck_assert_str_eq(settings->daemon.pid_file, "");
}
END_TEST

START_TEST(a_user_and_a_group_exist_or_are_empty)
{
    const char *const keys[] = {"daemon.user", "daemon.group"};
    settings->daemon.uid = 1;
    settings->daemon.gid_of_user = settings->daemon.gid = 1;
    assert_refused(setting_store_text(row_of(keys[0]), settings, "no such user", error),
                   "must be the name of an existing user, or \"\", not 'no such user'");
    assert_refused(setting_store_text(row_of(keys[1]), settings, "no such group", error),
                   "must be the name of an existing group, or \"\", not 'no such group'");
    for (size_t i = 0; i < COUNT(keys); i++) {
        ck_assert(setting_store_text(row_of(keys[i]), settings, "root", error));
        ck_assert_str_eq(value_of(row_of(keys[i])), "root");
        ck_assert(setting_store_text(row_of(keys[i]), settings, "", error));
        ck_assert_str_eq(value_of(row_of(keys[i])), "");
    }
    ck_assert_uint_eq(settings->daemon.uid, 0);
    ck_assert_uint_eq(settings->daemon.gid_of_user, 0);
    ck_assert_uint_eq(settings->daemon.gid, 0);
}
END_TEST

START_TEST(at_a_reload_a_user_and_a_group_are_only_text)
{
    const char *const keys[] = {"daemon.user", "daemon.group"};
    settings->daemon.as_text = true;
    for (size_t i = 0; i < COUNT(keys); i++) {
        ck_assert(setting_store_text(row_of(keys[i]), settings, "no such name", error));
        ck_assert_str_eq(value_of(row_of(keys[i])), "no such name");
    }
}
END_TEST

static bool store_endpoints(const char *endpoint, size_t count)
{
    const char *texts[SETTINGS_LISTEN_MAX + 1];
    for (size_t i = 0; i < count; i++)
        texts[i] = i + 1 < count ? "[::1]:1" : endpoint;
    return setting_store_texts(row_of("listen"), settings, texts, count, &wrong, error);
}

START_TEST(one_to_64_addresses_to_listen_at)
{
    for (size_t count = 1; count <= SETTINGS_LISTEN_MAX; count++) {
        ck_assert(store_endpoints("*:1060", count));
        ck_assert_uint_eq(settings->listen.count, count);
        assert_listen(settings, count - 1, "*:1060");
    }
}
END_TEST

START_TEST(other_numbers_of_addresses_and_other_texts_are_refused)
{
#define NOT_AN_ARRAY_OF                            \
    "must be an array of 1 to 64 addresses, like " \
    "[ \"127.0.0.1:1060\", \"[::1]:1060\" ], not an array of "
    assert_refused(store_endpoints("*:1060", 0), NOT_AN_ARRAY_OF "0");
    ck_assert_uint_eq(wrong, 0);
    assert_refused(store_endpoints("*:1060", SETTINGS_LISTEN_MAX + 1), NOT_AN_ARRAY_OF "65");
    ck_assert_uint_eq(wrong, SETTINGS_LISTEN_MAX + 1);
    assert_refused(store_endpoints("*:65536", 3), "'*:65536': the port must be a number from 0 "
                                                  "to 65535 or a service name");
    ck_assert_uint_eq(wrong, 2);
}
END_TEST

START_TEST(up_to_4096_prefixes)
{
    static char texts[PREFIXES_MAX + 1][16];
    const char *values[COUNT(texts)];
    const struct setting *row = row_of("access.allow");
    for (size_t i = 0; i < COUNT(texts); i++) {
        snprintf(texts[i], sizeof texts[i], "10.0.%zu.%zu", i / 256, i % 256);
        values[i] = texts[i];
    }
    assert_refused(setting_store_texts(row, settings, values, PREFIXES_MAX + 1, &wrong, error),
                   "must be an array of at most 4096 prefixes, like [ \"192.0.2.0/24\", "
                   "\"2001:db8::/32\" ], not an array of 4097");
    ck_assert_uint_eq(wrong, PREFIXES_MAX + 1);
    ck_assert(setting_store_texts(row, settings, values, PREFIXES_MAX, &wrong, error));
    ck_assert_uint_eq(settings->access.allow.count, PREFIXES_MAX);
    ck_assert(setting_store_texts(row, settings, values, 0, &wrong, error));
    ck_assert_uint_eq(settings->access.allow.count, 0);
}
END_TEST

START_TEST(other_texts_than_prefixes_are_refused)
{
    const char *const values[] = {"::1", "10.0.0.1/8"};
    const struct setting *row = row_of("access.proxies");
    assert_refused(setting_store_texts(row, settings, values, 2, &wrong, error),
                   "'10.0.0.1/8': bits are set after the prefix length; the network is 10.0.0.0/8");
    ck_assert_uint_eq(wrong, 1);
}
END_TEST

Suite *setting_store_suite(void)
{
    Suite *suite = suite_create("setting_store");
    TCase *store = add_case(suite, "setting_store", NULL);
    tcase_add_checked_fixture(store, begin_with_defaults, end);
    tcase_add_test(store, a_bool_is_stored);
    tcase_add_test(store, an_integer_is_stored_from_its_least_to_its_greatest);
    tcase_add_test(store, an_integer_out_of_range_is_refused);
    tcase_add_test(store, seconds_are_stored_with_and_without_a_fraction);
    tcase_add_test(store, seconds_out_of_range_are_refused);
    tcase_add_test(store, each_choice_is_stored_by_its_name);
    tcase_add_test(store, another_choice_is_refused_and_all_are_named);
    tcase_add_test(store, a_message_has_exactly_sixteen_octets);
    tcase_add_test(store, a_long_text_is_refused_in_a_short_line);
    tcase_add_test(store, a_path_is_absolute_or_empty);
    tcase_add_test(store, a_user_and_a_group_exist_or_are_empty);
    tcase_add_test(store, at_a_reload_a_user_and_a_group_are_only_text);
    tcase_add_test(store, one_to_64_addresses_to_listen_at);
    tcase_add_test(store, other_numbers_of_addresses_and_other_texts_are_refused);
    tcase_add_test(store, up_to_4096_prefixes);
    tcase_add_test(store, other_texts_than_prefixes_are_refused);
    return suite;
}
