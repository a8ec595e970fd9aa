/* SPDX-License-Identifier: MIT */
/* Listening sockets: opened, adopted, changed and stopped. */
#include <config.h>

#include "descriptor_support.h"
#include "log_support.h"
#include "server/connection/listeners.h"
#include "server/process/passed_sockets.h"
#include "server/process/systemd.h"
#include "settings_support.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define PORTS 3

/* A host without an address family. NOLINTBEGIN(bugprone-reserved-identifier) */
static int failing_family;
static int failing_error; /* 0: every family works */
int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);

int __wrap_socket(int family, int type, int protocol)
{
    if (failing_error == 0 || family != failing_family)
        return io_fails(FAULT_SOCKET) ? -1 : __real_socket(family, type, protocol);
    errno = failing_error;
    return -1;
}

/* Sockets that cannot listen. */
static bool no_listen;
int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);

int __wrap_listen(int fd, int backlog)
{
    errno = EADDRINUSE;
    return no_listen ? -1 : __real_listen(fd, backlog);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    return io_fails(FAULT_SETSOCKOPT) ? -1 : __real_setsockopt(fd, level, name, value, size);
}

/* The name with times of 64 bits on 32-bit systems. */
int __wrap___setsockopt64(int fd, int level, int name, const void *value, socklen_t size);

int __wrap___setsockopt64(int fd, int level, int name, const void *value, socklen_t size)
{
    return __wrap_setsockopt(fd, level, name, value, size);
}

/* How often a port that is not 0 is in use. */
static int busy_ports;
int __real_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    const struct sockaddr_in *in = (const void *)address;
    if (busy_ports == 0 || in->sin_port == 0)
        return io_fails(FAULT_BIND) ? -1 : __real_bind(fd, address, length);
    busy_ports--;
    errno = EADDRINUSE;
    return -1;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct listeners listeners;
static struct settings *settings;
static struct settings *old;
static int held[PORTS];
static char place[PORTS][ADDRESS_TEXT];

