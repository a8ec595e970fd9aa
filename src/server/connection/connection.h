/* SPDX-License-Identifier: MIT */
/* The one struct that travels the whole way of a connection: made by the acceptor,
 * filled station by station, freed by whoever closes its socket. */
#ifndef SERVER_CONNECTION_CONNECTION_H
#define SERVER_CONNECTION_CONNECTION_H

#include "common/address.h"
#include "common/deadline.h"
#include "common/text.h"
#include "common/wire.h"
#include "server/config/settings.h"
#include "server/connection/proxy_header.h"
#include "server/log/stats.h"

#include <stdatomic.h>
#include <sys/queue.h>

struct connection {
    /* the acceptor's part */
    struct settings *settings; /* the settings that it runs under */
    int fd;                    /* only the station that has the connection closes it */
    struct address peer;
    struct address local;
    int64_t accepted; /* clock_nanoseconds() at accept4() */
    struct deadline deadline;
    bool proxied; /* it comes from access.proxies: `peer` is a proxy until its header was read */

    /* the admission's part */
    struct admission *admission; /* which counts it; NULL: none does */
    struct source *source;       /* its address's count, if that is limited */

    /* places in the lists of the station that has it, under that station's lock:
     * workers.c, then lingering.c */
    TAILQ_ENTRY(connection) all;
    TAILQ_ENTRY(connection) turn;

    /* the workers's part */
    atomic_bool cut; /* a drain ran out of time and ended it */

    /* the preface's part */
    struct header_buffer *header; /* from malloc(3), where it is proxied */
    bool refused;                 /* by what came in the header: `outcome` stands */

    /* the exchange's part */
    unsigned char octets[WIRE_OCTETS + 1]; /* one more, to see a peer that sent too many */
    size_t count;                          /* how many of them were received */
    size_t sent;                           /* octets of the reply that the kernel took */
    enum outcome outcome;
    int error;        /* errno of OUTCOME_FAILED */
    bool half_closed; /* reply and FIN are on their way: the close is to linger */
    int64_t decided;  /* clock_nanoseconds() when reply or outcome stood */

    /* the linger's part */
    size_t pause; /* which of its pauses it is in */
    int64_t look; /* when to look next */
};

/* What a proxy sends before the message: preface.h. */
struct header_buffer {
    bool complete;        /* the header is read */
    bool has_addresses;   /* an address: `peer` is that now … */
    struct address proxy; /* … and this the proxy */
    const char *wrong;    /* with the header, or NULL */
    size_t count;         /* how many octets were received: of the header and behind it */
    unsigned char octets[PROXY_HEADER_MAX + WIRE_OCTETS + 1];
};

TAILQ_HEAD(connection_list, connection);

/* From the accept to the outcome. */
int64_t connection_microseconds(const struct connection *connection);

/* Room for the longest line of connection_format(). */
#define CONNECTION_LINE (3 * ADDRESS_TEXT + 2 * QUOTE_SIZE(WIRE_OCTETS) + 320)

/* Write the connection's log line as sixteend(8) specifies it, without an end
 * of line, into `line`. Returns `line`. */
char *connection_format(const struct connection *connection, char line[CONNECTION_LINE]);

/* Count the connection's outcome, and log its line at the severity of that outcome. */
void connection_report(const struct connection *connection);

#endif
