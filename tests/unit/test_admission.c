/* SPDX-License-Identifier: MIT */
/* Which connections get a worker. */
#include <config.h>

#include "log_support.h"
#include "server/connection/admission.h"
#include "settings_support.h"

#include <errno.h>
#include <sched.h>
#include <search.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#define PEERS 16

/* A tree without memory for another source. NOLINTBEGIN(bugprone-reserved-identifier) */
static bool no_room;
void *__real_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));
void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));

void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *))
{
    return no_room ? NULL : __real_tsearch(key, root, compare);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct monitor monitor;
static struct admission admission;
static struct settings *settings;
static struct connection *peers; /* PEERS of them */

static void begin(void)
{
    no_room = false;
    need(monitor_init(&monitor) == 0, "a monitor");
    admission = (struct admission){.monitor = &monitor};
    settings = new_settings();
    peers = calloc(PEERS, sizeof *peers);
    need(peers != NULL, "memory");
    for (size_t i = 0; i < PEERS; i++)
        peers[i] =
            (struct connection){.settings = settings, .peer = numeric_address("192.0.2.1", "1000")};
}

static void leave(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        admission_leave(&peers[i]);
}

static void end(void)
{
    leave(0, PEERS);
    for (size_t i = 0; i < PEERS; i++)
        admission_forget(&peers[i]);
    free(peers);
    ck_assert_ptr_null(admission.sources);
    monitor_destroy(&monitor);
    settings_unref(settings);
}

static void comes_from(size_t index, const char *host, const char *port)
{
    peers[index].peer = numeric_address(host, port);
}

/* What the admission says of a connection. The warnings tell by which limit it is refused. */
enum verdict { ADMITTED, DENIED, CONNECTIONS, PER_SOURCE, FAILED };

static enum verdict verdict(const struct connection *connection, bool admitted,
                            unsigned long warned)
{
    if (admitted)
        return ADMITTED;
    switch (connection->outcome) {
    case OUTCOME_DENIED: return DENIED;
    case OUTCOME_FAILED: ck_assert_int_eq(connection->error, ENOMEM); return FAILED;
    default: ck_assert_int_eq(connection->outcome, OUTCOME_LIMITED);
    }
    return admission.limit_warning.count > warned ? CONNECTIONS : PER_SOURCE;
}

static enum verdict enter(struct connection *connection)
{
    monitor_enter(&monitor);
    unsigned long warned = admission.limit_warning.count;
    admission_forget(connection); /* that it was here before */
    bool admitted = admission_enter(&admission, connection);
    enum verdict said = verdict(connection, admitted, warned);
    monitor_leave(&monitor);
    return said;
}

static enum verdict enter_again(struct connection *connection)
{
    unsigned long warned = admission.limit_warning.count;
    bool admitted = admission_enter_again(connection);
    return verdict(connection, admitted, warned);
}

static void assert_entered(size_t from, size_t to, enum verdict expected)
{
    for (size_t i = from; i < to; i++)
        ck_assert_int_eq(enter(&peers[i]), expected);
}

/* What the lists decide about each host. */
static const struct {
    const char *allow[2], *deny[2], *host;
    enum verdict verdict;
} lists[] = {
    {{NULL}, {NULL}, "192.0.2.1", ADMITTED},
    {{NULL}, {NULL}, "2001:db8::1", ADMITTED},
    {{"192.0.2.0/24"}, {NULL}, "192.0.2.1", ADMITTED},
    {{"192.0.2.0/24"}, {NULL}, "192.0.3.1", DENIED},
    {{"192.0.2.0/24"}, {NULL}, "2001:db8::1", DENIED},
    {{NULL}, {"192.0.2.0/24"}, "192.0.2.1", DENIED},
    {{NULL}, {"192.0.2.0/24"}, "192.0.3.1", ADMITTED},
    {{NULL}, {"0.0.0.0/0"}, "2001:db8::1", ADMITTED},
    {{NULL}, {"0.0.0.0/0", "::/0"}, "2001:db8::1", DENIED},
    {{"192.0.2.0/24"}, {"192.0.2.0/24"}, "192.0.2.1", DENIED},
    {{"192.0.2.0/24"}, {"192.0.2.1"}, "192.0.2.1", DENIED},
    {{"192.0.2.0/24"}, {"192.0.2.1"}, "192.0.2.2", ADMITTED},
    {{"192.0.2.0/25"}, {"192.0.2.0/24"}, "192.0.2.1", ADMITTED},
    {{"192.0.2.0/25"}, {"192.0.2.0/24"}, "192.0.2.129", DENIED},
    {{"192.0.2.0/23", "192.0.2.128/25"}, {"192.0.2.0/24"}, "192.0.2.1", DENIED},
    {{"192.0.2.0/23", "192.0.2.128/25"}, {"192.0.2.0/24"}, "192.0.2.129", ADMITTED},
    {{"192.0.2.0/23", "192.0.2.128/25"}, {"192.0.2.0/24"}, "192.0.3.1", ADMITTED},
    {{"2001:db8::/32"}, {"2001:db8:1::/48"}, "2001:db8::1", ADMITTED},
    {{"2001:db8::/32"}, {"2001:db8:1::/48"}, "2001:db8:1::1", DENIED},
};

static void store(struct prefixes *prefixes, const char *const texts[2])
{
    set_prefixes(prefixes, texts, (size_t)(texts[0] != NULL) + (size_t)(texts[1] != NULL));
}

static void take_lists(size_t index)
{
    store(&settings->access.allow, lists[index].allow);
    store(&settings->access.deny, lists[index].deny);
    comes_from(0, lists[index].host, "1000");
}

START_TEST(the_longest_prefix_decides_and_deny_wins_a_tie)
{
    take_lists((size_t)_i);
    assert_entered(0, 1, lists[_i].verdict);
}
END_TEST

START_TEST(a_proxied_one_is_decided_again_once_its_client_is_known)
{
    struct proxy_buffer buffer = {.header.has_addresses = true};
    take_lists((size_t)_i);
    peers[0].proxied = true;
    peers[0].proxy = &buffer;
    assert_entered(0, 1, ADMITTED);
    ck_assert_int_eq(enter_again(&peers[0]), lists[_i].verdict);
}
END_TEST

START_TEST(a_denied_one_is_not_counted)
{
    const char *const me[2] = {"192.0.2.1", NULL};
    settings->limits.per_source = 1;
    store(&settings->access.deny, me);
    assert_entered(0, 5, DENIED);
    set_prefixes(&settings->access.deny, NULL, 0);
    assert_entered(5, 6, ADMITTED);
}
END_TEST

START_TEST(a_proxied_one_has_a_slot_and_counts_for_its_source_once_that_is_known)
{
    struct proxy_buffer buffer = {.header.has_addresses = true};
    settings->limits.per_source = 1;
    settings->limits.connections = 3;
    settings->limits.when_full = WHEN_FULL_REFUSE;
    for (size_t i = 0; i < PEERS; i++) {
        peers[i].proxied = true;
        peers[i].proxy = &buffer;
    }
    assert_entered(0, 3, ADMITTED);
    assert_entered(3, 4, CONNECTIONS);
    ck_assert_int_eq(enter_again(&peers[0]), ADMITTED);
    ck_assert_int_eq(enter_again(&peers[1]), PER_SOURCE);
    buffer.header.has_addresses = false;
    ck_assert_int_eq(enter_again(&peers[2]), ADMITTED);
    leave(0, 1);
    buffer.header.has_addresses = true;
    assert_entered(4, 5, ADMITTED);
    ck_assert_int_eq(enter_again(&peers[4]), ADMITTED);
}
END_TEST

START_TEST(an_address_has_per_source_connections_and_no_more)
{
    settings->limits.per_source = 3;
    for (size_t i = 0; i < PEERS; i++)
        peers[i].peer.u.in.sin_port = htons((uint16_t)i);
    assert_entered(0, 3, ADMITTED);
    assert_entered(3, 5, PER_SOURCE);
    leave(0, 1);
    assert_entered(5, 6, ADMITTED);
    assert_entered(6, 7, PER_SOURCE);
}
END_TEST

START_TEST(each_address_has_its_own_count)
{
    settings->limits.per_source = 1;
    comes_from(1, "192.0.2.2", "1000");
    comes_from(2, "193.0.2.1", "1000");
    assert_entered(0, 3, ADMITTED);
    comes_from(3, "192.0.2.2", "1001");
    assert_entered(3, 5, PER_SOURCE);
    leave(0, 1);
    assert_entered(4, 5, ADMITTED);
    assert_entered(3, 4, PER_SOURCE);
}
END_TEST

START_TEST(an_IPv6_address_counts_by_its_64_bits_of_network)
{
    settings->limits.per_source = 1;
    comes_from(0, "2001:db8:0:1::1", "1000");
    comes_from(1, "2001:db8:0:1:ffff:ffff:ffff:ffff", "1000");
    comes_from(2, "2001:db8:0:2::1", "1000");
    comes_from(3, "2001:db8:0:1:8000::", "1000");
    assert_entered(0, 1, ADMITTED);
    assert_entered(1, 2, PER_SOURCE);
    assert_entered(2, 3, ADMITTED);
    assert_entered(3, 4, PER_SOURCE);
}
END_TEST

/* 2001:db8::/64 begins with the octets of 32.1.13.184, and goes on with zeros. */
START_TEST(IPv4_and_IPv6_are_counted_apart)
{
    settings->limits.per_source = 1;
    comes_from(0, "32.1.13.184", "1000");
    comes_from(1, "2001:db8::1", "1000");
    comes_from(2, "32.1.13.184", "1000");
    comes_from(3, "2001:db8::2", "1000");
    assert_entered(0, 2, ADMITTED);
    assert_entered(2, 4, PER_SOURCE);
}
END_TEST

START_TEST(without_limits_all_are_admitted)
{
    settings->limits.connections = 1; /* new connections wait in the queue */
    assert_entered(0, PEERS, ADMITTED);
}
END_TEST

START_TEST(one_that_leaves_twice_is_counted_out_once)
{
    settings->limits.per_source = 2;
    settings->limits.connections = 2;
    settings->limits.when_full = WHEN_FULL_REFUSE;
    assert_entered(0, 2, ADMITTED);
    leave(0, 1);
    leave(0, 1);
    assert_entered(2, 3, ADMITTED);
    settings->limits.connections = PEERS;
    assert_entered(3, 4, PER_SOURCE);
    settings->limits.per_source = 0;
    settings->limits.connections = 2;
    assert_entered(3, 4, CONNECTIONS);
}
END_TEST

START_TEST(a_refused_one_is_not_counted_and_need_not_leave)
{
    settings->limits.per_source = 1;
    settings->limits.connections = 2;
    settings->limits.when_full = WHEN_FULL_REFUSE;
    assert_entered(0, 1, ADMITTED);
    assert_entered(1, 4, PER_SOURCE);
    ck_assert_ptr_null(peers[1].admission);
    ck_assert_ptr_null(peers[1].source);
    leave(1, 4);
    assert_entered(1, 2, PER_SOURCE);
    comes_from(4, "192.0.2.2", "1000");
    assert_entered(4, 5, ADMITTED);
    comes_from(5, "192.0.2.3", "1000");
    assert_entered(5, 7, CONNECTIONS);
    leave(5, 7);
    assert_entered(5, 6, CONNECTIONS);
}
END_TEST

START_TEST(each_is_decided_by_its_own_settings)
{
    struct settings *generous = new_settings();
    generous->limits.per_source = 4;
    settings->limits.per_source = 2;
    for (size_t i = 0; i < 3; i++)
        peers[i].settings = generous;
    assert_entered(0, 3, ADMITTED);
    assert_entered(3, 4, PER_SOURCE);
    peers[3].settings = generous;
    assert_entered(3, 4, ADMITTED);
    leave(0, 3);
    assert_entered(4, 5, ADMITTED);
    assert_entered(5, 6, PER_SOURCE);
    settings_unref(generous);
}
END_TEST

START_TEST(one_that_came_without_a_limit_is_counted_for_its_source)
{
    assert_entered(0, 2, ADMITTED);
    settings->limits.per_source = 2;
    assert_entered(2, 3, PER_SOURCE);
    leave(0, 1);
    assert_entered(2, 3, ADMITTED);
}
END_TEST

/* Between the two, its worker is between two holds of the monitor. */
START_TEST(a_source_is_kept_until_its_last_connection_is_forgotten)
{
    settings->limits.per_source = 1;
    assert_entered(0, 1, ADMITTED);
    const struct source *source = peers[0].source;
    leave(0, 1);
    assert_entered(1, 2, ADMITTED);
    ck_assert_ptr_eq(peers[1].source, source);
    admission_forget(&peers[0]);
    admission_forget(&peers[0]); /* does nothing */
    assert_entered(2, 3, PER_SOURCE);
    leave(1, 2);
    admission_forget(&peers[1]);
    ck_assert_ptr_null(admission.sources);
    assert_entered(3, 4, ADMITTED);
}
END_TEST

START_TEST(past_limits_connections_peers_are_refused_if_they_must_not_wait)
{
    settings->limits.connections = 3;
    settings->limits.when_full = WHEN_FULL_REFUSE;
    assert_entered(0, 3, ADMITTED);
    assert_entered(3, 4, CONNECTIONS);
    leave(1, 2);
    assert_entered(4, 5, ADMITTED);
    assert_entered(5, 6, CONNECTIONS);
    settings->limits.when_full = WHEN_FULL_WAIT;
    assert_entered(5, 6, ADMITTED);
}
END_TEST

START_TEST(without_memory_none_is_counted)
{
    settings->limits.per_source = 1;
    no_room = true;
    assert_entered(0, 1, FAILED);
    ck_assert_ptr_null(peers[0].admission);
    ck_assert_ptr_null(peers[0].source);
    leave(0, 1);
    no_room = false;
    assert_entered(0, 1, ADMITTED);
}
END_TEST

#define WARNING                                                                          \
    "warning limits.per_source reached; new connections from some sources are refused; " \
    "192.0.2.1/32 holds the most, 1; raise limits.per_source if many clients share an "  \
    "address count="

START_TEST(a_warning_waits_for_its_second_but_at_the_end)
{
    log_capture();
    settings->limits.per_source = 1;
    assert_entered(0, 1, ADMITTED);
    ck_assert_int_eq(admission_warn(&admission, settings, false), NEVER);
    assert_entered(1, 2, PER_SOURCE);
    ck_assert_int_eq(admission_warn(&admission, settings, false), NEVER);
    assert_logged(WARNING "1\n");
    assert_entered(2, 5, PER_SOURCE);
    ck_assert_int_gt(admission_warn(&admission, settings, false), 0);
    assert_logged("");
    (void)admission_warn(&admission, settings, true);
    assert_logged(WARNING "3\n");
    log_release();
}
END_TEST

/* Of those that were refused since the last warning. */
START_TEST(the_warning_of_per_source_names_the_refused_one_that_holds_the_most)
{
    const char *hosts[] = {"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.2"};
    log_capture();
    for (size_t i = 0; i < COUNT(hosts); i++)
        comes_from(i, hosts[i], "1");
    assert_entered(0, 7, ADMITTED); /* 3 of the /64, 1, and 3 of 192.0.2.1 */
    settings->limits.per_source = 1;
    comes_from(7, "192.0.2.2", "2");
    comes_from(8, "2001:db8::4", "2");
    comes_from(9, "192.0.2.2", "3");
    assert_entered(7, 10, PER_SOURCE);
    leave(0, 3);
    (void)admission_warn(&admission, settings, true);
    ck_assert_ptr_nonnull(strstr(logged_text(), "; 2001:db8::/64 holds the most, 3; "));
    assert_entered(7, 8, PER_SOURCE);
    (void)admission_warn(&admission, settings, true);
    ck_assert_ptr_nonnull(strstr(logged_text(), "; 192.0.2.2/32 holds the most, 1; "));
    log_release();
}
END_TEST

#define FULL(text)                                                                    \
    "warning limits.connections reached; new connections are refused" text "; raise " \
    "limits.connections or lower limits.per_source count=1\n"

START_TEST(the_warning_of_connections_names_the_one_that_holds_the_most)
{
    log_capture();
    settings->limits.connections = 10;
    settings->limits.when_full = WHEN_FULL_REFUSE;
    for (size_t i = 0; i < 10; i++)
        comes_from(i, i < 4 ? "192.0.2.9" : i < 7 ? "2001:db8::1" : "192.0.2.8", "1");
    assert_entered(0, 10, ADMITTED);
    assert_entered(10, 11, CONNECTIONS);
    (void)admission_warn(&admission, settings, true);
    assert_logged(FULL("; 192.0.2.9/32 holds the most, 4"));
    assert_entered(10, 11, CONNECTIONS);
    leave(0, 2);
    (void)admission_warn(&admission, settings, true);
    const char *text = logged_text();
    ck_assert(strstr(text, "/64 holds the most, 3;") || strstr(text, ".8/32 holds the most, 3;"));
    assert_entered(10, 12, ADMITTED);
    assert_entered(12, 13, CONNECTIONS);
    leave(0, PEERS);
    (void)admission_warn(&admission, settings, true); /* too late */
    assert_logged(FULL(""));
    log_release();
}
END_TEST

static eventfd_t wakes(void)
{
    eventfd_t count;
    return eventfd_read(monitor.wake_fd, &count) == 0 ? count : 0;
}

START_TEST(the_first_one_that_a_warning_counts_wakes_the_main_loop)
{
    log_capture();
    settings->limits.per_source = 1;
    assert_entered(0, 1, ADMITTED);
    ck_assert_uint_eq(wakes(), 0);
    assert_entered(1, 2, PER_SOURCE);
    ck_assert_uint_eq(wakes(), 1);
    assert_entered(2, 5, PER_SOURCE);
    ck_assert_uint_eq(wakes(), 0);
    (void)admission_warn(&admission, settings, true);
    assert_entered(5, 7, PER_SOURCE);
    ck_assert_uint_eq(wakes(), 1);
    log_release();
}
END_TEST

START_TEST(a_proxied_one_that_its_source_s_limit_refuses_wakes_the_main_loop)
{
    struct proxy_buffer buffer = {.header.has_addresses = true};
    settings->limits.per_source = 1;
    for (size_t i = 0; i < 2; i++) {
        peers[i].proxied = true;
        peers[i].proxy = &buffer;
    }
    assert_entered(0, 2, ADMITTED);
    ck_assert_int_eq(enter_again(&peers[0]), ADMITTED);
    ck_assert_uint_eq(wakes(), 0);
    ck_assert_int_eq(enter_again(&peers[1]), PER_SOURCE);
    ck_assert_uint_eq(wakes(), 1);
}
END_TEST

/* It has no warning. */
START_TEST(a_denial_does_not_wake_the_main_loop)
{
    const char *const me[2] = {"192.0.2.1", NULL};
    store(&settings->access.deny, me);
    assert_entered(0, 1, DENIED);
    ck_assert_uint_eq(wakes(), 0);
    ck_assert_int_eq(admission_warn(&admission, settings, true), NEVER);
}
END_TEST

enum { THREADS = 4, ROUNDS = 2000, LIMIT = 2 };
static atomic_int inside;
static atomic_int most_inside;
static atomic_int admitted;

static void note_entry(void)
{
    int now = atomic_fetch_add(&inside, 1) + 1;
    int most = atomic_load(&most_inside);
    while (most < now && !atomic_compare_exchange_weak(&most_inside, &most, now))
        continue;
    atomic_fetch_add(&admitted, 1);
}

static void *enter_and_leave(void *argument)
{
    struct connection *mine = argument;
    for (int i = 0; i < ROUNDS; i++) {
        if (enter(mine) != ADMITTED)
            continue;
        note_entry();
        if (i % 16 == 0)
            sched_yield();
        atomic_fetch_sub(&inside, 1);
        admission_leave(mine);
    }
    return NULL;
}

START_TEST(many_threads_enter_and_leave_and_none_exceeds_the_limit)
{
    pthread_t threads[THREADS];
    settings->limits.per_source = LIMIT;
    inside = most_inside = admitted = 0;
    for (size_t i = 0; i < THREADS; i++)
        need(pthread_create(&threads[i], NULL, enter_and_leave, &peers[i]) == 0, "a thread");
    for (size_t i = 0; i < THREADS; i++)
        need(pthread_join(threads[i], NULL) == 0, "the end of a thread");
    ck_assert_int_eq(inside, 0);
    ck_assert_int_gt(admitted, 0);
    ck_assert_int_le(most_inside, LIMIT);
    assert_entered(0, LIMIT, ADMITTED);
    assert_entered(LIMIT, LIMIT + 1, PER_SOURCE);
}
END_TEST

/* Connections on their way from the thread that enters them to those that count them out. */
static struct way {
    sem_t free;
    sem_t given;
    struct connection *connection; /* `free` and `given` say which thread owns it */
} ways[THREADS];
static sem_t out; /* counts the connections that were counted out */
static atomic_bool over;

static void *leave_what_is_given(void *argument)
{
    struct way *way = argument;
    for (;;) {
        sem_wait(&way->given);
        if (atomic_load(&over))
            return NULL;
        atomic_fetch_sub(&inside, 1);
        admission_leave(way->connection);
        sem_post(&way->free);
        sem_post(&out);
    }
}

/* After a refusal, another connection has still to be counted out. */
static void enter_and_give(size_t index)
{
    sem_wait(&ways[index].free);
    while (enter(&peers[index]) != ADMITTED)
        sem_wait(&out);
    note_entry();
    ways[index].connection = &peers[index];
    sem_post(&ways[index].given);
}

START_TEST(one_enters_and_many_threads_leave_and_connections_hold)
{
    pthread_t threads[THREADS];
    settings->limits.connections = LIMIT;
    settings->limits.when_full = WHEN_FULL_REFUSE;
    inside = most_inside = admitted = 0;
    atomic_store(&over, false);
    need(sem_init(&out, 0, 0) == 0, "a semaphore");
    for (size_t i = 0; i < THREADS; i++)
        need(sem_init(&ways[i].free, 0, 1) == 0 && sem_init(&ways[i].given, 0, 0) == 0 &&
                 pthread_create(&threads[i], NULL, leave_what_is_given, &ways[i]) == 0,
             "a thread");
    for (size_t i = 0; i < ROUNDS; i++)
        enter_and_give(i % THREADS);
    for (size_t i = 0; i < THREADS; i++)
        sem_wait(&ways[i].free);
    atomic_store(&over, true);
    for (size_t i = 0; i < THREADS; i++) {
        sem_post(&ways[i].given);
        need(pthread_join(threads[i], NULL) == 0, "the end of a thread");
    }
    ck_assert_int_eq(inside, 0);
    ck_assert_int_le(most_inside, LIMIT);
    assert_entered(0, LIMIT, ADMITTED);
    assert_entered(LIMIT, LIMIT + 1, CONNECTIONS);
}
END_TEST

Suite *admission_suite(void)
{
    Suite *suite = suite_create("admission");
    TCase *tcase = add_case(suite, "admission", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_loop_test(tcase, the_longest_prefix_decides_and_deny_wins_a_tie, 0, COUNT(lists));
    tcase_add_loop_test(tcase, a_proxied_one_is_decided_again_once_its_client_is_known, 0,
                        COUNT(lists));
    tcase_add_test(tcase, a_denied_one_is_not_counted);
    tcase_add_test(tcase, a_proxied_one_has_a_slot_and_counts_for_its_source_once_that_is_known);
    tcase_add_test(tcase, an_address_has_per_source_connections_and_no_more);
    tcase_add_test(tcase, each_address_has_its_own_count);
    tcase_add_test(tcase, an_IPv6_address_counts_by_its_64_bits_of_network);
    tcase_add_test(tcase, IPv4_and_IPv6_are_counted_apart);
    tcase_add_test(tcase, without_limits_all_are_admitted);
    tcase_add_test(tcase, one_that_leaves_twice_is_counted_out_once);
    tcase_add_test(tcase, a_refused_one_is_not_counted_and_need_not_leave);
    tcase_add_test(tcase, each_is_decided_by_its_own_settings);
    tcase_add_test(tcase, one_that_came_without_a_limit_is_counted_for_its_source);
    tcase_add_test(tcase, a_source_is_kept_until_its_last_connection_is_forgotten);
    tcase_add_test(tcase, past_limits_connections_peers_are_refused_if_they_must_not_wait);
    tcase_add_test(tcase, without_memory_none_is_counted);
    tcase_add_test(tcase, a_warning_waits_for_its_second_but_at_the_end);
    tcase_add_test(tcase, the_warning_of_per_source_names_the_refused_one_that_holds_the_most);
    tcase_add_test(tcase, the_warning_of_connections_names_the_one_that_holds_the_most);
    tcase_add_test(tcase, the_first_one_that_a_warning_counts_wakes_the_main_loop);
    tcase_add_test(tcase, a_proxied_one_that_its_source_s_limit_refuses_wakes_the_main_loop);
    tcase_add_test(tcase, a_denial_does_not_wake_the_main_loop);
    tcase_add_test(tcase, many_threads_enter_and_leave_and_none_exceeds_the_limit);
    tcase_add_test(tcase, one_enters_and_many_threads_leave_and_connections_hold);
    return suite;
}
