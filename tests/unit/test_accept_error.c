/* SPDX-License-Identifier: MIT */
/* What is done about each failure of accept(2). */
#include <config.h>

#include "server/connection/accept_error.h"
#include "support.h"

#include <errno.h>
#include <string.h>

/* Those of accept(2), with what its page says of them. */
static const struct {
    const char *name;
    int number;
    enum remedy remedy;
} expected[] = {
    /* one connection, of which nothing is left */
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
    /* no memory, or for a time no network */
    {"ENOBUFS", ENOBUFS, REMEDY_PAUSE},
    {"ENOMEM", ENOMEM, REMEDY_PAUSE},
    {"EOPNOTSUPP", EOPNOTSUPP, REMEDY_PAUSE},
    /* no listening socket */
    {"EBADF", EBADF, REMEDY_STOP},
    {"EINVAL", EINVAL, REMEDY_STOP},
    {"ENOTSOCK", ENOTSOCK, REMEDY_STOP},
    {"EFAULT", EFAULT, REMEDY_STOP},
};

START_TEST(each_error_has_its_name_and_its_remedy)
{
    const struct accept_error *row = &accept_errors[accept_error_find(expected[_i].number)];
    ck_assert_int_eq(row->number, expected[_i].number);
    ck_assert_str_eq(row->name, expected[_i].name);
    ck_assert_int_eq(row->remedy, expected[_i].remedy);
}
END_TEST

START_TEST(each_row_is_found_by_its_number)
{
    ck_assert_uint_eq(COUNT(expected), ACCEPT_ERRORS - 1);
    for (size_t i = 0; i < ACCEPT_ERRORS - 1; i++)
        ck_assert_uint_eq(accept_error_find(accept_errors[i].number), i);
}
END_TEST

START_TEST(what_is_in_no_row_is_in_the_last_and_has_accepting_pause)
{
    const int others[] = {ENOSR, ESOCKTNOSUPPORT, EPROTONOSUPPORT, EIO, 0, -1, 100000};
    for (size_t i = 0; i < COUNT(others); i++)
        ck_assert_uint_eq(accept_error_find(others[i]), ACCEPT_ERRORS - 1);
    ck_assert_str_eq(accept_errors[ACCEPT_ERRORS - 1].name, "other");
    ck_assert_int_eq(accept_errors[ACCEPT_ERRORS - 1].remedy, REMEDY_PAUSE);
}
END_TEST

Suite *accept_error_suite(void)
{
    Suite *suite = suite_create("accept_error");
    TCase *tcase = add_case(suite, "accept_error", NULL);
    tcase_add_loop_test(tcase, each_error_has_its_name_and_its_remedy, 0, COUNT(expected));
    tcase_add_test(tcase, each_row_is_found_by_its_number);
    tcase_add_test(tcase, what_is_in_no_row_is_in_the_last_and_has_accepting_pause);
    return suite;
}
