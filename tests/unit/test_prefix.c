/* SPDX-License-Identifier: MIT */
/* Prefixes as text, and the longest one of a list that contains an address. */
#include <config.h>

#include "common/prefix.h"
#include "settings_support.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct prefixes prefixes;

static const struct {
    const char *text, *formatted;
} valid[] = {
    {"192.0.2.0/24", "192.0.2.0/24"},
    {"192.0.2.7", "192.0.2.7/32"},
    {"192.0.2.7/32", "192.0.2.7/32"},
    {"192.0.2.128/25", "192.0.2.128/25"},
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"128.0.0.0/1", "128.0.0.0/1"},
    {"255.255.255.254/31", "255.255.255.254/31"},
    {"2001:DB8::/32", "2001:db8::/32"},
    {"::/0", "::/0"},
    {"::1", "::1/128"},
    {"8000::/1", "8000::/1"},
    {"2001:db8:8000::/33", "2001:db8:8000::/33"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
    {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
    {"::ffff:192.0.2.7", "192.0.2.7/32"},
    {"::ffff:0:0/96", "0.0.0.0/0"},
    {"::fffe:0:0/95", "::fffe:0:0/95"},
};

START_TEST(a_prefix_is_read_and_written)
{
    struct prefix prefix;
    struct prefix again;
    char text[PREFIX_TEXT];
    char error[ERROR_SIZE];
    ck_assert(prefix_parse(valid[_i].text, &prefix, error));
    ck_assert_str_eq(prefix_format(&prefix, text), valid[_i].formatted);
    ck_assert(prefix_parse(text, &again, error));
    ck_assert_mem_eq(&again, &prefix, sizeof prefix);
}
END_TEST

#define NO_ADDRESS                                                                  \
    "not an IPv4 or IPv6 prefix; write 192.0.2.0/24, 2001:db8::/32 or one numeric " \
    "address"
#define NO_LENGTH "the prefix length must be a number from 0 to "
#define BITS "bits are set after the prefix length; the network is "

static const struct {
    const char *text, *error;
} wrong[] = {
    {"", NO_ADDRESS},
    {"/8", NO_ADDRESS},
    {"localhost", NO_ADDRESS},
    {"10/8", NO_ADDRESS},
    {"10.0.0/8", NO_ADDRESS},
    {"010.0.0.0/8", NO_ADDRESS},
    {"256.0.0.0/8", NO_ADDRESS},
    {" 10.0.0.0/8", NO_ADDRESS},
    {"[::1]/128", NO_ADDRESS},
    {"fe80::1%lo/128", NO_ADDRESS},
    {"2001:db8:::/32", NO_ADDRESS},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2550", NO_ADDRESS}, /* INET6_ADDRSTRLEN */
    {"1111:1111:1111:1111:1111:1111:111.111.111.111.111.111", NO_ADDRESS},
    {"10.0.0.0/", NO_LENGTH "32"},
    {"10.0.0.0/33", NO_LENGTH "32"},
    {"10.0.0.0/-1", NO_LENGTH "32"},
    {"10.0.0.0/+8", NO_LENGTH "32"},
    {"10.0.0.0/ 8", NO_LENGTH "32"},
    {"10.0.0.0/8 ", NO_LENGTH "32"},
    {"10.0.0.0/08", NO_LENGTH "32"},
    {"10.0.0.0/0008", NO_LENGTH "32"},
    {"10.0.0.0/255.0.0.0", NO_LENGTH "32"},
    {"10.0.0.0/8/8", NO_LENGTH "32"},
    {"10.0.0.0/18446744073709551624", NO_LENGTH "32"},
    {"::/129", NO_LENGTH "128"},
    {"10.1.2.3/8", BITS "10.0.0.0/8"},
    {"0.0.0.1/0", BITS "0.0.0.0/0"},
    {"10.0.0.129/25", BITS "10.0.0.128/25"},
    {"10.0.0.1/31", BITS "10.0.0.0/31"},
    {"2001:db8::1/127", BITS "2001:db8::/127"},
    {"2001:db8:c000::/33", BITS "2001:db8:8000::/33"},
    {"::ffff:10.1.0.0/104", BITS "::ffff:10.0.0.0/104"},
};

START_TEST(another_text_is_refused)
{
    struct prefix prefix;
    char error[ERROR_SIZE];
    ck_assert(!prefix_parse(wrong[_i].text, &prefix, error));
    ck_assert_str_eq(error, wrong[_i].error);
}
END_TEST

static int match(const char *host)
{
    struct address address = numeric_address(host, "1");
    return prefixes_match(&prefixes, &address);
}

#define STORE(...)                                        \
    do {                                                  \
        static const char *const texts[] = {__VA_ARGS__}; \
        set_prefixes(&prefixes, texts, COUNT(texts));     \
    } while (0)

START_TEST(the_longest_that_contains_the_address_is_found)
{
    STORE("10.0.0.0/8", "10.1.2.0/24", "10.1.0.0/16", "10.1.2.3", "192.0.2.128/25", "2001:db8::/32",
          "2001:db8:0:1::/64");
    ck_assert_int_eq(match("9.255.255.255"), -1);
    ck_assert_int_eq(match("10.0.0.0"), 8);
    ck_assert_int_eq(match("10.0.255.255"), 8);
    ck_assert_int_eq(match("10.1.0.0"), 16);
    ck_assert_int_eq(match("10.1.1.255"), 16);
    ck_assert_int_eq(match("10.1.2.0"), 24);
    ck_assert_int_eq(match("10.1.2.2"), 24);
    ck_assert_int_eq(match("10.1.2.3"), 32);
    ck_assert_int_eq(match("10.1.2.4"), 24);
    ck_assert_int_eq(match("10.1.3.0"), 16);
    ck_assert_int_eq(match("10.2.0.0"), 8);
    ck_assert_int_eq(match("10.255.255.255"), 8);
    ck_assert_int_eq(match("11.0.0.0"), -1);
    ck_assert_int_eq(match("192.0.2.127"), -1);
    ck_assert_int_eq(match("192.0.2.255"), 25);
    ck_assert_int_eq(match("2001:db7:ffff::"), -1);
    ck_assert_int_eq(match("2001:db8::1"), 32);
    ck_assert_int_eq(match("2001:db8:0:1:ffff:ffff:ffff:ffff"), 64);
    ck_assert_int_eq(match("2001:db8:0:2::"), 32);
    ck_assert_int_eq(match("2001:db9::"), -1);
}
END_TEST

START_TEST(an_empty_list_contains_no_address)
{
    set_prefixes(&prefixes, NULL, 0);
    ck_assert_int_eq(match("127.0.0.1"), -1);
    ck_assert_int_eq(match("::1"), -1);
}
END_TEST

START_TEST(all_of_a_family_contains_none_of_the_other)
{
    STORE("::/0");
    ck_assert_int_eq(match("2001:db8::1"), 0);
    ck_assert_int_eq(match("127.0.0.1"), -1);
    STORE("0.0.0.0/0");
    ck_assert_int_eq(match("2001:db8::1"), -1);
    ck_assert_int_eq(match("127.0.0.1"), 0);
}
END_TEST

START_TEST(no_prefix_contains_an_address_of_another_family)
{
    const struct address unix_address = {.u.any.sa_family = AF_UNIX};
    STORE("::/0", "0.0.0.0/0");
    ck_assert_int_eq(prefixes_match(&prefixes, &unix_address), -1);
}
END_TEST

START_TEST(duplicates_are_kept_once)
{
    STORE("10.0.0.0/8", "::1", "10.0.0.0/8", "::ffff:10.0.0.0/104", "10.0.0.0/9");
    ck_assert_uint_eq(prefixes.count, 3);
    ck_assert_int_eq(match("10.200.0.0"), 8);
    ck_assert_int_eq(match("::1"), 128);
}
END_TEST

START_TEST(prefixes_that_differ_in_their_last_bits_are_kept)
{
    STORE("2001:db8::4", "2001:db8::1", "2001:db8::2/127", "192.0.2.1", "192.0.2.2");
    ck_assert_uint_eq(prefixes.count, 5);
    ck_assert_int_eq(match("2001:db8::1"), 128);
    ck_assert_int_eq(match("2001:db8::3"), 127);
    ck_assert_int_eq(match("2001:db8::4"), 128);
    ck_assert_int_eq(match("2001:db8::5"), -1);
}
END_TEST

/* A search that had to check more prefixes would find the same, but later. */
START_TEST(each_knows_only_the_longest_other_one_that_contains_it)
{
    STORE("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.1", "10.2.0.0/16", "11.0.0.0/8", "::/0",
          "::1");
    static const int32_t around[] = {-1, 0, 1, 2, 1, 0, -1, 6};
    for (size_t i = 0; i < COUNT(around); i++)
        ck_assert_int_eq(prefixes.list[i].parent, around[i]);
}
END_TEST

/* The search compared with a check of each prefix. */
static uint64_t state;

static uint32_t random_bits(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33);
}

