/* SPDX-License-Identifier: MIT */
/* What is counted of each exchange, what is reported of it, and the sum. */
#include <config.h>

#include "client/report/plugin.h"
#include "client/results.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define START (5 * SECOND) /* of a schedule */
#define SERVERS 2

static const struct verdict right = {RESULT_RIGHT, PHASE_CLOSE, 0, 16};
static const struct verdict wrong = {RESULT_DIFFERS, PHASE_RECEIVE, 0, 16};
static const struct verdict lost = {RESULT_TIMEOUT, PHASE_CONNECT, 0, 0};
static const struct verdict cut = {RESULT_CUT, PHASE_RECEIVE, 0, 5};

static struct client_options options;
static struct engine engine;
static struct target target;
static struct results results;
static struct summary summary;
static struct exchange *exchange;

static FILE *kept[2]; /* standard output and standard error */
static char *written[2];
static size_t length[2];
static size_t checked[2];

static void set_up(void)
{
    struct address list[SERVERS] = {numeric_address("192.0.2.1", "1060"),
                                    numeric_address("192.0.2.2", "1060")};
    memset(&target, 0, sizeof target);
    ck_assert_int_eq(target_update(&target, list, SERVERS), 0);
    options = (struct client_options){.mode = CLIENT_REPEATED, .quiet = true};
    snprintf(options.server.host, sizeof options.server.host, "example.net");
    engine = (struct engine){.schedule = {.began = START, .end = NEVER}};
    results = (struct results){
        .options = &options, .engine = &engine, .target = &target, .resolving = -1};
    exchange = exchange_new(SERVERS);
    need(exchange != NULL, "an exchange");
    checked[0] = checked[1] = 0;
    kept[0] = stdout;
    kept[1] = stderr;
    stdout = open_memstream(&written[0], &length[0]);
    stderr = open_memstream(&written[1], &length[1]);
    need(stdout != NULL && stderr != NULL, "streams into memory");
}

/* The program does not free it. */
static void free_summary(void)
{
    void *lists[2];
    memcpy(&lists[0], &summary.servers, sizeof lists[0]);
    memcpy(&lists[1], &summary.tallies, sizeof lists[1]);
    free(lists[0]);
    free(lists[1]);
    memset(&summary, 0, sizeof summary);
}

static void clean_up(void)
{
    (void)fclose(stdout);
    (void)fclose(stderr);
    stdout = kept[0];
    stderr = kept[1];
    for (int i = 0; i < 2; i++)
        free(written[i]);
    for (unsigned i = 0; i < results.share_count; i++) {
        struct share *share = &results.shares[i];
        for (size_t j = 0; j < share->count; j++)
            free(share->tallies[j]);
        free(share->tallies);
    }
    free(results.shares);
    for (size_t i = 0; i < target.server_count; i++)
        free(target.servers[i]);
    free(target.servers);
    free(target.order);
    free(exchange);
    free_summary();
}

static void open_shares(unsigned loops)
{
    ck_assert_int_eq(results_open(&results, loops), 0);
}

/* Make an exchange with a server that began then, was due at the same time, and took so long. */
static void make(const struct verdict *verdict, size_t server, int64_t began, int64_t took)
{
    memset(exchange->octets, 'x', sizeof exchange->octets);
    for (int i = 0; i < MARKS; i++)
        exchange->marks[i] = -1;
    exchange->attempts[0] = (struct attempt){.exchange = exchange, .fd = -1, .began = began};
    exchange->attempts[0].server = target.order[server];
    exchange->final = exchange->attempts;
    exchange->tried = 1;
    exchange->number = 6;
    exchange->began = exchange->scheduled = began;
    exchange->took = exchange->waited = took;
    exchange->verdict = *verdict;
}

static void add(const struct verdict *verdict, size_t server, int64_t began, int64_t took)
{
    make(verdict, server, began, took);
    ck_assert_int_eq(results_add(&results, 0, exchange), 0);
}

/* Fail unless exactly that was written since the last check. */
static void assert_written(int stream, const char *expected)
{
    (void)fflush(stream == 0 ? stdout : stderr);
    ck_assert_str_eq(written[stream] + checked[stream], expected);
    checked[stream] = length[stream];
}

static void sum_up(void)
{
    free_summary();
    ck_assert_int_eq(results_sum_up(&results, &summary), 0);
}

/* ---- Counts ---- */

