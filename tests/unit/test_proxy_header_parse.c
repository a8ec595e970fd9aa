/* SPDX-License-Identifier: MIT */
/* The PROXY header, as its specification has it: valid and malformed headers, and that nothing is
 * decided before the header is complete. */
#include <config.h>

#include "common/proxy_protocol.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V1_MAX_WORDS                                                                           \
    "UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff " \
    "65535 65535"
#define IN_BLOCK "\xc0\0\2\1\xc0\0\2\2\x12\x34\4\x24"
#define IN6_ONE "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0"
#define IN6_BLOCK IN6_ONE "\1" IN6_ONE "\2\x12\x34\4\x24"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2"

static struct proxy_header header;

/* Parse a copy of exactly `count` octets, so that a sanitizer detects a read past them. */
static enum proxy_header_status parse(const char *octets, size_t count)
{
    unsigned char *copy = malloc(count > 0 ? count : 1);
    need(copy != NULL, "memory");
    memcpy(copy, octets, count);
    enum proxy_header_status status = proxy_header_parse(copy, count, &header);
    free(copy);
    return status;
}

/* Fail unless more octets are wanted until the header is complete, and never more than it has. */
static void assert_wants_the_rest(const char *octets, size_t length)
{
    for (size_t count = 0; count < length; count++) {
        ck_assert_int_eq(parse(octets, count), PROXY_MORE);
        ck_assert_uint_gt(header.length, count);
        ck_assert_uint_le(header.length, length);
    }
}

struct sample {
    const char *octets;
    size_t length;
    const char *source, *destination; /* NULL: the header has no addresses */
};

#define OCTETS(text) text, sizeof(text) - 1

