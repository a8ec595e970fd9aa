/* SPDX-License-Identifier: MIT */
/* A reload makes all changes of addresses or none. New sockets are bound first; once all are, they
 * listen; and only then do old listeners stop accepting. If the old ones were closed first, a
 * failure could leave the daemon without a listener.
 *
 * An address that overlaps an open one, as 0.0.0.0 overlaps 127.0.0.1, takes its place without a
 * gap. The kernel lets both sockets bind if they have SO_REUSEPORT and the same owner, and passes
 * each new connection to the more specific of the two. As soon as the new one listens, the option
 * is cleared on both, so that nothing else can bind there by accident. A narrow listener stays open
 * in addition to a wide one: if it was closed, clients that connect to its address at that moment
 * would be delayed by a second or lose their connection. When a narrow one takes the place of a
 * wide one, no client connects to the wide one any more, and it is drained.
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

/* How often a port is chosen that must be free in several families. */
#define PORT_TRIES 16

/* Whether the error means that the host does not have the family of the address, or has IPv6 and
 * does not use it. */
static bool family_is_missing(const struct address *address, int error)
{
    if (error == EAFNOSUPPORT)
        return true;
    return error == EADDRNOTAVAIL && address->u.any.sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(&address->u.in6.sin6_addr) || address_is_wildcard(address));
}

/* One run of opening what settings->addresses names. The listeners that were open before are the
 * first in the list. */
struct change {
    struct listeners *listeners;
    size_t before; /* how many were open before */
    bool shared;   /* some of them are overlapped by new ones */
    int severity;  /* of a failure: what it costs, log.h */
};

static const char *advice(int error)
{
    switch (error) {
    case EADDRINUSE: return "; another process uses it, perhaps another sixteend: see ss -tlnp";
    case EADDRNOTAVAIL: return "; no interface of this host has that address";
    case EACCES: return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    default: return "";
    }
}