/* Hold ports that no other process gets at any address, and that the daemon can bind. */
static void hold_ports(void)
{
    const int on = 1;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    for (size_t i = 0; i < PORTS; i++) {
        struct address address;
        held[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        need(held[i] >= 0 && setsockopt(held[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                 bind(held[i], (const struct sockaddr *)&in, sizeof in) == 0 &&
                 address_of_socket(held[i], &address) == 0,
             "a port");
        address.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address_format(&address, place[i]);
    }
}

static void begin(void)
{
    failing_error = busy_ports = 0;
    no_listen = false;
    listeners.count = 0;
    settings = new_settings();
    old = new_settings();
    settings->limits.backlog = 5;
    hold_ports();
}

static void end(void)
{
    failing_error = 0;
    listeners_close(&listeners);
    for (size_t i = 0; i < PORTS; i++)
        close(held[i]);
    settings_unref(settings);
    settings_unref(old);
}

/* Copy what concerns listeners. */
static void copy_settings(struct settings *to, const struct settings *from)
{
    to->listen = from->listen;
    to->limits.backlog = from->limits.backlog;
}

/* Change the addresses in the settings; the former settings become the old ones. */
static void set_addresses(size_t count, const char *const *texts)
{
    copy_settings(old, settings);
    set_listen(settings, texts, count);
}
#define SET_LISTEN(...)                                                        \
    set_addresses(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
                  (const char *const[]){__VA_ARGS__})

static int open_them(void)
{
    return listeners_open(&listeners, settings);
}

static int change(void)
{
    return listeners_change(&listeners, old, settings);
}

static const char *line(const char *before, const char *text, const char *after)
{
    static char composed[512];
    snprintf(composed, sizeof composed, "%s%s%s", before, text, after);
    return composed;
}

/* Return the lowest number that is free; a descriptor that is left open takes it. */
static int lowest_free(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    need(fd >= 0, "a descriptor");
    close(fd);
    return fd;
}

static const char *bound_text(size_t index)
{
    static char text[2][ADDRESS_TEXT];
    return address_format(&listeners.list[index]->bound, text[index % 2]);
}

/* Start a connection, and do not wait for the handshake. */
static int call(const struct address *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    need(fd >= 0 && (connect(fd, &address->u.any, address->length) == 0 || errno == EINPROGRESS),
         "a connection");
    return fd;
}

/* Whether the handshake is complete, or refused, by now. */
static bool is_answered(int fd)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    return poll(&writable, 1, 0) == 1;
}

static void wait_answered(int fd)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    need(poll(&writable, 1, -1) == 1, "an answer");
}

/* Connect a peer, and wait until it is queued. */
static int queue_peer(const struct listener *listener)
{
    int fd = call(&listener->bound);
    wait_answered(fd);
    wait_readable(listener->fd);
    return fd;
}

/* Accept one peer, and close it. */
static void assert_accepts(int listening)
{
    wait_readable(listening);
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void assert_serves(size_t index)
{
    int peer = queue_peer(listeners.list[index]);
    assert_accepts(listeners.list[index]->fd);
    close(peer);
}

START_TEST(each_address_is_opened)
{
    char expected[256];
    SET_LISTEN("127.0.0.1:0", "127.0.0.2:0");
    ck_assert_int_eq(open_them(), 0);
    ck_assert_uint_eq(listeners.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct listener *listener = listeners.list[i];
        ck_assert_int_eq(fcntl(listener->fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fcntl(listener->fd, F_GETFL) & O_NONBLOCK, 0);
        ck_assert_uint_eq(listener->asked.u.in.sin_port, 0);
        ck_assert_uint_ne(listener->bound.u.in.sin_port, 0);
        ck_assert(!listener->adopted && listener->quiet_from == 0);
        assert_serves(i);
    }
    snprintf(expected, sizeof expected, "notice Listening at %s\nnotice Listening at %s\n",
             bound_text(0), bound_text(1));
    assert_logged(expected);
}
END_TEST

START_TEST(a_star_is_every_address_of_each_family)
{
    SET_LISTEN("*:0");
    ck_assert_int_eq(open_them(), 0);
    ck_assert_uint_ge(listeners.count, 1);
    for (size_t i = 0; i < listeners.count; i++) {
        const struct listener *listener = listeners.list[i];
        int only = 1;
        socklen_t size = sizeof only;
        ck_assert(address_is_wildcard(&listener->bound));
        if (listener->bound.u.any.sa_family == AF_INET6)
            ck_assert_int_eq(getsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size), 0);
        ck_assert_int_eq(only, 1);
    }
}
END_TEST

static const struct {
    const char *text;
    int error;
} left_out[] = {{"[::1]:0", EAFNOSUPPORT},
                {"[2001:db8::1]:0", EAFNOSUPPORT},
                {"[::1]:0", EADDRNOTAVAIL},
                {"[::]:0", EADDRNOTAVAIL}};

START_TEST(without_IPv6_its_addresses_are_left_out)
{
    char expected[256];
    SET_LISTEN("127.0.0.1:0", left_out[_i].text);
    failing_family = AF_INET6;
    failing_error = left_out[_i].error;
    ck_assert_int_eq(open_them(), 0);
    ck_assert_uint_eq(listeners.count, 1);
    snprintf(expected, sizeof expected,
             "warning cannot listen at %s; continuing without it: %s\nnotice Listening at %s\n",
             left_out[_i].text, strerror(left_out[_i].error), bound_text(0));
    assert_logged(expected);
}
END_TEST

START_TEST(at_least_one_address_is_needed)
{
    SET_LISTEN("[::1]:0");
    failing_family = AF_INET6;
    failing_error = EAFNOSUPPORT;
    ck_assert_int_eq(open_them(), -1);
    ck_assert_uint_eq(listeners.count, 0);
    ck_assert_ptr_nonnull(strstr(logged_text(), "\ncrit no listening address could be opened\n"));
}
END_TEST

static const struct {
    const char *text;
    int family, error;
    const char *why;
} refused[] = {
    {"192.0.2.1:0", AF_INET, EADDRNOTAVAIL,
     "Cannot assign requested address; no interface of this host has that address"},
    {"[2001:db8::1]:0", AF_INET6, EADDRNOTAVAIL,
     "Cannot assign requested address; no interface of this host has that address"},
    {"127.0.0.1:1", AF_INET, EACCES,
     "Permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE"},
    {"[::1]:1", AF_INET6, EACCES,
     "Permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE"},
    {"127.0.0.1:1", AF_INET, EMFILE, "Too many open files"},
};

START_TEST(an_address_that_cannot_be_opened_is_logged_with_its_reason)
{
    char expected[256];
    SET_LISTEN(refused[_i].text);
    failing_family = refused[_i].family;
    failing_error = refused[_i].error;
    ck_assert_int_eq(open_them(), -1);
    snprintf(expected, sizeof expected, "crit cannot listen at %s: %s\n", refused[_i].text,
             refused[_i].why);
    assert_logged(expected);
}
END_TEST

#define IN_USE ": Address already in use; "

START_TEST(nothing_is_left_open_when_another_process_uses_an_address)
{
    struct address bound;
    char text[ADDRESS_TEXT];
    int other = bound_socket(&bound, 1);
    int next = lowest_free();
    SET_LISTEN("127.0.0.1:0", address_format(&bound, text));
    ck_assert_int_eq(open_them(), -1);
    ck_assert_uint_eq(listeners.count, 0);
    ck_assert_int_eq(lowest_free(), next);
    assert_logged(line("crit cannot listen at ", text,
                       IN_USE "another process uses it, perhaps another sixteend: see ss -tlnp\n"));
    close(other);
}
END_TEST

START_TEST(an_address_can_be_opened_once)
{
    SET_LISTEN(place[0], place[0]);
    ck_assert_int_eq(open_them(), -1);
    assert_logged(
        line("crit cannot listen at ", place[0], IN_USE "the configuration lists it twice\n"));
}
END_TEST

/* Return 0.0.0.0 with the port of that place. */
static const char *wide(size_t index)
{
    static char text[ADDRESS_TEXT];
    snprintf(text, sizeof text, "0.0.0.0%s", strchr(place[index], ':'));
    return text;
}

START_TEST(an_address_and_one_that_it_overlaps_cannot_both_be_opened)
{
    if (_i == 0)
        SET_LISTEN(place[0], wide(0));
    else
        SET_LISTEN(wide(0), place[0]);
    ck_assert_int_eq(open_them(), -1);
    assert_logged(line("crit cannot listen at ", _i == 0 ? wide(0) : place[0],
                       IN_USE "the configuration lists it twice\n"));
}
END_TEST

static uint16_t port_at(size_t index)
{
    return listeners.list[index]->bound.u.in.sin_port;
}

/* As often as another process uses the port that was chosen for the first. */
START_TEST(a_port_of_the_kernel_s_choice_is_one_for_all_families)
{
    SET_LISTEN("*:0", "*:0");
    busy_ports = _i;
    ck_assert_int_eq(open_them(), 0);
    if (listeners.count == 2) /* this host has no IPv6 */
        return;
    ck_assert_int_eq(busy_ports, 0);
    ck_assert_uint_eq(listeners.count, 4);
    ck_assert_int_eq(port_at(0), port_at(1));
    ck_assert_int_eq(port_at(2), port_at(3));
    ck_assert_int_ne(port_at(0), port_at(2));
    for (size_t i = 0; i < 4; i += 2)
        ck_assert_int_ne(listeners.list[i]->bound.u.any.sa_family,
                         listeners.list[i + 1]->bound.u.any.sa_family);
}
END_TEST

START_TEST(a_port_for_all_families_is_not_looked_for_without_end)
{
    int next = lowest_free();
    SET_LISTEN("*:0");
    busy_ports = 1000000;
    ck_assert_int_eq(open_them(), -1);
    assert_logged("crit cannot listen at 0.0.0.0:0: Address already in use; no port is free for "
                  "all addresses\n");
    ck_assert_int_eq(lowest_free(), next);
}
END_TEST

/* Adopt copies of `fds`. They leave the low descriptors, which Check needs. */
static int adopt(const int *fds, size_t count)
{
    descriptors_pass(fds, count);
    int result = passed_sockets_adopt(&listeners, SYSTEMD_FIRST_FD, (int)count);
    for (size_t i = 0; i < listeners.count; i++)
        listeners.list[i]->fd = fcntl(listeners.list[i]->fd, F_DUPFD_CLOEXEC, 100);
    descriptors_restore();
    return result;
}

static int far_copy(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 50);
    need(copy >= 0, "a descriptor");
    close(fd);
    return copy;
}

static int wildcard_socket(void)
{
    const struct sockaddr_in in = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(fd >= 0 && bind(fd, (const struct sockaddr *)&in, sizeof in) == 0 && listen(fd, 1) == 0,
         "a listening socket");
    return fd;
}

START_TEST(listening_sockets_are_adopted)
{
    struct address bound;
    char expected[256];
    const int fds[] = {far_copy(bound_socket(&bound, 1)), far_copy(wildcard_socket())};
    need(fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0, "a non-blocking socket");
    ck_assert_int_eq(adopt(fds, 2), 0);
    ck_assert_int_eq(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0); /* as their owner made them */
    ck_assert_int_ne(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    ck_assert_uint_eq(listeners.count, 2);
    ck_assert(address_equals(&listeners.list[0]->bound, &bound));
    for (size_t i = 0; i < 2; i++) {
        ck_assert(listeners.list[i]->adopted && listeners.list[i]->quiet_from == 0);
        close(fds[i]);
    }
    snprintf(expected, sizeof expected, "notice Listening at %s\nnotice Listening at %s\n",
             bound_text(0), bound_text(1));
    assert_logged(expected);
    assert_serves(0);
}
END_TEST

/* Nothing to see of it where the kernel has none. */
START_TEST(listening_MPTCP_sockets_are_adopted)
{
    unsigned limit;
    const struct sockaddr_in in = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 262 /* IPPROTO_MPTCP */);
    skip_unless(has_tcp_info(), "TCP_INFO");
    if (fd < 0)
        return;
    need(bind(fd, (const struct sockaddr *)&in, sizeof in) == 0 && listen(fd, 3) == 0,
         "a listening socket");
    const int fds[] = {far_copy(fd)};
    ck_assert_int_eq(adopt(fds, 1), 0);
    close(fds[0]);
    int peer = queue_peer(listeners.list[0]);
    ck_assert_uint_eq(listener_queue(listeners.list[0], &limit), 1);
    ck_assert_uint_eq(limit, 3);
    assert_accepts(listeners.list[0]->fd);
    close(peer);
}
END_TEST

static int datagram_socket(void)
{
    const struct sockaddr_in in = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(fd >= 0 && bind(fd, (const struct sockaddr *)&in, sizeof in) == 0, "a datagram socket");
    return fd;
}

static int connected_socket(void)
{
    struct ends pair = tcp_ends();
    close_theirs(&pair);
    return pair.ours;
}

static int listening_unix_socket(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX}; /* the kernel chooses a name */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(sa_family_t)) == 0 &&
             listen(fd, 1) == 0,
         "a listening socket");
    return fd;
}

