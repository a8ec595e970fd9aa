/* SPDX-License-Identifier: MIT */
/* Each misbehaviour of the client, by its name, and what the peer gets. */
#include <config.h>

#include "client/misbehaviour.h"
#include "support.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <unistd.h>

#define TWICE WIRE_GREETING WIRE_GREETING
#define HOUR 3600.0

static struct misbehaviour misbehaviour;

static enum transfer_status act(enum misbehaviour_kind kind, struct deadline deadline)
{
    misbehaviour.kind = kind;
    return misbehaviour_send(&misbehaviour, ends.ours, WIRE_GREETING, deadline);
}

static enum transfer_status drip(double pace, struct deadline deadline)
{
    misbehaviour.pace = pace;
    return act(MISBEHAVE_DRIP, deadline);
}

/* Whether our side of the connection has ended. */
static bool is_ended(void)
{
    struct pollfd end = {.fd = ends.theirs, .events = POLLRDHUP};
    return poll(&end, 1, 0) == 1;
}

/* Fail unless that is what the peer gets, and end of file only when we close. */
static void assert_sent(const char *expected, size_t count)
{
    ck_assert(!is_ended());
    need(shutdown(ends.ours, SHUT_WR) == 0, "to end our side");
    assert_theirs_end_with(&ends, expected, count);
}

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

START_TEST(only_a_whole_message_earns_a_reply)
{
    static const bool earns[] = {[BEHAVE] = true,
                                 [MISBEHAVE_DRIP] = true,
                                 [MISBEHAVE_SHORT] = false,
                                 [MISBEHAVE_EXCESS] = true,
                                 [MISBEHAVE_SILENT] = false,
                                 [MISBEHAVE_RESET] = false,
                                 [MISBEHAVE_HALF_CLOSE] = true};
    for (int kind = BEHAVE; kind <= MISBEHAVE_HALF_CLOSE; kind++) {
        misbehaviour.kind = (enum misbehaviour_kind)kind;
        ck_assert_int_eq(misbehaviour_earns_reply(&misbehaviour), earns[kind]);
    }
}
END_TEST

START_TEST(who_behaves_sends_the_message)
{
    ck_assert_int_eq(act(BEHAVE, in_seconds(60)), TRANSFER_DONE);
    assert_sent(WIRE_GREETING, WIRE_OCTETS);
}
END_TEST

START_TEST(short_is_five_octets_then_end_of_file)
{
    ck_assert_int_eq(act(MISBEHAVE_SHORT, in_seconds(60)), TRANSFER_DONE);
    assert_theirs_end_with(&ends, WIRE_GREETING, 5);
}
END_TEST

START_TEST(excess_is_the_message_twice_at_once)
{
    ck_assert_int_eq(act(MISBEHAVE_EXCESS, in_seconds(60)), TRANSFER_DONE);
    ck_assert_uint_eq(io_calls(), 1);
    assert_sent(TWICE, 2 * WIRE_OCTETS);
}
END_TEST

START_TEST(silent_is_nothing)
{
    ck_assert_int_eq(act(MISBEHAVE_SILENT, in_seconds(60)), TRANSFER_DONE);
    assert_sent("", 0);
}
END_TEST

START_TEST(half_close_is_the_message_then_end_of_file)
{
    ck_assert_int_eq(act(MISBEHAVE_HALF_CLOSE, in_seconds(60)), TRANSFER_DONE);
    assert_theirs_end_with(&ends, WIRE_GREETING, WIRE_OCTETS);
}
END_TEST

START_TEST(reset_is_five_octets_then_a_reset_once_we_close)
{
    char came[WIRE_OCTETS];
    int end;
    ck_assert_int_eq(act(MISBEHAVE_RESET, in_seconds(60)), TRANSFER_DONE);
    ck_assert(!is_ended());
    ck_assert_uint_eq(read_to_end(ends.theirs, came, 5, &end), 5);
    ck_assert_mem_eq(came, WIRE_GREETING, 5);
    close(ends.ours);
    ends.ours = -1;
    ck_assert_uint_eq(read_to_end(ends.theirs, came, sizeof came, &end), 0);
    ck_assert_int_eq(end, ECONNRESET);
}
END_TEST

