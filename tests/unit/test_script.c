/* SPDX-License-Identifier: MIT */
/* What a client sends, and when: the names of misbehaviours and their scripts. */
#include <config.h>

#include "client/exchange/script.h"
#include "support.h"

#include <string.h>

static struct misbehaviour misbehaviour;
static struct script script;

START_TEST(each_kind_has_a_name)
{
    static const char *const names[] = {
        [MISBEHAVE_DRIP] = "drip",     [MISBEHAVE_SHORT] = "short",
        [MISBEHAVE_EXCESS] = "excess", [MISBEHAVE_SILENT] = "silent",
        [MISBEHAVE_RESET] = "reset",   [MISBEHAVE_HALF_CLOSE] = "half-close"};
    for (int kind = MISBEHAVE_DRIP; kind <= MISBEHAVE_HALF_CLOSE; kind++) {
        ck_assert_ptr_null(misbehaviour_parse(names[kind], &misbehaviour));
        ck_assert_int_eq(misbehaviour.kind, kind);
    }
}
END_TEST

START_TEST(a_drip_may_have_a_pace)
{
    static const struct {
        const char *text;
        double pace;
    } rows[] = {{"drip", 0.5},    {"drip:0", 0},       {"drip:1", 1},
                {"drip:0.5", .5}, {"drip:1e-3", .001}, {"drip:3600", 3600}};
    ck_assert_ptr_null(misbehaviour_parse(rows[_i].text, &misbehaviour));
    ck_assert_int_eq(misbehaviour.kind, MISBEHAVE_DRIP);
    ck_assert_double_eq(misbehaviour.pace, rows[_i].pace);
}
END_TEST

START_TEST(a_pace_is_a_number_of_seconds_up_to_an_hour)
{
    static const char *const texts[] = {
        "drip:",     "drip:x",   "drip:1s",    "drip:1 ",  "drip:0.5:1", "drip:-1", "drip:-0.001",
        "drip:3601", "drip:1e9", "drip:1e999", "drip:inf", "drip:nan",   "drip: 1", "drip:0x1",
        "drip=1",    "drips",    "drip1",      "drip 1",   "drip::1"};
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_pstr_eq(
            misbehaviour_parse(texts[i], &misbehaviour),
            "drip takes a number of seconds between octets, from 0 to 3600, like drip:0.5");
}
END_TEST

START_TEST(other_words_are_no_kind)
{
    static const char *const texts[] = {"",       "d",      "dri",       "DRIP",
                                        "shor",   "shorts", "short:1",   "silent ",
                                        " reset", "half",   "halfclose", "behave"};
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_pstr_eq(misbehaviour_parse(texts[i], &misbehaviour),
                          "unknown kind; use drip, short, excess, silent, reset or half-close");
}
END_TEST

static const struct {
    enum misbehaviour_kind kind;
    const char *octets;
    size_t at_once;
    enum script_end end;
    bool earns_reply;
} scripts[] = {
    {BEHAVE, WIRE_GREETING, 16, SCRIPT_END_OPEN, true},
    {MISBEHAVE_DRIP, WIRE_GREETING, 1, SCRIPT_END_OPEN, true},
    {MISBEHAVE_SHORT, "Hi th", 5, SCRIPT_END_HALF_CLOSE, false},
    {MISBEHAVE_EXCESS, WIRE_GREETING WIRE_GREETING, 32, SCRIPT_END_OPEN, true},
    {MISBEHAVE_SILENT, "", 0, SCRIPT_END_OPEN, false},
    {MISBEHAVE_RESET, "Hi th", 5, SCRIPT_END_RESET, false},
    {MISBEHAVE_HALF_CLOSE, WIRE_GREETING, 16, SCRIPT_END_HALF_CLOSE, true},
};

/* Write the script of a kind, with a header of this text. */
static void write_script(enum misbehaviour_kind kind, const char *header)
{
    misbehaviour.kind = kind;
    script_write(&script, (const unsigned char *)header, strlen(header), WIRE_GREETING,
                 &misbehaviour);
}