/* Few bits vary, so that many prefixes contain each other. */
static void random_address(int family, char *text, size_t size)
{
    unsigned char octets[16] = {0};
    size_t width = family == AF_INET ? 4 : 16;
    octets[0] = random_bits() & 3;
    octets[1] = random_bits() & 0xc0;
    octets[width - 1] = random_bits() & 7;
    inet_ntop(family, octets, text, (socklen_t)size);
}

static void random_prefix(char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    char error[ERROR_SIZE];
    struct prefix prefix;
    int family = random_bits() % 2 == 0 ? AF_INET : AF_INET6;
    do {
        random_address(family, host, sizeof host);
        snprintf(text, size, "%s/%u", host, random_bits() % (family == AF_INET ? 33 : 129));
    } while (!prefix_parse(text, &prefix, error));
}

static bool contains_bit_by_bit(const struct prefix *prefix, const struct address *address)
{
    const unsigned char *octets = prefix->family == AF_INET
                                      ? (const unsigned char *)&address->u.in.sin_addr
                                      : address->u.in6.sin6_addr.s6_addr;
    if (prefix->family != address->u.any.sa_family)
        return false;
    for (unsigned i = 0; i < prefix->length; i++)
        if (((octets[i / 8] ^ prefix->octets[i / 8]) >> (7 - i % 8) & 1) != 0)
            return false;
    return true;
}

