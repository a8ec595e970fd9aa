/* SPDX-License-Identifier: MIT */
/* What is counted of each exchange, what is reported of it, and the sum. */
#include <config.h>

#include "client/report/interval.h"
#include "client/report/plugin.h"
#include "client/results.h"
#include "targets_support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define START (5 * SECOND) /* of a schedule */
#define SERVERS 2

static const struct verdict right = {RESULT_RIGHT, PHASE_CLOSE, 0, 16};
static const struct verdict wrong = {RESULT_DIFFERS, PHASE_RECEIVE, 0, 16};
static const struct verdict lost = {RESULT_TIMEOUT, PHASE_CONNECT, 0, 0};
static const struct verdict no_descriptors = {RESULT_LOCAL, PHASE_CONNECT, EMFILE, 0};
static const struct verdict cut = {RESULT_CUT, PHASE_RECEIVE, 0, 5};

static struct client_options options;
static struct engine engine;
static struct targets targets;
static struct target *target; /* the first */
static struct results results;
static struct summary summary;
static struct exchange *exchange;
static unsigned opened; /* shares, of which results_sum_up() leaves one */

/* Standard output and standard error are files in memory meanwhile. */
static int kept[2];
static int captured[2];
static char written[2][4096];
static size_t length[2];
static size_t checked[2];

static void capture(int stream)
{
    int fd = stream == 0 ? STDOUT_FILENO : STDERR_FILENO;
    (void)fflush(stdout);
    kept[stream] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    captured[stream] = memfd_create("written", MFD_CLOEXEC);
    need(kept[stream] >= 0 && captured[stream] >= 0 && dup2(captured[stream], fd) == fd,
         "a file in memory");
    checked[stream] = 0;
}

static void release(int stream)
{
    (void)fflush(stdout);
    dup2(kept[stream], stream == 0 ? STDOUT_FILENO : STDERR_FILENO);
    close(kept[stream]);
    close(captured[stream]);
}

/* Return what was written up to now. */
static const char *text_of(int stream)
{
    (void)fflush(stdout);
    ssize_t count = pread(captured[stream], written[stream], sizeof written[stream] - 1, 0);
    need(count >= 0, "what was written");
    length[stream] = (size_t)count;
    written[stream][count] = '\0';
    return written[stream];
}

static void set_up(void)
{
    struct address list[SERVERS] = {numeric_address("192.0.2.1", "1060"),
                                    numeric_address("192.0.2.2", "1060")};
    targets_begin(&targets, 1);
    target = targets.list;
    ck_assert_int_eq(target_update(&targets, target, list, SERVERS), 0);
    options = (struct client_options){.mode = CLIENT_REPEATED, .quiet = true};
    engine = (struct engine){.schedule = {.targets = 1, .began = START, .end = NEVER}};
    results = (struct results){.options = &options, .engine = &engine, .targets = &targets};
    exchange = exchange_new(SERVERS);
    need(exchange != NULL, "an exchange");
    opened = 0;
    capture(0);
    capture(1);
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
    release(0);
    release(1);
    for (unsigned i = 0; i < opened; i++) {
        struct share *share = &results.shares[i];
        for (size_t j = 0; j < share->count; j++)
            free(share->tallies[j]);
        free(share->tallies);
    }
    free(results.shares);
    for (size_t i = 0; results.by_target != NULL && i < targets.count; i++)
        free(results.by_target[i].sum);
    free(results.by_target);
    targets_end(&targets);
    free(exchange);
    free_summary();
}

static void open_shares(unsigned loops)
{
    opened = loops;
    ck_assert_int_eq(results_open(&results, loops), 0);
}

