/* SPDX-License-Identifier: MIT */
/* What the daemon tells of itself in the log and to the service manager. */
#include <config.h>

#include "log_support.h"
#include "server/log/report.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the acceptor and the log would say. NOLINTBEGIN(bugprone-reserved-identifier) */
static const struct gauges gauges = {.active = 3, .peak = 40, .workers = 5, .idle = 2};
struct gauges __wrap_loop_gauges(struct loop *loop, size_t *lingering);
unsigned long __wrap_log_lost(void);

struct gauges __wrap_loop_gauges(struct loop *loop, size_t *lingering)
{
    need(loop == NULL, "the acceptor that was passed");
    *lingering = 6;
    return gauges;
}

unsigned long __wrap_log_lost(void)
{
    return 7;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct report report;

static void begin(void)
{
    report = (struct report){.stats.accepted = 1234567890123,
                             .stats.outcomes = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
                             .stats.accept_errors[0] = 21,
                             .stats.accept_errors[11] = 22,
                             .stats.accept_errors[ACCEPT_ERRORS - 1] = 23,
                             .gauges = gauges,
                             .lingering = 6,
                             .lines_lost = 7,
                             .listeners = 2,
                             .listener = {{"127.0.0.1:1060", 4, 4096}, {"[::1]:1060", 0, 128}}};
}

#define CONNECTIONS                                                                            \
    "notice connections accepted=1234567890123 active=3 peak=40 lingering=6 workers=5 idle=2 " \
    "lines_lost=7\n"
#define OUTCOMES_LINE                                                                           \
    "notice outcomes ok=10 excess=11 mismatch=12 short=13 probe=14 slow=15 reset=16 denied=17 " \
    "limited=18 malformed=19 failed=20\n"

START_TEST(each_line_has_its_numbers)
{
    report_log(&report);
    assert_logged(CONNECTIONS OUTCOMES_LINE "notice accept errors EINTR=21 EMFILE=22 other=23\n"
                                            "notice listener 127.0.0.1:1060 queued=4 of=4096\n"
                                            "notice listener [::1]:1060 queued=0 of=128\n");
}
END_TEST

START_TEST(without_errors_and_listeners_lines_are_shorter)
{
    memset(report.stats.accept_errors, 0, sizeof report.stats.accept_errors);
    report.listeners = 0;
    report_log(&report);
    assert_logged(CONNECTIONS OUTCOMES_LINE "notice accept errors none=0\n");
}
END_TEST

START_TEST(the_largest_numbers_fit_their_lines)
{
    memset(&report.stats, 0xff, sizeof report.stats);
    report_log(&report);
    const char *said = logged_text();
    ck_assert_ptr_nonnull(strstr(said, " failed=18446744073709551615\n"));
    ck_assert_ptr_nonnull(strstr(said, " other=18446744073709551615\n"));
}
END_TEST

START_TEST(the_status_is_one_line)
{
    char text[400];
    ck_assert_ptr_eq(report_status(&report, text, sizeof text), text);
    ck_assert_str_eq(text, "3 live, 1234567890123 accepted, 21 ok, 20 failed, 18 limited, 7 log "
                           "lines lost; listening at 127.0.0.1:1060, [::1]:1060");
}
END_TEST

START_TEST(the_status_is_cut_to_its_room)
{
    char whole[400];
    report_status(&report, whole, sizeof whole);
    for (size_t size = 1; size < sizeof whole; size++) {
        char cut[sizeof whole + 1];
        memset(cut, '#', sizeof cut);
        report_status(&report, cut, size);
        ck_assert_uint_eq(strlen(cut), size - 1 < strlen(whole) ? size - 1 : strlen(whole));
        ck_assert_int_eq(strncmp(cut, whole, strlen(cut)), 0);
        ck_assert_int_eq(cut[size], '#');
    }
}
END_TEST

START_TEST(everything_is_gathered)
{
    static struct listeners listeners;
    struct stats stats;
    char text[ADDRESS_TEXT];
    listeners.count = 2;
    for (size_t i = 0; i < listeners.count; i++) {
        struct listener *listener = &listeners.list[i];
        listener->fd = bound_socket(&listener->bound, 3 + (int)i);
    }
    stats_accepted();
    stats_get(&stats);
    memset(&report, 0xff, sizeof report);
    report_gather(&report, 1234567, NULL, &listeners);
    ck_assert_int_eq(report.started, 1234567);
    ck_assert_mem_eq(&report.stats, &stats, sizeof stats);
    ck_assert_mem_eq(&report.gauges, &gauges, sizeof gauges);
    ck_assert_uint_eq(report.lingering, 6);
    ck_assert_uint_eq(report.lines_lost, 7);
    ck_assert_uint_eq(report.listeners, 2);
    for (size_t i = 0; i < listeners.count; i++) {
        ck_assert_str_eq(report.listener[i].address,
                         address_format(&listeners.list[i].bound, text));
        ck_assert_uint_eq(report.listener[i].queued, 0);
        ck_assert_uint_eq(report.listener[i].most, 3 + i);
    }

    /* one that retires is no longer told of; two of one address are told of as one */
    listeners.list[0].quiet_from = 1;
    listeners.list[2] = listeners.list[1];
    listeners.count = 3;
    report_gather(&report, 1234567, NULL, &listeners);
    ck_assert_uint_eq(report.listeners, 1);
    ck_assert_str_eq(report.listener[0].address, address_format(&listeners.list[1].bound, text));
    ck_assert_uint_eq(report.listener[0].most, 2 * 4);
    close(listeners.list[0].fd);
    close(listeners.list[1].fd);
}
END_TEST

Suite *report_suite(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = add_case(suite, "report", NULL);
    tcase_add_checked_fixture(tcase, log_capture, log_release);
    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, each_line_has_its_numbers);
    tcase_add_test(tcase, without_errors_and_listeners_lines_are_shorter);
    tcase_add_test(tcase, the_largest_numbers_fit_their_lines);
    tcase_add_test(tcase, the_status_is_one_line);
    tcase_add_test(tcase, the_status_is_cut_to_its_room);
    tcase_add_test(tcase, everything_is_gathered);
    return suite;
}
