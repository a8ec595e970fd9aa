/* SPDX-License-Identifier: MIT */
/* A reload makes all changes of addresses or none: new addresses are opened first, and only when
 * all are open do old listeners stop accepting. If the old ones were closed first, a failure could
 * leave the daemon without a listener. An address that overlaps an open one, such as a wildcard,
 * therefore cannot be opened (EADDRINUSE) and the reload is refused.
 *
 * All of this belongs to the main thread. */
#include <config.h>

#include "server/connection/listeners.h"

#include "common/text.h"
#include "server/log/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether the error means that the host does not have the family of the address, or has IPv6 and
 * does not use it. */
static bool family_is_missing(const struct address *address, int error)
{
    if (error == EAFNOSUPPORT)
        return true;
    return error == EADDRNOTAVAIL && address->u.any.sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(&address->u.in6.sin6_addr) || address_is_wildcard(address));
}

/* One run of opening what settings->listen names. */
struct opening {
    struct listeners *listeners;
    size_t before;            /* number of listeners that were open before */
    bool kept[LISTENERS_MAX]; /* which of them stay */
    int backlog;
    int severity; /* of a failure: what it costs, log.h */
};

/* Name the socket that has the address already. */
static const char *advice_in_use(const struct opening *opening, const struct address *address)
{
    const struct listeners *listeners = opening->listeners;
    for (size_t i = 0; i < listeners->count; i++)
        if (address_overlaps(&listeners->list[i]->bound, address))
            return i < opening->before && !opening->kept[i]
                       ? "; it overlaps an address that is open now; restart the daemon to change "
                         "it"
                       : "; the configuration lists it twice";
    return "; another process uses it, perhaps another sixteend: see ss -tlnp";
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

/* Returns 0, or -1 with the reason logged. */
static int start_accepting(struct listeners *listeners, struct listener *listener, int severity)
{
    char text[ADDRESS_TEXT];
    int error = listeners->acceptors == NULL ? 0 : acceptor_start(listeners->acceptors, listener);
    if (error == 0)
        return 0;
    log_line(severity, "cannot start a thread for the listener at %s: %s",
             address_format(&listener->bound, text), strerror(error));
    return -1;
}

/* Returns 0, or -1 with the reason logged. */
static int open_address(struct opening *opening, const struct address *address)
{
    struct listeners *listeners = opening->listeners;
    char text[ADDRESS_TEXT];
    address_format(address, text);
    if (listeners->count == LISTENERS_MAX) {
        log_line(opening->severity, "cannot listen at %s: at most %d addresses are supported", text,
                 LISTENERS_MAX);
        return -1;
    }
    struct listener *listener = malloc(sizeof *listener);
    if (listener != NULL && listener_open(listener, address, opening->backlog) == 0) {
        listeners->list[listeners->count++] = listener;
        return start_accepting(listeners, listener, opening->severity);
    }
    int error = errno;
    free(listener);
    errno = error;
    if (family_is_missing(address, errno)) {
        log_errno(LOG_WARNING, "cannot listen at %s; continuing without it", text);
        return 0;
    }
    log_line(opening->severity, "cannot listen at %s: %s%s", text, strerror(errno),
             advice(errno, opening, address));
    return -1;
}

/* Keep the first listener that was asked for this address and is not kept yet, and return it. With
 * port 0 there can be more than one. Returns NULL if there is none. */
static struct listener *keep(struct opening *opening, const struct address *asked)
{
    for (size_t i = 0; i < opening->before; i++)
        if (!opening->kept[i] && address_equals(&opening->listeners->list[i]->asked, asked)) {
            opening->kept[i] = true;
            return opening->listeners->list[i];
        }
    return NULL;
}

/* Open an address that is not open yet, or keep it. Returns 0, or -1 with the reason logged. */
static int open_or_keep(struct opening *opening, const struct address *address)
{
    struct listener *kept = keep(opening, address);
    if (kept == NULL)
        return open_address(opening, address);
    if (kept->quiet_from != 0) /* its acceptor may have ended */
        return start_accepting(opening->listeners, kept, opening->severity);
    return 0;
}

/* Returns 0; or -1 with the reason logged and the new listeners still open. */
static int open_all(struct opening *opening, const struct settings *settings)
{
    for (size_t i = 0; i < settings->listen.count; i++)
        for (size_t j = 0; j < settings->addresses[i].count; j++)
            if (open_or_keep(opening, &settings->addresses[i].list[j]) != 0)
                return -1;
    size_t stay = opening->listeners->count - opening->before;
    for (size_t i = 0; i < opening->before; i++)
        stay += opening->kept[i];
    if (stay > 0)
        return 0;
    log_line(opening->severity, "no listening address could be opened");
    return -1;
}

/* Make the kept listeners accept, and stop the others that were open before. */
static void settle(const struct opening *opening)
{
    for (size_t i = 0; i < opening->before; i++) {
        struct listener *listener = opening->listeners->list[i];
        if (!opening->kept[i])
            listener_stop_accepting(listener);
        else if (listener->quiet_from != 0)
            listener_resume(listener);
    }
}

/* Returns 0, or -1 with the reason logged and nothing changed. */
static int change_addresses(struct listeners *listeners, const struct settings *settings)
{
    bool starts = listeners->count == 0;
    struct opening opening = {.listeners = listeners,
                              .before = listeners->count,
                              .backlog = settings->limits.backlog,
                              .severity = starts ? LOG_CRIT : LOG_ERR};
    if (open_all(&opening, settings) == 0) {
        settle(&opening);
        return 0;
    }
    for (size_t i = listeners->count; i-- > opening.before;) {
        if (!starts) /* a start that fails has its one message */
            listener_log_end(listeners->list[i]);
        (void)acceptor_end(listeners->list[i], true); /* joins it: it has not begun to accept */
        listeners_remove(listeners, i);
    }
    return -1;
}

int listeners_start_accepting(struct listeners *listeners, struct acceptors *acceptors)
{
    listeners->acceptors = acceptors;
    for (size_t i = 0; i < listeners->count; i++)
        if (start_accepting(listeners, listeners->list[i], LOG_CRIT) != 0)
            return -1;
    return 0;
}

int listeners_open(struct listeners *listeners, const struct settings *settings)
{
    listeners->count = 0;
    return change_addresses(listeners, settings);
}

int listeners_adopt(struct listeners *listeners, int first_fd, int count)
{
    listeners->count = 0;
    if (count > LISTENERS_MAX) {
        log_line(LOG_CRIT, "LISTEN_FDS: at most %d sockets are supported", LISTENERS_MAX);
        return -1;
    }
    for (int fd = first_fd; fd < first_fd + count; fd++) {
        struct listener *listener = malloc(sizeof *listener);
        if (listener != NULL && listener_adopt(listener, fd) == 0) {
            listeners->list[listeners->count++] = listener;
            continue;
        }
        int error = errno;
        free(listener);
        errno = error;
        if (errno == EPROTOTYPE)
            log_line(LOG_CRIT,
                     "descriptor %d of LISTEN_FDS is not a listening TCP socket; a socket unit "
                     "needs ListenStream= with an IP address, and Accept=no",
                     fd);
        else
            log_errno(LOG_CRIT, "cannot take over descriptor %d of LISTEN_FDS", fd);
        listeners_close(listeners);
        return -1;
    }
    return 0;
}

/* Whether a passed socket takes IPv4 connections, too. One that the daemon opens does not. */
static bool is_dual(const struct listener *listener)
{
    int only_in6 = 0;
    socklen_t size = sizeof only_in6;
    return listener->wildcard && listener->bound.u.any.sa_family == AF_INET6 &&
           getsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_in6, &size) == 0 && !only_in6;
}

