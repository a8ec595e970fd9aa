/* SPDX-License-Identifier: MIT */
/* The engine and its event loops: what begins when, how many are open at once, and how it ends. */
#include <config.h>

#include "client/exchange/engine.h"
#include "client/report/tally.h"
#include "common/checked.h"
#include "targets_support.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define SERVERS 2
#define LOOPS 2 /* faulty_io.c has two processors */
#define KEPT 2000

/* A server for one connection after the other, in a thread. */
struct responder {
    int listening;
    pthread_t thread;
    size_t length; /* octets of the reply */
    bool stays;    /* does not close */
    atomic_uint served;
    int kept[KEPT];
};

static struct responder responders[SERVERS];
static struct address addresses[SERVERS];
static size_t server_count;
static struct question question;
static struct targets targets;
static struct target *target; /* the first */
static struct plan plan;
static struct engine engine;
static struct share {
    struct tally tally;
    uint64_t asked[SERVERS];
    uint64_t numbers; /* the sum of the numbers of exchanges */
    struct verdict last;
    int64_t latest;   /* the longest time after which one began that was due */
    int64_t ended_at; /* the last one */
} shares[LOOPS], total;
static _Atomic uint64_t ended;    /* exchanges */
static uint64_t skipped;          /* starts */
static uint64_t asked_again;      /* starts without an address or a look-up */
static bool is_looked_up;         /* the name, after such a start */
static bool (*acts)(int64_t now); /* in the main thread, until it returns true */

/* It ends when the listening socket is shut down. */
static void *serve(void *argument)
{
    struct responder *responder = argument;
    char message[WIRE_OCTETS];
    struct ends pair = {.ours = -1};
    int end;
    while ((pair.theirs = accept(responder->listening, NULL, NULL)) >= 0) {
        read_to_end(pair.theirs, message, sizeof message, &end);
        write_octets(pair.theirs, WIRE_REPLY, responder->length);
        unsigned served = atomic_load(&responder->served);
        if (responder->stays && served < KEPT)
            responder->kept[served] = pair.theirs;
        else
            close_theirs(&pair);
        atomic_store(&responder->served, served + 1);
    }
    return NULL;
}

static void start_server(size_t length, bool stays)
{
    struct responder *responder = &responders[server_count];
    responder->length = length;
    responder->stays = stays;
    responder->listening = bound_socket(&addresses[server_count++], 128);
    CHECKED(pthread_create(&responder->thread, NULL, serve, responder));
}

static void start_right_server(void)
{
    start_server(WIRE_OCTETS, false);
}

static void stop_servers(void)
{
    for (size_t i = 0; i < server_count; i++) {
        struct responder *responder = &responders[i];
        if (responder->listening == 0)
            continue;
        shutdown(responder->listening, SHUT_RDWR);
        CHECKED(pthread_join(responder->thread, NULL));
        close(responder->listening);
        for (unsigned j = 0; responder->stays && j < responder->served && j < KEPT; j++)
            close(responder->kept[j]);
        responder->listening = 0;
    }
}

static void on_end(void *context, unsigned loop, const struct exchange *exchange)
{
    ck_assert_ptr_eq(context, &engine);
    need(loop < LOOPS, "room for the loop");
    struct share *share = &shares[loop];
    ended++;
    tally_add(&share->tally, &exchange->verdict, exchange->took);
    if (exchange->final->server->index >= targets.count)
        share->asked[exchange->final->server->index - targets.count]++;
    share->last = exchange->verdict;
    share->numbers += exchange->number;
    if (exchange->began - exchange->scheduled > share->latest)
        share->latest = exchange->began - exchange->scheduled;
    share->ended_at = exchange->began + exchange->took;
}

static void on_skip(void *context, uint64_t number)
{
    need(context == &engine, "the engine");
    need(number < engine.schedule.claimed, "a start that was claimed");
    skipped++;
}

/* Called again after a millisecond, until what it waits for has happened. */
static int64_t on_turn(void *context, int64_t now)
{
    need(context == &engine, "the engine");
    if (acts != NULL && acts(now))
        acts = NULL;
    return acts != NULL ? now + MS : NEVER;
}

static void on_unresolved(void *context, struct target *named)
{
    need(context == &engine, "the engine");
    asked_again++;
    if (is_looked_up)
        named->state = NAME_IS_LOOKED_UP;
}