/* Make an exchange with a server that began then, was due at the same time, and took so long. */
static void make(const struct verdict *verdict, size_t server, int64_t began, int64_t took)
{
    memset(exchange->octets, 'x', sizeof exchange->octets);
    for (int i = 0; i < MARKS; i++)
        exchange->marks[i] = -1;
    exchange->attempts[0] = (struct attempt){.exchange = exchange, .fd = -1, .began = began};
    exchange->target = target;
    exchange->attempts[0].server = target->order[server];
    exchange->final = exchange->attempts;
    exchange->tried = 1;
    exchange->number = 6;
    exchange->began = exchange->scheduled = began;
    exchange->time = wall_nanoseconds();
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
    ck_assert_str_eq(text_of(stream) + checked[stream], expected);
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
    ck_assert_ptr_null(results.failure.target);
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
    engine.schedule.count = 8;
    engine.schedule.claimed = 6;
    open_shares(1);
    make(&right, 0, START, 10 * MS);
    exchange->scheduled = START - MS;
    ck_assert_int_eq(results_add(&results, 0, exchange), 0);
    for (uint64_t number = 3; number < 6; number++)
        results_skip(&results, number);
    sum_up();
    ck_assert_uint_eq(summary.not_begun, 3 + 2); /* the last two were due, but not even skipped */
    ck_assert_uint_eq(summary.total->times.histogram.total, 1);
    ck_assert_uint_eq(summary.total->times.histogram.most, 10 * MS);
}
END_TEST

START_TEST(a_failure_without_an_exchange_is_counted)
{
    open_shares(1);
    clock_stop();
    results_fail(&results, &no_descriptors, clock_nanoseconds() - MS);
    sum_up();
    ck_assert_uint_eq(summary.total->classes[CLASS_LOCAL], 1);
    ck_assert_int_eq(summary.failure->took, MS);
    assert_formats_as(&summary.failure->server, "192.0.2.1:1060");
    ck_assert_uint_eq(summary.server_count, 1);
    ck_assert_uint_eq(summary.targets[0].tally->classes[CLASS_LOCAL], 1);
    ck_assert_int_eq(summary.targets[0].failure->verdict.error, EMFILE);
}
END_TEST

START_TEST(a_failure_without_an_address_is_counted)
{
    open_shares(1);
    target->count = 0;
    results_fail(&results, &no_descriptors, START);
    sum_up();
    ck_assert_uint_eq(summary.server_count, 0);
    ck_assert_uint_eq(summary.failure->server.length, 0);
    ck_assert_uint_eq(summary.total->classes[CLASS_LOCAL], 1);
    ck_assert_uint_eq(summary.targets[0].tally->classes[CLASS_LOCAL], 1);
}
END_TEST

START_TEST(the_phases_of_right_exchanges_are_counted)
{
    open_shares(2);
    for (int i = 1; i <= 3; i++) {
        make(i < 3 ? &right : &wrong, 0, START, 8 * MS);
        exchange->marks[MARK_CONNECTED] = i * MS;
        exchange->marks[MARK_FIRST] = (i + 2) * MS;
        if (i == 2)
            exchange->marks[MARK_END] = 6 * MS;
        ck_assert_int_eq(results_add(&results, i < 2, exchange), 0);
    }
    sum_up();
    ck_assert_uint_eq(summary.phases[0].total, 2);
    ck_assert_uint_eq(summary.phases[0].most, 2 * MS);
    ck_assert_uint_eq(summary.phases[1].total, 2);
    ck_assert_uint_eq(summary.phases[1].most, 4 * MS);
    ck_assert_uint_eq(summary.phases[2].total, 1);
    ck_assert_uint_eq(summary.phases[2].most, 6 * MS);
}
END_TEST

/* ---- Several targets ---- */

static const struct verdict unresolved = {RESULT_UNRESOLVED, PHASE_RESOLVE, -2, 0};

/* Make three targets. The first has two addresses, the second has one, and the third has none. */
static void open_three(void)
{
    struct address list[SERVERS] = {numeric_address("192.0.2.1", "1060"),
                                    numeric_address("192.0.2.2", "1060")};
    targets_end(&targets);
    targets_begin(&targets, 3);
    ck_assert_int_eq(target_update(&targets, &targets.list[1], &list[1], 1), 0);
    ck_assert_int_eq(target_update(&targets, &targets.list[0], list, 2), 0);
    target = targets.list;
    engine.schedule.targets = 3;
    options.is_table = true;
    open_shares(1);
}

static void add_for(size_t index, const struct verdict *verdict, size_t server)
{
    struct target *asked = &targets.list[index];
    make(verdict, 0, START, 2 * MS);
    exchange->target = asked;
    exchange->final->server =
        verdict->phase == PHASE_RESOLVE ? asked->nowhere : asked->order[server];
    ck_assert_int_eq(results_add(&results, 0, exchange), 0);
}

