/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/listener.h"

#include "common/deadline.h"
#include "server/activation.h"
#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So long may the last segment of a handshake be under way that began before the listener
 * retired: then the kernel queues the connection. */
#define HANDSHAKE INT64_C(100000000)

/* A bound, listening socket, or -1 and errno. SO_REUSEADDR lets a restart have the
 * port in spite of connections in TIME_WAIT; SO_REUSEPORT would let two daemons
 * share it unnoticed. */
static int open_socket(const struct address *address, int backlog)
{
    const int on = 1;
    int fd = socket(address->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (address->u.any.sa_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(fd, &address->u.any, address->length) == 0 && listen(fd, backlog) == 0)
        return fd;
    int kept = errno;
    close(fd);
    errno = kept;
    return -1;
}

/* Whether a failure to bind says that the host has no IPv6, or none in use. */
static bool family_is_missing(const struct address *address, int error)
{
    if (error == EAFNOSUPPORT)
        return true;
    return error == EADDRNOTAVAIL && address->u.any.sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(&address->u.in6.sin6_addr) || address_is_wildcard(address));
}

/* What is to be open: what settings->listen says. */
struct opening {
    struct listeners *listeners;
    size_t before;            /* so many are open already … */
    bool kept[LISTENERS_MAX]; /* … and these of them are to stay */
    int backlog;
    int level; /* of a line that says why not: what it costs, log.h */
};

/* Who of us has the address already, by itself or as part of every address. */
static const char *advice_in_use(const struct opening *opening, const struct address *address)
{
    const struct listeners *listeners = opening->listeners;
    for (size_t i = 0; i < listeners->count; i++)
        if (address_overlaps(&listeners->list[i].bound, address))
            return i < opening->before && !opening->kept[i]
                       ? "; it is part of what is open now: that takes a restart"
                       : "; the configuration has it twice";
    return "; another process has it, perhaps another sixteend: see ss -tlnp";
}

static const char *advice(int error, const struct opening *opening, const struct address *address)
{
    switch (error) {
    case EADDRINUSE: return advice_in_use(opening, address);
    case EADDRNOTAVAIL: return "; no interface of this host has that address";
    case EACCES: return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    default: return "";
    }
}

/* Give a listener its place. Returns 0, or -1 and errno. */
static int add(struct listeners *listeners, struct listener listener)
{
    char text[ADDRESS_TEXT];
    if (listeners->count == LISTENERS_MAX) {
        errno = ENOSPC;
        return -1;
    }
    if (address_of_socket(listener.fd, &listener.bound) != 0)
        return -1;
    listeners->list[listeners->count++] = listener;
    log_line(LOG_NOTICE, "Listening at %s", address_format(&listener.bound, text));
    return 0;
}

static int open_address(struct opening *opening, const struct address *address)
{
    char text[ADDRESS_TEXT];
    address_format(address, text);
    int fd = open_socket(address, opening->backlog);
    if (fd < 0 && family_is_missing(address, errno)) {
        log_errno(LOG_WARNING, "cannot listen at %s, going on without it", text);
        return 0;
    }
    if (fd < 0) {
        const char *reason = strerror(errno);
        const char *hint = advice(errno, opening, address);
        log_line(opening->level, "cannot listen at %s: %s%s", text, reason, hint);
        return -1;
    }
    struct listener listener = {
        .fd = fd, .asked = *address, .wildcard = address_is_wildcard(address)};
    if (add(opening->listeners, listener) != 0) {
        log_errno(opening->level, "cannot listen at %s", text);
        close(fd);
        return -1;
    }
    return 0;
}

/* The place of the first listener that was asked to have this address and is not kept yet, or
 * `before`: with port 0 there may be more than one. */
static size_t find(const struct opening *opening, const struct address *asked)
{
    size_t i = 0;
    while (i < opening->before &&
           (opening->kept[i] || !address_equals(&opening->listeners->list[i].asked, asked)))
        i++;
    return i;
}

