/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/process/passed_sockets.h"

#include "common/text.h"
#include "server/log/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifndef IPPROTO_MPTCP /* as in <linux/in.h> */
#define IPPROTO_MPTCP 262
#endif

static bool is_listening_tcp(int fd)
{
    int listening = 0;
    int protocol = 0;
    socklen_t size = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening &&
           getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
}

/* Adopt an open socket. Returns 0; or an error number with the socket still open, EPROTOTYPE if it
 * is not a listening TCP socket. */
static int adopt(struct listener *listener, int fd)
{
    *listener = (struct listener){.fd = fd, .adopted = true};
    if (!is_listening_tcp(fd))
        return EPROTOTYPE;
    if (listener_find_bound(listener) != 0)
        return errno;
    log_line(LOG_NOTICE, "Listening at %s", listener->name);
    return 0;
}

int passed_sockets_adopt(struct listeners *listeners, int first_fd, int count)
{
    if (count > LISTENERS_MAX) {
        log_line(LOG_CRIT, "LISTEN_FDS: at most %d sockets are supported", LISTENERS_MAX);
        return -1;
    }
    for (int fd = first_fd; fd < first_fd + count; fd++) {
        struct listener *listener = malloc(sizeof *listener);
        int error = listener == NULL ? ENOMEM : adopt(listener, fd);
        if (error == 0) {
            listeners->list[listeners->count++] = listener;
            continue;
        }
        free(listener);
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

/* Whether the passed listener gets all connections to that address. One at the IPv6 wildcard
 * address can take IPv4 connections, too; one that the daemon opens does not. */
static bool takes(const struct listener *listener, const struct address *address)
{
    int only_in6 = 1;
    socklen_t size = sizeof only_in6;
    if (listener->bound.u.any.sa_family == AF_INET6)
        (void)getsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_in6, &size);
    return address_equals(&listener->bound, address) ||
           (!only_in6 && address_is_wildcard(&listener->bound) && address_is_wildcard(address) &&
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

void passed_sockets_compare(const struct listeners *listeners, const struct settings *settings)
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
        text_append(passed, sizeof passed, "%s%s", i == 0 ? "" : ", ", listeners->list[i]->name);
    }
    if (!same)
        log_line(LOG_WARNING,
                 "listen names %s, but has no effect: the service manager passed %s; change the "
                 "socket unit, or remove listen",
                 named, passed);
}
