/* SPDX-License-Identifier: MIT */
/* Text that libconfig misreads silently is refused before libconfig sees it. */
#include <config.h>

#include "server/config/config_scan.h"
#include "support.h"

#include <string.h>

static const char beyond[] = "an integer beyond 32 bits";
static const char no_quote[] = "an unterminated string";
static const char no_star[] = "an unterminated comment";
static const char x00[] = "\\x00";
static const char include[] = "@include";
static const char escape[] = "an unknown escape";
static const char place[] = "a misplaced string";
static const char mark[] = "a byte-order mark";
static const char mark16[] = "a byte-order mark of UTF-16";
static const char unfinished[] = "an unfinished setting";
static const char octet[] = "an octet that is not printable ASCII";

static const struct {
    const char *text;
    unsigned line;
    const char *wrong;
} refused[] = {
    {"a = 2147483648;", 1, beyond},
    {"\n\na = 4294967297;", 3, beyond},
    {"a = 18446744073709551617;", 1, beyond},
    {"a = 0x80000000;", 1, beyond},
    {"a = 0X100000001;", 1, beyond},
    {"a = 4294967297L;", 1, beyond},
    {"a = [ 1, 2,\n 4294967297 ];", 2, beyond},
    {"a = -4294967297;", 1, beyond},
    {"a = \"true;\n\n", 1, no_quote},
    {"a = 1;\nb = \"", 2, no_quote},
    {"a = \"true\\\";\n", 1, no_quote},
    {"a = \"true\\", 1, escape},
    {"a = 1;\n/* no end", 2, no_star},
    {"/*/", 1, no_star},
    {"a =\n\"a\\x00b\";", 2, x00},
    {"a = \"\\X00\";", 1, x00},
    {"a = \"\n\\\\\\x00\";", 2, x00},
    {"a = 1;\n@include \"b\"\n", 2, include},
    {"  @include", 1, include},
    {"a = 4294967297b = 1;", 1, beyond},
    {"a = 4294967297e+;", 1, beyond},
    {"a = .5 4294967297;", 1, beyond},
    {"a = 0x10.5 4294967297;", 1, beyond},
    {"a = \"\\q\";", 1, escape},
    {"a = \"\\0\";", 1, escape},
    {"a = \"\\x0g\";", 1, escape},
    {"a = \"\\x0", 1, escape},
    {"a = 1;\nb = \"\\", 2, escape},
    {"\"a\"", 1, place},
    {"a \"b\";", 1, place},
    {"a = 1;\n \"b\";", 2, place},
    {"a = 1 \"b\";", 1, place},
    {"a = 1, \"b\";", 1, place},
    {"a = [ 1 ], \"b\";", 1, place},
    {"a = [ 1 \"b\" ];", 1, place},
    {"a = ( { b = 1, \"c\" } );", 1, place},
    {"a: { \"b\" };", 1, place},
    {"a = = b /* = */ \"c\";", 1, place},
    {"\xef\xbb\xbf", 1, mark},
    {"\xef\xbb\xbf# a", 1, mark},
    {"a = 1;\n\xef\xbb\xbf"
     "b = 1;",
     2, mark},
    {"\xff\xfe"
     "a",
     1, mark16},
    {"\xfe\xff", 1, mark16},
    {"\xef\xbb", 1, octet},
    {"\xfe", 1, octet},
    {"a = \xe2\x80\x9c"
     "b\xe2\x80\x9d;",
     1, octet},
    {"\na\xa0= 1;", 2, octet},
    {"a = 1;\x7f", 1, octet},
    {"\x1f\x8b\x08", 1, octet},
    {"PK\x03\x04", 1, octet},
    {"a =\nb: { c = 1; };", 1, unfinished},
    {"\na = # b\n\n  c = 1;", 2, unfinished},
    {"a = 1;\n\nb =\n;", 3, unfinished},
    {"a\n=\nb = 1;", 1, unfinished},
    {"a\nb = 1;", 1, unfinished},
    {"a: {\n  b =\n}", 2, unfinished},
    {"a: {\n  b\n};", 2, unfinished},
    {"a = \"b\" // c\nd\ne:{", 2, unfinished},
    {"a: {\n  b = [ 1,\n  c = 2;\n};", 2, unfinished},
    {"a = [\n\"b\"\nc:\n{", 1, unfinished},
};

static const char *advice;

START_TEST(what_libconfig_misreads_is_refused_with_its_line)
{
    unsigned line;
    const char *text = refused[_i].text;
    const char *wrong = config_scan(text, strlen(text), &line, &advice);
    ck_assert_msg(wrong != NULL, "%s is accepted", text);
    ck_assert_ptr_nonnull(advice);
    ck_assert_str_eq(wrong, refused[_i].wrong);
    ck_assert_uint_eq(line, refused[_i].line);
}
END_TEST