static int silent_socket(void)
{
    struct address bound;
    return bound_socket(&bound, -1);
}

static int no_socket(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int (*const others[])(void) = {datagram_socket, connected_socket, listening_unix_socket,
                                      silent_socket, no_socket};

START_TEST(all_but_listening_TCP_sockets_are_refused)
{
    struct address bound;
    const int fds[] = {far_copy(bound_socket(&bound, 1)), far_copy(others[_i]())};
    ck_assert_int_eq(adopt(fds, 2), -1);
    ck_assert_uint_eq(listeners.count, 0);
    ck_assert_ptr_nonnull(
        strstr(logged_text(),
               "\ncrit descriptor 4 of LISTEN_FDS is not a listening TCP socket; a socket unit "
               "needs ListenStream= with an IP address, and Accept=no\n"));
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(a_descriptor_that_is_closed_is_refused)
{
    const int none = -1;
    ck_assert_int_eq(adopt(&none, 1), -1);
    ck_assert_int_eq(strncmp(logged_text(), "crit descriptor 3 of LISTEN_FDS ", 32), 0);
}
END_TEST

START_TEST(too_many_are_not_adopted)
{
    ck_assert_int_eq(passed_sockets_adopt(&listeners, SYSTEMD_FIRST_FD, LISTENERS_MAX + 1), -1);
    ck_assert_uint_eq(listeners.count, 0);
    assert_logged("crit LISTEN_FDS: at most 256 sockets are supported\n");
}
END_TEST

START_TEST(a_change_does_not_concern_adopted_ones)
{
    struct address bound;
    const int fd = far_copy(bound_socket(&bound, 1));
    ck_assert_int_eq(adopt(&fd, 1), 0);
    close(fd);
    (void)logged_text();
    int before = listeners.list[0]->fd;
    SET_LISTEN(place[0]);
    settings->limits.backlog = 7;
    ck_assert_int_eq(change(), 0);
    ck_assert_uint_eq(listeners.count, 1);
    ck_assert_int_eq(listeners.list[0]->fd, before);
    ck_assert_int_eq(listeners.list[0]->quiet_from, 0);
    assert_logged("");
}
END_TEST

START_TEST(an_adopted_one_ends_at_once_and_its_queue_is_the_next_owner_s)
{
    struct address bound;
    const int fd = far_copy(bound_socket(&bound, 1));
    ck_assert_int_eq(adopt(&fd, 1), 0);
    int peer = queue_peer(listeners.list[0]);
    int before = listeners.list[0]->fd;
    (void)logged_text();
    clock_stop();
    listeners_stop_accepting(&listeners);
    ck_assert_int_eq(listeners.list[0]->quiet_from, clock_nanoseconds());
    assert_logged("");
    listeners_remove(&listeners, 0);
    ck_assert_uint_eq(listeners.count, 0);
    ck_assert(!is_open(before));
    int another = call(&bound);
    wait_answered(another);
    assert_accepts(fd);
    assert_accepts(fd);
    close(fd);
    close(peer);
    close(another);
}
END_TEST

START_TEST(a_change_does_not_touch_what_stays)
{
    char expected[512];
    skip_unless(has_minttl(), "IP_MINTTL");
    SET_LISTEN(place[0], place[1]);
    ck_assert_int_eq(open_them(), 0);
    int first = listeners.list[0]->fd;
    int second = listeners.list[1]->fd;
    int peer = queue_peer(listeners.list[1]);
    (void)logged_text();
    SET_LISTEN(place[1], place[2]);
    ck_assert_int_eq(change(), 0);
    ck_assert_uint_eq(listeners.count, 3);
    ck_assert_int_eq(listeners.list[0]->fd, first);
    ck_assert_int_eq(listeners.list[1]->fd, second);
    ck_assert_int_gt(listeners.list[0]->quiet_from, 0);
    ck_assert_int_eq(listeners.list[1]->quiet_from, 0);
    ck_assert_int_eq(listeners.list[2]->quiet_from, 0);
    snprintf(expected, sizeof expected,
             "notice Listening at %s\nnotice No longer listening at %s\n", place[2], place[0]);
    assert_logged(expected); /* in that order */
    assert_accepts(second);
    assert_serves(1);
    assert_serves(2);
    close(peer);
}
END_TEST

START_TEST(one_that_cannot_accept_again_is_reported)
{
    char expected[512];
    skip_unless(has_minttl(), "IP_MINTTL");
    SET_LISTEN(place[0]);
    ck_assert_int_eq(open_them(), 0);
    listeners_stop_accepting(&listeners);
    (void)logged_text();
    io_fail(FAULT_SETSOCKOPT, 0, 1, ENOMEM);
    listener_resume(listeners.list[0]);
    io_reset();
    snprintf(expected, sizeof expected,
             "err cannot reopen the listener at %s; it accepts no new connections until a restart: "
             "Cannot allocate memory\n",
             place[0]);
    assert_logged(expected);
}
END_TEST

static void assert_limit(unsigned expected)
{
    for (size_t i = 0; i < listeners.count; i++) {
        unsigned limit;
        ck_assert_uint_eq(listener_queue(listeners.list[i], &limit), 0);
        ck_assert_uint_eq(limit, expected);
    }
}

START_TEST(a_port_of_the_kernel_s_choice_stays_what_it_was)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    SET_LISTEN("127.0.0.1:0");
    ck_assert_int_eq(open_them(), 0);
    int fd = listeners.list[0]->fd;
    SET_LISTEN(place[0], "127.0.0.1:0");
    ck_assert_int_eq(change(), 0);
    ck_assert_uint_eq(listeners.count, 2);
    ck_assert_int_eq(listeners.list[0]->fd, fd);
    ck_assert_int_eq(listeners.list[0]->quiet_from, 0);
    assert_limit(5);
}
END_TEST

static void assert_change_refused(const char *last_line)
{
    struct listeners before = listeners;
    int fds[PORTS] = {0};
    for (size_t i = 0; i < before.count; i++)
        fds[i] = before.list[i]->fd;
    int next = lowest_free();
    (void)logged_text();
    settings->limits.backlog = 7;
    ck_assert_int_eq(change(), -1);
    ck_assert_uint_eq(listeners.count, before.count);
    for (size_t i = 0; i < before.count; i++) {
        unsigned limit;
        ck_assert_ptr_eq(listeners.list[i], before.list[i]);
        ck_assert_int_eq(listeners.list[i]->fd, fds[i]);
        ck_assert_int_eq(listeners.list[i]->quiet_from, 0);
        (void)listener_queue(listeners.list[i], &limit);
        ck_assert_uint_eq(limit, 5);
        assert_serves(i);
    }
    ck_assert_int_eq(lowest_free(), next);
    const char *logged = logged_text();
    ck_assert_msg(strstr(logged, last_line) != NULL, "%s", logged);
}

START_TEST(a_change_that_fails_leaves_everything_as_it_was)
{
    struct address bound;
    char text[ADDRESS_TEXT];
    int other = bound_socket(&bound, 1);
    skip_unless(has_tcp_info(), "TCP_INFO");
    SET_LISTEN(place[0], place[1]);
    ck_assert_int_eq(open_them(), 0);
    SET_LISTEN(place[2], address_format(&bound, text));
    assert_change_refused(IN_USE "another process uses it");
    close(other);
}
END_TEST

/* Whether it accepts, and no other socket can be bound to the same port. */
static void assert_open_alone(size_t index)
{
    int shared = 1;
    socklen_t size = sizeof shared;
    const struct listener *listener = listeners.list[index];
    ck_assert_int_eq(getsockopt(listener->fd, SOL_SOCKET, SO_REUSEPORT, &shared, &size), 0);
    ck_assert_int_eq(shared, 0);
    ck_assert_int_eq(listener->quiet_from, 0);
}

/* Connect to the wide listener by an address that no other has. */
static void assert_serves_wide(size_t index)
{
    struct address other = listeners.list[index]->bound;
    other.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 76);
    int peer = call(&other);
    wait_answered(peer);
    assert_accepts(listeners.list[index]->fd);
    close(peer);
}

