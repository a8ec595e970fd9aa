/* SPDX-License-Identifier: MIT */
/* The PROXY headers that the client writes, octet by octet, and as the daemon reads them. */
#include <config.h>

#include "common/proxy_protocol.h"
#include "support.h"

#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IN6_ONE "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0"
#define ALL_SET "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
#define EIGHT_SET "\xff\xff\xff\xff\xff\xff\xff\xff"

#define OCTETS(text) text, sizeof(text) - 1

static const struct sample {
    int version;
    struct {
        const char *host, *port;
    } source, destination;
    const char *octets;
    size_t length;
} samples[] = {
    {1,
     {"192.0.2.1", "4660"},
     {"192.0.2.2", "1060"},
     OCTETS("PROXY TCP4 192.0.2.1 192.0.2.2 4660 1060\r\n")},
    {1,
     {"255.255.255.255", "65535"},
     {"0.0.0.0", "0"},
     OCTETS("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n")},
    {1,
     {"2001:db8::1", "4660"},
     {"2001:DB8::2", "1060"},
     OCTETS("PROXY TCP6 2001:db8::1 2001:db8::2 4660 1060\r\n")},
    {1,
     {ALL_SET, "65535"},
     {ALL_SET, "65535"},
     OCTETS("PROXY TCP6 " ALL_SET " " ALL_SET " 65535 65535\r\n")},
    {1, {"fe80::1%1", "1"}, {"fe80::2%1", "2"}, OCTETS("PROXY TCP6 fe80::1 fe80::2 1 2\r\n")},
    {2,
     {"192.0.2.1", "4660"},
     {"192.0.2.2", "1060"},
     OCTETS(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\x12\x34\4\x24")},
    {2,
     {"2001:db8::1", "4660"},
     {"2001:db8::2", "1060"},
     OCTETS(SIGNATURE "\x21\x21\0\x24" IN6_ONE "\1" IN6_ONE "\2\x12\x34\4\x24")},
    {2,
     {ALL_SET, "65535"},
     {ALL_SET, "65535"},
     OCTETS(SIGNATURE "\x21\x21\0\x24" EIGHT_SET EIGHT_SET EIGHT_SET EIGHT_SET "\xff\xff\xff\xff")},
};

static void write_sample(const struct sample *sample, unsigned char header[PROXY_HEADER_SIZE])
{
    struct address source = numeric_address(sample->source.host, sample->source.port);
    struct address destination =
        numeric_address(sample->destination.host, sample->destination.port);
    ck_assert_uint_eq(proxy_header_write(sample->version, &source, &destination, header),
                      sample->length);
}

START_TEST(a_header_is_written_as_the_specification_has_it)
{
    unsigned char octets[PROXY_HEADER_SIZE];
    write_sample(&samples[_i], octets);
    ck_assert_mem_eq(octets, samples[_i].octets, samples[_i].length);
}
END_TEST

static void assert_is(const struct address *address, const char *host, const char *port)
{
    struct address expected = numeric_address(host, port);
    if (expected.u.any.sa_family == AF_INET6)
        expected.u.in6.sin6_scope_id = 0;
    ck_assert(address_equals(address, &expected));
}

START_TEST(the_server_reads_what_was_written)
{
    unsigned char octets[PROXY_HEADER_SIZE];
    struct proxy_header header;
    const struct sample *sample = &samples[_i];
    write_sample(sample, octets);
    ck_assert_int_eq(proxy_header_parse(octets, sample->length, &header), PROXY_COMPLETE);
    ck_assert_uint_eq(header.length, sample->length);
    ck_assert(header.has_addresses);
    assert_is(&header.source, sample->source.host, sample->source.port);
    assert_is(&header.destination, sample->destination.host, sample->destination.port);
}
END_TEST

Suite *proxy_header_suite(void)
{
    Suite *suite = suite_create("proxy_header");
    TCase *tcase = add_case(suite, "proxy_header_write", NULL);
    tcase_add_loop_test(tcase, a_header_is_written_as_the_specification_has_it, 0, COUNT(samples));
    tcase_add_loop_test(tcase, the_server_reads_what_was_written, 0, COUNT(samples));
    return suite;
}