static void add_for_three(void)
{
    add_for(0, &lost, 0);
    add_for(0, &right, 0);
    add_for(0, &right, 1);
    add_for(1, &unresolved, 0);
    add_for(1, &right, 0);
    add_for(1, &wrong, 0);
    add_for(1, &right, 0);
}

static void assert_counts(const struct tally *tally, uint64_t good, uint64_t bad, uint64_t none)
{
    ck_assert_uint_eq(tally->classes[CLASS_RIGHT], good);
    ck_assert_uint_eq(tally->classes[CLASS_WRONG], bad);
    ck_assert_uint_eq(tally->classes[CLASS_LOST], none);
    ck_assert_uint_eq(tally->sent, good + bad + none);
    ck_assert_uint_eq(tally->times.histogram.total, good);
}

START_TEST(each_target_has_the_sum_of_its_addresses)
{
    open_three();
    for (uint64_t times = 1; times <= 2; times++) {
        add_for_three();
        sum_up();
        ck_assert_uint_eq(summary.target_count, 3);
        for (size_t i = 0; i < 3; i++)
            ck_assert_ptr_eq(summary.targets[i].target, &targets.list[i]);
        assert_counts(summary.targets[0].tally, 2 * times, 0, times);
        assert_counts(summary.targets[1].tally, 2 * times, times, times);
        assert_counts(summary.targets[2].tally, 0, 0, 0);
        assert_counts(summary.total, 4 * times, times, 2 * times);
        ck_assert_uint_eq(summary.server_count, 3);
        assert_formats_as(&summary.servers[0], "192.0.2.2:1060"); /* that of the second target */
        assert_formats_as(&summary.servers[1], "192.0.2.1:1060");
        assert_formats_as(&summary.servers[2], "192.0.2.2:1060");
        assert_counts(summary.tallies[0], 2 * times, times, 0);
        assert_counts(summary.tallies[1], times, 0, times);
        assert_counts(summary.tallies[2], times, 0, 0);
    }
}
END_TEST

START_TEST(each_target_has_its_last_failure)
{
    open_three();
    time_t before = time(NULL);
    add_for_three();
    sum_up();
    ck_assert_int_eq(summary.targets[0].failure->verdict.result, RESULT_TIMEOUT);
    ck_assert_int_eq(summary.targets[1].failure->verdict.result, RESULT_DIFFERS);
    ck_assert_ptr_null(summary.targets[2].failure);
    ck_assert_ptr_eq(summary.targets[0].failure->target, &targets.list[0]);
    ck_assert_uint_eq(summary.targets[0].failure->sequence, 3); /* the round of number 6 */
    ck_assert_int_ge(summary.targets[0].tally->last_right, before);
    ck_assert_int_ge(summary.targets[1].tally->last_right, before);
    ck_assert_int_eq(summary.targets[2].tally->last_right, 0);
    ck_assert_int_eq(summary.failure->verdict.result, RESULT_TIMEOUT); /* the first of all */
    add_for(0, &wrong, 1);
    add_for(0, &right, 1);
    sum_up();
    ck_assert_int_eq(summary.targets[0].failure->verdict.result, RESULT_DIFFERS);
}
END_TEST

static void assert_not_begun(uint64_t first, uint64_t second, uint64_t third)
{
    sum_up();
    ck_assert_uint_eq(summary.targets[0].not_begun, first);
    ck_assert_uint_eq(summary.targets[1].not_begun, second);
    ck_assert_uint_eq(summary.targets[2].not_begun, third);
    ck_assert_uint_eq(summary.not_begun, first + second + third);
}

START_TEST(a_start_that_was_skipped_is_that_of_its_target)
{
    static const uint64_t numbers[] = {0, 1, 3, 7, 300};
    open_three();
    for (size_t i = 0; i < COUNT(numbers); i++)
        results_skip(&results, numbers[i]);
    assert_not_begun(3, 2, 0);
}
END_TEST

