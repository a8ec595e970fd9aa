/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "support.h"

#include "common/checked.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Enough for a busy machine; only a test that hangs takes that long. */
#define HANGS_AFTER 20

struct ends ends;
static atomic_bool tested_is_done;
static atomic_int signals;

static void disconnect(void)
{
    close(ends.ours);
    close_theirs(&ends);
}

TCase *add_case(Suite *suite, const char *name, void (*connect)(void))
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, HANGS_AFTER);
    tcase_add_checked_fixture(tcase, io_reset, NULL);
    if (connect != NULL)
        tcase_add_checked_fixture(tcase, connect, disconnect);
    suite_add_tcase(suite, tcase);
    return tcase;
}

void give_up(const char *what)
{
    fprintf(stderr, "the test needs %s: %s\n", what, strerror(errno));
    abort();
}

bool has_tcp_info(void)
{
    return has_option(IPPROTO_TCP, TCP_INFO, offsetof(struct tcp_info, tcpi_total_retrans) + 4);
}

bool shows_time_limits(void)
{
    const struct timeval second = {.tv_sec = 1};
    struct timeval shown = {0};
    socklen_t length = sizeof shown;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) == 0,
         "a time limit");
    bool shows = getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &shown, &length) == 0 && shown.tv_sec == 1;
    close(fd);
    return shows;
}

bool has_minttl(void)
{
    return has_option(IPPROTO_IP, IP_MINTTL, 1);
}

struct deadline in_seconds(double seconds)
{
    return deadline_after(clock_nanoseconds(), seconds);
}

struct address numeric_address(const char *host, const char *port)
{
    struct endpoint endpoint;
    struct address *list = NULL;
    size_t count;
    snprintf(endpoint.host, sizeof endpoint.host, "%s", host);
    snprintf(endpoint.port, sizeof endpoint.port, "%s", port);
    ck_assert_int_eq(endpoint_resolve(&endpoint, AF_UNSPEC, AI_NUMERICHOST, &list, &count), 0);
    ck_assert_uint_eq(count, 1);
    struct address only = list[0];
    free(list);
    return only;
}

void assert_formats_as(const struct address *address, const char *expected)
{
    char text[ADDRESS_TEXT];
    ck_assert_str_eq(address_format(address, text), expected);
}

struct ends unix_ends(void)
{
    int fds[2];
    need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "a pair of sockets");
    return (struct ends){fds[0], fds[1]};
}

int bound_socket(struct address *bound, int backlog)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bound->u.in = in;
    bound->length = sizeof in;
    need(fd >= 0 && bind(fd, &bound->u.any, bound->length) == 0, "a port on loopback");
    need(getsockname(fd, &bound->u.any, &bound->length) == 0, "the port's number");
    need(backlog < 0 || listen(fd, backlog) == 0, "a listening socket");
    return fd;
}

struct ends tcp_ends(void)
{
    struct address bound;
    int listening = bound_socket(&bound, 1);
    int theirs = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(theirs >= 0 && connect(theirs, &bound.u.any, bound.length) == 0,
         "a connection on loopback");
    int ours = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    need(ours >= 0, "the other end of it");
    close(listening);
    return (struct ends){ours, theirs};
}

void connect_unix(void)
{
    ends = unix_ends();
}

void connect_tcp(void)
{
    ends = tcp_ends();
}

void end_theirs(const struct ends *pair)
{
    need(shutdown(pair->theirs, SHUT_WR) == 0, "to end the peer's side");
}

void close_theirs(struct ends *pair)
{
    if (pair->theirs >= 0)
        close(pair->theirs);
    pair->theirs = -1;
}

void reset_theirs(struct ends *pair)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    need(setsockopt(pair->theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0,
         "to reset the connection");
    close_theirs(pair);
}

void send_room_is_little(void)
{
    const int little = 1; /* the kernel raises it to its minimum */
    need(setsockopt(ends.ours, SOL_SOCKET, SO_SNDBUF, &little, sizeof little) == 0,
         "little room to send");
}

bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

void write_octets(int fd, const void *octets, size_t count)
{
    const char *at = octets;
    while (count > 0) {
        ssize_t written = write(fd, at, count);
        need(written > 0 || errno == EINTR, "to write to the tested side");
        if (written > 0) {
            at += written;
            count -= (size_t)written;
        }
    }
}

size_t read_to_end(int fd, void *octets, size_t room, int *end)
{
    size_t count = 0;
    *end = -1;
    while (count < room) {
        ssize_t got = read(fd, (char *)octets + count, room - count);
        if (got <= 0) {
            *end = got == 0 ? 0 : errno;
            break;
        }
        count += (size_t)got;
    }
    return count;
}

void assert_theirs_end_with(const struct ends *pair, const char *expected, size_t count)
{
    char came[256];
    int end;
    size_t got = read_to_end(pair->theirs, came, sizeof came, &end);
    ck_assert_uint_eq(got, count);
    ck_assert_mem_eq(came, expected, count);
    ck_assert_int_eq(end, 0);
}

void wait_readable(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    need(poll(&readable, 1, -1) == 1, "something to read");
}

void peer_start(struct peer *peer, int fd, void *(*act)(void *))
{
    peer->fd = fd;
    peer->tested = pthread_self();
    peer->tested_id = gettid();
    atomic_store(&tested_is_done, false);
    CHECKED(pthread_create(&peer->thread, NULL, act, peer));
}

/* Return the state of a thread, as in proc(5): 'R' runs, 'S' sleeps. */
static char state_of(pid_t id)
{
    char path[64];
    char text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)id);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    need(fd >= 0 && read(fd, text, sizeof text - 1) > 0, "proc(5)");
    close(fd);
    const char *after_name = strrchr(text, ')');
    return after_name != NULL && after_name[1] == ' ' ? after_name[2] : '?';
}

void peer_wait_blocked(const struct peer *peer, unsigned calls)
{
    while (!atomic_load(&tested_is_done) &&
           (io_calls() < calls || state_of(peer->tested_id) != 'S'))
        sched_yield();
}

void peer_join(const struct peer *peer)
{
    atomic_store(&tested_is_done, true);
    CHECKED(pthread_join(peer->thread, NULL));
}

void *reset_after_five(void *argument)
{
    const struct peer *peer = argument;
    peer_wait_blocked(peer, 1);
    write_octets(peer->fd, WIRE_GREETING, 5);
    peer_wait_blocked(peer, 2);
    reset_theirs(&ends);
    return NULL;
}

static void count_signal(int signal)
{
    (void)signal;
    atomic_fetch_add(&signals, 1);
}

void count_signals(int signal)
{
    struct sigaction action = {.sa_handler = count_signal};
    atomic_store(&signals, 0);
    need(sigaction(signal, &action, NULL) == 0, "a signal handler");
}

void count_blocked_signals(int signal)
{
    sigset_t blocked;
    count_signals(signal);
    sigemptyset(&blocked);
    sigaddset(&blocked, signal);
    CHECKED(pthread_sigmask(SIG_BLOCK, &blocked, NULL));
}

int signals_counted(void)
{
    return atomic_load(&signals);
}
