/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/address.h"
#include "support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

START_TEST(a_numeric_IPv4_address_is_resolved_and_formatted)
{
    const struct address address = numeric_address("192.0.2.1", "1060");
    ck_assert_int_eq(address.u.any.sa_family, AF_INET);
    ck_assert_uint_eq(address.length, sizeof address.u.in);
    ck_assert_uint_eq(address_port(&address), 1060);
    assert_formats_as(&address, "192.0.2.1:1060");
}
END_TEST

START_TEST(a_numeric_IPv6_address_is_resolved_and_formatted)
{
    const struct address address = numeric_address("2001:DB8:0::1", "65535");
    ck_assert_int_eq(address.u.any.sa_family, AF_INET6);
    ck_assert_uint_eq(address.length, sizeof address.u.in6);
    ck_assert_uint_eq(address_port(&address), 65535);
    assert_formats_as(&address, "[2001:db8::1]:65535");
}
END_TEST

START_TEST(a_link_local_address_carries_its_interface)
{
    struct address address = numeric_address("fe80::1%lo", "1060");
    ck_assert_uint_eq(address.u.in6.sin6_scope_id, if_nametoindex("lo"));
    assert_formats_as(&address, "[fe80::1%lo]:1060");
    address.u.in6.sin6_scope_id = 4294967295;
    assert_formats_as(&address, "[fe80::1%4294967295]:1060");
}
END_TEST

START_TEST(the_longest_address_fits_its_text)
{
    struct address address = {.length = sizeof address.u.in6};
    address.u.in6.sin6_family = AF_INET6;
    address.u.in6.sin6_port = 0xffff;
    address.u.in6.sin6_scope_id = 4294967295;
    memset(&address.u.in6.sin6_addr, 0xff, sizeof address.u.in6.sin6_addr);
    assert_formats_as(&address, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}
END_TEST

START_TEST(an_address_of_another_family_is_unknown)
{
    const struct address address = {.u.any.sa_family = AF_UNIX};
    assert_formats_as(&address, "unknown");
}
END_TEST

START_TEST(a_v4_mapped_address_is_unmapped)
{
    struct address address = numeric_address("::ffff:192.0.2.1", "1060");
    assert_formats_as(&address, "[::ffff:192.0.2.1]:1060");
    address_unmap(&address);
    ck_assert_uint_eq(address.length, sizeof address.u.in);
    assert_formats_as(&address, "192.0.2.1:1060");
}
END_TEST

START_TEST(other_addresses_are_left_alone_by_unmap)
{
    const char *const hosts[] = {"192.0.2.1", "::1", "::", "::fffe:192.0.2.1"};
    for (size_t i = 0; i < COUNT(hosts); i++) {
        const struct address before = numeric_address(hosts[i], "1060");
        struct address after = before;
        address_unmap(&after);
        ck_assert_uint_eq(after.length, before.length);
        ck_assert_mem_eq(&after.u, &before.u, before.length);
    }
}
END_TEST

START_TEST(a_wildcard_is_a_wildcard_on_whatever_port)
{
    const struct {
        const char *host;
        bool wildcard;
    } hosts[] = {{"0.0.0.0", true}, {"::", true}, {"127.0.0.1", false}, {"::1", false}};
    for (size_t i = 0; i < COUNT(hosts); i++) {
        const struct address address = numeric_address(hosts[i].host, "1060");
        ck_assert_int_eq(address_is_wildcard(&address), hosts[i].wildcard);
    }
}
END_TEST

START_TEST(addresses_overlap_where_one_socket_keeps_another_out)
{
    const struct {
        const char *host, *port, *other, *other_port;
        bool overlap;
    } pairs[] = {{"127.0.0.1", "1", "127.0.0.1", "1", true},
                 {"127.0.0.1", "1", "127.0.0.1", "2", false},
                 {"127.0.0.1", "1", "127.0.0.2", "1", false},
                 {"0.0.0.0", "1", "127.0.0.2", "1", true},
                 {"0.0.0.0", "1", "::", "1", false},
                 {"::1", "1", "::1", "1", true},
                 {"::1", "1", "::2", "1", false},
                 {"::", "1", "::2", "1", true},
                 {"fe80::1%lo", "1", "fe80::1", "1", false}};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const struct address a = numeric_address(pairs[i].host, pairs[i].port);
        const struct address b = numeric_address(pairs[i].other, pairs[i].other_port);
        ck_assert_int_eq(address_overlaps(&a, &b), pairs[i].overlap);
        ck_assert_int_eq(address_overlaps(&b, &a), pairs[i].overlap);
    }
}
END_TEST

