/* SPDX-License-Identifier: MIT */
/* The table of keys. */
#include <config.h>

#include "server/config/settings.h"
#include "support.h"

#include <string.h>

static struct settings settings;
static struct settings before;
static char why[SETTING_WHY];

static void begin_with_defaults(void)
{
    settings_defaults(&settings);
    before = settings;
    why[0] = '\0';
}

static void assert_untouched(void)
{
    ck_assert_mem_eq(&settings, &before, sizeof settings);
}

static bool store_default(const struct setting *row)
{
    const char *const listen[] = {"127.0.0.1:1060", "[::1]:1060"};
    int number = (int)row->number;
    switch (row->type) {
    case SETTING_BOOL: return setting_store_bool(row, &settings, number != 0, why);
    case SETTING_INTEGER: return setting_store_integer(row, &settings, number, why);
    case SETTING_SECONDS: return setting_store_float(row, &settings, row->number, why);
    case SETTING_CHOICE:
        if (number == LOG_TO_DEFAULT && row == settings_find("log.to"))
            return true; /* follows from other keys, so it has no name */
        return setting_store_text(row, &settings, settings_choice_name(row->key, number), why);
    case SETTING_ENDPOINTS: return setting_store_texts(row, &settings, listen, 2, why);
    case SETTING_PREFIXES: return setting_store_texts(row, &settings, NULL, 0, why);
    default: return setting_store_text(row, &settings, row->text, why);
    }
}

START_TEST(every_row_s_default_is_in_its_own_range_and_stores_back)
{
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        const struct setting *row = settings_row(i);
        ck_assert_msg(store_default(row), "%s %s", row->key, why);
        assert_untouched();
        if (row->type == SETTING_INTEGER || row->type == SETTING_SECONDS)
            ck_assert_msg(row->min <= row->number && row->number <= row->max, "%s", row->key);
    }
}
END_TEST

START_TEST(every_key_is_found_and_no_other)
{
    for (size_t i = 0; settings_row(i) != NULL; i++)
        ck_assert_ptr_eq(settings_find(settings_row(i)->key), settings_row(i));
    ck_assert_ptr_null(settings_find("limits"));
    ck_assert_ptr_null(settings_find("connections"));
    ck_assert_ptr_null(settings_find("Strict"));
    ck_assert_ptr_null(settings_find(""));
}
END_TEST

static bool takes_bool(enum setting_type type)
{
    return type == SETTING_BOOL;
}

static bool takes_float(enum setting_type type)
{
    return type == SETTING_SECONDS;
}

static bool takes_integer(enum setting_type type)
{
    return type == SETTING_INTEGER || takes_float(type);
}

static bool takes_texts(enum setting_type type)
{
    return type == SETTING_ENDPOINTS || type == SETTING_PREFIXES;
}

static bool takes_text(enum setting_type type)
{
    return !takes_bool(type) && !takes_integer(type) && !takes_texts(type);
}

START_TEST(a_value_of_another_type_is_refused_by_every_row)
{
    const char *const listen[] = {"*:1"};
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        const struct setting *row = settings_row(i);
        enum setting_type type = row->type;
        ck_assert(takes_bool(type) || !setting_store_bool(row, &settings, true, why));
        ck_assert(takes_integer(type) || !setting_store_integer(row, &settings, 1, why));
        ck_assert(takes_float(type) || !setting_store_float(row, &settings, 1.0, why));
        ck_assert(takes_text(type) || !setting_store_text(row, &settings, "1", why));
        ck_assert(takes_text(type) || !setting_store_text(row, &settings, "", why));
        ck_assert(takes_texts(type) || !setting_store_texts(row, &settings, listen, 1, why));
        ck_assert(takes_texts(type) || !setting_store_texts(row, &settings, NULL, 0, why));
        ck_assert_int_eq(strncmp(why, "must be ", 8), 0);
        assert_untouched();
    }
}
END_TEST