START_TEST(each_kind_sends_its_octets)
{
    write_script(scripts[_i].kind, "");
    ck_assert_uint_eq(script.length, strlen(scripts[_i].octets));
    ck_assert_mem_eq(script.octets, scripts[_i].octets, script.length);
    ck_assert_uint_eq(script.at_once, scripts[_i].at_once);
    ck_assert_int_eq(script.end, scripts[_i].end);
    ck_assert_int_eq(script.earns_reply, scripts[_i].earns_reply);
}
END_TEST

START_TEST(a_header_goes_first_and_at_once)
{
    const char header[] = "PROXY UNKNOWN\r\n";
    const size_t length = sizeof header - 1;
    write_script(scripts[_i].kind, header);
    ck_assert_uint_eq(script.length, length + strlen(scripts[_i].octets));
    ck_assert_mem_eq(script.octets, header, length);
    ck_assert_mem_eq(script.octets + length, scripts[_i].octets, script.length - length);
    ck_assert_uint_eq(script.at_once, length + scripts[_i].at_once);
}
END_TEST

START_TEST(the_longest_script_has_room)
{
    char header[PROXY_HEADER_SIZE + 1] = "";
    memset(header, 'x', PROXY_HEADER_SIZE);
    write_script(MISBEHAVE_EXCESS, header);
    ck_assert_uint_eq(script.length, sizeof script.octets);
}
END_TEST

START_TEST(all_octets_but_those_of_a_drip_are_due_at_once)
{
    write_script(scripts[_i].kind, "");
    if (scripts[_i].kind == MISBEHAVE_DRIP)
        return;
    ck_assert_uint_eq(script_due(&script, 0), script.length);
    for (size_t number = 0; number < script.length; number++)
        ck_assert_int_eq(script_instant(&script, number), 0);
}
END_TEST

START_TEST(the_octets_of_a_drip_are_due_at_multiples_of_the_pace)
{
    misbehaviour.pace = 0.5;
    write_script(MISBEHAVE_DRIP, "");
    for (size_t number = 0; number < WIRE_OCTETS; number++) {
        int64_t instant = (int64_t)number * 500000000;
        ck_assert_int_eq(script_instant(&script, number), instant);
        ck_assert_uint_eq(script_due(&script, instant - 1), number > 0 ? number : 1);
        ck_assert_uint_eq(script_due(&script, instant), number + 1);
    }
    ck_assert_uint_eq(script_due(&script, INT64_MAX), WIRE_OCTETS);
}
END_TEST

START_TEST(a_drip_without_a_pace_is_due_at_once)
{
    misbehaviour.pace = 0;
    write_script(MISBEHAVE_DRIP, "");
    ck_assert_uint_eq(script.at_once, 1);
    ck_assert_uint_eq(script_due(&script, 0), WIRE_OCTETS);
}
END_TEST

Suite *script_suite(void)
{
    Suite *suite = suite_create("script");
    TCase *names = add_case(suite, "misbehaviour_parse", NULL);
    tcase_add_test(names, each_kind_has_a_name);
    tcase_add_loop_test(names, a_drip_may_have_a_pace, 0, 6);
    tcase_add_test(names, a_pace_is_a_number_of_seconds_up_to_an_hour);
    tcase_add_test(names, other_words_are_no_kind);

    TCase *writes = add_case(suite, "script_write", NULL);
    tcase_add_loop_test(writes, each_kind_sends_its_octets, 0, COUNT(scripts));
    tcase_add_loop_test(writes, a_header_goes_first_and_at_once, 0, COUNT(scripts));
    tcase_add_test(writes, the_longest_script_has_room);

    TCase *dues = add_case(suite, "script_due", NULL);
    tcase_add_loop_test(dues, all_octets_but_those_of_a_drip_are_due_at_once, 0, COUNT(scripts));
    tcase_add_test(dues, the_octets_of_a_drip_are_due_at_multiples_of_the_pace);
    tcase_add_test(dues, a_drip_without_a_pace_is_due_at_once);
    return suite;
}