static const struct engine_hooks hooks = {&engine, on_end, on_skip, on_turn, on_unresolved};

static void set_up(void)
{
    const struct misbehaviour behave = {BEHAVE, 0};
    memset(responders, 0, sizeof responders);
    targets_begin(&targets, 1);
    target = targets.list;
    memset(shares, 0, sizeof shares);
    memset(&total, 0, sizeof total);
    server_count = 0;
    ended = skipped = 0;
    asked_again = 0;
    is_looked_up = false;
    acts = NULL;
    question = (struct question){.timeout = 60 * SECOND, .end_timeout = NEVER};
    memcpy(question.message, WIRE_GREETING, WIRE_OCTETS);
    memcpy(question.expect, WIRE_REPLY, WIRE_OCTETS);
    script_write(&question.script, NULL, 0, WIRE_GREETING, &behave);
    plan = (struct plan){.question = &question, .targets = &targets, .places = 1, .is_load = true};
    ck_assert_int_eq(engine_open(&engine, &hooks), 0);
}

static void free_all(struct exchanges *list)
{
    struct exchange *exchange;
    while ((exchange = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, exchange, link);
        free(exchange);
    }
}

/* The program does not free what a loop has. One that was not opened has 0. */
static void close_loop(struct event_loop *loop)
{
    if (loop->epoll > 0)
        close(loop->epoll);
    if (loop->timer > 0)
        close(loop->timer);
    free_all(&loop->idle);
}

static void clean_up(void)
{
    stop_servers();
    for (unsigned i = 0; engine.loops != NULL && i < engine.threads; i++)
        close_loop(&engine.loops[i]);
    free(engine.loops);
    close_loop(&engine.control);
    close(engine.wake);
    targets_end(&targets);
}

static int run_engine(void)
{
    ck_assert_int_eq(target_update(&targets, target, addresses, server_count), 0);
    return engine_run(&engine, &plan);
}

static void add_up(void)
{
    stop_servers();
    for (int i = 0; i < LOOPS; i++) {
        tally_merge(&total.tally, &shares[i].tally);
        for (int j = 0; j < SERVERS; j++)
            total.asked[j] += shares[i].asked[j];
        total.numbers += shares[i].numbers;
        total.latest = -sooner(-total.latest, -shares[i].latest);
        total.ended_at = -sooner(-total.ended_at, -shares[i].ended_at);
    }
}

static void run(void)
{
    ck_assert_int_eq(run_engine(), 0);
    add_up();
}

static void assert_classes(uint64_t right, uint64_t lost, uint64_t local, uint64_t unfinished)
{
    ck_assert_uint_eq(total.tally.classes[CLASS_RIGHT], right);
    ck_assert_uint_eq(total.tally.classes[CLASS_WRONG], 0);
    ck_assert_uint_eq(total.tally.classes[CLASS_LOST], lost);
    ck_assert_uint_eq(total.tally.classes[CLASS_LOCAL], local);
    ck_assert_uint_eq(total.tally.classes[CLASS_UNFINISHED], unfinished);
    ck_assert_uint_eq(ended, right + lost + local + unfinished);
}

/* ---- One after the other, in the main thread and in threads ---- */

START_TEST(exactly_as_many_exchanges_as_the_count)
{
    start_right_server();
    plan.is_load = _i > 0;
    plan.places = _i > 0 ? (unsigned)_i : 1;
    plan.count = 100;
    run();
    assert_classes(100, 0, 0, 0);
    ck_assert_uint_eq(responders[0].served, 100);
    ck_assert_uint_eq(engine.threads, _i > 1 ? LOOPS : 1);
    ck_assert_uint_eq(total.numbers, 99 * 100 / 2);
    ck_assert_uint_eq(schedule_total(&engine.schedule), 100);
}
END_TEST

START_TEST(no_more_places_than_exchanges)
{
    start_right_server();
    plan.places = 1000000;
    plan.count = 1;
    run();
    assert_classes(1, 0, 0, 0);
    ck_assert_uint_eq(engine.threads, 1);
}
END_TEST

static bool stop_with_all_open(int64_t now)
{
    if (responders[0].served < plan.places)
        return false;
    ck_assert_uint_eq(ended, 0);
    engine_stop(&engine, now);
    return true;
}