/* Whether the listener gets all connections to that address. */
static bool takes(const struct listener *listener, const struct address *address)
{
    return address_equals(&listener->bound, address) ||
           (is_dual(listener) && address_is_wildcard(address) &&
            listener->bound.u.in6.sin6_port == address->u.in.sin_port);
}

/* Whether the endpoint stands for addresses of listeners, which are then marked. A name, which is
 * not looked up, does not. */
static bool mark_listeners(const struct listeners *listeners, const struct endpoint *endpoint,
                           bool marked[LISTENERS_MAX])
{
    struct address list[HOST_ADDRESSES];
    size_t count = port_is_number(endpoint->port) ? host_addresses(endpoint->host, list) : 0;
    for (size_t i = 0; i < count; i++) {
        bool taken = false;
        address_set_port(&list[i], port_number(endpoint->port));
        for (size_t j = 0; j < listeners->count; j++) {
            taken = taken || takes(listeners->list[j], &list[i]);
            marked[j] = marked[j] || address_equals(&listeners->list[j]->bound, &list[i]);
        }
        if (!taken)
            return false;
    }
    return count > 0;
}

void listeners_compare_adopted(const struct listeners *listeners, const struct settings *settings)
{
    bool marked[LISTENERS_MAX] = {false};
    bool same = true;
    char passed[LOG_LINE_SIZE / 3] = ""; /* the line has room for both */
    char named[LOG_LINE_SIZE / 3] = "";
    char text[ENDPOINT_TEXT];
    for (size_t i = 0; i < settings->listen.count; i++) {
        const struct endpoint *endpoint = &settings->listen.list[i];
        same = mark_listeners(listeners, endpoint, marked) && same;
        text_append(named, sizeof named, "%s%s", i == 0 ? "" : ", ",
                    endpoint_format(endpoint, text));
    }
    for (size_t i = 0; i < listeners->count; i++) {
        same = same && marked[i];
        text_append(passed, sizeof passed, "%s%s", i == 0 ? "" : ", ",
                    address_format(&listeners->list[i]->bound, text));
    }
    if (!same)
        log_line(LOG_WARNING,
                 "listen names %s, but has no effect: the service manager passed %s; change the "
                 "socket unit, or remove listen",
                 named, passed);
}