START_TEST(each_server_has_its_tally)
{
    open_shares(1);
    add(&right, 1, START, 2 * MS);
    sum_up();
    ck_assert_uint_eq(summary.server_count, 1);
    assert_formats_as(&summary.servers[0], "192.0.2.2:1060");
    add(&right, 0, START + SECOND, 4 * MS);
    add(&wrong, 0, START + 2 * SECOND, 6 * MS);
    sum_up();
    ck_assert_uint_eq(summary.server_count, 2);
    assert_formats_as(&summary.servers[0], "192.0.2.1:1060");
    ck_assert_uint_eq(summary.tallies[0]->sent, 2);
    ck_assert_uint_eq(summary.tallies[1]->sent, 1);
    ck_assert_uint_eq(summary.total->sent, 3);
    ck_assert_uint_eq(summary.total->classes[CLASS_RIGHT], 2);
    ck_assert_double_eq(summary.total->times.mean, 3.0 * (double)MS);
    ck_assert_int_eq(summary.elapsed, 2 * SECOND + 6 * MS);
    ck_assert_uint_eq(summary.not_begun, 0);
    ck_assert_ptr_null(summary.load);
    ck_assert_int_eq(summary.failure->verdict.result, RESULT_DIFFERS);
    ck_assert_uint_eq(summary.failure->sequence, 7);
}
END_TEST

START_TEST(the_first_failure_is_kept)
{
    open_shares(1);
    add(&right, 0, START, MS);
    ck_assert(!results.has_failure);
    add(&cut, 0, START, MS);
    add(&lost, 0, START, MS);
    ck_assert_int_eq(results.failure.verdict.result, RESULT_CUT);
}
END_TEST

/* In plugin mode the time of the run is the server's. */
START_TEST(what_was_cut_depends_on_who_cut_it)
{
    static const struct {
        enum client_format format;
        bool is_interrupted;
        enum result result;
        int error;
    } rows[] = {{FORMAT_TEXT, false, RESULT_CUT, 0},
                {FORMAT_TEXT, true, RESULT_CUT, EINTR},
                {FORMAT_PLUGIN, false, RESULT_TIMEOUT, 0},
                {FORMAT_PLUGIN, true, RESULT_CUT, EINTR}};
    options.format = rows[_i].format;
    results.is_interrupted = rows[_i].is_interrupted;
    open_shares(1);
    add(&cut, 0, START, MS);
    sum_up();
    ck_assert_int_eq(summary.failure->verdict.result, rows[_i].result);
    ck_assert_int_eq(summary.failure->verdict.error, rows[_i].error);
    ck_assert_uint_eq(summary.total->classes[CLASS_UNFINISHED], rows[_i].result == RESULT_CUT);
}
END_TEST

static void prepare_load(double rate, bool skips, unsigned loops)
{
    options.mode = CLIENT_LOAD;
    engine.plan.is_load = true;
    engine.threads = loops;
    engine.schedule.rate = rate;
    engine.schedule.skips = skips;
    engine.schedule.end = START + SECOND;
    open_shares(loops);
}

START_TEST(the_shares_of_a_load_are_merged)
{
    prepare_load(0, false, 3);
    make(&right, 0, START, 10 * MS);
    results_add(&results, 2, exchange);
    make(&lost, 1, START + 100 * MS, 20 * MS);
    results_add(&results, 1, exchange);
    make(&right, 0, START + 200 * MS, 30 * MS);
    results_add(&results, 1, exchange);
    sum_up();
    ck_assert_uint_eq(summary.server_count, 2);
    ck_assert_uint_eq(summary.tallies[0]->classes[CLASS_RIGHT], 2);
    ck_assert_uint_eq(summary.tallies[1]->classes[CLASS_LOST], 1);
    ck_assert_uint_eq(summary.total->sent, 3);
    ck_assert_uint_eq(summary.load->threads, 3);
    ck_assert_int_eq(summary.elapsed, 230 * MS);
    ck_assert_ptr_null(summary.failure);
}
END_TEST

/* Right ones per second until the last one, or until the end of the schedule, after which none
 * counts. */
START_TEST(the_rate_of_a_closed_loop_is_that_of_its_time)
{
    prepare_load(0, false, 1);
    add(&right, 0, START, 100 * MS);
    add(&lost, 0, START + 100 * MS, 100 * MS);
    add(&right, 0, START + 200 * MS, 200 * MS);
    sum_up();
    ck_assert_double_eq_tol(summary.load->rate, 2 / 0.4, 1e-9);
    add(&right, 0, START + 400 * MS, 3 * SECOND);
    sum_up();
    ck_assert_double_eq_tol(summary.load->rate, 2 / 1.0, 1e-9);
}
END_TEST