static const struct sample valid[] = {
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 4660 1060\r\n"), "192.0.2.1:4660", "192.0.2.2:1060"},
    {OCTETS("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255:65535",
     "255.255.255.255:65535"},
    {OCTETS("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0:0", "0.0.0.0:0"},
    {OCTETS("PROXY TCP6 2001:db8::1 2001:DB8::2 4660 1060\r\n"), "[2001:db8::1]:4660",
     "[2001:db8::2]:1060"},
    {OCTETS("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1:1", "[::1]:2"},
    {OCTETS("PROXY UNKNOWN\r\n"), NULL, NULL},
    {OCTETS("PROXY UNKNOWN whatever, 1 2 3 4 5 \xff\r\n"), NULL, NULL},
    {OCTETS("PROXY " V1_MAX_WORDS "\r\n"), NULL, NULL},
    {OCTETS(SIGNATURE "\x21\x11\0\x0c" IN_BLOCK), "192.0.2.1:4660", "192.0.2.2:1060"},
    {OCTETS(SIGNATURE "\x21\x21\0\x24" IN6_BLOCK), "[2001:db8::1]:4660", "[2001:db8::2]:1060"},
    {OCTETS(SIGNATURE "\x21\x21\0\x24" MAPPED "\1" MAPPED "\2\0\1\0\2"), "192.0.2.1:1",
     "192.0.2.2:2"},
    {OCTETS(SIGNATURE "\x21\x11\0\x13" IN_BLOCK "\4\0\4abcd"), "192.0.2.1:4660", "192.0.2.2:1060"},
    {OCTETS(SIGNATURE "\x20\0\0\0"), NULL, NULL},
    {OCTETS(SIGNATURE "\x20\x11\0\x0c" IN_BLOCK), NULL, NULL},
    {OCTETS(SIGNATURE "\x20\x11\0\3abc"), NULL, NULL},
    {OCTETS(SIGNATURE "\x20\xff\0\0"), NULL, NULL},
    {OCTETS(SIGNATURE "\x21\0\0\0"), NULL, NULL},
    {OCTETS(SIGNATURE "\x21\0\0\5abcde"), NULL, NULL},
    {OCTETS(SIGNATURE "\x21\1\0\0"), NULL, NULL},
    {OCTETS(SIGNATURE "\x21\x10\0\x0c" IN_BLOCK), NULL, NULL},
    {OCTETS(SIGNATURE "\x21\x12\0\x0c" IN_BLOCK), NULL, NULL},
    {OCTETS(SIGNATURE "\x21\x22\0\x24" IN6_BLOCK), NULL, NULL},
    {OCTETS(SIGNATURE "\x21\x31\0\1a"), NULL, NULL},
    {OCTETS(SIGNATURE "\x21\x32\0\1a"), NULL, NULL},
};

static void assert_parsed(const struct sample *sample)
{
    ck_assert_uint_eq(header.length, sample->length);
    ck_assert(header.has_addresses == (sample->source != NULL));
    if (sample->source != NULL) {
        assert_formats_as(&header.source, sample->source);
        assert_formats_as(&header.destination, sample->destination);
    }
}

START_TEST(a_header_names_the_client_of_the_proxy)
{
    ck_assert_int_eq(parse(valid[_i].octets, valid[_i].length), PROXY_COMPLETE);
    assert_parsed(&valid[_i]);
}
END_TEST

START_TEST(a_header_is_wanted_to_its_end)
{
    assert_wants_the_rest(valid[_i].octets, valid[_i].length);
}
END_TEST

START_TEST(octets_after_a_header_are_not_read)
{
    char octets[300];
    size_t length = valid[_i].length;
    memcpy(octets, valid[_i].octets, length);
    memset(octets + length, '\n', sizeof octets - length);
    ck_assert_int_eq(parse(octets, sizeof octets), PROXY_COMPLETE);
    assert_parsed(&valid[_i]);
}
END_TEST

#define NONE "there is no PROXY header"
#define PROTOCOL "the protocol is not TCP4, TCP6 or UNKNOWN"
#define NO_ADDRESS(end) "the " end " address is not an IPv4 or IPv6 address as a number"
#define NO_PORT(end) "the " end " port is not a number from 0 to 65535"
#define MISSING(what) "the " what " is missing"
#define LEFT_OVER "the line continues after the destination port"
#define IN_IN6(end) "the protocol is TCP6, but the " end " address is IPv4"
#define IN6_IN(end) "the protocol is TCP4, but the " end " address is IPv6"
#define CRLF "the line does not end in CR LF"
#define LONG_LINE "the line does not end within 107 octets"

static const struct {
    const char *octets;
    size_t count;
    const char *reason;
} malformed[] = {
    {OCTETS("Hi there, server"), NONE},
    {OCTETS("G"), NONE},
    {OCTETS("PROXX"), NONE},
    {OCTETS("proxy TCP4 "), NONE},
    {OCTETS(" PROXY TCP4 "), NONE},
    {OCTETS("PROXY\tTCP4 "), NONE},
    {OCTETS("\r\n\r\n\0\r\nQUIT\r"), NONE},
    {OCTETS("\r\n\r\nx"), NONE},
    {OCTETS("PROXY \r\n"), PROTOCOL},
    {OCTETS("PROXY TCP 192.0.2.1 192.0.2.2 1 2\r\n"), PROTOCOL},
    {OCTETS("PROXY TCP45 192.0.2.1 192.0.2.2 1 2\r\n"), PROTOCOL},
    {OCTETS("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"), PROTOCOL},
    {OCTETS("PROXY unknown\r\n"), PROTOCOL},
    {OCTETS("PROXY UNKNOWN\t1\r\n"), PROTOCOL},
    {OCTETS("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), PROTOCOL},
    {OCTETS("PROXY TCP4\r\n"), MISSING("source address")},
    {OCTETS("PROXY TCP6 \r\n"), MISSING("source address")},
    {OCTETS("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"), MISSING("source address")},
    {OCTETS("PROXY TCP4 192.0.2.1\r\n"), MISSING("destination address")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2\r\n"), MISSING("source port")},
    {OCTETS("PROXY TCP4 192.0.2.1 1\r\n"), MISSING("source port")},
    {OCTETS("PROXY TCP4 192.0.2.1 1 2\r\n"), MISSING("destination port")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), MISSING("destination port")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n"), MISSING("destination port")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"), LEFT_OVER},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), LEFT_OVER},
    {OCTETS("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n"), MISSING("destination address")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1  2\r\n"), MISSING("destination port")},
    {OCTETS("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n"), NO_ADDRESS("source")},
    {OCTETS("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n"), NO_ADDRESS("source")},
    {OCTETS("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n"), NO_ADDRESS("source")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"), NO_PORT("source")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 00 2\r\n"), NO_PORT("source")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n"), NO_PORT("source")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"), NO_PORT("destination")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1 4294967297\r\n"), NO_PORT("destination")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 http 2\r\n"), NO_PORT("source")},
    {OCTETS("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"), IN6_IN("source")},
    {OCTETS("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"), IN_IN6("source")},
    {OCTETS("PROXY TCP6 ::1 192.0.2.2 1 2\r\n"), IN_IN6("destination")},
    {OCTETS("PROXY TCP6 192.0.2.1 ::1 1 2\r\n"), IN_IN6("source")},
    {OCTETS("PROXY TCP4 192.0.2.1 ::ffff:192.0.2.2 1 2\r\n"), IN6_IN("destination")},
    {OCTETS("PROXY TCP6 fe80::1%lo ::1 1 2\r\n"), NO_ADDRESS("source")},
    {OCTETS("PROXY TCP6 [::1] ::1 1 2\r\n"), NO_ADDRESS("source")},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"), CRLF},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r"), CRLF},
    {OCTETS("PROXY UNKNOWN\rx\r\n"), CRLF},
    {OCTETS("PROXY UNKNOWN\n\r\n"), CRLF},
    {OCTETS("PROXY UNKNOWN\n\n"), CRLF},
    {OCTETS("PROXY UNKNOWN\0\n"), CRLF},
    {OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\0 3\r\n"), CRLF},
    {OCTETS("PROXY UNKNOWN \0\r\n"), CRLF},
    {OCTETS("PROXY " V1_MAX_WORDS " \r\n"), LONG_LINE},
    {OCTETS("PROXY " V1_MAX_WORDS "  "), LONG_LINE},
    {OCTETS(SIGNATURE "\x11\x11\0\x0c"), "the version is not 2"},
    {OCTETS(SIGNATURE "\x31\x11\0\x0c"), "the version is not 2"},
    {OCTETS(SIGNATURE "\x22\x11\0\x0c"), "the command is neither LOCAL nor PROXY"},
    {OCTETS(SIGNATURE "\x2f\x11\0\x0c"), "the command is neither LOCAL nor PROXY"},
    {OCTETS(SIGNATURE "\x21\x41\0\x0c"), "the address family or protocol is unknown"},
    {OCTETS(SIGNATURE "\x21\x13\0\x0c"), "the address family or protocol is unknown"},
    {OCTETS(SIGNATURE "\x21\x11\x0f\xf1"), "the header is longer than 4096 octets"},
    {OCTETS(SIGNATURE "\x20\0\xff\xff"), "the header is longer than 4096 octets"},
    {OCTETS(SIGNATURE "\x21\x11\0\x0b\xc0\0\2\1\xc0\0\2\2\x12\x34\4"),
     "the header is too short for its addresses"},
    {OCTETS(SIGNATURE "\x21\x11\0\0"), "the header is too short for its addresses"},
    {OCTETS(SIGNATURE "\x21\x21\0\x0c" IN_BLOCK), "the header is too short for its addresses"},
};