/* Log why an address cannot be opened. Returns -1. */
static int refuse(const struct change *change, const struct address *address, int error,
                  const char *hint)
{
    char text[ADDRESS_TEXT];
    log_line(change->severity, "cannot listen at %s: %s%s", address_format(address, text),
             strerror(error), hint);
    return -1;
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

/* Keep a listener that was open before. Returns 0, or -1 with the reason logged. */
static int keep(struct change *change, struct listener *listener, const struct address *wanted)
{
    listener->wanted = wanted;
    if (listener->quiet_from == 0)
        return 0;
    return start_accepting(change->listeners, listener, change->severity); /* it may have ended */
}

/* Append a listener from malloc(3), or free it if there was an error. Returns the error. */
static int append(struct listeners *listeners, struct listener *listener, int error)
{
    if (error == 0)
        listeners->list[listeners->count++] = listener;
    else
        free(listener);
    return error;
}

/* Let a new socket overlap the listeners that were open before. Returns whether it does. */
static bool overlaps_open(struct change *change, const struct address *address)
{
    bool any = false;
    for (size_t i = 0; i < change->before; i++) {
        const struct listener *listener = change->listeners->list[i];
        if (address_overlaps(&listener->bound, address)) {
            (void)listener_share(listener, true); /* otherwise bind(2) fails */
            any = true;
        }
    }
    change->shared |= any;
    return any;
}

/* Bind a new listener. If `asked` has port 0, it gets `*port`, and if that is 0, too, `*port`
 * becomes the one that the kernel chooses. Returns 0; EADDRINUSE if a port that was chosen is not
 * available here; or -1 with the reason logged. */
static int open_address(struct change *change, const struct address *asked, uint16_t *port)
{
    struct listeners *listeners = change->listeners;
    char text[ADDRESS_TEXT];
    if (listeners->count == LISTENERS_MAX) {
        log_line(change->severity, "cannot listen at %s: at most %d addresses are supported",
                 address_format(asked, text), LISTENERS_MAX);
        return -1;
    }
    struct listener *listener = malloc(sizeof *listener);
    bool shared = overlaps_open(change, asked);
    int error = append(listeners, listener,
                       listener == NULL ? ENOMEM : listener_bind(listener, asked, *port, shared));
    if (error == 0) {
        listener->wanted = asked;
        *port = address_port(&listener->bound);
        return start_accepting(listeners, listener, change->severity);
    }
    if (family_is_missing(asked, error)) {
        log_line(LOG_WARNING, "cannot listen at %s; continuing without it: %s",
                 address_format(asked, text), strerror(error));
        return 0;
    }
    if (error == EADDRINUSE && address_port(asked) == 0 && *port != 0)
        return error;
    return refuse(change, asked, error, advice(error));
}

/* Return the listener that is open at this address and not wanted yet, or NULL. With port 0 there
 * can be more than one. */
static struct listener *find_open(const struct change *change, const struct address *asked)
{
    for (size_t i = 0; i < change->before; i++) {
        struct listener *listener = change->listeners->list[i];
        if (listener->wanted == NULL &&
            (address_equals(&listener->asked, asked) || address_equals(&listener->bound, asked)))
            return listener;
    }
    return NULL;
}

/* Whether the configuration named an address before that this one overlaps. */
static bool is_listed(const struct change *change, const struct address *asked)
{
    const struct listeners *listeners = change->listeners;
    for (size_t i = 0; i < listeners->count; i++)
        if (listeners->list[i]->wanted != NULL &&
            address_overlaps(&listeners->list[i]->bound, asked))
            return true;
    return false;
}

/* Close new listeners until `count` are left. They have not begun to accept. */
static void close_new(struct listeners *listeners, size_t count)
{
    while (listeners->count > count) {
        (void)acceptor_end(listeners->list[listeners->count - 1], true); /* joins it */
        listeners_remove(listeners, listeners->count - 1);
    }
}

static bool is_kept(const struct change *change, const struct address *asked)
{
    for (size_t i = 0; i < change->before; i++)
        if (change->listeners->list[i]->wanted == asked)
            return true;
    return false;
}

/* Open the addresses of an endpoint that are not kept. If its port is 0, all get `port`; and if
 * that is 0, too, one that is free for all: each address in its turn lets the kernel choose it.
 * Returns 0, or -1 with the reason logged. */
static int open_others(struct change *change, const struct addresses *addresses,
                       const uint16_t port)
{
    size_t count = change->listeners->count;
    int result = EADDRINUSE;
    for (size_t try = 0; result == EADDRINUSE && try < PORT_TRIES; try++) {
        uint16_t chosen = port;
        result = 0;
        close_new(change->listeners, count);
        for (size_t i = 0; i < addresses->count && result == 0; i++) {
            const struct address *asked = &addresses->list[(i + try) % addresses->count];
            if (!is_kept(change, asked))
                result = open_address(change, asked, &chosen);
        }
    }
    if (result == EADDRINUSE)
        return refuse(change, &addresses->list[0], result, "; no port is free for all addresses");
    return result;
}

/* Open or keep a listener for each address of an endpoint. Returns 0, or -1 with the reason logged.
 */
static int ensure_endpoint(struct change *change, const struct addresses *addresses)
{
    uint16_t port = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        const struct address *asked = &addresses->list[i];
        if (is_listed(change, asked))
            return refuse(change, asked, EADDRINUSE, "; the configuration lists it twice");
        struct listener *listener = find_open(change, asked);
        if (listener != NULL) {
            port = address_port(&listener->bound);
            if (keep(change, listener, asked) != 0)
                return -1;
        }
    }
    return open_others(change, addresses, port);
}

/* Keep the listeners that a wanted one overlaps. Returns 0, or -1 with the reason logged. */
static int keep_overlapped(struct change *change)
{
    const struct listeners *listeners = change->listeners;
    int result = 0;
    for (size_t i = 0; i < change->before; i++) {
        struct listener *narrow = listeners->list[i];
        for (size_t j = 0; j < listeners->count && narrow->wanted == NULL; j++) {
            const struct listener *wide = listeners->list[j];
            if (wide->wanted != NULL && wide->wildcard &&
                address_overlaps(&wide->bound, &narrow->bound))
                result |= keep(change, narrow, wide->wanted);
        }
    }
    return result;
}

/* Open or keep a listener for each address of the settings. Returns 0; or -1 with the reason logged
 * and the new listeners still open. */
