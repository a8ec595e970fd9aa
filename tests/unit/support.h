/* SPDX-License-Identifier: MIT */
/* What the suites share: test cases, connected sockets, and peers in threads. */
#ifndef UNIT_SUPPORT_H
#define UNIT_SUPPORT_H

#include "common/address.h"
#include "common/deadline.h"
#include "common/wire.h"
#include "faulty_io.h"

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One suite a file. */
Suite *recv_all_suite(void);
Suite *send_all_suite(void);
Suite *transfer_time_suite(void);
Suite *deadline_suite(void);
Suite *endpoint_suite(void);
Suite *address_suite(void);
Suite *number_suite(void);
Suite *histogram_suite(void);
Suite *text_suite(void);
Suite *descriptor_suite(void);
Suite *settings_suite(void);
Suite *setting_store_suite(void);
Suite *config_scan_suite(void);
Suite *config_file_suite(void);
Suite *settings_print_suite(void);
Suite *connection_suite(void);
Suite *exchange_suite(void);
Suite *exchange_faults_suite(void);
Suite *workers_suite(void);
Suite *lingering_close_suite(void);
Suite *log_writer_suite(void);
Suite *range_suite(void);
Suite *source_suite(void);
Suite *proxy_header_suite(void);
Suite *probe_suite(void);
Suite *times_suite(void);
Suite *verdict_suite(void);
Suite *tally_suite(void);
Suite *chart_suite(void);
Suite *misbehaviour_suite(void);
Suite *json_suite(void);
Suite *progress_suite(void);
Suite *accept_error_suite(void);
Suite *warning_suite(void);
Suite *stats_suite(void);
Suite *admission_suite(void);
Suite *prefix_suite(void);
Suite *proxy_header_parse_suite(void);
Suite *proxy_header_receive_suite(void);
Suite *notify_suite(void);
Suite *activation_suite(void);
Suite *listener_suite(void);
Suite *loop_suite(void);
Suite *prometheus_suite(void);
Suite *options_suite(void);
Suite *schedule_suite(void);
Suite *load_suite(void);

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A test case of `suite`. io_reset() goes before each of its tests, and so does
 * `connect`, which is NULL or connects `ends`: they are closed after the test. */
TCase *add_case(Suite *suite, const char *name, void (*connect)(void));

/* What the test itself needs, in whatever thread: abort if it isn't so. */
#define need(so, what) ((so) ? (void)0 : give_up(what))
_Noreturn void give_up(const char *what);

/* So many seconds from now. */
struct deadline in_seconds(double seconds);

/* The address that two numbers stand for. */
struct address numeric_address(const char *host, const char *port);

/* Fails unless address_format() writes it so. */
void assert_formats_as(const struct address *address, const char *expected);

/* The two ends of a connection. */
struct ends {
    int ours;   /* the tested code's */
    int theirs; /* the peer's; -1 once it is closed */
};

/* Two ends that socketpair(2) connects; two of a TCP connection on loopback. */
struct ends unix_ends(void);
struct ends tcp_ends(void);

/* The connection of a test that needs one; what connects it, for add_case(). */
extern struct ends ends;
void connect_unix(void);
void connect_tcp(void);

/* The peer ends its side, closes, or resets the connection. */
void end_theirs(const struct ends *pair);
void close_theirs(struct ends *pair);
void reset_theirs(struct ends *pair);

/* A TCP socket bound to a free port of 127.0.0.1, which it tells in `bound`; it
 * listens if `backlog` is 0 or more. */
int bound_socket(struct address *bound, int backlog);

/* Leave our end as little room to send as the kernel allows. */
void send_room_is_little(void);

/* Whether `fd` is an open file. */
bool is_open(int fd);

/* Write all of it; with write(2), so that scripts don't concern it. */
void write_octets(int fd, const void *octets, size_t count);

/* Read until end of file, error or `room` octets. Returns how many came, and in
 * `*end` what ended it: 0 for end of file, errno, or -1 for the room. */
size_t read_to_end(int fd, void *octets, size_t room, int *end);

/* Fails unless the peer gets exactly `count` octets of `expected`, then end of file. */
void assert_theirs_end_with(const struct ends *pair, const char *expected, size_t count);

/* Wait until something can be read from `fd`, or it is at its end. */
void wait_readable(int fd);

/* A peer that lives in a thread of its own beside the tested one. */
struct peer {
    int fd;
    pthread_t tested;
    pid_t tested_id;
    pthread_t thread;
};

/* Start `act`, which gets the peer, for the end `fd`. */
void peer_start(struct peer *peer, int fd, void *(*act)(void *));

/* Wait until the tested thread sleeps in its call number `calls`, or is through. */
void peer_wait_blocked(const struct peer *peer, unsigned calls);

/* Say that the tested call is through, and wait for the peer to end. */
void peer_join(const struct peer *peer);

/* An act: five octets of the greeting, then a reset of `ends`, each when the tested
 * side waits for it. */
void *reset_after_five(void *argument);

/* Count `signal`, and let it interrupt system calls. */
void count_signals(int signal);
int signals_counted(void);

#endif
