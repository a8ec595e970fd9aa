/* SPDX-License-Identifier: MIT */
/* One accepted TCP connection: the struct that travels from the acceptor to the lingering close.
 * Each station fills in its part, and ownership passes with the struct. The socket is closed by the
 * acceptor if no worker gets it, by the lingering close if it is half-closed, and otherwise by its
 * worker. */
#ifndef SERVER_CONNECTION_CONNECTION_H
#define SERVER_CONNECTION_CONNECTION_H

#include "common/address.h"
#include "common/deadline.h"
#include "common/proxy_protocol.h"
#include "common/tail_queue.h"
#include "common/text.h"
#include "common/wire.h"
#include "server/config/settings.h"
#include "server/log/stats.h"

#include <stdatomic.h>

struct connection {
    /* filled in by the acceptor */
    struct settings *settings; /* a reference from the submission to the workers until the outcome
                                  is reported; before that, valid only in the monitor */
    int64_t accepted;          /* clock_nanoseconds() when it got its slot */
    struct deadline deadline;
    struct address peer;
    struct address local;
    int fd;
    bool proxied; /* the peer is in access.proxies: a PROXY header comes first */

    /* filled in by the admission */
    bool counted;                /* by the admission, and by its source if it has one */
    struct admission *admission; /* that admitted the connection, or NULL */
    struct source *source;       /* the counter of its address */

    /* list entry of the station that owns the connection: the workers, then the lingering close */
    TAILQ_ENTRY(connection) all;

    /* filled in by the workers */
    atomic_bool cut; /* the drain timed out and ended the connection */

    /* filled in by proxy_header.c */
    bool refused;               /* for what the header said: `outcome` is final */
    struct proxy_buffer *proxy; /* from malloc(3), if the connection is proxied */

    /* filled in by the exchange */
    unsigned char octets[WIRE_OCTETS + 1]; /* the message, and one octet more to see excess */
    size_t count;                          /* octets received */
    size_t sent;                           /* octets of the reply that the kernel took */
    enum outcome outcome;
    int error;        /* errno of OUTCOME_FAILED */
    unsigned retrans; /* segments that TCP has sent again; 0 if the connection was not slow */
    int64_t decided;  /* clock_nanoseconds() when the reply was sent or the outcome known */
    bool half_closed; /* reply and FIN were sent: a lingering close must follow */
};

TAILQ_HEAD(connection_list, connection);

/* What a trusted proxy sent: proxy_header.h. */
struct proxy_buffer {
    enum proxy_header_status status; /* PROXY_MALFORMED, too, if the connection ended inside it */
    struct proxy_header header;
    struct address address; /* of the proxy, once the header is complete */
    size_t count;           /* octets received, of header and payload */
    unsigned char octets[PROXY_HEADER_MAX + WIRE_OCTETS + 1];
};

/* The most octets of a malformed or incomplete header that its log line shows: those of the longest
 * header of version 1. */
#define PROXY_HEADER_SHOWN 107

/* Room for the longest line of connection_format(). */
#define CONNECTION_LINE \
    (3 * ADDRESS_TEXT + QUOTE_SIZE(WIRE_OCTETS) + QUOTE_SIZE(PROXY_HEADER_SHOWN) + 320)

/* Write the connection's log line, as sixteend(8) specifies it, without an end of line. Returns
 * `line`. */
char *connection_format(const struct connection *connection, char line[CONNECTION_LINE]);

enum connection_step {
    STEP_ACCEPTED, /* accept4() returned the connection */
    STEP_PROXIED,  /* its PROXY header is complete */
    STEP_ENDED     /* its outcome is known */
};

/* Log a step at LOG_DEBUG, in the words of the first sixteen program. */
void connection_log_step(const struct connection *connection, enum connection_step step);

/* Count the connection's outcome, and log its line at the severity of that outcome. */
void connection_report(const struct connection *connection);

#endif
