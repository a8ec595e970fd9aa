/* SPDX-License-Identifier: MIT */
/* Quoted and appended text. */
#include <config.h>

#include "common/text.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

#define PLAIN \
    " !#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"

#define OCTET_SIZE 8 /* of the text for one, with its NUL */

/* Write one octet as each of the two shows it, by another method than theirs: a list of the ASCII
 * that both leave as it is. */

static void json_of(unsigned octet, char text[OCTET_SIZE])
{
    if (octet == 0x22 || octet == 0x5c)
        snprintf(text, OCTET_SIZE, "\\%c", (int)octet);
    else if (octet != 0 && strchr(PLAIN "'", (int)octet) != NULL)
        snprintf(text, OCTET_SIZE, "%c", (int)octet);
    else
        snprintf(text, OCTET_SIZE, "\\u%04x", (unsigned char)octet);
}

static void repr_of(unsigned octet, char text[OCTET_SIZE])
{
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
        snprintf(text, OCTET_SIZE, "%s", name);
    else if (octet != 0 && strchr(PLAIN "\"", (int)octet) != NULL)
        snprintf(text, OCTET_SIZE, "%c", (int)octet);
    else
        snprintf(text, OCTET_SIZE, "\\x%02x", (unsigned char)octet);
}

static const struct {
    char *(*quote)(const void *octets, size_t count, char *text, size_t size);
    void (*show)(unsigned octet, char text[OCTET_SIZE]);
    char mark;
} ways[] = {{quote, json_of, '"'}, {quote_repr, repr_of, '\''}};

START_TEST(each_of_256_octets_is_shown_as_it_should)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        const unsigned char octets[] = {(unsigned char)octet};
        char one[OCTET_SIZE];
        char expected[16];
        char text[QUOTE_SIZE(1)];
        ways[_i].show(octet, one);
        snprintf(expected, sizeof expected, "%c%s%c", ways[_i].mark, one, ways[_i].mark);
        ck_assert_str_eq(ways[_i].quote(octets, 1, text, sizeof text), expected);
    }
}
END_TEST

START_TEST(each_octet_is_quoted_among_others)
{
    unsigned char octets[256];
    char text[QUOTE_SIZE(256)];
    char expected[QUOTE_SIZE(256)] = {ways[_i].mark}; /* and NULs to the end */
    for (unsigned octet = 0; octet < 256; octet++) {
        octets[octet] = (unsigned char)octet;
        ways[_i].show(octet, expected + strlen(expected));
    }
    expected[strlen(expected)] = ways[_i].mark;
    ck_assert_str_eq(ways[_i].quote(octets, sizeof octets, text, sizeof text), expected);
}
END_TEST

START_TEST(a_message_and_nothing_are_quoted)
{
    char text[QUOTE_SIZE(WIRE_OCTETS)];
    ck_assert_str_eq(quote(WIRE_GREETING, WIRE_OCTETS, text, sizeof text), "\"Hi there, server\"");
    ck_assert_str_eq(quote_repr(WIRE_REPLY, 8, text, sizeof text), "'Farewell'");
    ck_assert_str_eq(quote("", 0, text, sizeof text), "\"\"");
    ck_assert_ptr_eq(quote_repr("", 0, text, sizeof text), text);
    ck_assert_str_eq(text, "''");
}
END_TEST

/* The size is exact: the longest text fills it, and what follows is not touched. */
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

START_TEST(a_long_text_is_quoted_up_to_its_cut)
{
    char text[QUOTE_CUT + 2];
    char quoted[QUOTE_CUT_SIZE];
    char expected[QUOTE_CUT_SIZE];
    memset(text, 'x', sizeof text);
    for (size_t length = 0; length <= sizeof text; length++) {
        bool cut = length > QUOTE_CUT;
        snprintf(expected, sizeof expected, "'%.*s'%s", cut ? QUOTE_CUT : (int)length, text,
                 cut ? "..." : "");
        ck_assert_ptr_eq(quote_cut(text, length, quoted), quoted);
        ck_assert_str_eq(quoted, expected);
    }
    memset(text, 0xff, sizeof text);
    ck_assert_uint_eq(strlen(quote_cut(text, sizeof text, quoted)), 2 + 4 * QUOTE_CUT + 3);
}
END_TEST

START_TEST(texts_are_appended)
{
    char text[32] = "";
    text_append(text, sizeof text, "%s", "");
    ck_assert_str_eq(text, "");
    text_append(text, sizeof text, "%d", 16);
    text_append(text, sizeof text, " %s%%", "octets");
    ck_assert_str_eq(text, "16 octets%");
}
END_TEST

START_TEST(an_appended_text_is_cut_to_its_room)
{
    for (size_t size = 4; size < 12; size++) {
        char text[16];
        memset(text, '#', sizeof text);
        memcpy(text, "abc", 4);
        text_append(text, size, "%s", "defgh");
        ck_assert_int_eq(strncmp(text, "abcdefgh", strlen(text)), 0);
        ck_assert_uint_eq(strlen(text), size - 1 < 8 ? size - 1 : 8);
        text_append(text, size, "%s", "");
        for (size_t i = size; i < sizeof text; i++)
            ck_assert_int_eq(text[i], '#');
    }
}
END_TEST

Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = add_case(suite, "quote", NULL);
    tcase_add_loop_test(tcase, each_of_256_octets_is_shown_as_it_should, 0, COUNT(ways));
    tcase_add_loop_test(tcase, each_octet_is_quoted_among_others, 0, COUNT(ways));
    tcase_add_test(tcase, a_message_and_nothing_are_quoted);
    tcase_add_test(tcase, the_text_is_never_longer_than_QUOTE_SIZE_says);
    tcase_add_test(tcase, a_long_text_is_quoted_up_to_its_cut);

    TCase *append = add_case(suite, "text_append", NULL);
    tcase_add_test(append, texts_are_appended);
    tcase_add_test(append, an_appended_text_is_cut_to_its_room);
    return suite;
}
