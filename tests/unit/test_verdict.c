/* SPDX-License-Identifier: MIT */
/* The meaning of each result of the client's exchange, and its words. */
#include <config.h>

#include "client/exchange/verdict.h"
#include "support.h"

#include <errno.h>
#include <netdb.h>

static const struct {
    struct verdict verdict;
    int class;
    const char *outcome;
} meanings[] = {
    {{RESULT_RIGHT, PHASE_CLOSE, 0, 16}, CLASS_RIGHT, "ok"},
    {{RESULT_SILENT, PHASE_CLOSE, 0, 16}, CLASS_RIGHT, "ok"},
    {{RESULT_QUIET, PHASE_SEND, 0, 0}, CLASS_RIGHT, "ok"},
    {{RESULT_QUIET, PHASE_RECEIVE, 0, 0}, CLASS_RIGHT, "ok"},
    {{RESULT_CONNECTED, PHASE_CONNECT, 0, 0}, CLASS_RIGHT, "ok"},
    {{RESULT_DIFFERS, PHASE_RECEIVE, 0, 16}, CLASS_WRONG, "mismatch"},
    {{RESULT_MORE, PHASE_CLOSE, 0, 17}, CLASS_WRONG, "excess"},
    {{RESULT_MORE, PHASE_RECEIVE, 0, 1}, CLASS_WRONG, "excess"},
    {{RESULT_EOF, PHASE_RECEIVE, 0, 0}, CLASS_LOST, "short"},
    {{RESULT_EOF, PHASE_RECEIVE, 0, 1}, CLASS_WRONG, "short"},
    {{RESULT_EOF, PHASE_RECEIVE, 0, 15}, CLASS_WRONG, "short"},
    {{RESULT_TIMEOUT, PHASE_RESOLVE, 0, 0}, CLASS_LOST, "slow"},
    {{RESULT_TIMEOUT, PHASE_CONNECT, 0, 0}, CLASS_LOST, "slow"},
    {{RESULT_TIMEOUT, PHASE_SEND, 0, 0}, CLASS_LOST, "slow"},
    {{RESULT_TIMEOUT, PHASE_RECEIVE, 0, 0}, CLASS_LOST, "slow"},
    {{RESULT_TIMEOUT, PHASE_RECEIVE, 0, 5}, CLASS_WRONG, "slow"},
    {{RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 0}, CLASS_LOST, "refused"},
    {{RESULT_FAILED, PHASE_CONNECT, ETIMEDOUT, 0}, CLASS_LOST, "slow"},
    {{RESULT_FAILED, PHASE_CONNECT, ECONNRESET, 0}, CLASS_LOST, "reset"},
    {{RESULT_FAILED, PHASE_CONNECT, ENETUNREACH, 0}, CLASS_LOST, "unreachable"},
    {{RESULT_FAILED, PHASE_CONNECT, EHOSTUNREACH, 0}, CLASS_LOST, "unreachable"},
    {{RESULT_FAILED, PHASE_CONNECT, EAFNOSUPPORT, 0}, CLASS_LOST, "unreachable"},
    {{RESULT_FAILED, PHASE_SEND, ECONNREFUSED, 0}, CLASS_LOST, "refused"},
    {{RESULT_FAILED, PHASE_SEND, EPIPE, 0}, CLASS_LOST, "reset"},
    {{RESULT_FAILED, PHASE_SEND, ETIMEDOUT, 0}, CLASS_LOST, "slow"},
    {{RESULT_FAILED, PHASE_RECEIVE, ECONNRESET, 0}, CLASS_LOST, "reset"},
    {{RESULT_FAILED, PHASE_RECEIVE, ECONNRESET, 3}, CLASS_WRONG, "reset"},
    {{RESULT_FAILED, PHASE_CLOSE, ECONNRESET, 16}, CLASS_WRONG, "reset"},
    {{RESULT_FAILED, PHASE_CLOSE, ETIMEDOUT, 16}, CLASS_WRONG, "slow"},
    {{RESULT_OVERTAKEN, PHASE_CONNECT, 0, 0}, CLASS_LOST, "slow"},
    {{RESULT_CUT, PHASE_RESOLVE, EINTR, 0}, CLASS_UNFINISHED, "unfinished"},
    {{RESULT_CUT, PHASE_CONNECT, 0, 0}, CLASS_UNFINISHED, "unfinished"},
    {{RESULT_CUT, PHASE_RECEIVE, 0, 5}, CLASS_UNFINISHED, "unfinished"},
    {{RESULT_UNRESOLVED, PHASE_RESOLVE, EAI_NONAME, 0}, CLASS_LOST, "unresolved"},
    {{RESULT_LOCAL, PHASE_RESOLVE, ENOMEM, 0}, CLASS_LOCAL, "failed"},
    {{RESULT_LOCAL, PHASE_CONNECT, EMFILE, 0}, CLASS_LOCAL, "failed"},
    {{RESULT_LOCAL, PHASE_CONNECT, ECONNREFUSED, 0}, CLASS_LOCAL, "failed"},
};

