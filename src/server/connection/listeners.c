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
static int refuse(const struct listeners *listeners, const struct address *address, int error,
                  const char *hint)
{
    char text[ADDRESS_TEXT];
    log_line(listeners->severity, "cannot listen at %s: %s%s", address_format(address, text),
             strerror(error), hint);
    return -1;
}

/* Start an acceptor, or keep the one that the listener has, even if acceptor_end() was called for
 * it. Returns 0, or -1 with the reason logged. */
static int start_accepting(const struct listeners *listeners, struct listener *listener)
{
    int error = listeners->acceptors == NULL ? 0 : acceptor_start(listeners->acceptors, listener);
    if (error == 0)
        return 0;
    log_line(listeners->severity, "cannot start a thread for the listener at %s: %s",
             listener->name, strerror(error));
    return -1;
}

/* Let a new socket overlap the listeners that were open before. Returns whether it does. */
static bool overlaps_open(struct listeners *listeners, const struct address *address)
{
    bool any = false;
    for (size_t i = 0; i < listeners->before; i++) {
        const struct listener *listener = listeners->list[i];
        if (address_overlaps(&listener->bound, address)) {
            (void)listener_share(listener, true); /* otherwise bind(2) fails */
            any = true;
        }
    }
    return any;
}

/* Bind a new listener. If `asked` has port 0, it gets `*port`, and if that is 0, too, `*port`
 * becomes the one that the kernel chooses. Returns 0; EADDRINUSE if a port that was chosen is not
 * available here; or -1 with the reason logged. */
static int open_address(struct listeners *listeners, const struct address *asked, uint16_t *port)
{
    char text[ADDRESS_TEXT];
    if (listeners->count == LISTENERS_MAX) {
        log_line(listeners->severity, "cannot listen at %s: at most %d addresses are supported",
                 address_format(asked, text), LISTENERS_MAX);
        return -1;
    }
    struct listener *listener = malloc(sizeof *listener);
    bool shared = overlaps_open(listeners, asked);
    int error = listener == NULL ? ENOMEM : listener_bind(listener, asked, *port, shared);
    if (error == 0) {
        listeners->list[listeners->count++] = listener;
        listener->wanted = asked;
        *port = address_port(&listener->bound);
        return start_accepting(listeners, listener);
    }
    free(listener);
    if (family_is_missing(asked, error)) {
        log_line(LOG_WARNING, "cannot listen at %s; continuing without it: %s",
                 address_format(asked, text), strerror(error));
        return 0;
    }
    if (error == EADDRINUSE && address_port(asked) == 0 && *port != 0)
        return error;
    return refuse(listeners, asked, error, advice(error));
}

/* Return the listener that is open at this address and not wanted yet, or NULL. With port 0 there
 * can be more than one. */
static struct listener *find_open(const struct listeners *listeners, const struct address *asked)
{
    for (size_t i = 0; i < listeners->before; i++) {
        struct listener *listener = listeners->list[i];
        if (listener->wanted == NULL &&
            (address_equals(&listener->asked, asked) || address_equals(&listener->bound, asked)))
            return listener;
    }
    return NULL;
}

/* Whether a listener is wanted already that the address overlaps. */
static bool is_listed(const struct listeners *listeners, const struct address *asked)
{
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

static bool is_kept(const struct listeners *listeners, const struct address *asked)
{
    for (size_t i = 0; i < listeners->before; i++)
        if (listeners->list[i]->wanted == asked)
            return true;
    return false;
}

/* Open the addresses of an endpoint that are not kept. If its port is 0, all get `port`; and if
 * that is 0, too, one that is free for all: each address in its turn lets the kernel choose it.
 * Returns 0, or -1 with the reason logged. */
static int open_others(struct listeners *listeners, const struct addresses *addresses,
                       const uint16_t port)
{
    size_t count = listeners->count;
    int result = EADDRINUSE;
    for (size_t try = 0; result == EADDRINUSE && try < PORT_TRIES; try++) {
        uint16_t chosen = port;
        result = 0;
        close_new(listeners, count);
        for (size_t i = 0; i < addresses->count && result == 0; i++) {
            const struct address *asked = &addresses->list[(i + try) % addresses->count];
            if (!is_kept(listeners, asked))
                result = open_address(listeners, asked, &chosen);
        }
    }
    if (result == EADDRINUSE)
        return refuse(listeners, &addresses->list[0], result,
                      "; no port is free for all addresses");
    return result;
}

/* Open or keep a listener for each address of an endpoint. Returns 0, or -1 with the reason logged.
 */
static int ensure_endpoint(struct listeners *listeners, const struct addresses *addresses)
{
    uint16_t port = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        const struct address *asked = &addresses->list[i];
        if (is_listed(listeners, asked))
            return refuse(listeners, asked, EADDRINUSE, "; the configuration lists it twice");
        struct listener *listener = find_open(listeners, asked);
        if (listener != NULL) {
            port = address_port(&listener->bound);
            listener->wanted = asked;
            if (start_accepting(listeners, listener) != 0)
                return -1;
        }
    }
    return open_others(listeners, addresses, port);
}