START_TEST(addresses_are_equal_with_port_and_interface)
{
    const struct {
        const char *host, *port, *other, *other_port;
        bool equal;
    } pairs[] = {{"127.0.0.1", "1", "127.0.0.1", "1", true},
                 {"127.0.0.1", "1", "127.0.0.1", "2", false},
                 {"127.0.0.1", "1", "127.0.0.2", "1", false},
                 {"0.0.0.0", "1", "127.0.0.1", "1", false},
                 {"0.0.0.0", "1", "0.0.0.0", "1", true},
                 {"0.0.0.0", "1", "::", "1", false},
                 {"127.0.0.1", "1", "::ffff:127.0.0.1", "1", false},
                 {"::1", "1", "::1", "1", true},
                 {"::1", "1", "::1", "2", false},
                 {"::1", "1", "::2", "1", false},
                 {"::", "1", "::1", "1", false},
                 {"fe80::1%lo", "1", "fe80::1%lo", "1", true},
                 {"fe80::1%lo", "1", "fe80::1", "1", false}};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const struct address a = numeric_address(pairs[i].host, pairs[i].port);
        const struct address b = numeric_address(pairs[i].other, pairs[i].other_port);
        ck_assert_msg(address_equals(&a, &b) == pairs[i].equal, "number %zu", i);
        ck_assert_msg(address_equals(&b, &a) == pairs[i].equal, "number %zu", i);
    }
}
END_TEST

START_TEST(the_address_of_a_socket_has_the_port_that_the_kernel_chose)
{
    struct address bound;
    struct address named;
    int fd = bound_socket(&bound, -1);
    ck_assert_int_eq(address_of_socket(fd, &named), 0);
    ck_assert_uint_eq(named.length, bound.length);
    ck_assert_mem_eq(&named.u, &bound.u, bound.length);
    ck_assert_uint_ne(named.u.in.sin_port, 0);
    close(fd);
    ck_assert_int_eq(address_of_socket(fd, &named), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(the_address_of_a_socket_for_both_families_is_unmapped)
{
    const struct address mapped = numeric_address("::ffff:127.0.0.1", "0");
    const int off = 0;
    struct address named;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0)
        return; /* a host without IPv6 */
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    need(bind(fd, &mapped.u.any, mapped.length) == 0, "a v4-mapped address");
    ck_assert_int_eq(address_of_socket(fd, &named), 0);
    ck_assert_int_eq(named.u.any.sa_family, AF_INET);
    ck_assert_uint_eq(named.u.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    close(fd);
}
END_TEST

Suite *address_suite(void)
{
    Suite *suite = suite_create("address");
    TCase *addresses = add_case(suite, "address", NULL);
    tcase_add_test(addresses, a_numeric_IPv4_address_is_resolved_and_formatted);
    tcase_add_test(addresses, a_numeric_IPv6_address_is_resolved_and_formatted);
    tcase_add_test(addresses, a_link_local_address_carries_its_interface);
    tcase_add_test(addresses, the_longest_address_fits_its_text);
    tcase_add_test(addresses, an_address_of_another_family_is_unknown);
    tcase_add_test(addresses, a_v4_mapped_address_is_unmapped);
    tcase_add_test(addresses, other_addresses_are_left_alone_by_unmap);
    tcase_add_test(addresses, a_wildcard_is_a_wildcard_on_whatever_port);
    tcase_add_test(addresses, addresses_overlap_where_one_socket_keeps_another_out);
    tcase_add_test(addresses, addresses_are_equal_with_port_and_interface);
    tcase_add_test(addresses, the_address_of_a_socket_has_the_port_that_the_kernel_chose);
    tcase_add_test(addresses, the_address_of_a_socket_for_both_families_is_unmapped);
    return suite;
}
