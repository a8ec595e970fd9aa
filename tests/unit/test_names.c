/* SPDX-License-Identifier: MIT */
/* The look-ups of many names: how many are under way at once, and what a target has after each. */
#include <config.h>

#include "client/exchange/names.h"
#include "names_support.h"
#include "targets_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MANY (NAMES_AT_ONCE + 6)

static struct targets targets;
static struct target *target; /* the first */
static struct names names;
static int wake;
static uint64_t woken; /* how often `wake` was written to */
static uint64_t taken; /* results */
static int answers;    /* a semaphore: each look-up waits for one */
static atomic_uint asked;

static void hold(void)
{
    eventfd_t answer;
    asked++;
    need(eventfd_read(answers, &answer) == 0, "an answer");
}

static void begin(void)
{
    const struct address found[] = {numeric_address("192.0.2.1", "1060"),
                                    numeric_address("192.0.2.2", "1060")};
    targets_begin(&targets, MANY);
    target = targets.list;
    wake = eventfd(0, EFD_CLOEXEC);
    answers = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    need(wake >= 0 && answers >= 0, "eventfds");
    asked = 0;
    woken = taken = 0;
    names_find(found, COUNT(found));
    names_open(&names, &targets, AF_UNSPEC, wake);
}

static void end(void)
{
    names_hook = NULL;
    targets_end(&targets);
    close(wake);
    close(answers);
}

static void name_host(struct target *named, const char *host)
{
    memset(named->endpoint.host, 0, sizeof named->endpoint.host);
    snprintf(named->endpoint.host, sizeof named->endpoint.host, "%s", host);
}

static void await_wake(void)
{
    eventfd_t count;
    need(eventfd_read(wake, &count) == 0, "the end of a look-up");
    woken += count;
}

/* Wait until a look-up has ended, and its thread with it. */
static struct target *take(bool *changed)
{
    struct target *named;
    while ((named = names_take(&names, changed)) == NULL)
        await_wake();
    taken++;
    while (woken < taken)
        await_wake();
    return named;
}

static bool look_up(struct target *named)
{
    bool changed = false;
    names_look_up(&names, named);
    ck_assert_int_eq(named->state, NAME_IS_LOOKED_UP);
    ck_assert_ptr_eq(take(&changed), named);
    ck_assert_int_eq(named->state, NAME_RESTS);
    ck_assert_uint_eq(names.under_way, 0);
    return changed;
}

static void assert_has(const struct target *named, const char *first, size_t count)
{
    ck_assert_uint_eq(named->count, count);
    assert_formats_as(&named->order[0]->address, first);
    ck_assert_int_eq(named->unresolved.result, RESULT_RIGHT);
    ck_assert_int_eq(named->unresolved.phase, PHASE_RESOLVE);
}

START_TEST(a_numeric_address_is_found_at_once)
{
    bool changed;
    name_host(target, _i == 0 ? "127.0.0.2" : "::ffff:127.0.0.2");
    snprintf(target->endpoint.port, sizeof target->endpoint.port, "1060");
    threads_left = 0;
    names_look_up(&names, target);
    assert_has(target, "127.0.0.2:1060", 1);
    ck_assert_int_eq(target->state, NAME_RESTS);
    ck_assert_int_eq(target->resolving, 0);
    ck_assert_int_eq(names_calls(), 0);
    ck_assert_ptr_null(names_take(&names, &changed));
}
END_TEST

START_TEST(a_numeric_address_of_another_family_is_not_found)
{
    names_open(&names, &targets, AF_INET6, wake);
    name_host(target, "127.0.0.2");
    names_fail(EAI_ADDRFAMILY, 0);
    look_up(target);
    ck_assert_uint_eq(target->count, 0);
    ck_assert_int_eq(target->unresolved.result, RESULT_UNRESOLVED);
    ck_assert_int_eq(target->unresolved.error, EAI_ADDRFAMILY);
}
END_TEST

START_TEST(a_name_is_looked_up_in_a_thread)
{
    bool changed;
    names_hook = hold;
    ck_assert_int_eq(target->resolving, -1);
    names_look_up(&names, target);
    ck_assert_int_eq(target->state, NAME_IS_LOOKED_UP);
    ck_assert_ptr_null(names_take(&names, &changed));
    ck_assert_uint_eq(target->count, 0);
    need(eventfd_write(answers, 1) == 0, "an answer");
    ck_assert_ptr_eq(take(&changed), target);
    ck_assert(!changed);
    assert_has(target, "192.0.2.1:1060", 2);
    ck_assert_int_ge(target->resolving, 0);
    ck_assert_ptr_null(names_take(&names, &changed));
}
END_TEST

START_TEST(a_look_up_that_is_under_way_is_not_begun_again)
{
    bool changed;
    names_hook = hold;
    names_look_up(&names, target);
    names_look_up(&names, target);
    need(eventfd_write(answers, 1) == 0, "an answer");
    ck_assert_ptr_eq(take(&changed), target);
    ck_assert_int_eq(names_calls(), 1);
    ck_assert_uint_eq(names.under_way, 0);
}
END_TEST

static void begin_many(void)
{
    names_hook = hold;
    for (size_t i = 0; i < MANY; i++)
        names_look_up(&names, &target[i]);
}