START_TEST(a_wide_address_is_opened_beside_the_narrow_ones)
{
    char expected[512];
    SET_LISTEN(place[0], place[1]);
    ck_assert_int_eq(open_them(), 0);
    int peer = queue_peer(listeners.list[0]);
    (void)logged_text();
    SET_LISTEN(wide(0), place[1]);
    ck_assert_int_eq(change(), 0);
    ck_assert_uint_eq(listeners.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_open_alone(i);
    snprintf(expected, sizeof expected, "notice Listening at %s\n", wide(0));
    assert_logged(expected);
    assert_accepts(listeners.list[0]->fd); /* the peer that was queued */
    for (size_t i = 0; i < 2; i++)
        assert_serves(i);
    assert_serves_wide(2);
    close(peer);
}
END_TEST

START_TEST(a_narrow_address_takes_the_place_of_a_wide_one)
{
    char expected[512];
    skip_unless(has_minttl(), "IP_MINTTL");
    SET_LISTEN(wide(0));
    ck_assert_int_eq(open_them(), 0);
    int peer = queue_peer(listeners.list[0]);
    (void)logged_text();
    SET_LISTEN(place[0]);
    ck_assert_int_eq(change(), 0);
    ck_assert_uint_eq(listeners.count, 2);
    ck_assert_int_gt(listeners.list[0]->quiet_from, 0);
    assert_open_alone(1);
    snprintf(expected, sizeof expected,
             "notice Listening at %s\nnotice No longer listening at %s\n", place[0], wide(0));
    assert_logged(expected);
    assert_accepts(listeners.list[0]->fd);
    assert_serves(1);
    close(peer);
}
END_TEST

START_TEST(narrow_and_wide_go_back_and_forth)
{
    SET_LISTEN(place[0]);
    ck_assert_int_eq(open_them(), 0);
    for (int i = 0; i < 3; i++) {
        SET_LISTEN(wide(0));
        ck_assert_int_eq(change(), 0);
        ck_assert_uint_eq(listeners.count, 2);
        assert_open_alone(0);
        assert_open_alone(1);
        SET_LISTEN(place[0]);
        ck_assert_int_eq(change(), 0);
        assert_open_alone(0);
        ck_assert_int_gt(listeners.list[1]->quiet_from, 0);
        if (i == 1)
            listeners_remove(&listeners, 1);
    }
    assert_serves(0);
}
END_TEST

/* Its address is the wide one's, too. */
START_TEST(a_narrow_listener_that_stopped_accepting_accepts_again_beside_a_wide_one)
{
    SET_LISTEN(place[0], place[1]);
    ck_assert_int_eq(open_them(), 0);
    SET_LISTEN(place[1]);
    ck_assert_int_eq(change(), 0);
    ck_assert_int_gt(listeners.list[0]->quiet_from, 0);
    SET_LISTEN(wide(0));
    ck_assert_int_eq(change(), 0);
    assert_open_alone(0);
    ck_assert_int_gt(listeners.list[1]->quiet_from, 0); /* another port */
    assert_open_alone(2);
    assert_serves(0);
    SET_LISTEN(place[1]);
    ck_assert_int_eq(change(), 0);
    ck_assert_int_gt(listeners.list[0]->quiet_from, 0); /* with the wide one */
    ck_assert_int_gt(listeners.list[2]->quiet_from, 0);
}
END_TEST

START_TEST(a_port_of_the_kernel_s_choice_is_kept_when_it_is_named)
{
    char text[ADDRESS_TEXT];
    SET_LISTEN("127.0.0.1:0");
    ck_assert_int_eq(open_them(), 0);
    int fd = listeners.list[0]->fd;
    SET_LISTEN(address_format(&listeners.list[0]->bound, text));
    ck_assert_int_eq(change(), 0);
    ck_assert_uint_eq(listeners.count, 1);
    ck_assert_int_eq(listeners.list[0]->fd, fd);
    assert_open_alone(0);
}
END_TEST

START_TEST(an_overlap_that_is_refused_leaves_no_port_shared)
{
    struct address bound;
    char text[ADDRESS_TEXT];
    int other = bound_socket(&bound, 1);
    skip_unless(has_tcp_info(), "TCP_INFO");
    SET_LISTEN(_i == 0 ? place[0] : wide(0));
    ck_assert_int_eq(open_them(), 0);
    SET_LISTEN(_i == 0 ? wide(0) : place[0], address_format(&bound, text));
    assert_change_refused(IN_USE "another process uses it");
    assert_open_alone(0);
    copy_settings(settings, old);
    SET_LISTEN(place[0], wide(0));
    assert_change_refused(IN_USE "the configuration lists it twice\n");
    assert_open_alone(0);
    copy_settings(settings, old);
    SET_LISTEN(wide(0), place[0]);
    assert_change_refused(IN_USE "the configuration lists it twice\n");
    assert_open_alone(0);
    close(other);
}
END_TEST

/* Another process was quicker. */
START_TEST(a_new_socket_that_cannot_listen_refuses_a_change)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    SET_LISTEN(place[0], place[1]);
    ck_assert_int_eq(open_them(), 0);
    SET_LISTEN(wide(0), place[1]);
    no_listen = true;
    assert_change_refused(IN_USE "another process uses it");
    assert_open_alone(0);
}
END_TEST

