/* SPDX-License-Identifier: MIT */
/* Settings that are shared. What is freed too early, twice or never is the sanitizers' and
 * valgrind's to see. */
#include <config.h>

#include "server/config/snapshot.h"
#include "support.h"

static struct settings settings;
static const char *const prefixes[] = {"192.0.2.0/24", "192.0.2.7", "2001:db8::/32"};

static struct snapshot *make_snapshot(void)
{
    settings_defaults(&settings);
    settings.limits.backlog = 5;
    prefixes_store(&settings.access.allow, prefixes, 2);
    prefixes_store(&settings.access.deny, prefixes + 1, 2);
    prefixes_store(&settings.access.proxies, prefixes, 3);
    struct snapshot *snapshot = snapshot_create(&settings);
    need(snapshot != NULL, "memory");
    return snapshot;
}

static void assert_same(const struct settings *copy)
{
    for (size_t i = 0; settings_row(i) != NULL; i++)
        ck_assert_msg(settings_same(settings_row(i), copy, &settings), "%s", settings_row(i)->key);
}

START_TEST(a_snapshot_is_a_copy)
{
    struct snapshot *snapshot = make_snapshot();
    assert_same(&snapshot->settings);
    settings.limits.connections = 7;
    ck_assert_int_ne(snapshot->settings.limits.connections, 7);
    ck_assert_uint_eq(snapshot->users, 1);
    snapshot_release(snapshot);
}
END_TEST

START_TEST(users_are_counted)
{
    struct snapshot *snapshot = make_snapshot();
    ck_assert_ptr_eq(snapshot_take(snapshot), snapshot);
    ck_assert_ptr_eq(snapshot_take(snapshot), snapshot);
    ck_assert_uint_eq(snapshot->users, 3);
    snapshot_release(snapshot);
    snapshot_release(snapshot);
    ck_assert_uint_eq(snapshot->users, 1);
    assert_same(&snapshot->settings);
    snapshot_release(snapshot);
}
END_TEST

START_TEST(no_snapshot_is_released_already)
{
    snapshot_release(NULL);
}
END_TEST

static void *use(void *argument)
{
    struct snapshot *snapshot = argument;
    for (int i = 0; i < 1000; i++) {
        need(snapshot_take(snapshot)->settings.limits.connections > 0, "the settings");
        snapshot_release(snapshot);
    }
    snapshot_release(snapshot);
    return NULL;
}

START_TEST(the_last_of_many_threads_frees_it)
{
    struct snapshot *snapshot = make_snapshot();
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_create(&threads[i], NULL, use, snapshot_take(snapshot)) == 0, "a thread");
    snapshot_release(snapshot);
    for (size_t i = 0; i < COUNT(threads); i++)
        need(pthread_join(threads[i], NULL) == 0, "its end");
}
END_TEST

Suite *snapshot_suite(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tcase = add_case(suite, "snapshot", NULL);
    tcase_add_test(tcase, a_snapshot_is_a_copy);
    tcase_add_test(tcase, users_are_counted);
    tcase_add_test(tcase, no_snapshot_is_released_already);
    tcase_add_test(tcase, the_last_of_many_threads_frees_it);
    return suite;
}
