/* SPDX-License-Identifier: MIT */
/* A connection through a proxy: its header, then the exchange with the addresses in the header, or
 * another outcome. */
#include <config.h>

#include "exchange_support.h"
#include "log_support.h"
#include "server/connection/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER "PROXY TCP4 192.0.2.7 192.0.2.2 4660 1060\r\n"
#define LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\0\0"

static struct monitor monitor;
static struct admission admission;

static void begin_on(void (*connect)(void))
{
    log_capture();
    connect();
    need(monitor_init(&monitor) == 0, "a monitor");
    admission = (struct admission){.monitor = &monitor};
    connection.proxied = true;
    connection.peer = numeric_address("198.51.100.1", "999");
    connection.local = numeric_address("198.51.100.2", "1060");
}

static void begin(void)
{
    begin_on(begin_unix);
}

static void begin_on_tcp(void)
{
    begin_on(begin_tcp);
}

static void end(void)
{
    admission_leave(&connection);
    admission_forget(&connection);
    monitor_destroy(&monitor);
    free(connection.proxy);
    log_release();
}

static void put(const char *octets, size_t count)
{
    write_octets(ends.theirs, octets, count);
}

#define PUT(text) put(text, sizeof(text) - 1)

static bool enter(struct connection *which)
{
    monitor_enter(&monitor);
    bool admitted = admission_enter(&admission, which);
    monitor_leave(&monitor);
    return admitted;
}

static void enter_and_hold(void)
{
    ck_assert(enter(&connection));
    hold();
}

static void assert_addresses(const char *peer, const char *local)
{
    assert_formats_as(&connection.peer, peer);
    assert_formats_as(&connection.local, local);
}

START_TEST(the_addresses_are_those_in_the_header)
{
    PUT(HEADER WIRE_GREETING);
    enter_and_hold();
    assert_addresses("192.0.2.7:4660", "192.0.2.2:1060");
    assert_formats_as(&connection.proxy->address, "198.51.100.1:999");
    ck_assert_ptr_nonnull(strstr(logged_text(), "debug The proxy 198.51.100.1:999 speaks for "
                                                "192.0.2.7:4660\n"));
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
    ck_assert_mem_eq(connection.octets, WIRE_GREETING, WIRE_OCTETS);
}
END_TEST

