/* SPDX-License-Identifier: MIT */
/* A host and a port are found apart from each other, so that a reload can give a known name another
 * port. */
#include <config.h>

#include "server/config/listen_addresses.h"

#include "common/text.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

static const char new_name[] =
    "a reload does not look up new names; write the address and the port as numbers, or restart "
    "the daemon";

/* Each function below returns NULL, or why it fails. */

static const char *copy(const struct address *list, size_t count, struct addresses *found)
{
    found->list = calloc(count, sizeof *list);
    if (found->list == NULL)
        return strerror(errno);
    memcpy(found->list, list, count * sizeof *list);
    found->count = count;
    return NULL;
}

static const char *look_up(const char *host, const char *service, struct addresses *found)
{
    struct endpoint endpoint;
    snprintf(endpoint.host, sizeof endpoint.host, "%s", host);
    snprintf(endpoint.port, sizeof endpoint.port, "%s", service);
    int error = endpoint_resolve(&endpoint, AF_UNSPEC, AI_PASSIVE, &found->list, &found->count);
    return error == 0 ? NULL : address_strerror(error);
}

static const char *find_host(const char *host, const struct settings *running,
                             struct addresses *found)
{
    struct address numeric[HOST_ADDRESSES];
    size_t count = host_addresses(host, numeric);
    if (count > 0)
        return copy(numeric, count, found);
    if (strchr(host, ':') != NULL)
        return "not an IPv6 address, or its interface does not exist";
    if (running == NULL)
        return look_up(host, "0", found);
    for (size_t i = 0; i < running->listen.count; i++)
        if (strcasecmp(running->listen.list[i].host, host) == 0)
            return copy(running->addresses[i].list, running->addresses[i].count, found);
    return new_name;
}

static const char *find_port(const char *port, const struct settings *running, uint16_t *found)
{
    struct addresses any = {0, NULL};
    if (port_is_number(port)) {
        *found = port_number(port);
        return NULL;
    }
    if (running == NULL) {
        const char *why = look_up("127.0.0.1", port, &any);
        if (why == NULL)
            *found = address_port(&any.list[0]);
        free(any.list);
        return why;
    }
    for (size_t i = 0; i < running->listen.count; i++)
        if (strcmp(running->listen.list[i].port, port) == 0) {
            *found = address_port(&running->addresses[i].list[0]);
            return NULL;
        }
    return new_name;
}

static const char *find(const struct endpoint *endpoint, const struct settings *running,
                        struct addresses *found)
{
    uint16_t port = 0;
    const char *why = find_port(endpoint->port, running, &port);
    if (why == NULL)
        why = find_host(endpoint->host, running, found);
    for (size_t i = 0; i < found->count; i++)
        address_set_port(&found->list[i], port);
    return why;
}

bool listen_addresses_find(struct settings *settings, const struct settings *running,
                           char message[ERROR_SIZE])
{
    char text[ENDPOINT_TEXT];
    for (size_t i = 0; i < settings->listen.count; i++) {
        const struct endpoint *endpoint = &settings->listen.list[i];
        const char *why = find(endpoint, running, &settings->addresses[i]);
        if (why == NULL)
            continue;
        snprintf(message, ERROR_SIZE, "cannot listen at %s: %s", endpoint_format(endpoint, text),
                 why);
        return false;
    }
    return true;
}