START_TEST(a_bounded_number_is_under_way_at_once)
{
    bool changed;
    begin_many();
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(target[i].state, i < NAMES_AT_ONCE ? NAME_IS_LOOKED_UP : NAME_WAITS);
        names_look_up(&names, &target[i]);
    }
    while (asked < NAMES_AT_ONCE)
        sched_yield();
    ck_assert_ptr_null(names_take(&names, &changed));
    for (size_t i = NAMES_AT_ONCE; i < MANY; i++) {
        need(eventfd_write(answers, 1) == 0, "an answer");
        ck_assert_ptr_nonnull(take(&changed));
        ck_assert_uint_eq(names.under_way, NAMES_AT_ONCE);
        ck_assert_int_eq(target[i].state, NAME_IS_LOOKED_UP); /* in the order of the targets */
        ck_assert(i + 1 == MANY || target[i + 1].state == NAME_WAITS);
        while (asked <= i)
            sched_yield();
    }
    need(eventfd_write(answers, NAMES_AT_ONCE) == 0, "answers");
    for (size_t i = 0; i < NAMES_AT_ONCE; i++)
        ck_assert_ptr_nonnull(take(&changed));
    ck_assert_ptr_null(names_take(&names, &changed));
    ck_assert_uint_eq(names.under_way, 0);
    ck_assert_uint_eq(asked, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_has(&target[i], "192.0.2.1:1060", 2);
}
END_TEST

START_TEST(a_name_is_looked_up_again)
{
    const struct address others[] = {numeric_address("192.0.2.2", "1060"),
                                     numeric_address("192.0.2.1", "1060"),
                                     numeric_address("192.0.2.3", "1060")};
    ck_assert(!look_up(target));
    ck_assert(!look_up(target));
    names_find(others, 2);
    ck_assert(!look_up(target)); /* the order does not count */
    assert_has(target, "192.0.2.2:1060", 2);
    names_find(others, 3);
    ck_assert(look_up(target));
    assert_has(target, "192.0.2.2:1060", 3);
}
END_TEST

static const struct {
    int error;
    enum result result;
    int reported;
} failures[] = {{EAI_NONAME, RESULT_UNRESOLVED, EAI_NONAME}, {EAI_MEMORY, RESULT_LOCAL, ENOMEM}};

START_TEST(a_name_that_fails_keeps_its_addresses)
{
    look_up(target);
    int64_t resolving = target->resolving;
    names_fail(failures[_i].error, 0);
    ck_assert(!look_up(target));
    ck_assert_int_eq(target->unresolved.result, failures[_i].result);
    ck_assert_int_eq(target->unresolved.phase, PHASE_RESOLVE);
    ck_assert_int_eq(target->unresolved.error, failures[_i].reported);
    ck_assert_uint_eq(target->count, 2);
    ck_assert_int_eq(target->resolving, resolving);
    names_fail(0, 0);
    look_up(target);
    assert_has(target, "192.0.2.1:1060", 2);
}
END_TEST

START_TEST(without_memory_for_new_addresses_it_keeps_its_own)
{
    bool changed = true;
    look_up(target);
    names_hook = hold;
    names_look_up(&names, target);
    need(eventfd_write(answers, 1) == 0, "an answer");
    while (woken < 2)
        await_wake(); /* the thread needs no more memory */
    io_fail(FAULT_MEMORY, 0, 1, ENOMEM);
    struct target *named = names_take(&names, &changed);
    ck_assert_ptr_eq(named, target);
    ck_assert(!changed);
    ck_assert_int_eq(target->unresolved.result, RESULT_LOCAL);
    ck_assert_int_eq(target->unresolved.error, ENOMEM);
    ck_assert_uint_eq(target->count, 2);
}
END_TEST

/* The failure is taken like a result, after the eventfd was written to. */
START_TEST(a_thread_that_cannot_be_started_is_a_failure_of_this_host)
{
    bool changed;
    threads_left = 1;
    names_hook = hold;
    names_look_up(&names, &target[0]);
    names_look_up(&names, &target[1]);
    names_look_up(&names, &target[2]);
    ck_assert_uint_eq(names.under_way, 3);
    for (int i = 0; i < 2; i++) {
        const struct target *named = take(&changed);
        ck_assert_ptr_ne(named, &target[0]);
        ck_assert(!changed);
        ck_assert_int_eq(named->state, NAME_RESTS);
        ck_assert_int_eq(named->unresolved.result, RESULT_LOCAL);
        ck_assert_int_eq(named->unresolved.error, EAGAIN);
    }
    ck_assert_ptr_null(names_take(&names, &changed));
    need(eventfd_write(answers, 1) == 0, "an answer");
    ck_assert_ptr_eq(take(&changed), &target[0]);
    assert_has(&target[0], "192.0.2.1:1060", 2);
}
END_TEST

/* Those that wait follow each of them, so that all fail. */
START_TEST(without_threads_none_waits_for_ever)
{
    bool changed;
    threads_left = 0;
    begin_many();
    for (size_t i = 0; i < MANY; i++)
        ck_assert_ptr_nonnull(take(&changed));
    ck_assert_ptr_null(names_take(&names, &changed));
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(target[i].unresolved.error, EAGAIN);
    ck_assert_uint_eq(asked, 0);
}
END_TEST

Suite *names_suite(void)
{
    Suite *suite = suite_create("names");
    TCase *tcase = add_case(suite, "names", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_loop_test(tcase, a_numeric_address_is_found_at_once, 0, 2);
    tcase_add_test(tcase, a_numeric_address_of_another_family_is_not_found);
    tcase_add_test(tcase, a_name_is_looked_up_in_a_thread);
    tcase_add_test(tcase, a_look_up_that_is_under_way_is_not_begun_again);
    tcase_add_test(tcase, a_bounded_number_is_under_way_at_once);
    tcase_add_test(tcase, a_name_is_looked_up_again);
    tcase_add_loop_test(tcase, a_name_that_fails_keeps_its_addresses, 0, COUNT(failures));
    tcase_add_test(tcase, without_memory_for_new_addresses_it_keeps_its_own);
    tcase_add_test(tcase, a_thread_that_cannot_be_started_is_a_failure_of_this_host);
    tcase_add_test(tcase, without_threads_none_waits_for_ever);
    return suite;
}