START_TEST(each_place_is_used_and_no_more)
{
    start_server(0, true);
    question.timeout = SECOND;
    plan.places = (unsigned)_i;
    acts = stop_with_all_open;
    run();
    assert_classes(0, plan.places, 0, 0);
    ck_assert_uint_eq(responders[0].served, plan.places);
}
END_TEST

START_TEST(none_begins_after_the_duration)
{
    start_right_server();
    plan.places = 4;
    plan.duration = 0.02;
    run();
    assert_classes(responders[0].served, 0, 0, 0);
    ck_assert_uint_eq(schedule_total(&engine.schedule), responders[0].served);
}
END_TEST

START_TEST(addresses_take_turns)
{
    start_right_server();
    start_server(0, false);
    plan.alternates = true;
    plan.places = (unsigned)_i;
    plan.count = 21;
    run();
    assert_classes(11, 10, 0, 0);
    ck_assert_uint_eq(total.asked[0], 11);
    ck_assert_uint_eq(total.asked[1], 10);
}
END_TEST

START_TEST(each_start_asks_each_address)
{
    start_right_server();
    start_right_server();
    plan.each_address = true;
    plan.is_load = false;
    plan.places = 2;
    plan.count = 3;
    run();
    assert_classes(6, 0, 0, 0);
    ck_assert_uint_eq(total.asked[0], 3);
    ck_assert_uint_eq(total.asked[1], 3);
    ck_assert_uint_eq(total.numbers, 2 * 3);
}
END_TEST

START_TEST(the_addresses_are_asked_at_the_same_time)
{
    start_server(0, true);
    start_server(0, true);
    plan.each_address = true;
    plan.is_load = false;
    plan.places = 2;
    plan.count = 1;
    question.timeout = SECOND;
    int64_t began = clock_nanoseconds();
    run();
    assert_classes(0, 2, 0, 0);
    ck_assert_int_lt(total.ended_at - began, 2 * SECOND);
}
END_TEST

START_TEST(many_begin_at_once)
{
    start_right_server();
    plan.is_load = false;
    plan.places = 200;
    plan.count = 400;
    run();
    assert_classes(400, 0, 0, 0);
}
END_TEST

/* The first server replies, so the exchange with it goes on before that with the second. */
START_TEST(what_is_to_be_continued_first_is)
{
    start_server(WIRE_OCTETS, true);
    start_server(0, true);
    plan.each_address = true;
    plan.is_load = false;
    plan.places = 2;
    plan.count = 1;
    question.timeout = SECOND;
    question.end_timeout = 50 * MS;
    run();
    assert_classes(1, 1, 0, 0);
    ck_assert_uint_eq(total.tally.no_end, 1);
    ck_assert_int_ge(total.ended_at - engine.schedule.began, SECOND);
}
END_TEST

START_TEST(a_load_keeps_the_address_that_accepts)
{
    int refuses = bound_socket(&addresses[server_count++], -1);
    start_right_server();
    question.keeps_server = true;
    plan.count = 20;
    run();
    close(refuses);
    assert_classes(20, 0, 0, 0);
    ck_assert(target_is_preferred(target->order[1]));
}
END_TEST

START_TEST(the_limit_on_descriptors_is_raised)
{
    struct rlimit usual;
    struct rlimit limit;
    need(getrlimit(RLIMIT_NOFILE, &usual) == 0, "limits");
    const struct rlimit few = {.rlim_cur = 64, .rlim_max = usual.rlim_max};
    need(setrlimit(RLIMIT_NOFILE, &few) == 0, "a low limit");
    start_right_server();
    plan.places = _i == 0 ? 200 : UINT32_MAX / 2;
    plan.count = 1;
    run();
    need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "limits");
    setrlimit(RLIMIT_NOFILE, &usual);
    if (_i == 0)
        ck_assert_uint_ge(limit.rlim_cur, 200);
    else
        ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
    start_right_server();
    plan.places = 20;
    plan.count = 30;
    run();
    clean_up();
    int lowest = dup(0);
    close(lowest);
    ck_assert_int_eq(lowest, engine.wake); /* which was opened first */
    set_up();
}
END_TEST

START_TEST(a_host_that_cannot_begin_pauses)
{
    start_right_server();
    plan.is_load = _i > 0;
    plan.count = 3;
    question.source = (struct source){.first = numeric_address("192.0.2.1", "0"), .count = 1};
    int64_t began = clock_nanoseconds();
    run();
    assert_classes(0, 0, 3, 0);
    ck_assert_int_ge(clock_nanoseconds() - began, 20 * MS);
}
END_TEST

