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
 * thread, learns of it from `inherits_min_hops`, which is therefore set before the option. A
 * kernel can lack the option, or accept and ignore it, as gVisor does: then peers that connect
 * while a listener is closed can be reset, and a listener that accepts again never stopped.
 *
 * A socket filter could select these segments exactly, but kernels from about 6.18 on let only
 * CAP_NET_ADMIN attach one to a TCP socket. */
#include <config.h>

#include "server/connection/listener.h"

#include "common/deadline.h"
#include "common/tcp_info.h"
#include "server/log/log.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* The longest handshake that is waited for, in nanoseconds. */
#define HANDSHAKE INT64_C(100000000)

#ifndef IPV6_MINHOPCOUNT /* as in <linux/in6.h> */
#define IPV6_MINHOPCOUNT 73
#endif

#define MIN_HOPS_NONE 0
#define MIN_HOPS_ALL 255

int listener_share(const struct listener *listener, bool shared)
{
    const int value = shared;
    return setsockopt(listener->fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value);
}

int listener_find_bound(struct listener *listener)
{
    int result = address_of_socket(listener->fd, &listener->bound);
    if (result == 0)
        address_format(&listener->bound, listener->name);
    return result;
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
        return listener_find_bound(listener);
    return -1;
}

int listener_bind(struct listener *listener, const struct address *asked, uint16_t port,
                  bool shared)
{
    struct address address = *asked;
    if (address_port(asked) == 0)
        address_set_port(&address, port);
    *listener = (struct listener){.asked = *asked};
    listener->fd = socket(address.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener->fd >= 0 && bind_socket(listener, &address, shared) == 0)
        return 0;
    int error = errno;
    if (listener->fd >= 0)
        close(listener->fd);
    return error;
}

static int set_min_hops(int fd, sa_family_t family, int hops)
{
    return family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &hops, sizeof hops)
                              : setsockopt(fd, IPPROTO_IP, IP_MINTTL, &hops, sizeof hops);
}

/* Returns 0, or -1 and errno. */
static int check_min_hops(int fd, sa_family_t family, int hops)
{
    int set = -1;
    socklen_t size = sizeof set;
    int result = family == AF_INET6 ? getsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &set, &size)
                                    : getsockopt(fd, IPPROTO_IP, IP_MINTTL, &set, &size);
    if (result != 0 || set == hops)
        return result;
    errno = ENOPROTOOPT;
    return -1;
}

/* Once: what a kernel does not have is missing at every listener. */
static void warn_of_resets(void)
{
    static bool warned;
    if (!warned)
        log_errno(LOG_WARNING, "cannot block new handshakes on a closing listener; some peers may "
                               "be reset");
    warned = true;
}

void listener_stop_accepting(struct listener *listener)
{
    const sa_family_t family = listener->bound.u.any.sa_family;
    if (listener->quiet_from != 0)
        return;
    if (listener->adopted) {
        listener->quiet_from = clock_nanoseconds();
        return;
    }
    log_line(LOG_NOTICE, "No longer listening at %s", listener->name);
    atomic_store(&listener->inherits_min_hops, true);
    if (set_min_hops(listener->fd, family, MIN_HOPS_ALL) != 0) {
        atomic_store(&listener->inherits_min_hops, false);
        warn_of_resets();
    } else if (check_min_hops(listener->fd, family, MIN_HOPS_ALL) != 0) {
        warn_of_resets();
    }
    listener->quiet_from = clock_nanoseconds() + HANDSHAKE;
}

void listener_resume(struct listener *listener)
{
    listener->quiet_from = 0;
    if (atomic_load(&listener->inherits_min_hops) &&
        set_min_hops(listener->fd, listener->bound.u.any.sa_family, MIN_HOPS_NONE) != 0)
        log_errno(LOG_ERR,
                  "cannot reopen the listener at %s; it accepts no new connections until a restart",
                  listener->name);
    else
        log_line(LOG_NOTICE, "Listening at %s", listener->name);
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
    struct tcp_info info;
    (void)tcp_info_read(listener->fd, &info);
    *limit = info.tcpi_sacked;
    return info.tcpi_unacked;
}