START_TEST(a_load_without_an_exchange_has_no_rate)
{
    prepare_load(0, false, 1);
    sum_up();
    ck_assert_double_eq(summary.load->rate, 0);
    ck_assert_uint_eq(summary.server_count, 0);
}
END_TEST

/* Three of ten starts were claimed, and one of them began late. */
START_TEST(an_open_loop_counts_from_when_it_was_due)
{
    clock_stop();
    int64_t now = clock_nanoseconds();
    prepare_load(10, false, 1);
    engine.schedule.began = now - 2 * SECOND;
    engine.schedule.end = now - SECOND;
    engine.schedule.claimed = 3;
    add(&right, 0, now - 2 * SECOND, 10 * MS);
    make(&right, 0, now - SECOND, 10 * MS);
    exchange->scheduled = now - 1900 * MS;
    ck_assert_int_eq(results_add(&results, 0, exchange), 0);
    add(&lost, 0, now - 1800 * MS, 10 * MS);
    sum_up();
    ck_assert_uint_eq(summary.load->service.histogram.total, 2);
    ck_assert_uint_eq(summary.load->service.histogram.most, 10 * MS);
    ck_assert_uint_eq(summary.tallies[0]->times.histogram.most, 910 * MS);
    ck_assert_uint_eq(summary.not_begun, 7);
    ck_assert_uint_eq(summary.total->sent, 3);
    ck_assert_uint_eq(summary.total->times.histogram.total, 2 + 7);
    ck_assert_uint_eq(summary.total->times.histogram.most, 1700 * MS);
    ck_assert_double_eq_tol(summary.load->rate, 2 / 1.0, 1e-9);
}
END_TEST

START_TEST(beats_that_were_skipped_did_not_begin)
{
    engine.schedule.rate = 1;
    engine.schedule.skips = true;
    engine.schedule.count = 6;
    engine.schedule.claimed = 5;
    engine.schedule.skipped = 2;
    open_shares(1);
    make(&right, 0, START, 10 * MS);
    exchange->scheduled = START - MS;
    ck_assert_int_eq(results_add(&results, 0, exchange), 0);
    sum_up();
    ck_assert_uint_eq(summary.not_begun, 3);
    ck_assert_uint_eq(summary.total->times.histogram.total, 1);
    ck_assert_uint_eq(summary.total->times.histogram.most, 10 * MS);
}
END_TEST

START_TEST(a_failure_without_an_exchange_is_counted)
{
    open_shares(1);
    clock_stop();
    results_fail(&results, RESULT_LOCAL, PHASE_CONNECT, EMFILE, clock_nanoseconds() - MS);
    sum_up();
    ck_assert_uint_eq(summary.total->classes[CLASS_LOCAL], 1);
    ck_assert_int_eq(summary.failure->took, MS);
    assert_formats_as(&summary.failure->server, "192.0.2.1:1060");
}
END_TEST

START_TEST(without_memory_nothing_is_counted)
{
    make(&right, 1, START, MS);
    io_fail(FAULT_MEMORY, 0, 1, ENOMEM);
    int result = results_open(&results, 1);
    int error = errno;
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(error, ENOMEM);
    open_shares(1);
    for (int spared = 0; spared < 2; spared++) {
        io_fail(FAULT_MEMORY, spared, 1, ENOMEM);
        result = results_add(&results, 0, exchange);
        error = errno;
        ck_assert_int_eq(result, -1);
        ck_assert_int_eq(error, ENOMEM);
    }
    ck_assert_int_eq(results_add(&results, 0, exchange), 0);
}
END_TEST

START_TEST(without_memory_there_is_no_summary)
{
    prepare_load(0, false, 2);
    make(&right, 0, START, MS);
    ck_assert_int_eq(results_add(&results, 1, exchange), 0);
    io_fail(FAULT_MEMORY, _i, 1, ENOMEM);
    int result = results_sum_up(&results, &summary);
    int error = errno;
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(error, ENOMEM);
}
END_TEST

/* ---- Reports ---- */

#define REPLY "xxxxxxxxxxxxxxxx"
#define LINE "outcome=ok peer=- local=192.0.2.1:1060 seq=7 octets=16 us=1000\n"
#define MISMATCH                                                                                \
    "sixteen: receive from 192.0.2.1:1060: unexpected reply '" REPLY "', expected '" WIRE_REPLY \
    "'\n"