START_TEST(a_socket_that_cannot_be_watched_is_this_hosts_failure)
{
    start_right_server();
    plan.is_load = false;
    plan.count = 2;
    io_fail(FAULT_EPOLL_CTL, 0, 1, ENOSPC);
    run();
    assert_classes(1, 0, 1, 0);
}
END_TEST

/* ---- At their instants ---- */

START_TEST(starts_are_scheduled)
{
    start_right_server();
    plan.is_load = _i > 0;
    plan.skips = _i == 0;
    plan.places = 10;
    plan.rate = 100;
    plan.count = 30;
    run();
    assert_classes(30 - skipped, 0, 0, 0);
    ck_assert_int_ge(total.ended_at - engine.schedule.began, 29 * SECOND / 100);
}
END_TEST

/* All are due at once, and there is a place for one. */
START_TEST(an_open_loop_begins_late_what_waits_for_a_place)
{
    start_right_server();
    plan.rate = 1e6;
    plan.count = 50;
    plan.duration = 1;
    run();
    assert_classes(50, 0, 0, 0);
    ck_assert_int_gt(total.latest, 0);
}
END_TEST

/* One place is held by a server that does not close, and the other serves the rest. */
START_TEST(the_threads_of_an_open_loop_share_the_places)
{
    start_right_server();
    start_server(0, true);
    plan.alternates = true;
    plan.places = 2;
    plan.rate = 500;
    plan.count = 2;
    question.timeout = SECOND / 4;
    run();
    assert_classes(1, 1, 0, 0);
    ck_assert_int_eq(engine.shared_places, 2);
    ck_assert_int_eq(engine.loops[0].own_places + engine.loops[1].own_places, 0);
}
END_TEST

START_TEST(what_was_due_begins_until_the_grace_is_over)
{
    start_server(0, true);
    plan.places = 2;
    plan.rate = 1000;
    plan.duration = 0.05;
    question.timeout = SECOND / 5;
    run();
    ck_assert_uint_eq(schedule_total(&engine.schedule), 50);
    ck_assert_uint_ge(total.tally.classes[CLASS_LOST], 2);
    ck_assert_uint_le(total.tally.classes[CLASS_LOST], 4);
    ck_assert_uint_eq(engine.schedule.claimed, total.tally.classes[CLASS_LOST]);
}
END_TEST

/* A watch: one place, and a server that never replies. Four beats are due meanwhile. */
START_TEST(a_beat_without_a_place_is_skipped)
{
    start_server(0, true);
    plan.is_load = false;
    plan.skips = true;
    plan.rate = 100;
    plan.count = 5;
    question.timeout = 40 * MS;
    run();
    ck_assert_uint_ge(skipped, 3);
    assert_classes(0, 5 - skipped, 0, 0);
}
END_TEST

static bool sleep_half_a_second(int64_t now)
{
    const struct timespec half = {.tv_nsec = 500 * MS};
    (void)now;
    if (ended == 0)
        return false;
    (void)nanosleep(&half, NULL);
    return true;
}

START_TEST(a_beat_that_is_too_late_is_skipped)
{
    start_right_server();
    plan.is_load = false;
    plan.skips = true;
    plan.places = 100;
    plan.rate = 100;
    plan.count = 30;
    acts = sleep_half_a_second;
    run();
    ck_assert_uint_ge(skipped, 15);
    assert_classes(30 - skipped, 0, 0, 0);
}
END_TEST

/* ---- Several targets, and their names ---- */

/* Replace the targets. The first ones have one server each. */
static void make_targets(size_t count)
{
    targets_end(&targets);
    targets_begin(&targets, count);
    target = targets.list;
    for (size_t i = 0; i < server_count; i++)
        ck_assert_int_eq(target_update(&targets, &target[i], &addresses[i], 1), 0);
    plan.is_load = false;
}

START_TEST(each_round_asks_each_target)
{
    start_right_server();
    start_right_server();
    make_targets(2);
    plan.places = (unsigned)_i;
    plan.count = 3;
    ck_assert_int_eq(engine_run(&engine, &plan), 0);
    add_up();
    assert_classes(6, 0, 0, 0);
    ck_assert_uint_eq(total.asked[0], 3);
    ck_assert_uint_eq(total.asked[1], 3);
    ck_assert_uint_eq(total.numbers, 5 * 6 / 2);
    ck_assert_int_eq(engine.control.own_places, _i < 6 ? _i : 6);
}
END_TEST

