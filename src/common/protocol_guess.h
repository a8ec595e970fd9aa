/* SPDX-License-Identifier: MIT */
/* What a message looks like that was meant for another kind of server. */
#ifndef COMMON_PROTOCOL_GUESS_H
#define COMMON_PROTOCOL_GUESS_H

#include <stddef.h>

/* Return the protocol that these first octets of a connection look like: "tls", "http", "ssh" or
 * "proxy" (a PROXY header); or NULL if they look like none, or are too few to tell. */
const char *protocol_guess(const unsigned char *octets, size_t count);

#endif
