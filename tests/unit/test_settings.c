/* SPDX-License-Identifier: MIT */
/* The table of keys, and settings that are shared. Memory that is freed too early, twice or never
 * is found by the sanitizers and valgrind. */
#include <config.h>

#include "server/config/settings.h"
#include "settings_support.h"

#include <string.h>

static struct settings *settings;
static struct settings *before;
static char error[ERROR_SIZE];

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

static void assert_untouched(void)
{
    assert_same_settings(settings, before);
}

static bool store_default(const struct setting *row)
{
    const char *const listen[] = {"127.0.0.1:1060", "[::1]:1060"};
    size_t wrong;
    int number = (int)row->number;
    switch (row->type) {
    case SETTING_BOOL: return setting_store_bool(row, settings, number != 0, error);
    case SETTING_INTEGER: return store_integer(row, settings, number, error);
    case SETTING_SECONDS: return store_float(row, settings, row->number, error);
    case SETTING_CHOICE:
        if (number == LOG_TO_DEFAULT && row == settings_find("log.to"))
            return true; /* follows from other keys, so it has no name */
        return setting_store_text(row, settings, settings_choice_name(row, number), error);
    case SETTING_ENDPOINTS: return setting_store_texts(row, settings, listen, 2, &wrong, error);
    case SETTING_PREFIXES: return setting_store_texts(row, settings, NULL, 0, &wrong, error);
    default: return setting_store_text(row, settings, row->text != NULL ? row->text : "", error);
    }
}

START_TEST(every_row_s_default_is_in_its_own_range_and_stores_back)
{
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        const struct setting *row = settings_row(i);
        ck_assert_msg(store_default(row), "%s %s", row->key, error);
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
    size_t wrong;
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        const struct setting *row = settings_row(i);
        enum setting_type type = row->type;
        ck_assert(takes_bool(type) || !setting_store_bool(row, settings, true, error));
        ck_assert(takes_integer(type) || !store_integer(row, settings, 1, error));
        ck_assert(takes_float(type) || !store_float(row, settings, 1.0, error));
        ck_assert(takes_text(type) || !setting_store_text(row, settings, "1", error));
        ck_assert(takes_text(type) || !setting_store_text(row, settings, "", error));
        ck_assert(takes_texts(type) ||
                  !setting_store_texts(row, settings, listen, 1, &wrong, error));
        ck_assert(takes_texts(type) || !setting_store_texts(row, settings, NULL, 0, &wrong, error));
        ck_assert_int_eq(strncmp(error, "must be ", 8), 0);
        assert_untouched();
    }
}
END_TEST

/* Give the row another value, which differs in its last part. */
static void alter(const struct setting *row)
{
    void *value = (char *)settings + row->offset;
    char *text = value;
    struct endpoint *last = &settings->listen.list[settings->listen.count - 1];
    switch (row->type) {
    case SETTING_BOOL: *(bool *)value = !*(bool *)value; break;
    case SETTING_INTEGER:
    case SETTING_CHOICE: ++*(int *)value; break;
    case SETTING_SECONDS: *(double *)value += 0.125; break;
    case SETTING_MESSAGE: text[WIRE_OCTETS - 1] ^= 1; break;
    case SETTING_ENDPOINTS: last->port[strlen(last->port) - 1] ^= 1; break;
    case SETTING_PREFIXES: set_prefixes(value, (const char *const[]){"::1"}, 1); break;
    default: text[strlen(text)] = '/'; break;
    }
}

START_TEST(a_row_has_the_same_value_until_it_is_altered_and_no_other_is)
{
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        settings_unref(settings);
        settings = new_settings();
        alter(settings_row(i));
        for (size_t j = 0; settings_row(j) != NULL; j++) {
            const struct setting *row = settings_row(j);
            ck_assert_msg(settings_same(row, settings, before) == (i != j), "%s", row->key);
            ck_assert_msg(settings_same(row, before, settings) == (i != j), "%s", row->key);
        }
    }
}
END_TEST

static void assert_other_listen(const char *const *texts, size_t count)
{
    const struct setting *listen = settings_find("listen");
    set_listen(settings, texts, count);
    ck_assert(!settings_same(listen, settings, before));
    ck_assert(!settings_same(listen, before, settings));
}