START_TEST(the_starts_of_a_round_are_spaced)
{
    static const struct {
        double rate;
        int64_t spacing;
    } rows[] = {{0, 0}, {0.1, MS}, {1, MS}, {500, MS}, {1000, MS / 2}, {1e9, 1}};
    start_right_server();
    start_right_server();
    make_targets(2);
    plan.rate = rows[_i].rate;
    plan.skips = plan.rate > 0;
    plan.places = 10;
    plan.count = 1;
    ck_assert_int_eq(engine_run(&engine, &plan), 0);
    ck_assert_int_eq(engine.schedule.spacing, rows[_i].spacing);
    ck_assert_uint_eq(schedule_total(&engine.schedule), 2);
}
END_TEST

static void settle(struct target *settled, const struct verdict *unresolved)
{
    settled->state = NAME_RESTS;
    settled->unresolved = *unresolved;
    event_loop_resolved(&engine.control, settled);
}

static bool are_open(uint64_t count)
{
    const struct exchange *exchange;
    TAILQ_FOREACH (exchange, &engine.control.open, link)
        count -= exchange->verdict.phase == PHASE_RESOLVE;
    return count == 0;
}

static const struct verdict found;
static const struct verdict not_found = {RESULT_UNRESOLVED, PHASE_RESOLVE, -2, 0};

static bool find_with_3_open(int64_t now)
{
    (void)now;
    if (!are_open(3))
        return false;
    ck_assert_int_eq(target_update(&targets, target, addresses, server_count), 0);
    settle(target, &found);
    return true;
}

/* Make a plan of three exchanges that wait for a look-up. */
static void wait_for_name(bool (*act)(int64_t now))
{
    target->state = NAME_IS_LOOKED_UP;
    acts = act;
    plan.is_load = false;
    plan.places = 3;
    plan.count = 3;
}

static void run_plan(void)
{
    ck_assert_int_eq(engine_run(&engine, &plan), 0);
    add_up();
    ck_assert_int_eq(engine.control.own_places, 3);
}

START_TEST(exchanges_wait_for_the_look_up)
{
    start_right_server();
    wait_for_name(find_with_3_open);
    run_plan();
    assert_classes(3, 0, 0, 0);
    ck_assert_uint_eq(total.asked[0], 3);
    ck_assert_uint_eq(total.numbers, 0 + 1 + 2);
}
END_TEST

/* Each has one place already, and takes another one. */
START_TEST(after_the_look_up_each_start_asks_each_address)
{
    start_right_server();
    start_server(0, false);
    wait_for_name(find_with_3_open);
    plan.each_address = true;
    run_plan();
    assert_classes(3, 3, 0, 0);
    ck_assert_uint_eq(total.asked[0], 3);
    ck_assert_uint_eq(total.asked[1], 3);
}
END_TEST

static bool fail_with_3_open(int64_t now)
{
    (void)now;
    if (!are_open(3))
        return false;
    settle(target, &not_found);
    return true;
}

START_TEST(a_look_up_that_fails_ends_all_that_wait_for_it)
{
    wait_for_name(fail_with_3_open);
    run_plan();
    assert_classes(0, 3, 0, 0);
    ck_assert_int_eq(shares[0].last.result, RESULT_UNRESOLVED);
    ck_assert_int_eq(shares[0].last.phase, PHASE_RESOLVE);
    ck_assert_int_eq(shares[0].last.error, -2);
    ck_assert_uint_eq(asked_again, 0);
}
END_TEST

START_TEST(after_a_look_up_that_failed_each_start_asks_for_another)
{
    start_right_server();
    is_looked_up = true;
    wait_for_name(find_with_3_open);
    target->state = NAME_RESTS;
    target->unresolved = not_found;
    run_plan();
    assert_classes(3, 0, 0, 0);
    ck_assert_uint_eq(asked_again, 1); /* the others found it under way */
}
END_TEST

START_TEST(without_another_look_up_none_waits)
{
    wait_for_name(NULL);
    target->state = NAME_RESTS;
    target->unresolved = not_found;
    run_plan();
    assert_classes(0, 3, 0, 0);
    ck_assert_int_eq(shares[0].last.result, RESULT_UNRESOLVED);
    ck_assert_uint_eq(asked_again, 3);
}
END_TEST

