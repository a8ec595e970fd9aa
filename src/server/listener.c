/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/listener.h"

#include "server/log.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Whether a listener of ours has the address already, by itself or as part of every
 * address. */
static bool is_ours(const struct listeners *listeners, const struct address *address)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (address_overlaps(&listeners->list[i].bound, address))
            return true;
    return false;
}

static const char *advice(int error, bool ours)
{
    switch (error) {
    case EADDRINUSE:
        return ours ? "; the configuration has it twice"
                    : "; another process has it, perhaps another sixteend: see ss -tlnp";
    case EADDRNOTAVAIL: return "; no interface of this host has that address";
    case EACCES: return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    default: return "";
    }
}

static int open_address(struct listeners *listeners, const struct address *address,
                        const struct settings *settings)
{
    char text[ADDRESS_TEXT];
    address_format(address, text);
    int fd = open_socket(address, settings->limits.backlog);
    if (fd < 0 && family_is_missing(address, errno)) {
        log_errno(LOG_WARNING, "cannot listen at %s, going on without it", text);
        return 0;
    }
    if (fd < 0) {
        const char *reason = strerror(errno);
        const char *hint = advice(errno, is_ours(listeners, address));
        log_line(LOG_CRIT, "cannot listen at %s: %s%s", text, reason, hint);
        return -1;
    }
    struct listener *grown =
        realloc(listeners->list, (listeners->count + 1) * sizeof *listeners->list);
    if (grown != NULL)
        listeners->list = grown;
    struct listener listener = {.fd = fd, .wildcard = address_is_wildcard(address)};
    if (grown == NULL || address_of_socket(fd, &listener.bound) != 0) {
        log_errno(LOG_CRIT, "cannot listen at %s", text);
        close(fd);
        return -1;
    }
    listeners->list[listeners->count++] = listener;
    log_line(LOG_NOTICE, "Listening at %s", address_format(&listener.bound, text));
    return 0;
}

static int open_endpoint(struct listeners *listeners, const char *text,
                         const struct settings *settings)
{
    struct endpoint endpoint;
    struct address *addresses;
    size_t count;

    const char *wrong = endpoint_parse(text, &endpoint);
    if (wrong != NULL) {
        log_line(LOG_CRIT, "cannot listen at %s: %s", text, wrong);
        return -1;
    }
    int error = endpoint_resolve(&endpoint, AF_UNSPEC, AI_PASSIVE, &addresses, &count);
    if (error != 0) {
        log_line(LOG_CRIT, "cannot listen at %s: %s", text, address_strerror(error));
        return -1;
    }
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = open_address(listeners, &addresses[i], settings);
    free(addresses);
    return result;
}

int listeners_open(struct listeners *listeners, const struct settings *settings)
{
    *listeners = (struct listeners){NULL, 0};
    for (size_t i = 0; i < settings->listen.count; i++) {
        if (open_endpoint(listeners, settings->listen.text[i], settings) != 0) {
            listeners_close(listeners);
            return -1;
        }
    }
    if (listeners->count == 0) {
        log_line(LOG_CRIT, "not one address to listen at could be had");
        return -1;
    }
    return 0;
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        close(listeners->list[i].fd);
    free(listeners->list);
    *listeners = (struct listeners){NULL, 0};
}
