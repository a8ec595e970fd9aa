/* SPDX-License-Identifier: MIT */
/* The addresses of `listen`: names are looked up at a start, never at a reload. */
#include <config.h>

#include "names_support.h"
#include "server/config/listen_addresses.h"
#include "settings_support.h"

#include <string.h>

#define NEW_NAME                                                                                  \
    "a reload does not look up new names; write the address and the port as numbers, or restart " \
    "the daemon"

static struct settings *running;
static struct settings *settings;
static char message[ERROR_SIZE];

static void begin(void)
{
    running = new_settings();
    settings = new_settings();
    message[0] = '\0';
}

static void end(void)
{
    names_find(NULL, 0);
    settings_unref(running);
    settings_unref(settings);
}

static void listen_at(struct settings *to, const char *text)
{
    need(endpoint_parse(text, &to->listen.list[0]) == NULL, "a valid endpoint");
    to->listen.count = 1;
}

/* Start with `text`, a name that has these two addresses and port 80. */
static void start_at_name(const char *text)
{
    const struct address list[] = {numeric_address("192.0.2.1", "80"),
                                   numeric_address("2001:db8::1", "80")};
    listen_at(running, text);
    names_find(list, 2);
    ck_assert(listen_addresses_find(running, NULL, message));
    ck_assert_int_gt(names_calls(), 0);
    ck_assert_int_eq(names_freed(), names_calls());
    names_find(list, 1); /* another look-up would give another answer */
}

static void assert_found(const struct settings *in, const char *first, const char *second)
{
    ck_assert_uint_eq(in->addresses[0].count, second == NULL ? 1 : 2);
    assert_formats_as(&in->addresses[0].list[0], first);
    if (second != NULL)
        assert_formats_as(&in->addresses[0].list[1], second);
}

static void assert_reload_finds(const char *text, const char *first, const char *second)
{
    listen_at(settings, text);
    ck_assert_msg(listen_addresses_find(settings, running, message), "%s", message);
    assert_found(settings, first, second);
    ck_assert_int_eq(names_calls(), 0);
}

START_TEST(a_start_looks_up_a_name)
{
    start_at_name("a.example:1060");
    assert_found(running, "192.0.2.1:1060", "[2001:db8::1]:1060");
}
END_TEST

START_TEST(a_start_looks_up_a_service)
{
    start_at_name("192.0.2.9:http");
    assert_found(running, "192.0.2.9:80", NULL);
}
END_TEST

START_TEST(a_start_fails_with_the_reason)
{
    listen_at(settings, "127.0.0.1:no-such-service");
    ck_assert(!listen_addresses_find(settings, NULL, message));
    ck_assert_str_eq(message, "cannot listen at 127.0.0.1:no-such-service: Servname not supported "
                              "for ai_socktype");
}
END_TEST

START_TEST(no_start_looks_up_what_needs_no_resolver)
{
    names_find(NULL, 0);
    listen_at(settings, "localhost:1060");
    ck_assert(listen_addresses_find(settings, NULL, message));
    assert_found(settings, "127.0.0.1:1060", "[::1]:1060");
    ck_assert_int_eq(names_calls(), 0);
}
END_TEST

START_TEST(what_cannot_be_a_name_is_not_looked_up)
{
    names_find(NULL, 0);
    listen_at(settings, "[fe80::1%no-such-if]:1060");
    ck_assert(!listen_addresses_find(settings, NULL, message));
    ck_assert_str_eq(message, "cannot listen at [fe80::1%no-such-if]:1060: not an IPv6 "
                              "address, or its interface does not exist");
    ck_assert_int_eq(names_calls(), 0);
}
END_TEST

static const struct {
    const char *text, *first, *second;
} taken[] = {
    {"a.example:http", "192.0.2.1:80", "[2001:db8::1]:80"}, /* as it was */
    {"a.example:1061", "192.0.2.1:1061", "[2001:db8::1]:1061"},
    {"192.0.2.7:http", "192.0.2.7:80", NULL},
    {"*:1060", "0.0.0.0:1060", "[::]:1060"},
    {"*:http", "0.0.0.0:80", "[::]:80"},
    {"localhost:1060", "127.0.0.1:1060", "[::1]:1060"},
    {"[2001:db8::7]:0", "[2001:db8::7]:0", NULL},
};

START_TEST(a_reload_takes_what_needs_no_look_up)
{
    start_at_name("a.example:http");
    assert_reload_finds(taken[_i].text, taken[_i].first, taken[_i].second);
}
END_TEST

static const char *const refused[] = {"b.example:1060", "a.example:domain", "127.0.0.1:domain",
                                      "127.1:1060"};

START_TEST(a_reload_refuses_a_new_name)
{
    char expected[256];
    start_at_name("a.example:http");
    listen_at(settings, refused[_i]);
    ck_assert(!listen_addresses_find(settings, running, message));
    snprintf(expected, sizeof expected, "cannot listen at %s: " NEW_NAME, refused[_i]);
    ck_assert_str_eq(message, expected);
    ck_assert_int_eq(names_calls(), 0);
}
END_TEST

Suite *listen_addresses_suite(void)
{
    Suite *suite = suite_create("listen_addresses");
    TCase *start = add_case(suite, "start", NULL);
    tcase_add_checked_fixture(start, begin, end);
    tcase_add_test(start, a_start_looks_up_a_name);
    tcase_add_test(start, a_start_looks_up_a_service);
    tcase_add_test(start, a_start_fails_with_the_reason);
    tcase_add_test(start, no_start_looks_up_what_needs_no_resolver);
    tcase_add_test(start, what_cannot_be_a_name_is_not_looked_up);

    TCase *reload = add_case(suite, "reload", NULL);
    tcase_add_checked_fixture(reload, begin, end);
    tcase_add_loop_test(reload, a_reload_takes_what_needs_no_look_up, 0, COUNT(taken));
    tcase_add_loop_test(reload, a_reload_refuses_a_new_name, 0, COUNT(refused));
    return suite;
}