START_TEST(each_result_has_a_class_and_a_word)
{
    ck_assert_int_eq(verdict_class(&meanings[_i].verdict), meanings[_i].class);
    ck_assert_str_eq(verdict_outcome(&meanings[_i].verdict), meanings[_i].outcome);
}
END_TEST

#define EARLY "the server closed the connection early"
#define LATE "timed out"

static const struct {
    struct verdict verdict;
    const char *why; /* with 10 seconds */
    const char *kind;
} reasons[] = {
    {{RESULT_RIGHT, PHASE_CLOSE, 0, 16}, "", ""},
    {{RESULT_QUIET, PHASE_SEND, 0, 0}, "", ""},
    {{RESULT_QUIET, PHASE_RECEIVE, 0, 0}, "", ""},
    {{RESULT_CONNECTED, PHASE_CONNECT, 0, 0}, "", ""},
    {{RESULT_DIFFERS, PHASE_RECEIVE, 0, 16}, "unexpected reply", "unexpected reply"},
    {{RESULT_MORE, PHASE_CLOSE, 0, 17},
     "reply longer than 16 octets",
     "reply longer than 16 octets"},
    {{RESULT_MORE, PHASE_RECEIVE, 0, 1},
     "unexpected reply: no complete message was sent",
     "unexpected reply: no complete message was sent"},
    {{RESULT_EOF, PHASE_RECEIVE, 0, 0},
     "the server closed the connection without a reply; a limit, an access list or strict mode can "
     "be the reason",
     EARLY},
    {{RESULT_EOF, PHASE_RECEIVE, 0, 15},
     "the server closed the connection after 15 of 16 octets",
     EARLY},
    {{RESULT_TIMEOUT, PHASE_RESOLVE, 0, 0}, "timed out after 10 s", LATE},
    {{RESULT_TIMEOUT, PHASE_CONNECT, 0, 0}, "timed out after 10 s", LATE},
    {{RESULT_TIMEOUT, PHASE_SEND, 0, 0}, "timed out after 10 s", LATE},
    {{RESULT_TIMEOUT, PHASE_RECEIVE, 0, 5},
     "timed out after 10 s with 5 of 16 octets received",
     LATE},
    {{RESULT_FAILED, PHASE_CONNECT, ECONNREFUSED, 0}, "Connection refused", "Connection refused"},
    {{RESULT_FAILED, PHASE_SEND, EPIPE, 0}, "Broken pipe", "Broken pipe"},
    {{RESULT_UNRESOLVED, PHASE_RESOLVE, EAI_NONAME, 0},
     "Name or service not known",
     "Name or service not known"},
    {{RESULT_LOCAL, PHASE_CONNECT, EMFILE, 0}, "Too many open files", "Too many open files"},
};

START_TEST(each_result_has_a_reason_and_a_kind)
{
    char text[VERDICT_WHY] = "what was there before";
    ck_assert_str_eq(verdict_why(&reasons[_i].verdict, 10, text), reasons[_i].why);
    ck_assert_str_eq(verdict_kind(&reasons[_i].verdict, text), reasons[_i].kind);
    ck_assert_ptr_eq(verdict_why(&reasons[_i].verdict, 10, text), text);
    ck_assert_ptr_eq(verdict_kind(&reasons[_i].verdict, text), text);
}
END_TEST