START_TEST(an_overlap_with_the_socket_of_another_process_is_refused)
{
    struct address other = numeric_address("127.0.0.77", "0");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    skip_unless(has_tcp_info(), "TCP_INFO");
    SET_LISTEN(place[0]);
    ck_assert_int_eq(open_them(), 0);
    other.u.in.sin_port = listeners.list[0]->bound.u.in.sin_port;
    need(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0 &&
             bind(fd, &other.u.any, other.length) == 0 && listen(fd, 1) == 0,
         "a socket at another address");
    SET_LISTEN(wide(0));
    assert_change_refused(IN_USE "another process uses it");
    assert_open_alone(0);
    close(fd);
}
END_TEST

START_TEST(without_a_single_address_a_change_is_refused)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    SET_LISTEN(place[0]);
    ck_assert_int_eq(open_them(), 0);
    SET_LISTEN("[::1]:0");
    failing_family = AF_INET6;
    failing_error = EAFNOSUPPORT;
    assert_change_refused("err no listening address could be opened\n");
}
END_TEST

START_TEST(there_is_room_for_256_and_no_more)
{
    SET_LISTEN(place[0]);
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        listeners.list[i] = calloc(1, sizeof(struct listener));
        need(listeners.list[i] != NULL, "memory");
        listeners.list[i]->fd = -1;
    }
    listeners.count = LISTENERS_MAX;
    int next = lowest_free();
    ck_assert_int_eq(change(), -1);
    ck_assert_uint_eq(listeners.count, LISTENERS_MAX);
    ck_assert_int_eq(lowest_free(), next);
    assert_logged(
        line("err cannot listen at ", place[0], ": at most 256 addresses are supported\n"));
}
END_TEST

