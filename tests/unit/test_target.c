/* SPDX-License-Identifier: MIT */
/* The addresses of a target: their order, their changes, and which one is preferred. */
#include <config.h>

#include "client/exchange/exchange.h"
#include "targets_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 8

static struct targets targets;
static struct target *target;

static void begin(void)
{
    targets_begin(&targets, 1);
    target = targets.list;
}

static void end(void)
{
    targets_end(&targets);
}

/* Return a host whose name has a letter: a, b, ... are IPv4 addresses, A, B, ... are IPv6 ones, and
 * 0, 1, ... are the IPv4 addresses a, b, ... in IPv6. */
static struct address host(char name)
{
    char text[32];
    if (name >= 'a')
        snprintf(text, sizeof text, "192.0.2.%d", name - 'a');
    else if (name >= 'A')
        snprintf(text, sizeof text, "2001:db8::%d", name - 'A' + 1);
    else
        snprintf(text, sizeof text, "::ffff:192.0.2.%d", name - '0');
    return numeric_address(text, "1060");
}

static int update(const char *names)
{
    struct address list[MOST];
    size_t count = strlen(names);
    for (size_t i = 0; i < count; i++)
        list[i] = host(names[i]);
    return target_update(&targets, target, list, count);
}

static char name_of(const struct server *server)
{
    for (const char *name = "ABCDEFGHabcdefgh"; *name != '\0'; name++) {
        struct address address = host(*name);
        if (address_equals(&address, &server->address))
            return *name;
    }
    return '?';
}

static void assert_order(const char *names)
{
    char order[MOST + 1] = "";
    ck_assert_uint_le(target->count, MOST);
    for (size_t i = 0; i < target->count; i++)
        order[i] = name_of(target->order[i]);
    ck_assert_str_eq(order, names);
}

static void assert_chosen(size_t room, const char *names)
{
    struct attempt attempts[MOST];
    char chosen[MOST + 1] = "";
    size_t count = target_choose(target, attempts, room);
    ck_assert_uint_le(count, room);
    for (size_t i = 0; i < count; i++)
        chosen[i] = name_of(attempts[i].server);
    ck_assert_str_eq(chosen, names);
}

static const struct {
    const char *list;
    const char *order;
} orders[] = {
    {"a", "a"},           {"abc", "abc"},           {"Aa", "Aa"},     {"ABCabc", "AaBbCc"},
    {"abcABC", "aAbBcC"}, {"ABCa", "AaBC"},         {"aABC", "aABC"}, {"AaBb", "AaBb"},
    {"abAcB", "aAbBc"},   {"ABCDEFab", "AaBbCDEF"}, {"01A", "aAb"},
};

START_TEST(families_alternate_in_the_order_of_the_resolver)
{
    ck_assert_int_eq(update(orders[_i].list), 0);
    assert_order(orders[_i].order);
    for (size_t i = 0; i < targets.server_count; i++) {
        ck_assert_uint_eq(targets.servers[i]->index, i);
        ck_assert_ptr_eq(targets.servers[i]->target, target);
    }
}
END_TEST

static const struct {
    const char *before;
    const char *after;
    int changed;
    size_t servers;
} changes[] = {
    {"a", "a", 0, 1},  {"ab", "ba", 0, 2}, {"a", "b", 1, 2},   {"a", "ab", 1, 2},
    {"ab", "a", 1, 2}, {"ab", "ac", 1, 3}, {"aA", "Aa", 0, 2}, {"a", "0", 0, 1},
};

START_TEST(a_change_is_another_set_of_addresses)
{
    ck_assert_int_eq(update(changes[_i].before), 0);
    struct server *first = target->order[0];
    ck_assert_int_eq(update(changes[_i].after), changes[_i].changed);
    ck_assert_uint_eq(targets.server_count, 1 + changes[_i].servers);
    ck_assert_ptr_eq(targets.servers[1], first);
}
END_TEST

START_TEST(the_preferred_one_is_tried_first)
{
    update("abA");
    assert_chosen(MOST, "aAb");
    target_prefer(target->order[2]);
    target_prefer(target->order[2]);
    ck_assert(target_is_preferred(target->order[2]));
    ck_assert(!target_is_preferred(target->order[0]));
    assert_chosen(MOST, "baA");
    assert_chosen(2, "ba");
    assert_chosen(1, "b");
    target_forsake(target->order[0]);
    assert_chosen(1, "b");
    target_forsake(target->order[2]);
    assert_chosen(2, "aA");
}
END_TEST

START_TEST(the_preferred_one_stays_for_as_long_as_the_name_has_it)
{
    update("ab");
    target_prefer(target->order[1]);
    update("bc");
    assert_chosen(MOST, "bc");
    update("c");
    assert_chosen(MOST, "c");
}
END_TEST

START_TEST(without_memory_the_addresses_stay)
{
    update("a");
    struct address new = host('b');
    io_fail(FAULT_MEMORY, _i, 1, ENOMEM);
    ck_assert_int_eq(target_update(&targets, target, &new, 1), -1);
    ck_assert_int_eq(errno, ENOMEM);
    assert_order("a");
}
END_TEST

Suite *target_suite(void)
{
    Suite *suite = suite_create("target");
    TCase *tcase = add_case(suite, "target", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_loop_test(tcase, families_alternate_in_the_order_of_the_resolver, 0, COUNT(orders));
    tcase_add_loop_test(tcase, a_change_is_another_set_of_addresses, 0, COUNT(changes));
    tcase_add_test(tcase, the_preferred_one_is_tried_first);
    tcase_add_test(tcase, the_preferred_one_stays_for_as_long_as_the_name_has_it);
    tcase_add_loop_test(tcase, without_memory_the_addresses_stay, 0, 3);
    return suite;
}
