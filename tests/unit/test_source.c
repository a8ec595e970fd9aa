/* SPDX-License-Identifier: MIT */
/* Sources as text, and the addresses to which the kernel binds sockets. */
#include <config.h>

#include "client/exchange/source.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct source parsed(const char *text)
{
    struct source source;
    char why[SOURCE_WHY];
    ck_assert_msg(source_parse(text, &source, why), "%s: %s", text, why);
    return source;
}

static void assert_bound_to(int fd, const char *expected)
{
    struct address bound;
    ck_assert_int_eq(address_of_socket(fd, &bound), 0);
    assert_formats_as(&bound, expected);
}

/* -1 on a host without that family. */
static int new_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(fd >= 0 || errno == EAFNOSUPPORT, "a socket");
    return fd;
}

static const struct {
    const char *text;
    int family;
    uint64_t number;
    const char *bound;
} turns[] = {
    {"192.0.2.7", AF_INET, 0, "192.0.2.7:0"},
    {"192.0.2.7", AF_INET, 1, "192.0.2.7:0"},
    {"192.0.2.7/32", AF_INET, UINT64_MAX, "192.0.2.7:0"},
    {"192.0.2.8/31", AF_INET, 0, "192.0.2.8:0"},
    {"192.0.2.8/31", AF_INET, 1, "192.0.2.9:0"},
    {"192.0.2.8/31", AF_INET, 2, "192.0.2.8:0"},
    {"192.0.2.8/30", AF_INET, 0, "192.0.2.9:0"},
    {"192.0.2.8/30", AF_INET, 1, "192.0.2.10:0"},
    {"192.0.2.8/30", AF_INET, 2, "192.0.2.9:0"},
    {"10.0.0.0/8", AF_INET, 254, "10.0.0.255:0"},
    {"10.0.0.0/8", AF_INET, 255, "10.0.1.0:0"},
    {"10.0.0.0/8", AF_INET, 16777213, "10.255.255.254:0"},
    {"10.0.0.0/8", AF_INET, 16777214, "10.0.0.1:0"},
    {"0.0.0.0/0", AF_INET, 0, "0.0.0.1:0"},
    {"0.0.0.0/0", AF_INET, 4294967293, "255.255.255.254:0"},
    {"0.0.0.0/0", AF_INET, 4294967294, "0.0.0.1:0"},
    {"::ffff:192.0.2.8/126", AF_INET, 1, "192.0.2.10:0"},
    {"2001:db8::1", AF_INET6, 1, "[2001:db8::1]:0"},
    {"2001:db8::8/127", AF_INET6, 0, "[2001:db8::8]:0"},
    {"2001:db8::8/127", AF_INET6, 1, "[2001:db8::9]:0"},
    {"2001:db8::8/127", AF_INET6, 2, "[2001:db8::8]:0"},
    {"2001:db8::8/126", AF_INET6, 0, "[2001:db8::9]:0"},
    {"2001:db8::8/126", AF_INET6, 2, "[2001:db8::b]:0"},
    {"2001:db8::8/126", AF_INET6, 3, "[2001:db8::9]:0"},
    {"2001:db8::/112", AF_INET6, 255, "[2001:db8::100]:0"},
    {"2001:db8::/64", AF_INET6, 0, "[2001:db8::1]:0"},
    {"2001:db8::/64", AF_INET6, UINT64_MAX - 1, "[2001:db8::ffff:ffff:ffff:ffff]:0"},
    {"2001:db8::/64", AF_INET6, UINT64_MAX, "[2001:db8::1]:0"},
    {"2001:db8::/32", AF_INET6, 0, "[2001:db8::1]:0"},
    {"2001:db8::/32", AF_INET6, UINT64_MAX - 1, "[2001:db8::ffff:ffff:ffff:ffff]:0"},
    {"fe80::1%lo", AF_INET6, 1, "[fe80::1%lo]:0"},
    {"fe80::1%1", AF_INET6, 1, "[fe80::1%lo]:0"},
    {"::ffff:192.0.2.7%1", AF_INET, 1, "192.0.2.7:0"},
};

/* Bind to any address, as if the host had it: IP_FREEBIND is for both families. */
START_TEST(each_number_has_its_address)
{
    const int on = 1;
    struct source source = parsed(turns[_i].text);
    skip_unless(has_option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1), "IP_BIND_ADDRESS_NO_PORT");
    ck_assert_int_eq(source_family(&source), turns[_i].family);
    int fd = new_socket(turns[_i].family);
    if (fd < 0)
        return;
    need(setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) == 0, "any address");
    ck_assert_int_eq(source_bind(&source, fd, turns[_i].number), 0);
    assert_bound_to(fd, turns[_i].bound);
    close(fd);
}
END_TEST

#define NO_LINK_LOCAL "not an IPv6 address followed by % and an interface of this host"
#define ZEROS "0000000000000000"
#define NOTHING "not an address, a prefix or an interface of this host"