/* Open those of the addresses that are not open yet, and have the others stay. */
static int open_missing(struct opening *opening, const struct address *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t found = find(opening, &addresses[i]);
        if (found < opening->before)
            opening->kept[found] = true;
        else if (open_address(opening, &addresses[i]) != 0)
            return -1;
    }
    return 0;
}

static int open_endpoint(struct opening *opening, const char *text)
{
    struct endpoint endpoint;
    struct address *addresses;
    size_t count;

    const char *wrong = endpoint_parse(text, &endpoint);
    if (wrong != NULL) {
        log_line(opening->level, "cannot listen at %s: %s", text, wrong);
        return -1;
    }
    int error = endpoint_resolve(&endpoint, AF_UNSPEC, AI_PASSIVE, &addresses, &count);
    if (error != 0) {
        log_line(opening->level, "cannot listen at %s: %s", text, address_strerror(error));
        return -1;
    }
    int result = open_missing(opening, addresses, count);
    free(addresses);
    return result;
}

/* Returns 0; or -1 with the reason logged, and what was opened stays open. */
static int open_all(struct opening *opening, const struct settings *settings)
{
    for (size_t i = 0; i < settings->listen.count; i++)
        if (open_endpoint(opening, settings->listen.text[i]) != 0)
            return -1;
    size_t stay = opening->listeners->count - opening->before;
    for (size_t i = 0; i < opening->before; i++)
        stay += opening->kept[i];
    if (stay > 0)
        return 0;
    log_line(opening->level, "not one address to listen at could be had");
    return -1;
}

int listeners_open(struct listeners *listeners, const struct settings *settings)
{
    listeners->count = 0;
    struct opening opening = {
        .listeners = listeners, .backlog = settings->limits.backlog, .level = LOG_CRIT};
    if (open_all(&opening, settings) == 0)
        return 0;
    listeners_close(listeners);
    return -1;
}

/* Whether it is a TCP socket that listens. */
static bool is_listening(int fd)
{
    int listening = 0;
    int protocol = 0;
    socklen_t size = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening &&
           getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           protocol == IPPROTO_TCP;
}

static int adopt(struct listeners *listeners, int fd)
{
    struct listener listener = {.fd = fd, .adopted = true};
    if (!is_listening(fd)) {
        log_line(LOG_CRIT,
                 "descriptor %d of LISTEN_FDS is no listening TCP socket; a socket unit needs "
                 "ListenStream= with an IP address, and Accept=no",
                 fd);
        return -1;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || add(listeners, listener) != 0) {
        log_errno(LOG_CRIT, "cannot take over descriptor %d of LISTEN_FDS", fd);
        return -1;
    }
    struct listener *added = &listeners->list[listeners->count - 1];
    added->wildcard = address_is_wildcard(&added->bound);
    return 0;
}

int listeners_adopt(struct listeners *listeners, int count)
{
    listeners->count = 0;
    for (int fd = ACTIVATION_FIRST; fd < ACTIVATION_FIRST + count; fd++) {
        if (adopt(listeners, fd) != 0) {
            listeners_close(listeners);
            return -1;
        }
    }
    return 0;
}

/* How many hops a segment must still have been allowed to make (RFC 5082). The kernel compares
 * that of segments that begin a handshake with the listener's number, and drops them if it
 * is less; segments that end a handshake it does not compare. 255, which next to no segment
 * has, so lets nobody new in and loses nobody who is on the way. A filter could say the same
 * exactly, but newer kernels let only root attach one. */
static int set_least_hops(int fd, sa_family_t family, int least)
{
    return family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &least, sizeof least)
                              : setsockopt(fd, IPPROTO_IP, IP_MINTTL, &least, sizeof least);
}

static void tell_end(const struct listener *listener)
{
    char text[ADDRESS_TEXT];
    log_line(LOG_NOTICE, "No longer listening at %s", address_format(&listener->bound, text));
}