static int ensure_all(struct change *change, const struct settings *settings)
{
    struct listeners *listeners = change->listeners;
    size_t wanted = 0;
    for (size_t i = 0; i < settings->listen.count; i++)
        if (ensure_endpoint(change, &settings->addresses[i]) != 0)
            return -1;
    for (size_t i = 0; i < listeners->count; i++)
        wanted += listeners->list[i]->wanted != NULL;
    if (wanted == 0) {
        log_line(change->severity, "no listening address could be opened");
        return -1;
    }
    if (keep_overlapped(change) != 0)
        return -1;
    for (size_t i = change->before; i < listeners->count; i++)
        if (listen(listeners->list[i]->fd, settings->limits.backlog) != 0)
            return refuse(change, &listeners->list[i]->bound, errno, advice(errno));
    return 0;
}

static void end_sharing(const struct change *change)
{
    char text[ADDRESS_TEXT];
    for (size_t i = 0; change->shared && i < change->listeners->count; i++) {
        const struct listener *listener = change->listeners->list[i];
        if (listener_share(listener, false) != 0)
            log_errno(LOG_WARNING,
                      "cannot clear SO_REUSEPORT at %s; another process of this user can share "
                      "the port",
                      address_format(&listener->bound, text));
    }
}

/* Make the listeners that are wanted accept, and stop the others. */
static void settle(const struct change *change)
{
    for (size_t i = change->before; i < change->listeners->count; i++)
        listener_log_begin(change->listeners->list[i]);
    for (size_t i = 0; i < change->before; i++) {
        struct listener *listener = change->listeners->list[i];
        if (listener->wanted == NULL)
            listener_stop_accepting(listener);
        else if (listener->quiet_from != 0)
            listener_resume(listener);
    }
}

/* Returns 0, or -1 with the reason logged and nothing changed. */
static int change_addresses(struct listeners *listeners, const struct settings *settings)
{
    struct change change = {.listeners = listeners,
                            .before = listeners->count,
                            .severity = listeners->count == 0 ? LOG_CRIT : LOG_ERR};
    for (size_t i = 0; i < change.before; i++)
        listeners->list[i]->wanted = NULL;
    int result = ensure_all(&change, settings);
    end_sharing(&change);
    if (result == 0)
        settle(&change);
    else
        close_new(listeners, change.before);
    return result;
}

int listeners_start_accepting(struct listeners *listeners, struct acceptors *acceptors)
{
    listeners->acceptors = acceptors;
    for (size_t i = 0; i < listeners->count; i++)
        if (start_accepting(listeners, listeners->list[i], LOG_CRIT) != 0)
            return -1;
    return 0;
}

/* Make daemon.user the owner of the sockets, so that a reload can open others that overlap them. */
static void give(const struct listeners *listeners, uid_t uid)
{
    char text[ADDRESS_TEXT];
    for (size_t i = 0; i < listeners->count; i++)
        if (fchown(listeners->list[i]->fd, uid, (gid_t)-1) != 0)
            log_errno(LOG_WARNING,
                      "cannot give the listener at %s to daemon.user; a reload cannot replace it "
                      "with one that overlaps it",
                      address_format(&listeners->list[i]->bound, text));
}

int listeners_open(struct listeners *listeners, const struct settings *settings)
{
    listeners->count = 0;
    if (change_addresses(listeners, settings) != 0)
        return -1;
    if (settings->daemon.user[0] != '\0' && geteuid() == 0)
        give(listeners, settings->daemon.uid);
    return 0;
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
        int error =
            append(listeners, listener, listener == NULL ? ENOMEM : listener_adopt(listener, fd));
        if (error == 0)
            continue;
        if (error == EPROTOTYPE)
            log_line(LOG_CRIT,
                     "descriptor %d of LISTEN_FDS is not a listening TCP socket; a socket unit "
                     "needs ListenStream= with an IP address, and Accept=no",
                     fd);
        else
            log_line(LOG_CRIT, "cannot take over descriptor %d of LISTEN_FDS: %s", fd,
                     strerror(error));
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
            address_port(&listener->bound) == address_port(address));
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