START_TEST(one_that_stopped_accepting_accepts_again)
{
    char expected[512];
    skip_unless(has_minttl(), "IP_MINTTL");
    SET_LISTEN(place[0]);
    ck_assert_int_eq(open_them(), 0);
    int fd = listeners.list[0]->fd;
    SET_LISTEN(place[1]);
    ck_assert_int_eq(change(), 0);
    ck_assert_int_gt(listeners.list[0]->quiet_from, 0);
    (void)logged_text();
    SET_LISTEN(place[0]);
    ck_assert_int_eq(change(), 0);
    ck_assert_uint_eq(listeners.count, 2);
    ck_assert_int_eq(listeners.list[0]->fd, fd);
    ck_assert_int_eq(listeners.list[0]->quiet_from, 0);
    ck_assert_int_gt(listeners.list[1]->quiet_from, 0);
    snprintf(expected, sizeof expected,
             "notice Listening at %s\nnotice No longer listening at %s\n", place[0], place[1]);
    assert_logged(expected);
    assert_serves(0);
}
END_TEST

START_TEST(a_new_backlog_is_every_listener_s)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    SET_LISTEN(place[0], place[1]);
    ck_assert_int_eq(open_them(), 0);
    assert_limit(5);
    SET_LISTEN(place[0], place[1]);
    settings->limits.backlog = 7;
    ck_assert_int_eq(change(), 0);
    assert_limit(7);
    SET_LISTEN(place[0], place[1], place[2]);
    settings->limits.backlog = 9;
    ck_assert_int_eq(change(), 0);
    ck_assert_uint_eq(listeners.count, 3);
    assert_limit(9);
}
END_TEST

