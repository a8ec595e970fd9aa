/* SPDX-License-Identifier: MIT */
/* One hop of a path: a handshake whose packets can pass that number of hops and no more, and the
 * answer to it. */
#ifndef CLIENT_PATH_HOP_H
#define CLIENT_PATH_HOP_H

#include "client/exchange/source.h"

/* What came back. Those from HOP_REJECTED on end the path. */
enum hop_answer {
    HOP_SILENT,    /* nothing */
    HOP_EXPIRED,   /* from a router: the hop limit was used up there */
    HOP_REJECTED,  /* another ICMP message: `type` and `code` */
    HOP_REFUSED,   /* a reset */
    HOP_CONNECTED, /* the handshake was completed */
    HOP_UNNAMED,   /* an ICMP message whose sender the kernel does not name */
    HOP_FAILED     /* this host did not send a SYN: `error` */
};

struct hop {
    struct address from; /* of the answer, with port 0; its length is 0 if it is not known */
    int64_t began;       /* the last handshake: an instant of clock_nanoseconds() */
    int64_t took;        /* nanoseconds from there to the answer */
    int64_t next;        /* when the open handshake ends, or the next one begins */
    enum hop_answer answer;
    int error;
    int fd; /* -1: no handshake is open */
    unsigned asked;
    int type, code; /* of ICMP */
    bool is_known;  /* no further handshake will begin */
};

/* Begin a handshake with `server` that reaches hop `number` and no further, from `source`. */
void hop_ask(struct hop *hop, int number, const struct source *source,
             const struct address *server);

/* Take the answer after an event of the socket. */
void hop_read(struct hop *hop, const struct address *server, int64_t now);

/* End the handshake, if one is open; a connection by a reset. */
void hop_close(struct hop *hop);

/* Write an address without a port. Returns `text`. */
char *hop_address(const struct address *address, char text[ADDRESS_TEXT]);

#endif
