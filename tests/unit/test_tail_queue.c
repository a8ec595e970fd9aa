/* SPDX-License-Identifier: MIT */
/* Lists: what is in them after each change, forwards and backwards. */
#include <config.h>

#include "common/tail_queue.h"
#include "support.h"

#include <string.h>

struct element {
    char name;
    TAILQ_ENTRY(element) entry;
};
TAILQ_HEAD(elements, element);

static struct element a, b, c;
static struct elements list, other;

static void begin(void)
{
    a = (struct element){.name = 'a'};
    b = (struct element){.name = 'b'};
    c = (struct element){.name = 'c'};
    memset(&list, 0, sizeof list);
    TAILQ_INIT(&other);
}

static void assert_holds(const struct elements *elements, const char *names)
{
    const struct element *element;
    const struct element *last = NULL;
    size_t count = 0;
    ck_assert_int_eq(TAILQ_EMPTY(elements), names[0] == '\0');
    TAILQ_FOREACH (element, elements, entry) {
        ck_assert_ptr_eq(TAILQ_PREV(element, elements, entry), last);
        ck_assert_int_eq(element->name, names[count]);
        count++;
        last = element;
    }
    ck_assert_uint_eq(count, strlen(names));
    ck_assert_ptr_eq(TAILQ_LAST(elements, elements), last);
}

START_TEST(an_element_is_inserted_at_either_end_or_after_another)
{
    TAILQ_INSERT_TAIL(&list, &b, entry);
    assert_holds(&list, "b");
    TAILQ_INSERT_HEAD(&list, &a, entry);
    assert_holds(&list, "ab");
    TAILQ_INSERT_TAIL(&list, &c, entry);
    assert_holds(&list, "abc");
    TAILQ_REMOVE(&list, &b, entry);
    assert_holds(&list, "ac");
    TAILQ_INSERT_AFTER(&list, &a, &b, entry);
    assert_holds(&list, "abc");
    TAILQ_REMOVE(&list, &c, entry);
    assert_holds(&list, "ab");
    TAILQ_INSERT_AFTER(&list, &b, &c, entry);
    assert_holds(&list, "abc");
    TAILQ_REMOVE(&list, &a, entry);
    assert_holds(&list, "bc");
}
END_TEST

START_TEST(an_empty_list_can_be_used_again)
{
    TAILQ_INSERT_HEAD(&list, &a, entry);
    TAILQ_REMOVE(&list, &a, entry);
    assert_holds(&list, "");
    TAILQ_INSERT_HEAD(&list, &b, entry);
    assert_holds(&list, "b");
}
END_TEST

START_TEST(all_elements_of_another_list_are_appended)
{
    TAILQ_CONCAT(&list, &other, entry);
    assert_holds(&list, "");
    TAILQ_INSERT_TAIL(&other, &a, entry);
    TAILQ_INSERT_TAIL(&other, &b, entry);
    TAILQ_CONCAT(&list, &other, entry);
    assert_holds(&list, "ab");
    assert_holds(&other, "");
    TAILQ_INSERT_TAIL(&other, &c, entry);
    TAILQ_CONCAT(&list, &other, entry);
    assert_holds(&list, "abc");
}
END_TEST

Suite *tail_queue_suite(void)
{
    Suite *suite = suite_create("tail_queue");
    TCase *tcase = add_case(suite, "tail_queue", NULL);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, an_element_is_inserted_at_either_end_or_after_another);
    tcase_add_test(tcase, an_empty_list_can_be_used_again);
    tcase_add_test(tcase, all_elements_of_another_list_are_appended);
    return suite;
}