/* Keep the narrow listeners that a wide one overlaps. Returns 0, or -1 with the reason logged. */
static int keep_overlapped(struct listeners *listeners)
{
    int result = 0;
    for (size_t i = 0; i < listeners->before; i++) {
        struct listener *narrow = listeners->list[i];
        if (narrow->wanted != NULL || address_is_wildcard(&narrow->bound) ||
            !is_listed(listeners, &narrow->bound))
            continue;
        narrow->wanted = &narrow->bound;
        result |= start_accepting(listeners, narrow);
    }
    return result;
}

/* Open or keep a listener for each address of the settings. Returns 0; or -1 with the reason logged
 * and the new listeners still open. */
static int ensure_all(struct listeners *listeners, const struct settings *settings)
{
    size_t wanted = 0;
    for (size_t i = 0; i < settings->listen.count; i++)
        if (ensure_endpoint(listeners, &settings->addresses[i]) != 0)
            return -1;
    for (size_t i = 0; i < listeners->count; i++)
        wanted += listeners->list[i]->wanted != NULL;
    if (wanted == 0) {
        log_line(listeners->severity, "no listening address could be opened");
        return -1;
    }
    if (keep_overlapped(listeners) != 0)
        return -1;
    for (size_t i = listeners->before; i < listeners->count; i++)
        if (listen(listeners->list[i]->fd, settings->limits.backlog) != 0)
            return refuse(listeners, &listeners->list[i]->bound, errno, advice(errno));
    return 0;
}

static void end_sharing(const struct listeners *listeners)
{
    for (size_t i = 0; listeners->before > 0 && i < listeners->count; i++)
        (void)listener_share(listeners->list[i], false); /* which the kernel never refuses */
}

/* Make the listeners that are wanted accept, and stop the others. */
static void settle(const struct listeners *listeners)
{
    for (size_t i = listeners->before; i < listeners->count; i++)
        log_line(LOG_NOTICE, "Listening at %s", listeners->list[i]->name);
    for (size_t i = 0; i < listeners->before; i++) {
        struct listener *listener = listeners->list[i];
        if (listener->wanted == NULL)
            listener_stop_accepting(listener);
        else if (listener->quiet_from != 0)
            listener_resume(listener);
    }
}

int listeners_open(struct listeners *listeners, const struct settings *settings)
{
    listeners->before = listeners->count;
    listeners->severity = listeners->count == 0 ? LOG_CRIT : LOG_ERR;
    for (size_t i = 0; i < listeners->before; i++)
        listeners->list[i]->wanted = NULL;
    int result = ensure_all(listeners, settings);
    end_sharing(listeners);
    if (result == 0)
        settle(listeners);
    else
        close_new(listeners, listeners->before);
    return result;
}

int listeners_start_accepting(struct listeners *listeners, struct acceptors *acceptors)
{
    listeners->acceptors = acceptors;
    listeners->severity = LOG_CRIT;
    for (size_t i = 0; i < listeners->count; i++)
        if (start_accepting(listeners, listeners->list[i]) != 0)
            return -1;
    return 0;
}

int listeners_change(struct listeners *listeners, const struct settings *old,
                     const struct settings *settings)
{
    if (listeners->count > 0 && listeners->list[0]->adopted)
        return 0;
    if (!settings_same(settings_find("listen"), old, settings) &&
        listeners_open(listeners, settings) != 0)
        return -1;
    for (size_t i = 0; i < listeners->count; i++) /* they listen: the kernel takes any backlog */
        (void)listen(listeners->list[i]->fd, settings->limits.backlog);
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
        memcpy(one.address, listener->name, sizeof one.address);
        one.queued = listener_queue(listener, &one.limit);
        stats_add_listener(stats, &one);
    }
}