static void wait_queued(const struct listener *listener, unsigned expected)
{
    unsigned queued;
    unsigned limit;
    do {
        sched_yield();
        queued = listener_queue(listener, &limit);
        ck_assert_uint_eq(limit, 5);
    } while (queued != expected);
}

START_TEST(the_queue_is_counted)
{
    skip_unless(has_tcp_info(), "TCP_INFO");
    SET_LISTEN("127.0.0.1:0");
    ck_assert_int_eq(open_them(), 0);
    struct listener *listener = listeners.list[0];
    wait_queued(listener, 0);
    ck_assert_int_eq(listener_poll(listener, false), 0);
    int first = queue_peer(listener);
    wait_queued(listener, 1);
    int second = queue_peer(listener);
    wait_queued(listener, 2);
    ck_assert_int_eq(listener_poll(listener, false), 1);
    ck_assert_int_eq(listener_poll(listener, true), 1);
    assert_accepts(listener->fd);
    wait_queued(listener, 1);
    close(first);
    close(second);
}
END_TEST

START_TEST(a_descriptor_that_is_not_a_listener_has_no_queue)
{
    unsigned limit = 1;
    const struct listener none = {.fd = -1};
    ck_assert_uint_eq(listener_queue(&none, &limit), 0);
    ck_assert_uint_eq(limit, 0);
}
END_TEST

/* Segments on loopback arrive in order. So once the handshake with the second listener is complete,
 * one with the first listener would be too. */
START_TEST(after_the_stop_no_new_peer_is_answered_and_queued_ones_stay)
{
    char message[WIRE_OCTETS];
    struct listeners second = {0};
    skip_unless(has_minttl(), "IP_MINTTL");
    SET_LISTEN("127.0.0.1:0");
    ck_assert_int_eq(open_them(), 0);
    ck_assert_int_eq(listeners_open(&second, settings), 0);
    const struct listener *listener = listeners.list[0];
    int before = queue_peer(listener);
    listeners_stop_accepting(&listeners);

    int after = call(&listener->bound);
    int witness = queue_peer(second.list[0]);
    ck_assert(!is_answered(after));
    wait_queued(listener, 1);
    write_octets(before, WIRE_GREETING, WIRE_OCTETS);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(recv(fd, message, sizeof message, MSG_WAITALL), WIRE_OCTETS);
    ck_assert_mem_eq(message, WIRE_GREETING, WIRE_OCTETS);
    ck_assert_int_eq(listener_poll(listener, false), 0);
    ck_assert(!is_answered(after));

    listeners_close(&second);
    close(fd);
    close(before);
    close(after);
    close(witness);
}
END_TEST

/* TCP_DEFER_ACCEPT leaves a handshake unfinished until data come. */
START_TEST(a_handshake_that_began_before_the_stop_completes)
{
    const int seconds = 60;
    char message[WIRE_OCTETS];
    struct address from;
    SET_LISTEN("127.0.0.1:0");
    ck_assert_int_eq(open_them(), 0);
    const struct listener *listener = listeners.list[0];
    need(setsockopt(listener->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds) == 0,
         "handshakes that wait for data");
    int peer = call(&listener->bound);
    wait_answered(peer);
    listeners_stop_accepting(&listeners);
    ck_assert_int_eq(listener_poll(listener, false), 0);
    write_octets(peer, WIRE_GREETING, WIRE_OCTETS);
    wait_readable(listener->fd);
    int fd = listener_accept(listener, &from);
    ck_assert_int_ge(fd, 0);
    for (int turn = 0; turn < 2; turn++) {
        ck_assert_int_eq(recv(fd, message, sizeof message, MSG_WAITALL), WIRE_OCTETS);
        ck_assert_mem_eq(message, WIRE_GREETING, WIRE_OCTETS);
        write_octets(peer, WIRE_GREETING, WIRE_OCTETS); /* the connection does not keep the
                                                           listener's minimum of hops */
    }
    close(fd);
    close(peer);
}
END_TEST

