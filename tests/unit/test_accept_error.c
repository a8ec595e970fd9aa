/* SPDX-License-Identifier: MIT */
/* What the acceptor does about each error of accept(2). */
#include <config.h>

#include "server/connection/acceptor.h"
#include "support.h"

#include <errno.h>
#include <string.h>

/* The errors that accept(2) documents. */
static const struct {
    const char *name;
    int number;
    enum remedy remedy;
} expected[] = {
    /* one connection, which is gone */
    {"EINTR", EINTR, REMEDY_CONTINUE},
    {"ECONNABORTED", ECONNABORTED, REMEDY_CONTINUE},
    {"EPERM", EPERM, REMEDY_CONTINUE},
    {"EPROTO", EPROTO, REMEDY_CONTINUE},
    {"ENETDOWN", ENETDOWN, REMEDY_CONTINUE},
    {"ENOPROTOOPT", ENOPROTOOPT, REMEDY_CONTINUE},
    {"EHOSTDOWN", EHOSTDOWN, REMEDY_CONTINUE},
    {"ENONET", ENONET, REMEDY_CONTINUE},
    {"EHOSTUNREACH", EHOSTUNREACH, REMEDY_CONTINUE},
    {"ENETUNREACH", ENETUNREACH, REMEDY_CONTINUE},
    {"ETIMEDOUT", ETIMEDOUT, REMEDY_CONTINUE},
    /* no descriptor */
    {"EMFILE", EMFILE, REMEDY_EVICT},
    {"ENFILE", ENFILE, REMEDY_EVICT},
    /* no memory, or no network for a while */
    {"ENOBUFS", ENOBUFS, REMEDY_PAUSE},
    {"ENOMEM", ENOMEM, REMEDY_PAUSE},
    {"EOPNOTSUPP", EOPNOTSUPP, REMEDY_PAUSE},
    /* not a listening socket */
    {"EBADF", EBADF, REMEDY_STOP},
    {"EINVAL", EINVAL, REMEDY_STOP},
    {"ENOTSOCK", ENOTSOCK, REMEDY_STOP},
    {"EFAULT", EFAULT, REMEDY_STOP},
};

START_TEST(each_error_has_its_name_and_its_remedy)
{
    size_t index;
    const struct accept_error *row = accept_error_find(expected[_i].number, &index);
    ck_assert_int_eq(row->number, expected[_i].number);
    ck_assert_str_eq(row->name, expected[_i].name);
    ck_assert_int_eq(row->remedy, expected[_i].remedy);
}
END_TEST

START_TEST(each_error_has_a_row_of_its_own)
{
    bool found[ACCEPT_ERRORS - 1] = {false};
    ck_assert_uint_eq(COUNT(expected), COUNT(found));
    for (size_t i = 0; i < COUNT(expected); i++) {
        size_t index;
        (void)accept_error_find(expected[i].number, &index);
        ck_assert_uint_lt(index, COUNT(found));
        ck_assert(!found[index]);
        found[index] = true;
    }
}
END_TEST

START_TEST(any_other_error_has_the_last_row_and_pauses)
{
    const int others[] = {ENOSR, ESOCKTNOSUPPORT, EPROTONOSUPPORT, EIO, 0, -1, 100000};
    for (size_t i = 0; i < COUNT(others); i++) {
        size_t index;
        const struct accept_error *row = accept_error_find(others[i], &index);
        ck_assert_uint_eq(index, ACCEPT_ERRORS - 1);
        ck_assert_str_eq(row->name, "other");
        ck_assert_int_eq(row->remedy, REMEDY_PAUSE);
    }
}
END_TEST

START_TEST(each_error_is_counted_under_its_name)
{
    struct acceptor acceptor = {0};
    struct stats stats = {0};
    size_t index;
    for (size_t i = 0; i < ACCEPT_ERRORS; i++)
        acceptor.errors[i] = 100 + i;
    acceptor_count_errors(&acceptor, &stats);
    ck_assert_uint_eq(stats.accept_errors, ACCEPT_ERRORS);
    for (size_t i = 0; i < COUNT(expected); i++) {
        (void)accept_error_find(expected[i].number, &index);
        ck_assert_str_eq(stats.accept_error[index].name, expected[i].name);
    }
    ck_assert_str_eq(stats.accept_error[ACCEPT_ERRORS - 1].name, "other");
    for (size_t i = 0; i < ACCEPT_ERRORS; i++)
        ck_assert_uint_eq(stats.accept_error[i].count, 100 + i);
}
END_TEST

Suite *accept_error_suite(void)
{
    Suite *suite = suite_create("accept_error");
    TCase *tcase = add_case(suite, "accept_error", NULL);
    tcase_add_loop_test(tcase, each_error_has_its_name_and_its_remedy, 0, COUNT(expected));
    tcase_add_test(tcase, each_error_has_a_row_of_its_own);
    tcase_add_test(tcase, any_other_error_has_the_last_row_and_pauses);
    tcase_add_test(tcase, each_error_is_counted_under_its_name);
    return suite;
}