START_TEST(nothing_is_sent_behind_the_deadline)
{
    ck_assert_int_eq(act((enum misbehaviour_kind)_i, in_seconds(0)), TRANSFER_TIMEOUT);
    ck_assert_uint_eq(io_calls(), 0);
    assert_sent("", 0);
}
END_TEST

START_TEST(what_fails_is_told)
{
    IO_SCRIPT({.error = EPIPE});
    ck_assert_int_eq(act((enum misbehaviour_kind)_i, in_seconds(60)), TRANSFER_FAILED);
    ck_assert_int_eq(errno, EPIPE);
    assert_sent("", 0);
}
END_TEST

START_TEST(an_end_that_fails_is_reported)
{
    IO_SCRIPT({0}, {.error = ENOTCONN});
    ck_assert_int_eq(act(_i ? MISBEHAVE_SHORT : MISBEHAVE_HALF_CLOSE, in_seconds(60)),
                     TRANSFER_FAILED);
    ck_assert_int_eq(errno, ENOTCONN);
}
END_TEST

START_TEST(a_drip_is_the_message_octet_by_octet)
{
    ck_assert_int_eq(drip(0, in_seconds(60)), TRANSFER_DONE);
    ck_assert_uint_eq(io_calls(), WIRE_OCTETS);
    ck_assert_uint_eq(io_last_call().length, 1);
    assert_sent(WIRE_GREETING, WIRE_OCTETS);
}
END_TEST

START_TEST(a_drip_takes_its_pace_between_two_octets)
{
    const int64_t pace = 10000000;
    int64_t begun = clock_nanoseconds();
    ck_assert_int_eq(drip((double)pace / 1e9, in_seconds(60)), TRANSFER_DONE);
    ck_assert_int_ge(clock_nanoseconds() - begun, (WIRE_OCTETS - 1) * pace);
    assert_sent(WIRE_GREETING, WIRE_OCTETS);
}
END_TEST

/* Each call takes as long as the pace, so there is no wait between two. */
START_TEST(octets_are_due_at_multiples_of_the_pace)
{
    clock_stop();
    IO_SCRIPT({.times = WIRE_OCTETS, .seconds = HOUR});
    ck_assert_int_eq(drip(HOUR, in_seconds(17 * HOUR)), TRANSFER_DONE);
    assert_sent(WIRE_GREETING, WIRE_OCTETS);
}
END_TEST

START_TEST(a_drip_ends_at_the_deadline_and_not_at_the_next_octet)
{
    ck_assert_int_eq(drip(HOUR, in_seconds(0.05)), TRANSFER_TIMEOUT);
    assert_sent(WIRE_GREETING, 1);
}
END_TEST

START_TEST(a_drip_that_the_deadline_meets_sends_no_more)
{
    clock_stop();
    IO_SCRIPT({.times = 4, .seconds = 1});
    ck_assert_int_eq(drip(1, in_seconds(3.5)), TRANSFER_TIMEOUT);
    assert_sent(WIRE_GREETING, 4);
}
END_TEST

static void *speak_after_four(void *argument)
{
    const struct peer *peer = argument;
    char came[4];
    int end;
    read_to_end(peer->fd, came, sizeof came, &end);
    write_octets(peer->fd, "!", 1);
    return NULL;
}

static void *end_after_four(void *argument)
{
    const struct peer *peer = argument;
    char came[4];
    int end;
    read_to_end(peer->fd, came, sizeof came, &end);
    need(shutdown(peer->fd, SHUT_WR) == 0, "to end the peer's side");
    return NULL;
}