START_TEST(an_invalid_header_is_malformed)
{
    ck_assert_int_eq(parse(malformed[_i].octets, malformed[_i].count), PROXY_MALFORMED);
    ck_assert_str_eq(header.reason, malformed[_i].reason);
    ck_assert(!header.has_addresses);
}
END_TEST

/* How many octets of a malformed header show what is wrong. */
static const struct {
    const char *octets;
    size_t count, shown;
} shown[] = {
    {OCTETS("GET / HTTP/1.1\r\nHost: x\r\n"), WIRE_OCTETS},
    {OCTETS("PROXY TCP4 192.0.2.1 ::1 1 2\r\nHi there, server"), 28},
    {OCTETS("PROXY SCTP\r\nHi there, server"), 10},
    {OCTETS("PROXY UNKNOWN\nHi there, server"), 14},
    {OCTETS("PROXY UNKNOWN\rHi there, server"), 15},
    {OCTETS("PROXY " V1_MAX_WORDS " \r\nHi there, server"), 107},
    {OCTETS(SIGNATURE "\x31\x11\0\x0c" IN_BLOCK), 13},
    {OCTETS(SIGNATURE "\x22\x11\0\x0c" IN_BLOCK), 13},
    {OCTETS(SIGNATURE "\x21\x41\0\x0c" IN_BLOCK), 14},
    {OCTETS(SIGNATURE "\x21\x11\xff\xff" IN_BLOCK), 16},
    {OCTETS(SIGNATURE "\x21\x21\0\x0c" IN_BLOCK "Hi there, server"), 28},
};

