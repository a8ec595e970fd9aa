/* SPDX-License-Identifier: MIT */
/* What settings_print() writes is read back as the same, and prints the same again. */
#include <config.h>

#include "server/config/config_file.h"
#include "settings_support.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct settings *settings;

static void begin_with_defaults(void)
{
    settings = new_settings();
    settings->log.to = LOG_TO_STDERR; /* LOG_TO_DEFAULT is never printed */
}

static void end(void)
{
    settings_unref(settings);
}

/* Return what is printed; the caller frees it. */
static char *print(const struct settings *of)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    need(out != NULL, "a stream into memory");
    settings_print(of, out);
    need(fclose(out) == 0, "memory");
    return text;
}

static void assert_prints(const char *expected)
{
    char *text = print(settings);
    ck_assert_str_eq(text, expected);
    free(text);
}

static void assert_reads_back(void)
{
    struct settings *again = new_settings();
    char message[ERROR_SIZE] = "";
    char *text = print(settings);
    bool valid = config_file_parse("printed", text, strlen(text), again, message);
    ck_assert_msg(valid, "%s", message);
    char *text_again = print(again);
    ck_assert_str_eq(text_again, text);
    assert_same_settings(again, settings);
    settings_unref(again);
    free(text);
    free(text_again);
}

START_TEST(the_defaults_are_printed)
{
    assert_prints("listen = [ \"127.0.0.1:1060\", \"[::1]:1060\" ];\n"
                  "reply = \"Farewell, client\";\n"
                  "expect = \"Hi there, server\";\n"
                  "strict = false;\n"
                  "limits:\n{\n    connections = 1024;\n    per_source = 256;\n"
                  "    when_full = \"wait\";\n    backlog = 4096;\n};\n"
                  "timeouts:\n{\n    exchange = 10.0;\n    linger = 2.0;\n    drain = 30.0;\n    "
                  "idle_worker = 60.0;\n};\n"
                  "access:\n{\n    allow = [ ];\n    deny = [ ];\n    proxies = [ ];\n};\n"
                  "log:\n{\n    to = \"stderr\";\n    facility = \"daemon\";\n"
                  "    level = \"info\";\n};\n"
                  "daemon:\n{\n    background = false;\n    pid_file = \"\";\n"
                  "    user = \"\";\n    group = \"\";\n};\n"
                  "metrics:\n{\n    file = \"\";\n    interval = 15.0;\n};\n");
}
END_TEST

START_TEST(the_defaults_are_read_back)
{
    assert_reads_back();
}
END_TEST

START_TEST(octets_that_need_an_escape_have_one)
{
    memcpy(settings->reply, "\"\\\x01\n\x1f\x7f\x80\xff '#~/*x0", WIRE_OCTETS);
    char *text = print(settings);
    ck_assert_ptr_nonnull(
        strstr(text, "reply = \"\\\"\\\\\\x01\\x0a\\x1f\\x7f\\x80\\xff '#~/*x0\";\n"));
    free(text);
}
END_TEST

START_TEST(octets_that_need_an_escape_are_read_back)
{
    memcpy(settings->reply, "\"\\\t\n\r\x01\x1f\x7f\x80\xff'#/*x0", WIRE_OCTETS);
    memcpy(settings->expect, "\\x00\\\\x00\\\"@\"//#;", WIRE_OCTETS);
    snprintf(settings->daemon.pid_file, PATH_MAX, "/a \"file\"\\");
    assert_reads_back();
}
END_TEST

START_TEST(seconds_have_the_fewest_decimals_that_read_back_as_the_same)
{
    settings->timeouts.exchange = 0.1;
    settings->timeouts.linger = 0.30000000000000004;
    settings->timeouts.drain = 0;
    char *text = print(settings);
    ck_assert_ptr_nonnull(strstr(text, "    exchange = 0.1;\n"));
    ck_assert_ptr_nonnull(strstr(text, "    linger = 0.30000000000000004;\n"));
    ck_assert_ptr_nonnull(strstr(text, "    drain = 0.0;\n"));
    free(text);
    assert_reads_back();
}
END_TEST

/* xorshift64: the same numbers in every run. */
static uint64_t state;