START_TEST(local_and_unknown_keep_the_real_addresses)
{
    if (_i == 0)
        PUT("PROXY UNKNOWN\r\n" WIRE_GREETING);
    else
        PUT(LOCAL "\0" WIRE_GREETING);
    enter_and_hold();
    assert_addresses("198.51.100.1:999", "198.51.100.2:1060");
    ck_assert(!connection.proxy->header.has_addresses);
    ck_assert_ptr_nonnull(
        strstr(logged_text(), "debug The proxy 198.51.100.1:999 speaks for itself\n"));
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

/* TCP may deliver a stream in any parts. */
static size_t first;

static void *put_in_two(void *argument)
{
    static const char all[] = HEADER WIRE_GREETING;
    put(all, first);
    peer_wait_blocked(argument, 1);
    put(all + first, sizeof all - 1 - first);
    return NULL;
}

START_TEST(header_and_message_can_come_in_parts)
{
    struct peer peer;
    first = (size_t)_i;
    peer_start(&peer, ends.theirs, put_in_two);
    enter_and_hold();
    peer_join(&peer);
    assert_addresses("192.0.2.7:4660", "192.0.2.2:1060");
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(more_than_a_message_after_the_header_is_excess)
{
    char much[1000];
    memset(much, 'x', sizeof much);
    memcpy(much, HEADER WIRE_GREETING, sizeof HEADER WIRE_GREETING - 1);
    put(much, _i == 0 ? sizeof HEADER + WIRE_OCTETS : sizeof much);
    enter_and_hold();
    assert_answered(OUTCOME_EXCESS, WIRE_OCTETS + 1, WIRE_REPLY);
}
END_TEST

START_TEST(a_message_that_ends_too_early_is_short)
{
    PUT(HEADER "Hi the");
    end_theirs(&ends);
    enter_and_hold();
    assert_not_answered(OUTCOME_SHORT, 6);
}
END_TEST

/* A balancer that only tests the port. */
START_TEST(a_header_alone_or_nothing_is_a_probe)
{
    if (_i == 0)
        PUT(HEADER);
    if (_i == 1)
        PUT(LOCAL "\0");
    end_theirs(&ends);
    enter_and_hold();
    assert_not_answered(OUTCOME_PROBE, 0);
}
END_TEST

START_TEST(a_missing_header_is_malformed)
{
    PUT(WIRE_GREETING);
    enter_and_hold();
    assert_not_answered(OUTCOME_MALFORMED, 0);
    ck_assert_str_eq(connection.proxy->header.reason, "there is no PROXY header");
    assert_addresses("198.51.100.1:999", "198.51.100.2:1060");
}
END_TEST

START_TEST(an_end_inside_a_header_is_malformed)
{
    put(HEADER, (size_t)_i);
    end_theirs(&ends);
    enter_and_hold();
    assert_not_answered(OUTCOME_MALFORMED, 0);
    ck_assert_str_eq(connection.proxy->header.reason, "the connection ended inside the header");
}
END_TEST

START_TEST(a_header_that_is_late_is_slow)
{
    put(HEADER, (size_t)_i);
    connection.deadline = in_seconds(0.01);
    enter_and_hold();
    assert_not_answered(OUTCOME_SLOW, 0);
}
END_TEST

/* A drain that timed out shuts the socket down; the proxy did nothing wrong. */
START_TEST(a_header_that_a_drain_cuts_is_slow)
{
    put(HEADER, (size_t)_i);
    end_theirs(&ends);
    atomic_store(&connection.cut, true);
    enter_and_hold();
    assert_not_answered(OUTCOME_SLOW, 0);
}
END_TEST

START_TEST(a_reset_inside_a_header_is_reset_and_before_or_after_it_a_probe)
{
    static const size_t counts[] = {0, 5, sizeof HEADER - 1};
    put(HEADER, counts[_i]);
    if (counts[_i] > 0)
        wait_readable(ends.ours);
    ck_assert(enter(&connection));
    ck_assert(!exchange_run(&connection, MSG_DONTWAIT));
    reset_theirs(&ends);
    (void)exchange_run(&connection, 0);
    assert_outcome(_i == 1 ? OUTCOME_RESET : OUTCOME_PROBE, 0);
}
END_TEST

static void allow_and_deny(const char *allow, const char *deny)
{
    set_prefixes(&settings->access.allow, &allow, allow != NULL);
    set_prefixes(&settings->access.deny, &deny, deny != NULL);
}

START_TEST(the_access_lists_decide_about_the_client)
{
    allow_and_deny("198.51.100.0/24", NULL);
    PUT(HEADER WIRE_GREETING);
    enter_and_hold();
    assert_not_answered(OUTCOME_DENIED, 0);
    assert_addresses("192.0.2.7:4660", "192.0.2.2:1060");
}
END_TEST

START_TEST(the_access_lists_do_not_decide_about_its_proxy)
{
    allow_and_deny(NULL, "198.51.100.0/24");
    PUT(HEADER WIRE_GREETING);
    enter_and_hold();
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(a_proxy_that_speaks_for_itself_needs_the_access_lists)
{
    allow_and_deny(NULL, "198.51.100.0/24");
    PUT("PROXY UNKNOWN\r\n" WIRE_GREETING);
    enter_and_hold();
    assert_not_answered(OUTCOME_DENIED, 0);
}
END_TEST

static void hold_one_of(const char *host)
{
    static struct connection other;
    other = connection;
    other.proxied = false;
    other.peer = numeric_address(host, "1");
    ck_assert(enter(&other));
    enter_and_hold();
    admission_leave(&other);
    admission_forget(&other);
}

START_TEST(limits_per_source_counts_the_client)
{
    settings->limits.per_source = 1;
    PUT(HEADER WIRE_GREETING);
    hold_one_of(_i == 0 ? "192.0.2.7" : "198.51.100.1");
    if (_i == 0) {
        assert_not_answered(OUTCOME_LIMITED, 0);
        wait_readable(monitor.wake_fd);
        (void)admission_warn(&admission, settings, false);
        ck_assert_ptr_nonnull(strstr(
            logged_text(), "warning limits.per_source reached; new connections "
                           "from some sources are refused; 192.0.2.7/32 holds the most, 1; "));
    } else
        assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(limits_per_source_does_not_count_a_proxy_that_speaks_for_itself)
{
    settings->limits.per_source = 1;
    PUT("PROXY UNKNOWN\r\n" WIRE_GREETING);
    hold_one_of("198.51.100.1");
    assert_answered(OUTCOME_OK, WIRE_OCTETS, WIRE_REPLY);
}
END_TEST

START_TEST(a_peer_that_is_no_proxy_has_no_header)
{
    connection.proxied = false;
    PUT(HEADER);
    enter_and_hold();
    assert_answered(OUTCOME_EXCESS, WIRE_OCTETS + 1, WIRE_REPLY);
    assert_addresses("198.51.100.1:999", "198.51.100.2:1060");
    ck_assert_ptr_null(connection.proxy);
}
END_TEST

Suite *proxy_header_receive_suite(void)
{
    Suite *suite = suite_create("proxy_header_receive");
    TCase *tcase = add_case(suite, "header", begin);
    tcase_add_checked_fixture(tcase, NULL, end);
    tcase_add_test(tcase, the_addresses_are_those_in_the_header);
    tcase_add_loop_test(tcase, local_and_unknown_keep_the_real_addresses, 0, 2);
    tcase_add_loop_test(tcase, header_and_message_can_come_in_parts, 1,
                        sizeof HEADER + WIRE_OCTETS - 1);
    tcase_add_loop_test(tcase, more_than_a_message_after_the_header_is_excess, 0, 2);
    tcase_add_test(tcase, a_message_that_ends_too_early_is_short);
    tcase_add_loop_test(tcase, a_header_alone_or_nothing_is_a_probe, 0, 3);
    tcase_add_test(tcase, a_missing_header_is_malformed);
    tcase_add_loop_test(tcase, an_end_inside_a_header_is_malformed, 1, sizeof HEADER - 1);
    tcase_add_loop_test(tcase, a_header_that_is_late_is_slow, 0, 3);
    tcase_add_loop_test(tcase, a_header_that_a_drain_cuts_is_slow, 0, 3);
    tcase_add_test(tcase, the_access_lists_decide_about_the_client);
    tcase_add_test(tcase, the_access_lists_do_not_decide_about_its_proxy);
    tcase_add_test(tcase, a_proxy_that_speaks_for_itself_needs_the_access_lists);
    tcase_add_loop_test(tcase, limits_per_source_counts_the_client, 0, 2);
    tcase_add_test(tcase, limits_per_source_does_not_count_a_proxy_that_speaks_for_itself);
    tcase_add_test(tcase, a_peer_that_is_no_proxy_has_no_header);
    TCase *tcp = add_case(suite, "header on TCP", begin_on_tcp);
    tcase_add_checked_fixture(tcp, NULL, end);
    tcase_add_loop_test(tcp, a_reset_inside_a_header_is_reset_and_before_or_after_it_a_probe, 0, 3);
    return suite;
}
