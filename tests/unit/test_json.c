/* SPDX-License-Identifier: MIT */
/* Octets as JSON strings. */
#include <config.h>

#include "client/json.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

static char *written;

static void forget_written(void)
{
    free(written);
    written = NULL;
}

static const char *string_of(const void *octets, size_t count)
{
    size_t size;
    forget_written();
    FILE *out = open_memstream(&written, &size);
    need(out != NULL, "memory to write to");
    json_string(out, octets, count);
    need(fclose(out) == 0, "memory to write to");
    ck_assert_uint_eq(strlen(written), size);
    return written;
}

#define OCTET_SIZE 7 /* of the text for one, with its NUL */

/* Write the text for one octet: a list of the ASCII that RFC 8259 does not escape. */
static void put_octet(unsigned octet, char text[OCTET_SIZE])
{
    static const char plain[] = " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`"
                                "abcdefghijklmnopqrstuvwxyz{|}~";
    if (octet == 0x22 || octet == 0x5c)
        snprintf(text, OCTET_SIZE, "\\%c", (int)octet);
    else if (octet != 0 && strchr(plain, (int)octet) != NULL)
        snprintf(text, OCTET_SIZE, "%c", (int)octet);
    else
        snprintf(text, OCTET_SIZE, "\\u00%02x", (unsigned char)octet);
}

START_TEST(each_of_256_octets_is_the_character_of_its_number)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        const unsigned char octets[] = {(unsigned char)octet};
        char one[OCTET_SIZE];
        char expected[16];
        put_octet(octet, one);
        snprintf(expected, sizeof expected, "\"%s\"", one);
        ck_assert_str_eq(string_of(octets, 1), expected);
    }
}
END_TEST

START_TEST(all_octets_in_a_row_stay_apart)
{
    unsigned char octets[256];
    char expected[6 * 256 + 3] = "\""; /* and NULs to the end */
    for (unsigned octet = 0; octet < 256; octet++) {
        octets[octet] = (unsigned char)octet;
        put_octet(octet, expected + strlen(expected));
    }
    expected[strlen(expected)] = '"';
    ck_assert_str_eq(string_of(octets, sizeof octets), expected);
}
END_TEST

START_TEST(a_reply_and_nothing_are_strings)
{
    ck_assert_str_eq(string_of(WIRE_REPLY, WIRE_OCTETS), "\"Farewell, client\"");
    ck_assert_str_eq(string_of(WIRE_REPLY, 8), "\"Farewell\"");
    ck_assert_str_eq(string_of("", 0), "\"\"");
}
END_TEST

Suite *json_suite(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = add_case(suite, "json", NULL);
    tcase_add_checked_fixture(tcase, NULL, forget_written);
    tcase_add_test(tcase, each_of_256_octets_is_the_character_of_its_number);
    tcase_add_test(tcase, all_octets_in_a_row_stay_apart);
    tcase_add_test(tcase, a_reply_and_nothing_are_strings);
    return suite;
}