static const struct {
    enum client_mode mode;
    enum client_format format;
    bool quiet;
    bool all;
    const struct verdict *verdict;
    const char *out; /* the beginning of what is written; NULL: nothing */
    const char *error;
} reports[] = {
    {CLIENT_ONCE, FORMAT_TEXT, false, false, &right, "The server said '" REPLY "'\n", NULL},
    {CLIENT_ONCE, FORMAT_TEXT, true, false, &right, NULL, NULL},
    {CLIENT_ONCE, FORMAT_TEXT, true, false, &wrong, NULL, MISMATCH},
    {CLIENT_ONCE, FORMAT_TEXT, false, true, &right, LINE, NULL},
    {CLIENT_ONCE, FORMAT_JSON, false, false, &right, "{\"type\":\"exchange\",\"seq\":7", NULL},
    {CLIENT_ONCE, FORMAT_PLUGIN, false, false, &wrong, NULL, NULL},
    {CLIENT_REPEATED, FORMAT_TEXT, false, false, &right, LINE, NULL},
    {CLIENT_REPEATED, FORMAT_TEXT, true, false, &wrong, NULL, NULL},
    {CLIENT_REPEATED, FORMAT_JSON, true, false, &wrong, NULL, NULL},
    {CLIENT_REPEATED, FORMAT_JSON, false, false, &wrong, "{\"type\":\"exchange\"", NULL},
    {CLIENT_LOAD, FORMAT_TEXT, false, false, &wrong, NULL, NULL},
};

static void assert_begins(int stream, const char *expected)
{
    FILE *file = stream == 0 ? stdout : stderr;
    (void)fflush(file);
    if (expected == NULL)
        expected = "";
    ck_assert_msg(strncmp(written[stream], expected, strlen(expected)) == 0 &&
                      (*expected != '\0' || length[stream] == 0),
                  "'%s'", written[stream]);
}

START_TEST(each_exchange_is_reported_as_it_was_asked_for)
{
    options.mode = reports[_i].mode;
    options.format = reports[_i].format;
    options.quiet = reports[_i].quiet;
    options.all = reports[_i].all;
    memcpy(options.question.expect, WIRE_REPLY, WIRE_OCTETS);
    open_shares(1);
    add(reports[_i].verdict, 0, START, MS);
    assert_begins(0, reports[_i].out);
    assert_begins(1, reports[_i].error);
}
END_TEST

static const struct verdict unresolved = {RESULT_UNRESOLVED, PHASE_RESOLVE, -2, 0};

START_TEST(a_name_without_an_address_is_always_reported_in_text)
{
    options.mode = _i == 0 ? CLIENT_REPEATED : CLIENT_LOAD;
    target.count = 0;
    open_shares(1);
    results_fail(&results, unresolved.result, unresolved.phase, unresolved.error, START);
    assert_begins(1, "sixteen: resolve example.net port : Name or service not known\n");
}
END_TEST

START_TEST(a_load_in_json_has_only_a_summary)
{
    options.mode = CLIENT_LOAD;
    options.format = FORMAT_JSON;
    open_shares(1);
    results_fail(&results, RESULT_LOCAL, PHASE_CONNECT, EMFILE, START);
    assert_written(0, "");
    assert_written(1, "");
    ck_assert(results.has_failure);
}
END_TEST

START_TEST(a_check_that_was_stopped_at_once_knows_nothing)
{
    options.format = FORMAT_PLUGIN;
    options.count = 1;
    open_shares(1);
    sum_up();
    ck_assert_int_eq(plugin_summary(&summary), PLUGIN_UNKNOWN);
    assert_begins(0, "SIXTEEN UNKNOWN - stopped before the first exchange completed | time=U;");
}
END_TEST

/* Make an exchange that tried the first server, with this error or 0, and then the second. */
static void race(const struct verdict *verdict, int error)
{
    make(verdict, 0, START, 300 * MS);
    exchange->attempts[0].error = error;
    exchange->attempts[1] = exchange->attempts[0];
    exchange->attempts[1].server = target.order[1];
    exchange->attempts[1].error = 0;
    exchange->attempts[0].began = START + 50 * MS;
    exchange->attempts[1].began = START + 250 * MS;
    exchange->tried = 2;
    exchange->final = &exchange->attempts[1];
    ck_assert_int_eq(results_add(&results, 0, exchange), 0);
}

#define FIRST "sixteen: connect to 192.0.2.1:1060: "
#define SECOND_ONE "sixteen: connect to 192.0.2.2:1060: "
#define OVERTAKEN "no answer within 0.25 s; another address answered first\n"
#define REFUSED "Connection refused\n"