START_TEST(what_is_right_may_have_a_remark)
{
    const struct verdict silent = {RESULT_SILENT, PHASE_CLOSE, 0, 16};
    char text[VERDICT_WHY];
    ck_assert_str_eq(verdict_why(&silent, 0.25, text),
                     "correct reply, but no end of file within 0.25 s");
}
END_TEST

START_TEST(what_was_cut_or_overtaken_has_its_time)
{
    const struct {
        struct verdict verdict;
        const char *why;
    } rows[] = {
        {{RESULT_CUT, PHASE_RESOLVE, EINTR, 0}, "interrupted after 2.5 s"},
        {{RESULT_CUT, PHASE_CONNECT, 0, 0}, "cut by --deadline after 2.5 s"},
        {{RESULT_CUT, PHASE_RECEIVE, EINTR, 5},
         "interrupted after 2.5 s with 5 of 16 octets received"},
        {{RESULT_CUT, PHASE_RECEIVE, 0, 0},
         "cut by --deadline after 2.5 s with 0 of 16 octets received"},
        {{RESULT_OVERTAKEN, PHASE_CONNECT, 0, 0},
         "no answer within 2.5 s; another address answered first"},
    };
    char text[VERDICT_WHY];
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_str_eq(verdict_why(&rows[i].verdict, 2.5, text), rows[i].why);
}
END_TEST

/* The rest of a longer time is not a round number. */
START_TEST(seconds_are_told_to_the_millisecond)
{
    const struct verdict late = {RESULT_TIMEOUT, PHASE_CONNECT, 0, 0};
    char text[VERDICT_WHY];
    ck_assert_str_eq(verdict_why(&late, 1.2344999, text), "timed out after 1.234 s");
    ck_assert_str_eq(verdict_why(&late, 0.9999999, text), "timed out after 1 s");
    ck_assert_str_eq(verdict_why(&late, 86400, text), "timed out after 86400 s");
    ck_assert_str_eq(verdict_why(&late, 31536000, text), "timed out after 31536000 s");
    ck_assert_str_eq(verdict_why(&late, 0.00001, text), "timed out after 0.00001 s");
}
END_TEST

START_TEST(each_phase_has_a_name)
{
    ck_assert_str_eq(phase_name(PHASE_RESOLVE), "resolve");
    ck_assert_str_eq(phase_name(PHASE_CONNECT), "connect");
    ck_assert_str_eq(phase_name(PHASE_SEND), "send");
    ck_assert_str_eq(phase_name(PHASE_RECEIVE), "receive");
    ck_assert_str_eq(phase_name(PHASE_CLOSE), "close");
    ck_assert_int_eq(PHASES, 5);
}
END_TEST

START_TEST(five_errors_are_this_hosts)
{
    static const int local[] = {EADDRNOTAVAIL, ENOBUFS, ENOMEM, EMFILE, ENFILE};
    int count = 0;
    for (size_t i = 0; i < COUNT(local); i++)
        ck_assert(error_is_local(local[i]));
    for (int error = 0; error < 4096; error++)
        count += error_is_local(error);
    ck_assert_int_eq(count, COUNT(local));
}
END_TEST

Suite *verdict_suite(void)
{
    Suite *suite = suite_create("verdict");
    TCase *tcase = add_case(suite, "verdict", NULL);
    tcase_add_loop_test(tcase, each_result_has_a_class_and_a_word, 0, COUNT(meanings));
    tcase_add_loop_test(tcase, each_result_has_a_reason_and_a_kind, 0, COUNT(reasons));
    tcase_add_test(tcase, what_is_right_may_have_a_remark);
    tcase_add_test(tcase, what_was_cut_or_overtaken_has_its_time);
    tcase_add_test(tcase, seconds_are_told_to_the_millisecond);
    tcase_add_test(tcase, each_phase_has_a_name);
    tcase_add_test(tcase, five_errors_are_this_hosts);
    return suite;
}