START_TEST(its_queue_stays_empty_a_tenth_of_a_second_after_the_first_stop)
{
    char expected[512];
    skip_unless(has_minttl(), "IP_MINTTL");
    SET_LISTEN(place[0], place[1]);
    ck_assert_int_eq(open_them(), 0);
    (void)logged_text();
    clock_stop();
    int64_t now = clock_nanoseconds();
    listeners_stop_accepting(&listeners);
    clock_move(0.05);
    listeners_stop_accepting(&listeners);
    ck_assert_uint_eq(listeners.count, 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(listeners.list[i]->quiet_from, now + 100000000);
    snprintf(expected, sizeof expected,
             "notice No longer listening at %s\nnotice No longer listening at %s\n", place[0],
             place[1]);
    assert_logged(expected);
}
END_TEST

START_TEST(a_listener_that_stays_open_for_new_peers_is_a_warning)
{
    skip_unless(has_minttl(), "IP_MINTTL");
    SET_LISTEN(place[0]);
    ck_assert_int_eq(open_them(), 0);
    (void)logged_text();
    int fd = listeners.list[0]->fd;
    listeners.list[0]->fd = -1;
    listeners_stop_accepting(&listeners);
    listeners.list[0]->fd = fd;
    ck_assert_int_gt(listeners.list[0]->quiet_from, 0);
    ck_assert_ptr_nonnull(strstr(logged_text(),
                                 "warning cannot block new handshakes on a closing "
                                 "listener; some peers may be reset: Bad file descriptor\n"));
}
END_TEST

START_TEST(the_last_one_takes_the_place_of_one_that_is_closed)
{
    SET_LISTEN(place[0], place[1], place[2]);
    ck_assert_int_eq(open_them(), 0);
    int closed = listeners.list[0]->fd;
    int last = listeners.list[2]->fd;
    listeners_remove(&listeners, 0);
    ck_assert(!is_open(closed));
    ck_assert_uint_eq(listeners.count, 2);
    ck_assert_int_eq(listeners.list[0]->fd, last);
    ck_assert_str_eq(bound_text(0), place[2]);
    ck_assert_str_eq(bound_text(1), place[1]);
    assert_serves(0);
    listeners_close(&listeners);
    listeners_close(&listeners);
    ck_assert_uint_eq(listeners.count, 0);
    ck_assert(!is_open(last));
}
END_TEST

static TCase *add_listener_case(Suite *suite, const char *name)
{
    TCase *tcase = add_case(suite, name, NULL);
    tcase_add_checked_fixture(tcase, log_capture, log_release);
    tcase_add_checked_fixture(tcase, begin, end);
    return tcase;
}

Suite *listener_suite(void)
{
    Suite *suite = suite_create("listener");
    TCase *opened = add_listener_case(suite, "listeners, opened");
    tcase_add_test(opened, each_address_is_opened);
    tcase_add_test(opened, a_star_is_every_address_of_each_family);
    tcase_add_loop_test(opened, without_IPv6_its_addresses_are_left_out, 0, COUNT(left_out));
    tcase_add_test(opened, at_least_one_address_is_needed);
    tcase_add_loop_test(opened, an_address_that_cannot_be_opened_is_logged_with_its_reason, 0,
                        COUNT(refused));
    tcase_add_test(opened, nothing_is_left_open_when_another_process_uses_an_address);
    tcase_add_test(opened, an_address_can_be_opened_once);
    tcase_add_loop_test(opened, an_address_and_one_that_it_overlaps_cannot_both_be_opened, 0, 2);
    tcase_add_loop_test(opened, a_port_of_the_kernel_s_choice_is_one_for_all_families, 0, 4);
    tcase_add_test(opened, a_port_for_all_families_is_not_looked_for_without_end);
    tcase_add_test(opened, the_queue_is_counted);
    tcase_add_test(opened, a_descriptor_that_is_not_a_listener_has_no_queue);
    tcase_add_test(opened, the_last_one_takes_the_place_of_one_that_is_closed);

    TCase *adopted = add_listener_case(suite, "listeners, adopted");
    tcase_add_test(adopted, listening_sockets_are_adopted);
    tcase_add_test(adopted, listening_MPTCP_sockets_are_adopted);
    tcase_add_loop_test(adopted, all_but_listening_TCP_sockets_are_refused, 0, COUNT(others));
    tcase_add_test(adopted, a_descriptor_that_is_closed_is_refused);
    tcase_add_test(adopted, too_many_are_not_adopted);
    tcase_add_test(adopted, a_change_does_not_concern_adopted_ones);
    tcase_add_test(adopted, an_adopted_one_ends_at_once_and_its_queue_is_the_next_owner_s);

    TCase *changed = add_listener_case(suite, "listeners, changed");
    tcase_add_test(changed, a_change_does_not_touch_what_stays);
    tcase_add_test(changed, one_that_cannot_accept_again_is_reported);
    tcase_add_test(changed, a_port_of_the_kernel_s_choice_stays_what_it_was);
    tcase_add_test(changed, a_change_that_fails_leaves_everything_as_it_was);
    tcase_add_test(changed, a_wide_address_is_opened_beside_the_narrow_ones);
    tcase_add_test(changed, a_narrow_address_takes_the_place_of_a_wide_one);
    tcase_add_test(changed, narrow_and_wide_go_back_and_forth);
    tcase_add_test(changed,
                   a_narrow_listener_that_stopped_accepting_accepts_again_beside_a_wide_one);
    tcase_add_test(changed, a_port_of_the_kernel_s_choice_is_kept_when_it_is_named);
    tcase_add_loop_test(changed, an_overlap_that_is_refused_leaves_no_port_shared, 0, 2);
    tcase_add_test(changed, a_new_socket_that_cannot_listen_refuses_a_change);
    tcase_add_test(changed, an_overlap_with_the_socket_of_another_process_is_refused);
    tcase_add_test(changed, without_a_single_address_a_change_is_refused);
    tcase_add_test(changed, there_is_room_for_256_and_no_more);
    tcase_add_test(changed, one_that_stopped_accepting_accepts_again);
    tcase_add_test(changed, a_new_backlog_is_every_listener_s);

    TCase *stopped = add_listener_case(suite, "listeners, stopped");
    tcase_add_test(stopped, after_the_stop_no_new_peer_is_answered_and_queued_ones_stay);
    tcase_add_test(stopped, a_handshake_that_began_before_the_stop_completes);
    tcase_add_test(stopped, its_queue_stays_empty_a_tenth_of_a_second_after_the_first_stop);
    tcase_add_test(stopped, a_listener_that_stays_open_for_new_peers_is_a_warning);
    return suite;
}
