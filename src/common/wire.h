/* SPDX-License-Identifier: MIT */
/* The protocol: sixteen octets each way. See sixteen(7). */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#define WIRE_OCTETS 16

#define WIRE_HOST "127.0.0.1"
#define WIRE_PORT "1060"

#define WIRE_GREETING "Hi there, server"
#define WIRE_REPLY "Farewell, client"

_Static_assert(sizeof WIRE_GREETING - 1 == WIRE_OCTETS, "the greeting fills a message");
_Static_assert(sizeof WIRE_REPLY - 1 == WIRE_OCTETS, "the reply fills a message");

#endif
