/* SPDX-License-Identifier: MIT */
/* The addresses that the endpoints of `listen` stand for. */
#ifndef SERVER_CONFIG_LISTEN_ADDRESSES_H
#define SERVER_CONFIG_LISTEN_ADDRESSES_H

#include "server/config/settings.h"

/* Find the addresses of every endpoint of settings->listen, in settings->addresses. At a start,
 * `running` is NULL, and names are looked up, which can take minutes. At a reload, `running` are
 * the settings in effect, and nothing is looked up: a name that they have keeps its addresses, and
 * a new one is refused. Returns true, or false with the reason in `message`. */
bool listen_addresses_find(struct settings *settings, const struct settings *running,
                           char message[ERROR_SIZE]);

#endif