START_TEST(the_wait_for_a_look_up_has_a_time_limit)
{
    question.timeout = 30 * MS;
    wait_for_name(NULL);
    run_plan();
    assert_classes(0, 3, 0, 0);
    ck_assert_int_eq(shares[0].last.result, RESULT_TIMEOUT);
    ck_assert_int_eq(shares[0].last.phase, PHASE_RESOLVE);
    ck_assert_int_ge(total.ended_at - engine.schedule.began, 30 * MS);
}
END_TEST

static bool cut_with_3_open(int64_t now)
{
    (void)now;
    if (!are_open(3))
        return false;
    engine_cut(&engine);
    return true;
}

START_TEST(a_cut_ends_the_wait_for_a_look_up)
{
    wait_for_name(cut_with_3_open);
    run_plan();
    assert_classes(0, 0, 0, 3);
    ck_assert_int_eq(shares[0].last.result, RESULT_CUT);
    ck_assert_int_eq(shares[0].last.phase, PHASE_RESOLVE);
}
END_TEST

static bool fail_one_after_the_other(int64_t now)
{
    (void)now;
    if (!are_open(6))
        return false;
    settle(&target[1], &not_found);
    ck_assert(are_open(3));
    ck_assert_uint_eq(ended, 3);
    settle(&target[0], &not_found);
    return true;
}

START_TEST(a_look_up_ends_the_wait_for_its_own_name)
{
    make_targets(2);
    target[1].state = NAME_IS_LOOKED_UP;
    wait_for_name(fail_one_after_the_other);
    plan.places = 6;
    ck_assert_int_eq(engine_run(&engine, &plan), 0);
    add_up();
    assert_classes(0, 6, 0, 0);
}
END_TEST

static bool fail_after_3_others(int64_t now)
{
    (void)now;
    if (ended < 3)
        return false;
    ck_assert(are_open(3));
    settle(target, &not_found);
    return true;
}

START_TEST(no_other_target_waits_for_the_look_up)
{
    start_right_server();
    make_targets(2);
    ck_assert_int_eq(target_update(&targets, &target[1], addresses, 1), 0);
    free(target[0].order);
    target[0].order = NULL;
    target[0].count = 0;
    wait_for_name(fail_after_3_others);
    plan.places = 6;
    ck_assert_int_eq(engine_run(&engine, &plan), 0);
    add_up();
    assert_classes(3, 3, 0, 0);
}
END_TEST

static bool find_without_memory(int64_t now)
{
    (void)now;
    if (!are_open(3))
        return false;
    ck_assert_int_eq(target_update(&targets, target, addresses, server_count), 0);
    io_fail(FAULT_MEMORY, 0, 1, ENOMEM);
    settle(target, &found);
    return true;
}

/* An exchange that waits has room for one address. */
START_TEST(without_memory_for_the_addresses_all_are_cut)
{
    start_right_server();
    start_right_server();
    wait_for_name(find_without_memory);
    run_plan();
    ck_assert(engine.lacks_memory);
    ck_assert_uint_eq(ended, 2);
}
END_TEST

/* ---- Its end ---- */

static int64_t stopped_at;

static bool stop_after_20(int64_t now)
{
    if (responders[0].served < 20)
        return false;
    stopped_at = now;
    engine_stop(&engine, now);
    engine_stop(&engine, now + SECOND);
    return true;
}

START_TEST(a_stop_lets_the_open_ones_end)
{
    start_right_server();
    plan.is_load = _i != 2;
    plan.places = _i != 2 ? 4 : 1;
    plan.rate = _i == 1 ? 5000 : 0;
    acts = stop_after_20;
    run();
    assert_classes(responders[0].served, 0, 0, 0);
    ck_assert_int_eq(engine.schedule.end, stopped_at);
}
END_TEST

static bool stop_after_1(int64_t now)
{
    if (ended < 1)
        return false;
    engine_stop(&engine, now);
    return true;
}

START_TEST(a_stop_ends_the_wait_for_a_start)
{
    start_right_server();
    plan.rate = 0.001;
    acts = stop_after_1;
    run();
    assert_classes(1, 0, 0, 0);
    ck_assert_uint_eq(schedule_total(&engine.schedule), 1);
}
END_TEST