static void change_backlog(struct listeners *listeners, int backlog)
{
    char text[ADDRESS_TEXT];
    for (size_t i = 0; i < listeners->count; i++)
        if (listen(listeners->list[i]->fd, backlog) != 0)
            log_errno(LOG_WARNING, "cannot change the backlog at %s",
                      address_format(&listeners->list[i]->bound, text));
}

int listeners_change(struct listeners *listeners, const struct settings *old,
                     const struct settings *settings)
{
    if (listeners->count > 0 && listeners->list[0]->adopted)
        return 0;
    if (!settings_same(settings_find("listen"), old, settings) &&
        change_addresses(listeners, settings) != 0)
        return -1;
    if (old->limits.backlog != settings->limits.backlog)
        change_backlog(listeners, settings->limits.backlog);
    return 0;
}

void listeners_stop_accepting(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        listener_stop_accepting(listeners->list[i]);
}

void listeners_remove(struct listeners *listeners, size_t index)
{
    close(listeners->list[index]->fd);
    free(listeners->list[index]);
    listeners->list[index] = listeners->list[--listeners->count];
}

void listeners_close(struct listeners *listeners)
{
    while (listeners->count > 0)
        listeners_remove(listeners, listeners->count - 1);
}

void listeners_add_stats(const struct listeners *listeners, struct stats *stats)
{
    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *listener = listeners->list[i];
        struct listener_stats one;
        if (listener->quiet_from != 0)
            continue;
        address_format(&listener->bound, one.address);
        one.queued = listener_queue(listener, &one.limit);
        stats_add_listener(stats, &one);
    }
}