static void retire(struct listener *listener)
{
    if (listener->retires != 0)
        return;
    tell_end(listener);
    if (set_least_hops(listener->fd, listener->bound.u.any.sa_family, 255) != 0)
        log_errno(LOG_WARNING, "peers that come while a listener is closed may be reset");
    listener->inherited = true;
    listener->retires = clock_nanoseconds() + HANDSHAKE;
}

/* It retired a moment ago, and is wanted again. */
static void revive(struct listener *listener)
{
    char text[ADDRESS_TEXT];
    address_format(&listener->bound, text);
    if (set_least_hops(listener->fd, listener->bound.u.any.sa_family, 0) != 0)
        log_errno(LOG_ERR, "nobody new gets in at %s until a restart", text);
    listener->retires = 0;
    log_line(LOG_NOTICE, "Listening at %s", text);
}

static void change_backlog(struct listeners *listeners, int backlog)
{
    char text[ADDRESS_TEXT];
    for (size_t i = 0; i < listeners->count; i++)
        if (listen(listeners->list[i].fd, backlog) != 0)
            log_errno(LOG_WARNING, "the backlog at %s stays as it was",
                      address_format(&listeners->list[i].bound, text));
}

/* Have those that are kept serve, and no others of those that were there. */
static void settle(struct opening *opening)
{
    for (size_t i = 0; i < opening->before; i++) {
        struct listener *listener = &opening->listeners->list[i];
        if (!opening->kept[i])
            retire(listener);
        else if (listener->retires != 0)
            revive(listener);
    }
}

static int change_addresses(struct listeners *listeners, const struct settings *settings)
{
    struct opening opening = {.listeners = listeners,
                              .before = listeners->count,
                              .backlog = settings->limits.backlog,
                              .level = LOG_ERR};
    if (open_all(&opening, settings) == 0) {
        settle(&opening);
        return 0;
    }
    while (listeners->count > opening.before) {
        tell_end(&listeners->list[listeners->count - 1]);
        listener_close(listeners, listeners->count - 1);
    }
    return -1;
}

int listeners_change(struct listeners *listeners, const struct settings *old,
                     const struct settings *settings)
{
    if (listeners->list[0].adopted)
        return 0;
    /* A text that stays needs no new look at what its name stands for now. */
    if (!settings_same(settings_find("listen"), old, settings) &&
        change_addresses(listeners, settings) != 0)
        return -1;
    if (old->limits.backlog != settings->limits.backlog)
        change_backlog(listeners, settings->limits.backlog);
    return 0;
}

void listeners_retire(struct listeners *listeners)
{
    for (size_t i = listeners->count; i-- > 0;) {
        if (listeners->list[i].adopted)
            listener_close(listeners, i);
        else
            retire(&listeners->list[i]);
    }
}

void listener_close(struct listeners *listeners, size_t index)
{
    close(listeners->list[index].fd);
    listeners->list[index] = listeners->list[--listeners->count];
}

void listeners_close(struct listeners *listeners)
{
    while (listeners->count > 0)
        listener_close(listeners, listeners->count - 1);
}

int listener_accept(const struct listener *listener, struct address *peer)
{
    peer->length = sizeof peer->u;
    int fd = accept4(listener->fd, &peer->u.any, &peer->length, SOCK_CLOEXEC);
    if (fd >= 0 && listener->inherited)
        (void)set_least_hops(fd, listener->bound.u.any.sa_family, 0);
    return fd;
}

void listener_queue(const struct listener *listener, unsigned *queued, unsigned *most)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    (void)getsockopt(listener->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    *queued = info.tcpi_unacked;
    *most = info.tcpi_sacked;
}

char *listeners_format(const struct listeners *listeners, char *text, size_t size)
{
    char address[ADDRESS_TEXT];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < listeners->count && used < size; i++)
        if (listeners->list[i].retires == 0)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                                     address_format(&listeners->list[i].bound, address));
    return text;
}
