/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/quote.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

/* What Python's repr() shows of one octet, said in another way than quote() does:
 * printable ASCII but for the backslash and the quote is listed. */
static void repr_of(unsigned octet, char text[8])
{
    static const char plain[] = " !\"#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`"
                                "abcdefghijklmnopqrstuvwxyz{|}~";
    const char *name = NULL;
    switch (octet) {
    case 0x09: name = "\\t"; break;
    case 0x0a: name = "\\n"; break;
    case 0x0d: name = "\\r"; break;
    case 0x27: name = "\\'"; break;
    case 0x5c: name = "\\\\"; break;
    default: break;
    }
    if (name != NULL)
        snprintf(text, 8, "%s", name);
    else if (octet != 0 && strchr(plain, (int)octet) != NULL)
        snprintf(text, 8, "%c", (int)octet);
    else
        snprintf(text, 8, "\\x%02x", (unsigned char)octet);
}

START_TEST(each_of_256_octets_is_shown_as_repr_shows_it)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        const unsigned char octets[] = {(unsigned char)octet};
        char one[8];
        char expected[16];
        char text[QUOTE_SIZE(1)];
        repr_of(octet, one);
        snprintf(expected, sizeof expected, "'%s'", one);
        ck_assert_str_eq(quote(octets, 1, text, sizeof text), expected);
    }
}
END_TEST

START_TEST(all_octets_in_a_row_stay_apart)
{
    unsigned char octets[256];
    char text[QUOTE_SIZE(256)];
    char expected[QUOTE_SIZE(256)] = "'"; /* and NULs to the end */
    for (unsigned octet = 0; octet < 256; octet++) {
        octets[octet] = (unsigned char)octet;
        repr_of(octet, expected + strlen(expected));
    }
    expected[strlen(expected)] = '\'';
    ck_assert_str_eq(quote(octets, sizeof octets, text, sizeof text), expected);
}
END_TEST

START_TEST(a_message_and_nothing_are_quoted)
{
    char text[QUOTE_SIZE(WIRE_OCTETS)];
    ck_assert_str_eq(quote(WIRE_GREETING, WIRE_OCTETS, text, sizeof text), "'Hi there, server'");
    ck_assert_str_eq(quote("", 0, text, sizeof text), "''");
    ck_assert_ptr_eq(quote("", 0, text, sizeof text), text);
}
END_TEST

/* The size is exact: the longest text fills it, and what lies behind is left alone. */
START_TEST(the_text_is_never_longer_than_QUOTE_SIZE_says)
{
    for (size_t count = 0; count <= WIRE_OCTETS + 1; count++) {
        char octets[WIRE_OCTETS + 1];
        char text[QUOTE_SIZE(WIRE_OCTETS + 1) + 1];
        memset(octets, 0xff, sizeof octets);
        memset(text, '!', sizeof text);
        quote(octets, count, text, QUOTE_SIZE(count));
        ck_assert_uint_eq(strlen(text) + 1, QUOTE_SIZE(count));
        ck_assert_int_eq(text[QUOTE_SIZE(count)], '!');
    }
}
END_TEST

Suite *quote_suite(void)
{
    Suite *suite = suite_create("quote");
    TCase *tcase = add_case(suite, "quote", NULL);
    tcase_add_test(tcase, each_of_256_octets_is_shown_as_repr_shows_it);
    tcase_add_test(tcase, all_octets_in_a_row_stay_apart);
    tcase_add_test(tcase, a_message_and_nothing_are_quoted);
    tcase_add_test(tcase, the_text_is_never_longer_than_QUOTE_SIZE_says);
    return suite;
}