static bool cut_with_all_open(int64_t now)
{
    (void)now;
    if (responders[0].served < plan.places)
        return false;
    engine_cut(&engine);
    return true;
}

START_TEST(a_cut_ends_the_open_ones)
{
    start_server(5, true);
    plan.is_load = _i > 0;
    plan.places = _i > 0 ? 4 : 1;
    acts = cut_with_all_open;
    run();
    assert_classes(0, 0, 0, plan.places);
}
END_TEST

static bool cut_after_4_calls(int64_t now)
{
    (void)now;
    if (io_calls() < 4)
        return false;
    engine_cut(&engine);
    return true;
}

/* Two calls of send(2), and two of recv(2). */
START_TEST(a_cut_leaves_whole_replies_right)
{
    start_server(WIRE_OCTETS, true);
    plan.places = 2;
    acts = cut_after_4_calls;
    run();
    assert_classes(2, 0, 0, 0);
    ck_assert_uint_eq(total.tally.no_end, 2);
}
END_TEST

static bool end_wait(int64_t now)
{
    (void)now;
    engine.pending = 0;
    return true;
}

START_TEST(a_wait_ends_when_the_hook_says_so)
{
    acts = end_wait;
    engine_wait(&engine);
    ck_assert_uint_eq(engine.pending, 0);
    ck_assert(!engine.is_cut);
    ck_assert_uint_eq(ended, 0);
}
END_TEST

/* ---- A host that lacks something ---- */

static const struct {
    enum fault fault;
    int spared;
    int error;
} openings[] = {
    {FAULT_EVENTFD, 0, EMFILE},   {FAULT_EPOLL_CREATE, 0, EMFILE}, {FAULT_TIMERFD, 0, EMFILE},
    {FAULT_EPOLL_CTL, 0, ENOSPC}, {FAULT_EPOLL_CTL, 1, ENOSPC},
};

START_TEST(an_engine_that_cannot_be_opened)
{
    static struct engine other;
    io_fail(openings[_i].fault, openings[_i].spared, 1, openings[_i].error);
    ck_assert_int_eq(engine_open(&other, &hooks), -1);
    ck_assert_int_eq(errno, openings[_i].error);
    if (other.wake < 0)
        return;
    close_loop(&other.control);
    close(other.wake);
}
END_TEST

static const struct {
    enum fault fault;
    int spared;
    int error;
} starts[] = {
    {FAULT_MEMORY, 0, ENOMEM},
    {FAULT_EPOLL_CREATE, 0, EMFILE},
    {FAULT_TIMERFD, 1, EMFILE},
    {FAULT_EPOLL_CTL, 3, ENOSPC},
};

START_TEST(a_load_without_memory_or_descriptors)
{
    start_right_server();
    plan.places = 4;
    plan.rate = 100;
    ck_assert_int_eq(target_update(&targets, target, addresses, server_count), 0);
    io_fail(starts[_i].fault, starts[_i].spared, 1, starts[_i].error);
    int result = engine_run(&engine, &plan);
    int error = errno;
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(error, starts[_i].error);
    ck_assert_uint_eq(responders[0].served, 0);
    ck_assert_uint_eq(schedule_total(&engine.schedule), 0);
}
END_TEST

