/* SPDX-License-Identifier: MIT */
/* Endpoints as text, and the addresses that they stand for. */
#include <config.h>

#include "common/address.h"
#include "names_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A255 A63 "." A63 "." A63 "." A63
#define A31 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *text, *host, *port;
} accepted[] = {
    {"127.0.0.1:1060", "127.0.0.1", "1060"},
    {"[::1]:1060", "::1", "1060"},
    {"[fe80::1%eth0]:1060", "fe80::1%eth0", "1060"},
    {"*:1060", "", "1060"},
    {"localhost:1060", "localhost", "1060"},
    {"sixteen.example.org:http", "sixteen.example.org", "http"},
    {"127.0.0.1:http-alt", "127.0.0.1", "http-alt"},
    {"127.0.0.1:0", "127.0.0.1", "0"},
    {"127.0.0.1:65535", "127.0.0.1", "65535"},
    {"127.0.0.1:00080", "127.0.0.1", "00080"},
    {A255 ":" A31, A255, A31},
};

START_TEST(an_endpoint_is_split_into_host_and_port)
{
    struct endpoint endpoint;
    ck_assert_ptr_null(endpoint_parse(accepted[_i].text, &endpoint));
    ck_assert_str_eq(endpoint.host, accepted[_i].host);
    ck_assert_str_eq(endpoint.port, accepted[_i].port);
}
END_TEST

/* A service and an IPv6 address with an interface keep their text too. */
START_TEST(an_endpoint_is_written_as_it_was_read)
{
    struct endpoint endpoint;
    struct endpoint again;
    char text[ENDPOINT_TEXT];
    ck_assert_ptr_null(endpoint_parse(accepted[_i].text, &endpoint));
    ck_assert_ptr_eq(endpoint_format(&endpoint, text), text);
    ck_assert_str_eq(text, accepted[_i].text);
    ck_assert_ptr_null(endpoint_parse(text, &again));
    ck_assert_str_eq(again.host, endpoint.host);
    ck_assert_str_eq(again.port, endpoint.port);
}
END_TEST

START_TEST(the_longest_endpoint_fits_its_text)
{
    struct endpoint endpoint;
    char text[ENDPOINT_TEXT];
    memset(&endpoint, ':', sizeof endpoint);
    endpoint.host[sizeof endpoint.host - 1] = '\0';
    endpoint.port[sizeof endpoint.port - 1] = '\0';
    endpoint_format(&endpoint, text);
    ck_assert_uint_lt(strlen(text), sizeof text);
    ck_assert_uint_eq(strlen(text), strlen("[]:") + strlen(endpoint.host) + strlen(endpoint.port));
}
END_TEST

static const char no_port[] =
    "no port; write HOST:PORT, [IPV6]:PORT or *:PORT, like 127.0.0.1:1060";
static const char no_host[] = "no host before the port; write *:PORT for every local address";
static const char no_ipv6[] = "only an IPv6 address can be in brackets, like [::1]:1060";
static const char wrong_port[] = "the port must be a number from 0 to 65535 or a service name";

static const struct {
    const char *text, *reason;
} refused[] = {
    {"", no_port},
    {"127.0.0.1", no_port},
    {"[::1]", no_port},
    {"[::1]1060", no_port},
    {"[::1", "the closing bracket of the IPv6 address is missing"},
    {"::1:1060", "an IPv6 address needs brackets before its port, like [::1]:1060"},
    {"a:b:1060", "an IPv6 address needs brackets before its port, like [::1]:1060"},
    {":1060", no_host},
    {"[]:1060", no_ipv6},
    {"[*]:1060", no_ipv6},
    {"[localhost]:1060", no_ipv6},
    {A255 "a:1060", "the host is too long"},
    {"127.0.0.1:", wrong_port},
    {"127.0.0.1:65536", wrong_port},
    {"127.0.0.1:99999", wrong_port},
    {"127.0.0.1:100000", wrong_port},
    {"127.0.0.1:18446744073709551617", wrong_port},
    {"127.0.0.1:+1", wrong_port},
    {"127.0.0.1:-1", wrong_port},
    {"127.0.0.1: 1", wrong_port},
    {"127.0.0.1:1 ", wrong_port},
    {"127.0.0.1:\t65537", wrong_port},
    {"127.0.0.1:http\n", wrong_port},
    {"127.0.0.1:a" A31, wrong_port},
    {"[::1]:1060:1060", wrong_port},
};

START_TEST(any_other_endpoint_is_refused_with_its_reason)
{
    struct endpoint endpoint;
    const char *reason = endpoint_parse(refused[_i].text, &endpoint);
    ck_assert_msg(reason != NULL, "%s is accepted", refused[_i].text);
    ck_assert_str_eq(reason, refused[_i].reason);
}
END_TEST

static struct address *resolve(const char *host, const char *port, int family, int flags,
                               size_t *count)
{
    struct endpoint endpoint;
    struct address *list;
    snprintf(endpoint.host, sizeof endpoint.host, "%s", host);
    snprintf(endpoint.port, sizeof endpoint.port, "%s", port);
    ck_assert_int_eq(endpoint_resolve(&endpoint, family, flags, &list, count), 0);
    ck_assert_uint_ge(*count, 1);
    return list;
}

START_TEST(an_empty_host_is_every_local_address_to_listen_at)
{
    size_t count;
    struct address *list = resolve("", "0", AF_UNSPEC, AI_PASSIVE, &count);
    for (size_t i = 0; i < count; i++)
        ck_assert(address_is_wildcard(&list[i]));
    free(list);
}
END_TEST