START_TEST(the_log_goes_to_stderr_in_the_foreground_and_to_syslog_behind)
{
    settings_resolve(&settings);
    ck_assert_int_eq(settings.log.to, LOG_TO_STDERR);
    settings.daemon.background = true;
    settings_resolve(&settings);
    ck_assert_int_eq(settings.log.to, LOG_TO_STDERR);
    settings.log.to = LOG_TO_DEFAULT;
    settings_resolve(&settings);
    ck_assert_int_eq(settings.log.to, LOG_TO_SYSLOG);
}
END_TEST

/* Give the row's value another one, in the last of what it has. */
static void alter(const struct setting *row)
{
    void *value = (char *)&settings + row->offset;
    char *text = value;
    switch (row->type) {
    case SETTING_BOOL: *(bool *)value = !*(bool *)value; break;
    case SETTING_INTEGER:
    case SETTING_CHOICE: ++*(int *)value; break;
    case SETTING_SECONDS: *(double *)value += 0.125; break;
    case SETTING_MESSAGE: text[WIRE_OCTETS - 1] ^= 1; break;
    case SETTING_ENDPOINTS: settings.listen.text[settings.listen.count - 1][3] ^= 1; break;
    case SETTING_PREFIXES: prefixes_store(value, (const char *const[]){"::1"}, 1); break;
    default: text[strlen(text)] = '/'; break;
    }
}

START_TEST(a_row_has_the_same_value_until_it_is_altered_and_no_other_is)
{
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        settings = before;
        alter(settings_row(i));
        for (size_t j = 0; settings_row(j) != NULL; j++) {
            const struct setting *row = settings_row(j);
            ck_assert_msg(settings_same(row, &settings, &before) == (i != j), "%s", row->key);
            ck_assert_msg(settings_same(row, &before, &settings) == (i != j), "%s", row->key);
        }
    }
}
END_TEST

START_TEST(fewer_addresses_to_listen_at_are_not_the_same)
{
    const struct setting *listen = settings_find("listen");
    settings.listen.count--;
    ck_assert(!settings_same(listen, &settings, &before));
    ck_assert(!settings_same(listen, &before, &settings));
}
END_TEST

START_TEST(other_prefixes_are_not_the_same)
{
    const struct setting *deny = settings_find("access.deny");
    prefixes_store(&settings.access.deny, (const char *const[]){"::1", "10.0.0.0/8"}, 2);
    prefixes_store(&before.access.deny, (const char *const[]){"::1", "10.0.0.0/9"}, 2);
    ck_assert(!settings_same(deny, &settings, &before));
    prefixes_store(&before.access.deny, (const char *const[]){"10.0.0.0/8", "::1"}, 2);
    ck_assert(settings_same(deny, &settings, &before));
}
END_TEST

/* What lies behind a text's end is none of it. */
START_TEST(a_text_is_the_same_to_its_end)
{
    settings.daemon.pid_file[1] = 'x';
    ck_assert(settings_same(settings_find("daemon.pid_file"), &settings, &before));
}
END_TEST

Suite *settings_suite(void)
{
    Suite *suite = suite_create("settings");
    TCase *table = add_case(suite, "table of settings", NULL);
    tcase_add_checked_fixture(table, begin_with_defaults, NULL);
    tcase_add_test(table, every_row_s_default_is_in_its_own_range_and_stores_back);
    tcase_add_test(table, every_key_is_found_and_no_other);
    tcase_add_test(table, a_value_of_another_type_is_refused_by_every_row);
    tcase_add_test(table, the_log_goes_to_stderr_in_the_foreground_and_to_syslog_behind);
    tcase_add_test(table, a_row_has_the_same_value_until_it_is_altered_and_no_other_is);
    tcase_add_test(table, fewer_addresses_to_listen_at_are_not_the_same);
    tcase_add_test(table, other_prefixes_are_not_the_same);
    tcase_add_test(table, a_text_is_the_same_to_its_end);
    return suite;
}