/* Number 4 is the first that was not claimed. */
START_TEST(a_start_that_was_not_even_skipped_is_that_of_its_target)
{
    open_three();
    engine.schedule.rate = 1;
    engine.schedule.spacing = MS;
    engine.schedule.skips = true;
    engine.schedule.claimed = 4;
    engine.schedule.count = 4 + (uint64_t)_i;
    static const uint64_t rows[][3] = {{0, 0, 0}, {0, 1, 0}, {0, 1, 1}, {1, 1, 1}, {1, 2, 1}};
    assert_not_begun(rows[_i][0], rows[_i][1], rows[_i][2]);
}
END_TEST

START_TEST(without_memory_there_is_no_sum_of_a_target)
{
    open_three();
    add_for_three();
    io_fail(FAULT_MEMORY, _i, 1, ENOMEM);
    int result = results_by_target(&results);
    io_reset();
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(results_by_target(&results), 0);
    assert_counts(results.by_target[0].tally, 2, 0, 1);
    assert_counts(results.by_target[1].tally, 2, 1, 1);
}
END_TEST

START_TEST(a_table_that_is_quiet_has_no_line_for_a_name)
{
    open_three();
    options.quiet = _i == 0;
    add_for(2, &unresolved, 0);
    assert_written(0, "");
    assert_written(
        1, _i == 0 ? "" : "sixteen: resolve 2.example.net port : Name or service not known\n");
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
    free(results.shares);
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
    const char *text = text_of(stream);
    if (expected == NULL)
        expected = "";
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0 &&
                      (*expected != '\0' || *text == '\0'),
                  "'%s'", text);
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

START_TEST(a_name_without_an_address_is_always_reported_in_text)
{
    options.mode = _i == 0 ? CLIENT_REPEATED : CLIENT_LOAD;
    target->count = 0;
    open_shares(1);
    results_fail(&results, &unresolved, START);
    assert_begins(1, "sixteen: resolve example.net port : Name or service not known\n");
}
END_TEST

START_TEST(a_load_in_json_has_only_a_summary)
{
    options.mode = CLIENT_LOAD;
    options.format = FORMAT_JSON;
    open_shares(1);
    results_fail(&results, &no_descriptors, START);
    assert_written(0, "");
    assert_written(1, "");
    ck_assert_ptr_nonnull(results.failure.target);
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
    exchange->attempts[1].server = target->order[1];
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
    assert_written(1, _i == 0 ? FIRST "timed out after 0.25 s\n" : ""); /* cut with the run */
}
END_TEST

START_TEST(an_address_that_was_passed_over_has_a_record)
{
    options.format = FORMAT_JSON;
    open_shares(1);
    race(&right, ECONNREFUSED);
    ck_assert_ptr_nonnull(strstr(text_of(0), "{\"type\":\"address\",\"time\":\""));
    ck_assert_ptr_nonnull(strstr(text_of(0),
                                 "\"host\":\"example.net\",\"local\":\"192.0.2.1:1060\","
                                 "\"outcome\":\"refused\",\"error\":"
                                 "\"Connection refused\"}\n"));
}
END_TEST

START_TEST(an_interval_has_what_failed_here_and_what_was_cut)
{
    static struct interval interval;
    interval = (struct interval){.options = &options, .began = START, .last = START};
    interval.total.classes[CLASS_LOCAL] = 2;
    interval.total.classes[CLASS_UNFINISHED] = 1;
    interval_report(&interval, START + SECOND);
    assert_written(0, "0.00-1.00 s: 0 right, 0.0 right/s, 0 wrong, 0 lost, 2 failed locally, 1 "
                      "unfinished\n");
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
    tcase_add_test(counts, a_failure_without_an_address_is_counted);
    tcase_add_test(counts, the_phases_of_right_exchanges_are_counted);

    TCase *several = add_results_case(suite, "results, targets");
    tcase_add_test(several, each_target_has_the_sum_of_its_addresses);
    tcase_add_test(several, each_target_has_its_last_failure);
    tcase_add_test(several, a_start_that_was_skipped_is_that_of_its_target);
    tcase_add_loop_test(several, a_start_that_was_not_even_skipped_is_that_of_its_target, 0, 5);
    tcase_add_loop_test(several, without_memory_there_is_no_sum_of_a_target, 0, 2);
    tcase_add_loop_test(several, a_table_that_is_quiet_has_no_line_for_a_name, 0, 2);

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
    tcase_add_test(tells, an_interval_has_what_failed_here_and_what_was_cut);
    return suite;
}
