/* SPDX-License-Identifier: MIT */
/* A look-up in a thread: what comes of it, and what is asked. */
#include <config.h>

#include "client/exchange/resolver.h"
#include "names_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct endpoint endpoint;
static struct resolution resolution;
static int wake;

static void begin(void)
{
    endpoint = (struct endpoint){.host = "localhost", .port = "1060"};
    resolution = (struct resolution){.error = 0};
    wake = eventfd(0, EFD_CLOEXEC);
    need(wake >= 0, "an eventfd");
    names_find(NULL, 0);
}

static void end(void)
{
    close(wake);
    free(resolution.list);
}

static void look_up(int family)
{
    eventfd_t woken;
    struct resolver *resolver = resolver_start(&endpoint, family, wake);
    need(resolver != NULL, "a look-up"); /* ck_assert() would allocate memory */
    need(eventfd_read(wake, &woken) == 0, "the end of the look-up");
    ck_assert(resolver_end(resolver, &resolution));
}

START_TEST(the_addresses_of_the_name_are_found)
{
    const struct address list[] = {numeric_address("192.0.2.1", "1"),
                                   numeric_address("2001:db8::1", "1")};
    names_find(list, COUNT(list));
    look_up(AF_UNSPEC);
    ck_assert_int_eq(resolution.result, RESULT_RIGHT);
    ck_assert_int_eq(resolution.error, 0);
    ck_assert_uint_eq(resolution.count, 2);
    ck_assert(address_equals(&resolution.list[1], &list[1]));
    ck_assert_int_ge(resolution.took, 0);
    ck_assert_int_eq(names_freed(), 1);
}
END_TEST

START_TEST(a_number_is_an_address)
{
    snprintf(endpoint.host, sizeof endpoint.host, "127.0.0.2");
    look_up(AF_INET);
    ck_assert_uint_eq(resolution.count, 1);
    assert_formats_as(&resolution.list[0], "127.0.0.2:1060");
}
END_TEST

static int answers;

static void await_answer(void)
{
    wait_readable(answers);
}

START_TEST(it_does_not_wait_for_the_end_of_the_look_up)
{
    eventfd_t woken;
    answers = eventfd(0, EFD_CLOEXEC);
    names_hook = await_answer;
    struct resolver *resolver = resolver_start(&endpoint, AF_INET, wake);
    ck_assert(!resolver_end(resolver, &resolution));
    need(eventfd_write(answers, 1) == 0, "an answer");
    need(eventfd_read(wake, &woken) == 0, "the end of the look-up");
    ck_assert(resolver_end(resolver, &resolution));
    names_hook = NULL;
    close(answers);
}
END_TEST

static const struct {
    int error;
    int number;
    enum result result;
    int reported;
} failures[] = {
    {EAI_NONAME, 0, RESULT_UNRESOLVED, EAI_NONAME},
    {EAI_AGAIN, EINVAL, RESULT_UNRESOLVED, EAI_AGAIN},
    {EAI_MEMORY, 0, RESULT_LOCAL, ENOMEM},
    {EAI_SYSTEM, EMFILE, RESULT_LOCAL, EMFILE},
    {EAI_SYSTEM, 0, RESULT_UNRESOLVED, EAI_AGAIN},
};

START_TEST(each_error_has_a_result)
{
    names_fail(failures[_i].error, failures[_i].number);
    look_up(AF_UNSPEC);
    ck_assert_int_eq(resolution.result, failures[_i].result);
    ck_assert_int_eq(resolution.error, failures[_i].reported);
}
END_TEST

static void fail_once(void)
{
    if (names_calls() > 1)
        names_fail(0, 0);
}

START_TEST(localhost_is_known_where_no_name_is)
{
    names_fail(EAI_AGAIN, 0);
    names_hook = fail_once;
    look_up(AF_INET);
    names_hook = NULL;
    ck_assert_int_eq(resolution.result, RESULT_RIGHT);
    ck_assert_uint_eq(resolution.count, 1);
    assert_formats_as(&resolution.list[0], "127.0.0.1:1060");
}
END_TEST

START_TEST(another_name_is_looked_up_once)
{
    names_fail(EAI_AGAIN, 0);
    snprintf(endpoint.host, sizeof endpoint.host, "host.test");
    look_up(AF_INET);
    ck_assert_int_eq(resolution.result, RESULT_UNRESOLVED);
    ck_assert_int_eq(names_calls(), 1);
}
END_TEST

START_TEST(only_a_name_that_is_not_ascii_is_internationalized)
{
    look_up(AF_UNSPEC);
    ck_assert_int_eq(names_flags(), 0);
    free(resolution.list);
    resolution.list = NULL;
    names_fail(EAI_NONAME, 0);
    snprintf(endpoint.host, sizeof endpoint.host, "b\303\274cher.example");
    look_up(AF_UNSPEC);
#ifdef AI_IDN
    ck_assert_int_eq(names_flags(), AI_IDN);
#else
    ck_assert_int_eq(names_flags(), 0);
#endif
}
END_TEST

/* getaddrinfo(3) finds an address, but there is no room for a list of them. */
START_TEST(without_memory_for_the_list_there_is_none)
{
    const struct address list[] = {numeric_address("192.0.2.1", "1")};
    names_find(list, 1);
    io_fail(FAULT_MEMORY, 1, 1, ENOMEM);
    look_up(AF_UNSPEC);
    ck_assert_int_eq(resolution.result, RESULT_LOCAL);
    ck_assert_int_eq(resolution.error, ENOMEM);
}
END_TEST

START_TEST(without_memory_or_a_thread_it_does_not_start)
{
    if (_i == 0)
        threads_left = 0;
    else
        io_fail(FAULT_MEMORY, 0, 1, ENOMEM);
    ck_assert_ptr_null(resolver_start(&endpoint, AF_UNSPEC, wake));
    ck_assert_int_eq(errno, _i == 0 ? EAGAIN : ENOMEM);
}
END_TEST

Suite *resolver_suite(void)
{
    Suite *suite = suite_create("resolver");
    TCase *tcase = add_case(suite, "resolver", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, the_addresses_of_the_name_are_found);
    tcase_add_test(tcase, a_number_is_an_address);
    tcase_add_test(tcase, it_does_not_wait_for_the_end_of_the_look_up);
    tcase_add_loop_test(tcase, each_error_has_a_result, 0, COUNT(failures));
    tcase_add_test(tcase, localhost_is_known_where_no_name_is);
    tcase_add_test(tcase, another_name_is_looked_up_once);
    tcase_add_test(tcase, only_a_name_that_is_not_ascii_is_internationalized);
    tcase_add_test(tcase, without_memory_for_the_list_there_is_none);
    tcase_add_loop_test(tcase, without_memory_or_a_thread_it_does_not_start, 0, 2);
    return suite;
}