START_TEST(a_load_without_threads)
{
    start_right_server();
    threads_left = _i;
    plan.places = 4;
    ck_assert_int_eq(run_engine(), -1);
    ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(without_memory_for_an_exchange_all_are_cut)
{
    start_right_server();
    plan.is_load = false;
    ck_assert_int_eq(target_update(&targets, target, addresses, server_count), 0);
    io_fail(FAULT_MEMORY, 0, 1, ENOMEM);
    ck_assert_int_eq(engine_run(&engine, &plan), 0);
    ck_assert(engine.lacks_memory);
    ck_assert(engine.is_cut);
    ck_assert_uint_eq(ended, 0);
}
END_TEST

static bool add_an_address(int64_t now)
{
    (void)now;
    if (ended < 2)
        return false;
    ck_assert_int_eq(target_update(&targets, target, addresses, 2), 1);
    return true;
}

/* An exchange that was made for one address is too small for two. */
START_TEST(an_exchange_has_room_for_addresses_that_are_new)
{
    start_right_server();
    start_right_server();
    plan.is_load = false;
    plan.count = 10;
    acts = add_an_address;
    ck_assert_int_eq(target_update(&targets, target, addresses, 1), 0);
    ck_assert_int_eq(engine_run(&engine, &plan), 0);
    ck_assert_uint_eq(ended, 10);
    ck_assert_uint_eq(TAILQ_FIRST(&engine.control.idle)->room, 2);
}
END_TEST

static TCase *add_engine_case(Suite *suite, const char *name)
{
    TCase *tcase = add_case(suite, name, NULL);
    tcase_add_checked_fixture(tcase, set_up, clean_up);
    return tcase;
}

Suite *engine_suite(void)
{
    Suite *suite = suite_create("engine");
    TCase *closed = add_engine_case(suite, "engine, one after the other");
    tcase_add_loop_test(closed, exactly_as_many_exchanges_as_the_count, 0, 6);
    tcase_add_test(closed, no_more_places_than_exchanges);
    tcase_add_loop_test(closed, each_place_is_used_and_no_more, 2, 4);
    tcase_add_test(closed, none_begins_after_the_duration);
    tcase_add_loop_test(closed, addresses_take_turns, 1, 4);
    tcase_add_test(closed, each_start_asks_each_address);
    tcase_add_test(closed, the_addresses_are_asked_at_the_same_time);
    tcase_add_test(closed, many_begin_at_once);
    tcase_add_test(closed, what_is_to_be_continued_first_is);
    tcase_add_test(closed, a_load_keeps_the_address_that_accepts);
    tcase_add_loop_test(closed, the_limit_on_descriptors_is_raised, 0, 2);
    tcase_add_test(closed, no_descriptor_is_left_open);
    tcase_add_loop_test(closed, a_host_that_cannot_begin_pauses, 0, 2);
    tcase_add_test(closed, a_socket_that_cannot_be_watched_is_this_hosts_failure);
    tcase_add_test(closed, an_exchange_has_room_for_addresses_that_are_new);

    TCase *open = add_engine_case(suite, "engine, at their instants");
    tcase_add_loop_test(open, starts_are_scheduled, 0, 2);
    tcase_add_test(open, an_open_loop_begins_late_what_waits_for_a_place);
    tcase_add_test(open, the_threads_of_an_open_loop_share_the_places);
    tcase_add_test(open, what_was_due_begins_until_the_grace_is_over);
    tcase_add_test(open, a_beat_without_a_place_is_skipped);
    tcase_add_test(open, a_beat_that_is_too_late_is_skipped);

    TCase *names = add_engine_case(suite, "engine, targets and their names");
    tcase_add_loop_test(names, each_round_asks_each_target, 1, 8);
    tcase_add_loop_test(names, the_starts_of_a_round_are_spaced, 0, 6);
    tcase_add_test(names, exchanges_wait_for_the_look_up);
    tcase_add_test(names, after_the_look_up_each_start_asks_each_address);
    tcase_add_test(names, a_look_up_that_fails_ends_all_that_wait_for_it);
    tcase_add_test(names, after_a_look_up_that_failed_each_start_asks_for_another);
    tcase_add_test(names, without_another_look_up_none_waits);
    tcase_add_test(names, the_wait_for_a_look_up_has_a_time_limit);
    tcase_add_test(names, a_cut_ends_the_wait_for_a_look_up);
    tcase_add_test(names, a_look_up_ends_the_wait_for_its_own_name);
    tcase_add_test(names, no_other_target_waits_for_the_look_up);
    tcase_add_test(names, without_memory_for_the_addresses_all_are_cut);

    TCase *end = add_engine_case(suite, "engine, its end");
    tcase_add_loop_test(end, a_stop_lets_the_open_ones_end, 0, 3);
    tcase_add_test(end, a_stop_ends_the_wait_for_a_start);
    tcase_add_loop_test(end, a_cut_ends_the_open_ones, 0, 2);
    tcase_add_test(end, a_cut_leaves_whole_replies_right);
    tcase_add_test(end, a_wait_ends_when_the_hook_says_so);

    TCase *lacks = add_engine_case(suite, "engine, without");
    tcase_add_loop_test(lacks, an_engine_that_cannot_be_opened, 0, COUNT(openings));
    tcase_add_loop_test(lacks, a_load_without_memory_or_descriptors, 0, COUNT(starts));
    tcase_add_loop_test(lacks, a_load_without_threads, 0, 2);
    tcase_add_test(lacks, without_memory_for_an_exchange_all_are_cut);
    return suite;
}