static const char *const accepted[] = {
    "",
    "a = 2147483647; b = 0x7fffffff; c = 0; d = 007; e = 5L;",
    "a = 99999999999.0; b = 99999999999e0; c = 1E99; d = 1.99999999999;",
    "a4294967297 = 1; b-4294967297 = 1; *4294967297 = 1; c_4294967297 = 1;",
    "a = \"4294967297\"; b = \"@include\"; c = \"/*\"; d = \"#\"; e = \"//\";",
    "a = \"\\\\x00\"; b = \"\\x01\\x0a\\xff\"; c = \"x00\"; d = \"\\\"\"; e = \"\\\\\";",
    "# 4294967297 \" @include /*\na = 1;",
    "// 4294967297 \" @include /*\na = 1;",
    "/* 4294967297 \" \\x00 @include # // \n */ a = 1; /**/ b = 2; /***/",
    "a / b",
    "a = .99999999999; b = 1.e5; c = 1.5.99999999999; d = 1e-9; e = .;",
    "a = \"\\f\\n\\r\\t\\X41\";",
    "a = \"\xef\xbb\xbf \x01\x7f\"; # \xef\xbb\xbf \x01\n/* \xff\xfe */",
    " \t\r\n\f\v",
    "a =\ntrue\nb\n:\n{\n}\nc\n= [\n]\nd = \nfalse;\n",
    "a = ;",
    "a; b = 1;",
    "a =\nb;",
    "a b = 1;",
    "=\n;",
    "[\na = 1;",
    "a = \"b\"; c : \"d\" \"e\" /* f */ \"g\", h = [ \"i\", \"j\" \"k\" ]; l = ( \"m\", \"n\" );",
};

START_TEST(what_libconfig_reads_correctly_is_not_refused)
{
    unsigned line;
    const char *wrong = config_scan(accepted[_i], strlen(accepted[_i]), &line, &advice);
    ck_assert_msg(wrong == NULL, "%s: %s", accepted[_i], wrong);
}
END_TEST

START_TEST(a_NUL_octet_is_refused_wherever_it_is)
{
    const char *const places[] = {"a = 1;\n\0b = 1;", "a = \n# \0bcdefghi", "abcde\n\nfghijk\0"};
    const unsigned lines[] = {2, 2, 3};
    for (size_t i = 0; i < COUNT(places); i++) {
        unsigned line;
        const char *wrong = config_scan(places[i], 14, &line, &advice);
        ck_assert_str_eq(wrong, "a NUL octet");
        ck_assert_uint_eq(line, lines[i]);
    }
}
END_TEST

START_TEST(a_byte_order_mark_of_UTF32_is_named)
{
    const char *const marks[] = {"\xff\xfe\0\0a\0\0\0\n", "\0\0\xfe\xff\0\0\0a\n"};
    for (size_t i = 0; i < COUNT(marks); i++) {
        unsigned line;
        ck_assert_str_eq(config_scan(marks[i], 9, &line, &advice), "a byte-order mark of UTF-32");
        ck_assert_uint_eq(line, 1);
    }
}
END_TEST

static const struct {
    const char *text;
    unsigned line; /* where the setting begins that has no end, or the last one */
} begun[] = {
    {"", 1},
    {"a = 1;\n", 2},
    {"a = 1", 1},
    {"a = 1,\n", 2},
    {"a = b\n# c\n", 3},
    {"a = [ 1, true ]\n", 2},
    {"a: { b = 1; }\n# c\n", 3},
    {"a:\n{\n  b:\n  {\n  };\n}; }\n", 7},
    {"\na\n# c\n", 2},
    {"\na =\n# c\n", 2},
    {"a\n=\n", 1},
    {"a = 1\nb\n", 2},
    {"a = \"b\"\n\"c\" d\n", 2},
    {"a = [\n1,\n2\n", 1},
    {"a = 1;\nb = [ true\n", 2},
    {"a = (\n{\nb = 1;\n", 1},
    {"a:\n{\nb = 1;\n", 1},
    {"a:\n{\nb = 1;\n# c\n/* d */", 1},
    {"a:\n{\nb:\n{\n};\n", 1},
    {"a:\n{\nb:\n{\n", 3},
    {"a:\n{\nb\n", 3},
    {"a:\n{\nb = [ ];\nc =\n", 4},
    {"a = 1;\nb: { c: { d: { e: { f: { g: { h: { i: { j:\n{\nk = 1;\n", 2},
};

START_TEST(the_line_is_that_of_the_setting_without_an_end)
{
    unsigned line;
    const char *text = begun[_i].text;
    ck_assert_ptr_null(config_scan(text, strlen(text), &line, &advice));
    ck_assert_msg(line == begun[_i].line, "%s: line %u", text, line);
}
END_TEST

Suite *config_scan_suite(void)
{
    Suite *suite = suite_create("config_scan");
    TCase *scan = add_case(suite, "config_scan", NULL);
    tcase_add_loop_test(scan, what_libconfig_misreads_is_refused_with_its_line, 0, COUNT(refused));
    tcase_add_loop_test(scan, what_libconfig_reads_correctly_is_not_refused, 0, COUNT(accepted));
    tcase_add_test(scan, a_NUL_octet_is_refused_wherever_it_is);
    tcase_add_test(scan, a_byte_order_mark_of_UTF32_is_named);
    tcase_add_loop_test(scan, the_line_is_that_of_the_setting_without_an_end, 0, COUNT(begun));
    return suite;
}