static const struct {
    const char *text, *why;
} wrong[] = {
    {"", NOTHING},
    {"localhost", NOTHING},
    {"192.0.2", NOTHING},
    {"192.0.2.256", NOTHING},
    {"lo ", NOTHING},
    {"an-interface-of-a-long-name", NOTHING},
    {"lo/8", "not an IPv4 or IPv6 prefix; write 192.0.2.0/24, 2001:db8::/32 or one numeric "
             "address"},
    {"192.0.2.1:1060", "not an IPv4 or IPv6 prefix; write 192.0.2.0/24, 2001:db8::/32 or one "
                       "numeric address"},
    {"192.0.2.0/33", "the prefix length must be a number from 0 to 32"},
    {"127.0.0.1/8", "bits are set after the prefix length; the network is 127.0.0.0/8"},
    {"%", NO_LINK_LOCAL},
    {"%lo", NO_LINK_LOCAL},
    {"fe80::1%", NO_LINK_LOCAL},
    {"fe80::1%no such", NO_LINK_LOCAL},
    {"fe80::%lo/64", NO_LINK_LOCAL},
    {"127.0.0.1%lo", NO_LINK_LOCAL},
    {"fe80::1%" ZEROS ZEROS ZEROS ZEROS "1", NO_LINK_LOCAL},
};

START_TEST(another_text_is_refused)
{
    struct source source;
    char why[SOURCE_WHY];
    ck_assert(!source_parse(wrong[_i].text, &source, why));
    ck_assert_str_eq(why, wrong[_i].why);
}
END_TEST

START_TEST(a_prefix_is_used_to_its_last_host)
{
    char expected[ADDRESS_TEXT];
    struct source source = parsed("127.1.0.0/24");
    skip_unless(has_option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1), "IP_BIND_ADDRESS_NO_PORT");
    for (unsigned number = 0; number < 2 * 254; number++) {
        int fd = new_socket(AF_INET);
        snprintf(expected, sizeof expected, "127.1.0.%u:0", number % 254 + 1);
        ck_assert_int_eq(source_bind(&source, fd, number), 0);
        assert_bound_to(fd, expected);
        close(fd);
    }
}
END_TEST

/* The peer that a listener of this host sees after a connect from the source. */
static struct address seen(const struct source *source)
{
    struct address bound;
    struct address peer = {.length = sizeof peer.u};
    int listening = bound_socket(&bound, 1);
    int fd = new_socket(AF_INET);
    ck_assert_int_eq(source_bind(source, fd, 0), 0);
    ck_assert_int_eq(connect(fd, &bound.u.any, bound.length), 0);
    int accepted = accept4(listening, &peer.u.any, &peer.length, SOCK_CLOEXEC);
    need(accepted >= 0, "the other end");
    close(accepted);
    close(fd);
    close(listening);
    return peer;
}

START_TEST(a_connection_comes_from_the_address_and_any_port)
{
    struct source source = parsed("127.1.2.3");
    struct address peer = seen(&source);
    ck_assert_uint_ne(peer.u.in.sin_port, 0);
    peer.u.in.sin_port = 0;
    assert_formats_as(&peer, "127.1.2.3:0");
}
END_TEST

START_TEST(an_interface_is_bound_to)
{
    char name[IF_NAMESIZE];
    socklen_t length = sizeof name;
    struct source source = parsed("lo");
    ck_assert_int_eq(source_family(&source), AF_UNSPEC);
    int fd = new_socket(AF_INET);
    int bound = source_bind(&source, fd, 0);
    if (bound != 0 && errno == EPERM) {
        puts("# before Linux 5.7 only root binds to an interface");
        return;
    }
    ck_assert_int_eq(bound, 0);
    skip_unless(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length) == 0,
                "query of SO_BINDTODEVICE");
    ck_assert_str_eq(name, "lo");
    close(fd);
    ck_assert_uint_eq(ntohl(seen(&source).u.in.sin_addr.s_addr), INADDR_LOOPBACK);
}
END_TEST

START_TEST(without_a_source_nothing_is_asked_of_the_kernel)
{
    const struct source none = {0};
    ck_assert_int_eq(source_family(&none), AF_UNSPEC);
    ck_assert_int_eq(source_bind(&none, -1, 7), 0);
}
END_TEST

START_TEST(what_the_kernel_refuses_is_reported)
{
    struct source address = parsed("127.0.0.1");
    struct source interface = parsed("lo");
    ck_assert_int_eq(source_bind(&address, -1, 0), -1);
    ck_assert_int_eq(errno, EBADF);
    errno = 0;
    ck_assert_int_eq(source_bind(&interface, -1, 0), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

Suite *source_suite(void)
{
    Suite *suite = suite_create("source");
    TCase *text = add_case(suite, "source as text", NULL);
    tcase_add_loop_test(text, each_number_has_its_address, 0, COUNT(turns));
    tcase_add_loop_test(text, another_text_is_refused, 0, COUNT(wrong));
    TCase *bound = add_case(suite, "source_bind", NULL);
    tcase_add_test(bound, a_prefix_is_used_to_its_last_host);
    tcase_add_test(bound, a_connection_comes_from_the_address_and_any_port);
    tcase_add_test(bound, an_interface_is_bound_to);
    tcase_add_test(bound, without_a_source_nothing_is_asked_of_the_kernel);
    tcase_add_test(bound, what_the_kernel_refuses_is_reported);
    return suite;
}
