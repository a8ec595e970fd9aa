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

/* One for each file. */
Suite *deadline_suite(void);
Suite *recv_all_suite(void);
Suite *send_all_suite(void);
Suite *transfer_time_suite(void);
Suite *endpoint_suite(void);
Suite *address_suite(void);
Suite *prefix_suite(void);
Suite *number_suite(void);
Suite *histogram_suite(void);
Suite *text_suite(void);
Suite *tail_queue_suite(void);
Suite *command_line_suite(void);
Suite *descriptor_suite(void);
Suite *file_writer_suite(void);
Suite *settings_suite(void);
Suite *setting_store_suite(void);
Suite *config_scan_suite(void);
Suite *config_file_suite(void);
Suite *settings_print_suite(void);
Suite *listen_addresses_suite(void);
Suite *options_suite(void);
Suite *log_writer_suite(void);
Suite *log_output_suite(void);
Suite *warning_suite(void);
Suite *stats_suite(void);
Suite *prometheus_suite(void);
Suite *metrics_writer_suite(void);
Suite *connection_suite(void);
Suite *protocol_guess_suite(void);
Suite *exchange_suite(void);
Suite *exchange_faults_suite(void);
Suite *proxy_header_parse_suite(void);
Suite *proxy_header_receive_suite(void);
Suite *monitor_suite(void);
Suite *admission_suite(void);
Suite *workers_suite(void);
Suite *lingering_close_suite(void);
Suite *acceptor_suite(void);
Suite *listener_suite(void);
Suite *loop_suite(void);
Suite *config_reader_suite(void);
Suite *activation_suite(void);
Suite *notify_suite(void);
Suite *seccomp_suite(void);
Suite *source_suite(void);
Suite *proxy_header_suite(void);
Suite *script_suite(void);
Suite *verdict_suite(void);
Suite *target_suite(void);
Suite *tcp_state_suite(void);
Suite *resolver_suite(void);
Suite *names_suite(void);
Suite *client_exchange_suite(void);
Suite *schedule_suite(void);
Suite *engine_suite(void);
Suite *range_suite(void);
Suite *client_options_suite(void);
Suite *instant_suite(void);
Suite *times_suite(void);
Suite *tally_suite(void);
Suite *target_metrics_suite(void);
Suite *chart_suite(void);
Suite *progress_suite(void);
Suite *path_suite(void);
Suite *results_suite(void);
Suite *run_suite(void);

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Add a test case to `suite`. Before each test io_reset() is called, and `connect`, which connects
 * `ends` or is NULL. `ends` are closed after the test. */
TCase *add_case(Suite *suite, const char *name, void (*connect)(void));

/* Abort unless something that the test itself needs is true. Any thread can call this. */
#define need(condition, what) ((condition) ? (void)0 : give_up(what))
_Noreturn void give_up(const char *what);

/* What the message of a test that is skipped begins with: unit.c. */
#define SKIPPED "skipped: "

/* Skip the test, and say what the kernel does not have. The kernel that an emulator shows to its
 * programs does not have everything. */
#define skip_unless(condition, what) ((condition) ? (void)0 : ck_abort_msg(SKIPPED "no " what))

/* TCP_INFO: what TCP sent again, and how many connections wait to be accepted. */
bool has_tcp_info(void);

/* Whether a time limit of a socket can be queried. */
bool shows_time_limits(void);

/* IP_MINTTL, which blocks new handshakes. */
bool has_minttl(void);

/* The size of a pipe that must be full, also where pages are larger, and with them pipes. */
#define PIPE_SIZE 65536

/* Return the deadline `seconds` from now. */
struct deadline in_seconds(double seconds);

/* Return the address of a numeric host and port. */
struct address numeric_address(const char *host, const char *port);

/* Fail unless that is the address's text. */
void assert_formats_as(const struct address *address, const char *expected);

/* The two ends of a connection. */
struct ends {
    int ours;   /* of the tested code */
    int theirs; /* of the peer; -1 once it is closed */
};

/* Connect two ends, by socketpair(2) or over TCP on loopback. */
struct ends unix_ends(void);
struct ends tcp_ends(void);

/* The connection of a test that needs one, and what connects it, for add_case(). */
extern struct ends ends;
void connect_unix(void);
void connect_tcp(void);

/* Make the peer end its side, close, or reset the connection. */
void end_theirs(const struct ends *pair);
void close_theirs(struct ends *pair);
void reset_theirs(struct ends *pair);

/* Open a TCP socket bound to a free port of 127.0.0.1, with its address in `bound`. It listens if
 * `backlog` is 0 or more. */
int bound_socket(struct address *bound, int backlog);

/* Give our end as little room to send as the kernel allows. */
void send_room_is_little(void);

/* Whether `fd` is an open descriptor. */
bool is_open(int fd);

/* Write all octets, with write(2), which no script concerns. */
void write_octets(int fd, const void *octets, size_t count);

/* Read until end of file, an error or `room` octets. Returns the number of octets, and in `*end`
 * the reason to stop: 0 for end of file, errno, or -1 for the room. */
size_t read_to_end(int fd, void *octets, size_t room, int *end);

/* Fail unless the peer gets exactly `count` octets of `expected`, then end of file. */
void assert_theirs_end_with(const struct ends *pair, const char *expected, size_t count);

/* Wait until something can be read from `fd`, or end of file. */
void wait_readable(int fd);

/* A peer in another thread than the tested code. */
struct peer {
    int fd;
    pthread_t tested;
    pid_t tested_id;
    pthread_t thread;
};

/* Start `act`, which gets the peer, for the end `fd`. */
void peer_start(struct peer *peer, int fd, void *(*act)(void *));

/* Wait until the tested thread sleeps in its call number `calls`, or is done. */
void peer_wait_blocked(const struct peer *peer, unsigned calls);

/* Note that the tested call is done, and wait for the peer to end. */
void peer_join(const struct peer *peer);

/* An act: send five octets of the greeting, then reset `ends`, each while the tested side waits. */
void *reset_after_five(void *argument);

/* Count `signal`, and let it interrupt system calls. */
void count_signals(int signal);

/* Count `signal`, let it interrupt system calls, and block it in this thread and in those that it
 * starts. */
void count_blocked_signals(int signal);
int signals_counted(void);

#endif