START_TEST(only_the_family_asked_for_is_found)
{
    size_t count;
    struct address *list = resolve("", "0", AF_INET, AI_PASSIVE, &count);
    ck_assert_uint_eq(count, 1);
    assert_formats_as(&list[0], "0.0.0.0:0");
    free(list);
}
END_TEST

/* hosts(5) can list a name twice. */
START_TEST(addresses_found_twice_are_kept_once_and_in_order)
{
    const struct address a = numeric_address("192.0.2.1", "1");
    const struct address b = numeric_address("2001:db8::1", "1");
    const struct address c = numeric_address("192.0.2.1", "2");
    const struct address order[] = {a, b, a, c, b, c};
    size_t count;
    names_find(order, COUNT(order));
    struct address *list = resolve("a.example", "1", AF_UNSPEC, 0, &count);
    ck_assert_int_eq(names_freed(), 1);
    names_find(NULL, 0);
    ck_assert_uint_eq(count, 3);
    assert_formats_as(&list[0], "192.0.2.1:1");
    assert_formats_as(&list[1], "[2001:db8::1]:1");
    assert_formats_as(&list[2], "192.0.2.1:2");
    free(list);
}
END_TEST

START_TEST(an_unknown_name_or_service_is_an_error_with_a_text)
{
    const struct endpoint name = {"no-such-host.invalid", "1060"};
    const struct endpoint service = {"127.0.0.1", "no such service"};
    struct address *list;
    size_t count;
    int error = endpoint_resolve(&name, AF_UNSPEC, AI_NUMERICHOST, &list, &count);
    ck_assert_int_eq(error, EAI_NONAME);
    ck_assert_str_eq(address_strerror(error), gai_strerror(EAI_NONAME));
    error = endpoint_resolve(&service, AF_UNSPEC, AI_NUMERICHOST, &list, &count);
    ck_assert_int_eq(error, EAI_SERVICE);
    errno = EMFILE;
    ck_assert_str_eq(address_strerror(EAI_SYSTEM), strerror(EMFILE));
}
END_TEST

static const struct {
    const char *host, *first, *second;
} without_a_resolver[] = {
    {"", "0.0.0.0:0", "[::]:0"},
    {"localhost", "127.0.0.1:0", "[::1]:0"},
    {"LOCALHOST", "127.0.0.1:0", "[::1]:0"},
    {"192.0.2.1", "192.0.2.1:0", NULL},
    {"2001:db8::1", "[2001:db8::1]:0", NULL},
    {"::ffff:192.0.2.1", "[::ffff:192.0.2.1]:0", NULL},
    {"fe80::1%lo", "[fe80::1%lo]:0", NULL},
    {"fe80::1%4294967295", "[fe80::1%4294967295]:0", NULL},
};

START_TEST(these_hosts_need_no_resolver)
{
    struct address list[HOST_ADDRESSES];
    size_t count = without_a_resolver[_i].second == NULL ? 1 : 2;
    names_find(NULL, 0);
    ck_assert_uint_eq(host_addresses(without_a_resolver[_i].host, list), count);
    assert_formats_as(&list[0], without_a_resolver[_i].first);
    if (count == 2)
        assert_formats_as(&list[1], without_a_resolver[_i].second);
    ck_assert_int_eq(names_calls(), 0);
}
END_TEST

static const char *const names[] = {"a.example",
                                    "localhost.",
                                    "localhost.example",
                                    "127.1",
                                    "192.0.2.256",
                                    "1060",
                                    "fe80::1%no-such-if",
                                    "fe80::1%",
                                    "fe80::1%-1",
                                    ":::",
                                    "1:2",
                                    "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20",
                                    "::1%4294967296"};

START_TEST(no_other_host_has_an_address_without_a_look_up)
{
    struct address list[HOST_ADDRESSES];
    ck_assert_uint_eq(host_addresses(names[_i], list), 0);
}
END_TEST

Suite *endpoint_suite(void)
{
    Suite *suite = suite_create("endpoint");
    TCase *parse = add_case(suite, "endpoint_parse", NULL);
    tcase_add_loop_test(parse, an_endpoint_is_split_into_host_and_port, 0, COUNT(accepted));
    tcase_add_loop_test(parse, any_other_endpoint_is_refused_with_its_reason, 0, COUNT(refused));

    TCase *format = add_case(suite, "endpoint_format", NULL);
    tcase_add_loop_test(format, an_endpoint_is_written_as_it_was_read, 0, COUNT(accepted));
    tcase_add_test(format, the_longest_endpoint_fits_its_text);

    TCase *resolution = add_case(suite, "endpoint_resolve", NULL);
    tcase_add_test(resolution, an_empty_host_is_every_local_address_to_listen_at);
    tcase_add_test(resolution, only_the_family_asked_for_is_found);
    tcase_add_test(resolution, addresses_found_twice_are_kept_once_and_in_order);
    tcase_add_test(resolution, an_unknown_name_or_service_is_an_error_with_a_text);

    TCase *numeric = add_case(suite, "host_addresses", NULL);
    tcase_add_loop_test(numeric, these_hosts_need_no_resolver, 0, COUNT(without_a_resolver));
    tcase_add_loop_test(numeric, no_other_host_has_an_address_without_a_look_up, 0, COUNT(names));
    return suite;
}