START_TEST(an_address_that_was_passed_over_is_reported_once_until_it_accepts)
{
    options.mode = _i == 0 ? CLIENT_REPEATED : CLIENT_LOAD;
    open_shares(1);
    race(&right, 0);
    assert_written(1, FIRST OVERTAKEN);
    race(&right, ECONNREFUSED);
    assert_written(1, "");
    add(&right, 0, START, MS);
    race(&right, ECONNREFUSED);
    assert_written(1, FIRST REFUSED);
    sum_up();
    ck_assert_int_eq(summary.passed_over != NULL, _i == 0);
    if (_i == 0)
        ck_assert_int_eq(summary.passed_over->verdict.result, RESULT_OVERTAKEN);
}
END_TEST

START_TEST(no_address_overtakes_where_none_answers)
{
    results.is_interrupted = _i > 0;
    open_shares(1);
    race(_i == 0 ? &lost : &(const struct verdict){RESULT_CUT, PHASE_CONNECT, 0, 0}, 0);
    assert_written(1,
                   _i == 0 ? FIRST "timed out after 0.25 s\n" : FIRST "interrupted after 0.25 s\n");
}
END_TEST

START_TEST(an_address_that_was_passed_over_has_a_record)
{
    options.format = FORMAT_JSON;
    open_shares(1);
    race(&right, ECONNREFUSED);
    (void)fflush(stdout);
    ck_assert_ptr_nonnull(strstr(written[0], "{\"type\":\"address\",\"time\":\""));
    ck_assert_ptr_nonnull(strstr(written[0],
                                 "\"host\":\"example.net\",\"local\":\"192.0.2.1:1060\","
                                 "\"outcome\":\"refused\",\"error\":"
                                 "\"Connection refused\"}\n"));
}
END_TEST

START_TEST(a_rehearsal_reports_addresses_and_counts_nothing)
{
    results.is_rehearsal = true;
    open_shares(1);
    race(&wrong, ECONNREFUSED);
    assert_written(1, FIRST REFUSED);
    sum_up();
    ck_assert_uint_eq(summary.server_count, 0);
    ck_assert_uint_eq(summary.total->classes[CLASS_WRONG], 0);
    ck_assert_ptr_null(summary.failure);
}
END_TEST

static TCase *add_results_case(Suite *suite, const char *name)
{
    TCase *tcase = add_case(suite, name, NULL);
    tcase_add_checked_fixture(tcase, set_up, clean_up);
    return tcase;
}

Suite *results_suite(void)
{
    Suite *suite = suite_create("results");
    TCase *counts = add_results_case(suite, "results, counts");
    tcase_add_test(counts, each_server_has_its_tally);
    tcase_add_test(counts, the_first_failure_is_kept);
    tcase_add_loop_test(counts, what_was_cut_depends_on_who_cut_it, 0, 4);
    tcase_add_test(counts, the_shares_of_a_load_are_merged);
    tcase_add_test(counts, the_rate_of_a_closed_loop_is_that_of_its_time);
    tcase_add_test(counts, a_load_without_an_exchange_has_no_rate);
    tcase_add_test(counts, an_open_loop_counts_from_when_it_was_due);
    tcase_add_test(counts, beats_that_were_skipped_did_not_begin);
    tcase_add_test(counts, a_failure_without_an_exchange_is_counted);
    tcase_add_test(counts, without_memory_nothing_is_counted);
    tcase_add_loop_test(counts, without_memory_there_is_no_summary, 0, 4);

    TCase *tells = add_results_case(suite, "results, reports");
    tcase_add_loop_test(tells, each_exchange_is_reported_as_it_was_asked_for, 0, COUNT(reports));
    tcase_add_loop_test(tells, a_name_without_an_address_is_always_reported_in_text, 0, 2);
    tcase_add_test(tells, a_check_that_was_stopped_at_once_knows_nothing);
    tcase_add_test(tells, a_load_in_json_has_only_a_summary);
    tcase_add_test(tells, a_rehearsal_reports_addresses_and_counts_nothing);
    tcase_add_loop_test(tells, an_address_that_was_passed_over_is_reported_once_until_it_accepts, 0,
                        2);
    tcase_add_loop_test(tells, no_address_overtakes_where_none_answers, 0, 2);
    tcase_add_test(tells, an_address_that_was_passed_over_has_a_record);
    return suite;
}