START_TEST(what_is_wrong_is_shown_and_nothing_after_it)
{
    ck_assert_int_eq(parse(shown[_i].octets, shown[_i].count), PROXY_MALFORMED);
    ck_assert_uint_eq(header.length, shown[_i].shown);
}
END_TEST

/* The receiver should abort as soon as possible: section 2.1. */
START_TEST(malformed_is_reported_at_the_first_octet_that_proves_it)
{
    if (strcmp(malformed[_i].reason, NONE) == 0 || strcmp(malformed[_i].reason, CRLF) == 0) {
        size_t count = 0;
        while (parse(malformed[_i].octets, count) == PROXY_MORE)
            count++;
        ck_assert_int_eq(parse(malformed[_i].octets, count), PROXY_MALFORMED);
        ck_assert_uint_le(header.length, malformed[_i].count);
    }
}
END_TEST

START_TEST(the_longest_header_is_4096_octets)
{
    char octets[PROXY_HEADER_MAX] = SIGNATURE "\x21\x11\x0f\xf0" IN_BLOCK;
    assert_wants_the_rest(octets, sizeof octets);
    ck_assert_int_eq(parse(octets, sizeof octets), PROXY_COMPLETE);
    ck_assert_uint_eq(header.length, sizeof octets);
    assert_formats_as(&header.source, "192.0.2.1:4660");
}
END_TEST

START_TEST(a_line_that_never_ends_is_malformed)
{
    char octets[200] = "PROXY ";
    memset(octets + 6, 'x', sizeof octets - 6);
    for (size_t count = 6; count < 106; count++)
        ck_assert_int_eq(parse(octets, count), PROXY_MORE);
    ck_assert_int_eq(parse(octets, 106), PROXY_MALFORMED);
    ck_assert_int_eq(parse(octets, sizeof octets), PROXY_MALFORMED);
    octets[106] = '\r';
    octets[107] = '\n';
    ck_assert_int_eq(parse(octets, sizeof octets), PROXY_MALFORMED);
    ck_assert_str_eq(header.reason, LONG_LINE);
}
END_TEST

Suite *proxy_header_parse_suite(void)
{
    Suite *suite = suite_create("proxy_header_parse");
    TCase *tcase = add_case(suite, "proxy_header_parse", NULL);
    tcase_add_loop_test(tcase, a_header_names_the_client_of_the_proxy, 0, COUNT(valid));
    tcase_add_loop_test(tcase, a_header_is_wanted_to_its_end, 0, COUNT(valid));
    tcase_add_loop_test(tcase, octets_after_a_header_are_not_read, 0, COUNT(valid));
    tcase_add_loop_test(tcase, an_invalid_header_is_malformed, 0, COUNT(malformed));
    tcase_add_loop_test(tcase, what_is_wrong_is_shown_and_nothing_after_it, 0, COUNT(shown));
    tcase_add_loop_test(tcase, malformed_is_reported_at_the_first_octet_that_proves_it, 0,
                        COUNT(malformed));
    tcase_add_test(tcase, the_longest_header_is_4096_octets);
    tcase_add_test(tcase, a_line_that_never_ends_is_malformed);
    return suite;
}