static uint64_t random_below(uint64_t bound)
{
    need(bound > 0, "a number below it");
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
}

/* Write octets other than NUL; the caller ends the text. */
static void random_octets(char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text[i] = (char)(1 + random_below(255));
}

static bool store_random_text(const struct setting *row, char *error)
{
    char text[256] = "";
    size_t choices = 0;
    switch (row->type) {
    case SETTING_CHOICE:
        while (row->choices[choices].name != NULL)
            choices++;
        return setting_store_text(row, settings, row->choices[random_below(choices)].name, error);
    case SETTING_MESSAGE: random_octets(text, WIRE_OCTETS); break;
    case SETTING_PATH:
        text[0] = '/';
        random_octets(text + 1, (size_t)random_below(sizeof text - 1));
        break;
    default: snprintf(text, sizeof text, "%s", random_below(2) == 0 ? "" : "root"); break;
    }
    return setting_store_text(row, settings, text, error);
}

static bool store_random_endpoints(const struct setting *row, char *error)
{
    static char texts[SETTINGS_LISTEN_MAX][32];
    const char *values[SETTINGS_LISTEN_MAX];
    const char *const hosts[] = {"*", "[::1]", "127.0.0.1", "a.example"};
    size_t wrong;
    size_t count = 1 + (size_t)random_below(SETTINGS_LISTEN_MAX);
    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof texts[i], "%s:%u", hosts[random_below(COUNT(hosts))],
                 (unsigned)random_below(65536));
        values[i] = texts[i];
    }
    return setting_store_texts(row, settings, values, count, &wrong, error);
}

static bool store_random_prefixes(const struct setting *row, char *error)
{
    static char texts[100][64];
    const char *values[COUNT(texts)];
    size_t wrong;
    size_t count = (size_t)random_below(COUNT(texts));
    for (size_t i = 0; i < count; i++) {
        unsigned first = (unsigned)random_below(256);
        if (i % 2 == 0)
            snprintf(texts[i], sizeof texts[i], "%u.0.0.0/%u", first,
                     (unsigned)(8 + random_below(25)));
        else
            snprintf(texts[i], sizeof texts[i], "%x::/%u", first,
                     (unsigned)(16 + random_below(113)));
        values[i] = texts[i];
    }
    return setting_store_texts(row, settings, values, count, &wrong, error);
}

static bool store_random(const struct setting *row, char *error)
{
    double span = row->max - row->min;
    switch (row->type) {
    case SETTING_BOOL: return setting_store_bool(row, settings, random_below(2) == 1, error);
    case SETTING_INTEGER:
        return store_integer(row, settings,
                             (long long)row->min + (long long)random_below((uint64_t)span + 1),
                             error);
    case SETTING_SECONDS:
        return store_float(row, settings,
                           row->min + span * (double)random_below(UINT64_C(1) << 53) * 0x1p-53,
                           error);
    case SETTING_ENDPOINTS: return store_random_endpoints(row, error);
    case SETTING_PREFIXES: return store_random_prefixes(row, error);
    default: return store_random_text(row, error);
    }
}

START_TEST(random_settings_are_read_back)
{
    char error[ERROR_SIZE] = "";
    state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
    for (size_t i = 0; settings_row(i) != NULL; i++)
        ck_assert_msg(store_random(settings_row(i), error), "%s %s", settings_row(i)->key, error);
    assert_reads_back();
}
END_TEST

Suite *settings_print_suite(void)
{
    Suite *suite = suite_create("settings_print");
    TCase *print_case = add_case(suite, "settings_print", NULL);
    tcase_add_checked_fixture(print_case, begin_with_defaults, end);
    tcase_add_test(print_case, the_defaults_are_printed);
    tcase_add_test(print_case, the_defaults_are_read_back);
    tcase_add_test(print_case, octets_that_need_an_escape_have_one);
    tcase_add_test(print_case, octets_that_need_an_escape_are_read_back);
    tcase_add_test(print_case, seconds_have_the_fewest_decimals_that_read_back_as_the_same);
    tcase_add_loop_test(print_case, random_settings_are_read_back, 0, 12);
    return suite;
}