static int longest_of_all(const struct address *address)
{
    int longest = -1;
    for (size_t i = 0; i < prefixes.count; i++)
        if (prefixes.list[i].length > longest && contains_bit_by_bit(&prefixes.list[i], address))
            longest = prefixes.list[i].length;
    return longest;
}

START_TEST(a_search_finds_what_a_check_of_each_finds)
{
    static char texts[200][64];
    const char *list[COUNT(texts)];
    char host[INET6_ADDRSTRLEN];
    state = (uint64_t)_i;
    size_t count = random_bits() % COUNT(texts);
    for (size_t i = 0; i < count; i++) {
        random_prefix(texts[i], sizeof texts[i]);
        list[i] = texts[i];
    }
    set_prefixes(&prefixes, list, count);
    for (int i = 0; i < 500; i++) {
        random_address(i % 2 == 0 ? AF_INET : AF_INET6, host, sizeof host);
        struct address address = numeric_address(host, "1");
        ck_assert_msg(prefixes_match(&prefixes, &address) == longest_of_all(&address), "%s", host);
    }
}
END_TEST

Suite *prefix_suite(void)
{
    Suite *suite = suite_create("prefix");
    TCase *text = add_case(suite, "prefix as text", NULL);
    tcase_add_loop_test(text, a_prefix_is_read_and_written, 0, COUNT(valid));
    tcase_add_loop_test(text, another_text_is_refused, 0, COUNT(wrong));
    TCase *list = add_case(suite, "prefixes", NULL);
    tcase_add_test(list, the_longest_that_contains_the_address_is_found);
    tcase_add_test(list, an_empty_list_contains_no_address);
    tcase_add_test(list, all_of_a_family_contains_none_of_the_other);
    tcase_add_test(list, no_prefix_contains_an_address_of_another_family);
    tcase_add_test(list, duplicates_are_kept_once);
    tcase_add_test(list, prefixes_that_differ_in_their_last_bits_are_kept);
    tcase_add_test(list, each_knows_only_the_longest_other_one_that_contains_it);
    tcase_add_loop_test(list, a_search_finds_what_a_check_of_each_finds, 0, 20);
    return suite;
}