START_TEST(other_addresses_to_listen_at_are_not_the_same)
{
    assert_other_listen((const char *const[]){"127.0.0.1:1060"}, 1);
    assert_other_listen((const char *const[]){"127.0.0.1:1060", "[::2]:1060"}, 2);
    assert_other_listen((const char *const[]){"[::1]:1060", "127.0.0.1:1060"}, 2);
    set_listen(settings, (const char *const[]){"127.0.0.1:1060", "[::1]:1060"}, 2);
    assert_untouched();
}
END_TEST

START_TEST(other_prefixes_are_not_the_same)
{
    const struct setting *deny = settings_find("access.deny");
    set_prefixes(&settings->access.deny, (const char *const[]){"::1", "10.0.0.0/8"}, 2);
    set_prefixes(&before->access.deny, (const char *const[]){"::1", "10.0.0.0/9"}, 2);
    ck_assert(!settings_same(deny, settings, before));
    set_prefixes(&before->access.deny, (const char *const[]){"10.0.0.0/8", "::1"}, 2);
    ck_assert(settings_same(deny, settings, before));
}
END_TEST

/* The octets after a text's NUL do not count. */
START_TEST(a_text_is_the_same_to_its_end)
{
    settings->daemon.pid_file[1] = 'x';
    ck_assert(settings_same(settings_find("daemon.pid_file"), settings, before));
}
END_TEST

static void set_all_lists(struct settings *of)
{
    const char *const prefixes[] = {"192.0.2.0/24", "192.0.2.7", "2001:db8::/32"};
    set_prefixes(&of->access.allow, prefixes, 2);
    set_prefixes(&of->access.deny, prefixes + 1, 2);
    set_prefixes(&of->access.proxies, prefixes, 3);
}

START_TEST(settings_own_their_lists)
{
    struct endpoints list = {.count = 1};
    set_all_lists(settings);
    set_all_lists(before);
    assert_same_settings(settings, before);
    need(endpoint_parse("*:7", list.list) == NULL, "an address");
    settings->listen = list;
    list.list[0].port[0] = '8';
    ck_assert_uint_eq(settings->listen.count, 1);
    assert_listen(settings, 0, "*:7");
    ck_assert(!settings_same(settings_find("listen"), settings, before));
}
END_TEST

START_TEST(references_are_counted)
{
    set_all_lists(settings);
    set_all_lists(before);
    ck_assert_uint_eq(settings->references, 1);
    ck_assert_ptr_eq(settings_ref(settings), settings);
    ck_assert_ptr_eq(settings_ref(settings), settings);
    ck_assert_uint_eq(settings->references, 3);
    settings_unref(settings);
    settings_unref(settings);
    ck_assert_uint_eq(settings->references, 1);
    assert_same_settings(settings, before);
}
END_TEST

START_TEST(to_drop_no_settings_does_nothing)
{
    settings_unref(NULL);
}
END_TEST

static void *use(void *argument)
{
    struct settings *shared = argument;
    for (int i = 0; i < 1000; i++) {
        need(settings_ref(shared)->limits.connections > 0, "the settings");
        settings_unref(shared);
    }
    settings_unref(shared);
    return NULL;
}

START_TEST(the_last_of_many_threads_frees_them)
{
    pthread_t threads[4];
    set_all_lists(settings);
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_create(&threads[i], NULL, use, settings_ref(settings)) == 0, "a thread");
    settings_unref(settings);
    settings = NULL;
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_join(threads[i], NULL) == 0, "the end of a thread");
}
END_TEST

Suite *settings_suite(void)
{
    Suite *suite = suite_create("settings");
    TCase *table = add_case(suite, "table of settings", NULL);
    tcase_add_checked_fixture(table, begin_with_defaults, end);
    tcase_add_test(table, every_row_s_default_is_in_its_own_range_and_stores_back);
    tcase_add_test(table, every_key_is_found_and_no_other);
    tcase_add_test(table, a_value_of_another_type_is_refused_by_every_row);
    tcase_add_test(table, a_row_has_the_same_value_until_it_is_altered_and_no_other_is);
    tcase_add_test(table, other_addresses_to_listen_at_are_not_the_same);
    tcase_add_test(table, other_prefixes_are_not_the_same);
    tcase_add_test(table, a_text_is_the_same_to_its_end);

    TCase *shared = add_case(suite, "shared settings", NULL);
    tcase_add_checked_fixture(shared, begin_with_defaults, end);
    tcase_add_test(shared, settings_own_their_lists);
    tcase_add_test(shared, references_are_counted);
    tcase_add_test(shared, to_drop_no_settings_does_nothing);
    tcase_add_test(shared, the_last_of_many_threads_frees_them);
    return suite;
}
