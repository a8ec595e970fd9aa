/* SPDX-License-Identifier: MIT */
/* The statistics that the main loop adds. */
#include <config.h>

#include "server/connection/lingering_close.h"
#include "server/connection/loop.h"
#include "server/connection/workers.h"
#include "settings_support.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The gauges, or the real ones if `forced` is not set.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
static const struct gauges gauges = {
    .active = 3, .peak = 40, .lingering = 6, .workers = 5, .idle = 2};
static bool forced;
void __real_workers_gauges(struct workers *workers, struct gauges *to);
void __wrap_workers_gauges(struct workers *workers, struct gauges *to);
size_t __real_lingering_count(const struct lingering *lingering);
size_t __wrap_lingering_count(const struct lingering *lingering);

void __wrap_workers_gauges(struct workers *workers, struct gauges *to)
{
    __real_workers_gauges(workers, to);
    if (forced) {
        struct gauges mine = gauges;
        mine.lingering = to->lingering;
        *to = mine;
    }
}

size_t __wrap_lingering_count(const struct lingering *lingering)
{
    size_t count = __real_lingering_count(lingering);
    return forced ? gauges.lingering : count;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct listeners listeners;
static struct settings *settings;
static struct loop *loop;
static int signal_fd;

static void begin(void)
{
    settings = new_settings();
    signal_fd = eventfd(0, EFD_CLOEXEC);
    listeners.count = 2;
    for (size_t i = 0; i < listeners.count; i++) {
        struct listener *listener = &listeners.list[i];
        *listener = (struct listener){0};
        listener->fd = bound_socket(&listener->bound, 3 + (int)i);
    }
    loop = loop_create(&listeners, settings, signal_fd);
    need(signal_fd >= 0 && loop != NULL, "a main loop");
}

static void end(void)
{
    forced = false;
    loop_destroy(loop);
    listeners_close(&listeners);
    close(signal_fd);
    settings_unref(settings);
}

static void assert_listener(const struct stats *stats, size_t place, size_t index, unsigned limit)
{
    char text[ADDRESS_TEXT];
    const struct listener_stats *listener = &stats->listener[place];
    ck_assert_str_eq(listener->address, address_format(&listeners.list[index].bound, text));
    ck_assert_uint_eq(listener->queued, 0);
    ck_assert_uint_eq(listener->limit, limit);
}

START_TEST(gauges_listeners_and_accept_errors_are_added)
{
    static struct stats stats;
    static struct stats counters;
    stats_accepted();
    stats_read(&counters);
    stats_read(&stats);
    forced = true;
    loop_add_stats(loop, &stats);
    ck_assert_uint_eq(stats.accepted, counters.accepted);
    ck_assert_mem_eq(stats.outcomes, counters.outcomes, sizeof stats.outcomes);
    ck_assert_mem_eq(&stats.gauges, &gauges, sizeof gauges);
    ck_assert_uint_eq(stats.accept_errors, 21);
    ck_assert_str_eq(stats.accept_error[0].name, "EINTR");
    ck_assert_uint_eq(stats.accept_error[0].count, 0);
    ck_assert_str_eq(stats.accept_error[20].name, "other");
    ck_assert_uint_eq(stats.listeners, 2);
    assert_listener(&stats, 0, 0, 3);
    assert_listener(&stats, 1, 1, 4);
}
END_TEST

START_TEST(without_connections_the_gauges_are_zero)
{
    static struct stats stats;
    static const struct gauges zero;
    loop_add_stats(loop, &stats);
    ck_assert_mem_eq(&stats.gauges, &zero, sizeof zero);
}
END_TEST

START_TEST(a_listener_that_stopped_accepting_is_not_added_and_an_address_is_added_once)
{
    static struct stats stats;
    listeners.list[0].quiet_from = 1;
    listeners.list[2] = listeners.list[1];
    listeners.count = 3;
    loop_add_stats(loop, &stats);
    listeners.count = 2;
    ck_assert_uint_eq(stats.listeners, 1);
    assert_listener(&stats, 0, 1, 2 * 4);
}
END_TEST

Suite *loop_suite(void)
{
    Suite *suite = suite_create("loop");
    TCase *tcase = add_case(suite, "loop_add_stats", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, gauges_listeners_and_accept_errors_are_added);
    tcase_add_test(tcase, without_connections_the_gauges_are_zero);
    tcase_add_test(tcase,
                   a_listener_that_stopped_accepting_is_not_added_and_an_address_is_added_once);
    return suite;
}