static void *reset_after_four(void *argument)
{
    const struct peer *peer = argument;
    char came[4];
    int end;
    read_to_end(peer->fd, came, sizeof came, &end);
    reset_theirs(&ends);
    return NULL;
}

/* Drip to a peer that reads four octets, and would get the next in an hour. */
static void drip_until(void *(*then)(void *))
{
    struct peer peer;
    peer_start(&peer, ends.theirs, then);
    clock_stop();
    IO_SCRIPT({.times = 3, .seconds = HOUR});
    ck_assert_int_eq(drip(HOUR, in_seconds(17 * HOUR)), TRANSFER_EOF);
    peer_join(&peer);
    ck_assert_uint_eq(io_calls(), 4);
}

START_TEST(a_drip_ends_when_the_peer_speaks)
{
    drip_until(speak_after_four);
    assert_sent("", 0);
}
END_TEST

START_TEST(a_drip_ends_when_the_peer_ends)
{
    drip_until(end_after_four);
    assert_sent("", 0);
}
END_TEST

START_TEST(a_drip_ends_when_the_peer_resets)
{
    drip_until(reset_after_four);
}
END_TEST

START_TEST(a_drip_does_not_begin_where_the_peer_has_spoken)
{
    write_octets(ends.theirs, "!", 1);
    wait_readable(ends.ours);
    ck_assert_int_eq(drip(0, in_seconds(60)), TRANSFER_EOF);
    assert_sent("", 0);
}
END_TEST

Suite *misbehaviour_suite(void)
{
    Suite *suite = suite_create("misbehaviour");
    TCase *names = add_case(suite, "misbehaviour, names", NULL);
    tcase_add_test(names, each_kind_has_a_name);
    tcase_add_loop_test(names, a_drip_may_have_a_pace, 0, 6);
    tcase_add_test(names, a_pace_is_a_number_of_seconds_up_to_an_hour);
    tcase_add_test(names, other_words_are_no_kind);
    tcase_add_test(names, only_a_whole_message_earns_a_reply);

    TCase *kinds = add_case(suite, "misbehaviour, kinds", connect_tcp);
    tcase_add_test(kinds, who_behaves_sends_the_message);
    tcase_add_test(kinds, short_is_five_octets_then_end_of_file);
    tcase_add_test(kinds, excess_is_the_message_twice_at_once);
    tcase_add_test(kinds, silent_is_nothing);
    tcase_add_test(kinds, half_close_is_the_message_then_end_of_file);
    tcase_add_test(kinds, reset_is_five_octets_then_a_reset_once_we_close);

    TCase *drips = add_case(suite, "misbehaviour, drip", connect_tcp);
    tcase_add_test(drips, a_drip_is_the_message_octet_by_octet);
    tcase_add_test(drips, a_drip_takes_its_pace_between_two_octets);
    tcase_add_test(drips, octets_are_due_at_multiples_of_the_pace);
    tcase_add_test(drips, a_drip_ends_at_the_deadline_and_not_at_the_next_octet);
    tcase_add_test(drips, a_drip_that_the_deadline_meets_sends_no_more);
    tcase_add_test(drips, a_drip_ends_when_the_peer_speaks);
    tcase_add_test(drips, a_drip_ends_when_the_peer_ends);
    tcase_add_test(drips, a_drip_ends_when_the_peer_resets);
    tcase_add_test(drips, a_drip_does_not_begin_where_the_peer_has_spoken);

    TCase *failures = add_case(suite, "misbehaviour, failures", connect_tcp);
    for (int kind = BEHAVE; kind <= MISBEHAVE_HALF_CLOSE; kind++)
        if (kind != MISBEHAVE_SILENT) {
            tcase_add_loop_test(failures, nothing_is_sent_behind_the_deadline, kind, kind + 1);
            tcase_add_loop_test(failures, what_fails_is_told, kind, kind + 1);
        }
    tcase_add_loop_test(failures, an_end_that_fails_is_reported, 0, 2);
    return suite;
}
