/* SPDX-License-Identifier: MIT */
/* close(2) resets the connections in a listener's queue, and even if accept4(2) has just returned
 * EAGAIN, connections that arrive before close(2) are lost. So:
 *   1. the listener stops accepting: the kernel drops segments that begin a handshake;
 *   2. for 0.1 s, enough for a round trip, handshakes that had begun still complete;
 *   3. its acceptor accepts until the queue is empty, and then the main loop closes the listener.
 *
 * What drops the segments is IP_MINTTL or IPV6_MINHOPCOUNT (RFC 5082) of 255: almost no segment
 * arrives with that many hops left. Linux compares it for segments that reach the listener itself,
 * and not for those of a handshake that has begun. Connections inherit it, so it is reset on each
 * connection that is accepted later, and on a listener that accepts again. The acceptor, another
 * thread, learns of it from `inherits_min_hops`, which is therefore set before the option.
 *
 * A socket filter could select these segments exactly, but kernels from about 6.18 on let only
 * CAP_NET_ADMIN attach one to a TCP socket. */
#include <config.h>

#include "server/connection/listener.h"

#include "common/deadline.h"
#include "server/log/log.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

/* The longest handshake that is waited for, in nanoseconds. */
#define HANDSHAKE INT64_C(100000000)

#ifndef IPPROTO_MPTCP /* as in <linux/in.h> */
#define IPPROTO_MPTCP 262
#endif

#define MIN_HOPS_NONE 0
#define MIN_HOPS_ALL 255

int listener_share(const struct listener *listener, bool shared)
{
    const int value = shared;
    return setsockopt(listener->fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value);
}

/* SO_REUSEADDR lets a restart have the port in spite of connections in TIME_WAIT; SO_REUSEPORT
 * would let two daemons share it unnoticed. Returns 0, or -1 and errno. */
static int bind_socket(struct listener *listener, const struct address *address, bool shared)
{
    const int on = 1;
    if (setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!shared || listener_share(listener, true) == 0) &&
        (address->u.any.sa_family != AF_INET6 ||
         setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(listener->fd, &address->u.any, address->length) == 0)
        return address_of_socket(listener->fd, &listener->bound);
    return -1;
}

int listener_bind(struct listener *listener, const struct address *asked, uint16_t port,
                  bool shared)
{
    struct address address = *asked;
    if (address_port(asked) == 0)
        address_set_port(&address, port);
    *listener = (struct listener){.asked = *asked, .wildcard = address_is_wildcard(asked)};
    listener->fd = socket(address.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener->fd >= 0 && bind_socket(listener, &address, shared) == 0)
        return 0;
    int error = errno;
    if (listener->fd >= 0)
        close(listener->fd);
    return error;
}

void listener_log_begin(const struct listener *listener)
{
    char text[ADDRESS_TEXT];
    log_line(LOG_NOTICE, "Listening at %s", address_format(&listener->bound, text));
}

static void log_end(const struct listener *listener)
{
    char text[ADDRESS_TEXT];
    log_line(LOG_NOTICE, "No longer listening at %s", address_format(&listener->bound, text));
}

static bool is_listening_tcp(int fd)
{
    int listening = 0;
    int protocol = 0;
    socklen_t size = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening &&
           getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
}

int listener_adopt(struct listener *listener, int fd)
{
    *listener = (struct listener){.fd = fd, .adopted = true};
    if (!is_listening_tcp(fd))
        return EPROTOTYPE;
    if (address_of_socket(fd, &listener->bound) != 0)
        return errno;
    listener->wildcard = address_is_wildcard(&listener->bound);
    listener_log_begin(listener);
    return 0;
}

static int set_min_hops(int fd, sa_family_t family, int hops)
{
    return family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &hops, sizeof hops)
                              : setsockopt(fd, IPPROTO_IP, IP_MINTTL, &hops, sizeof hops);
}

void listener_stop_accepting(struct listener *listener)
{
    if (listener->quiet_from != 0)
        return;
    if (listener->adopted) {
        listener->quiet_from = clock_nanoseconds();
        return;
    }
    log_end(listener);
    atomic_store(&listener->inherits_min_hops, true);
    if (set_min_hops(listener->fd, listener->bound.u.any.sa_family, MIN_HOPS_ALL) != 0)
        log_errno(LOG_WARNING, "cannot block new handshakes on a closing listener; some peers may "
                               "be reset");
    listener->quiet_from = clock_nanoseconds() + HANDSHAKE;
}

void listener_resume(struct listener *listener)
{
    char text[ADDRESS_TEXT];
    address_format(&listener->bound, text);
    if (set_min_hops(listener->fd, listener->bound.u.any.sa_family, MIN_HOPS_NONE) != 0)
        log_errno(LOG_ERR,
                  "cannot reopen the listener at %s; it accepts no new connections until a restart",
                  text);
    listener->quiet_from = 0;
    listener_log_begin(listener);
}

int listener_accept(const struct listener *listener, struct address *peer)
{
    peer->length = sizeof peer->u;
    int fd = accept4(listener->fd, &peer->u.any, &peer->length, SOCK_CLOEXEC);
    if (fd >= 0 && atomic_load(&listener->inherits_min_hops))
        (void)set_min_hops(fd, listener->bound.u.any.sa_family, MIN_HOPS_NONE);
    return fd;
}

int listener_poll(const struct listener *listener, bool wait)
{
    struct pollfd polled = {.fd = listener->fd, .events = POLLIN};
    return poll(&polled, 1, wait ? -1 : 0);
}

unsigned listener_queue(const struct listener *listener, unsigned *limit)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    (void)getsockopt(listener->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    *limit = info.tcpi_sacked;
    return info.tcpi_unacked;
}
